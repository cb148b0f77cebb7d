#include "arrays.h"

#include <string.h>

static const struct {
    const char *name;
    size_t place; /* in tombola_results */
} arrays[ARRAYS] = {
#define ARRAY(name)                                                                                                    \
    {                                                                                                                  \
#name, offsetof(tombola_results, name)                                                                         \
    }
    [ARRAY_TOKENS] = ARRAY(tokens),
    [ARRAY_STATUS] = ARRAY(status),
    [ARRAY_KEPT] = ARRAY(kept),
    [ARRAY_BOUNDARY] = ARRAY(boundary),
    [ARRAY_LOGPROBS] = ARRAY(logprobs),
    [ARRAY_RAW_LOGPROBS] = ARRAY(raw_logprobs),
    [ARRAY_RANKS] = ARRAY(ranks),
    [ARRAY_MARGINS] = ARRAY(margins),
    [ARRAY_ENTROPIES] = ARRAY(entropies),
    [ARRAY_OBSERVED] = ARRAY(observed),
    [ARRAY_PROBABILITIES] = ARRAY(probabilities),
    [ARRAY_LOG_PROBABILITIES] = ARRAY(log_probabilities),
    [ARRAY_KEPT_PROBABILITIES] = ARRAY(kept_probabilities),
    [ARRAY_PROCESSED_LOGITS] = ARRAY(processed_logits),
    [ARRAY_CANDIDATE_TOKENS] = ARRAY(candidate_tokens),
    [ARRAY_CANDIDATE_LOGITS] = ARRAY(candidate_logits),
    [ARRAY_CANDIDATE_PROBABILITIES] = ARRAY(candidate_probabilities),
    [ARRAY_CANDIDATE_LOGPROBS] = ARRAY(candidate_logprobs),
    [ARRAY_CANDIDATE_RAW_LOGPROBS] = ARRAY(candidate_raw_logprobs),
};
#undef ARRAY

const char *array_name(enum array array)
{
    return arrays[array].name;
}

int array_has_stride(enum array array)
{
    return array >= ARRAY_PROBABILITIES && array <= ARRAY_PROCESSED_LOGITS;
}

size_t array_element(enum array array)
{
    return array == ARRAY_BOUNDARY ? sizeof(tombola_boundary) / sizeof(uint32_t) : 1;
}

size_t array_width(enum array array, size_t vocabulary, size_t candidate_count)
{
    if (array_has_stride(array))
        return vocabulary;
    return array < ARRAY_PROBABILITIES ? array_element(array) : candidate_count;
}

void array_set(tombola_results *results, enum array array, void *host, cl_mem buffer, size_t offset)
{
    const TOMBOLA_ARRAY(void) value = {host, buffer, offset}; /* laid out as every other array */
    memcpy((char *)results + arrays[array].place, &value, sizeof value);
}
