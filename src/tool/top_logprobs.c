#include "top_logprobs.h"

#include <stdlib.h>

#include "tool.h"

int top_logprobs_allocate(uint32_t count, size_t rows, tombola_results *results)
{
    if (count == 0)
        return 0;
    results->candidate_count = count;
    results->candidate_tokens.host = calloc(rows, count * sizeof(int32_t));
    results->candidate_logprobs.host = calloc(rows, count * sizeof(float));
    results->candidate_raw_logprobs.host = calloc(rows, count * sizeof(float));
    return results->candidate_tokens.host && results->candidate_logprobs.host && results->candidate_raw_logprobs.host
               ? 0
               : -1;
}

void top_logprobs_release(tombola_results *results)
{
    free(results->candidate_tokens.host);
    free(results->candidate_logprobs.host);
    free(results->candidate_raw_logprobs.host);
}

static json_t *entry_of(const tombola_results *results, size_t at)
{
    return json_pack("{s:i, s:o, s:o}", "token", (int)results->candidate_tokens.host[at], "logprob",
                     tool_json_real(results->candidate_logprobs.host[at]), "raw_logprob",
                     tool_json_real(results->candidate_raw_logprobs.host[at]));
}

int top_logprobs_add(const tombola_results *results, size_t row, json_t *object)
{
    const size_t count = results->candidate_count;
    if (count == 0)
        return 0;
    json_t *list = json_array();
    for (size_t at = row * count; at < (row + 1) * count && results->candidate_tokens.host[at] >= 0; at++)
        list = tool_json_add(list, entry_of(results, at));
    return json_object_set_new(object, "top_logprobs", list);
}
