#include "sequence_check.h"

#include <stdio.h>

#include "error.h"
#include "params.h"
#include "processors.h"
#include "sized.h"

static tombola_status check_tokens(const char *field, const int32_t *tokens, size_t count, size_t index,
                                   size_t vocabulary, tombola_error *error)
{
    for (size_t place = 0; place < count; place++) {
        if (tokens[place] < 0 || (size_t)tokens[place] >= vocabulary)
            return fail(error, TOMBOLA_INVALID_ARGUMENT, "sequences[%zu].%s[%zu] is %ld, but tokens are 0 to %zu",
                        index, field, place, (long)tokens[place], vocabulary - 1);
    }
    return TOMBOLA_OK;
}

static tombola_status check_counts(const tombola_sequence *s, size_t index, tombola_error *error)
{
    const size_t most = SIZE_MAX / sizeof(int32_t);
    if (s->max_new_tokens == 0)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "sequences[%zu].max_new_tokens is 0, must be at least 1", index);
    if (s->length > most || s->max_new_tokens > most - s->length)
        return fail(error, TOMBOLA_INVALID_ARGUMENT,
                    "sequences[%zu].length %zu and max_new_tokens %zu are more than memory can hold", index, s->length,
                    s->max_new_tokens);
    if (s->generated > s->length)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "sequences[%zu].generated is %zu, but length is %zu", index,
                    s->generated, s->length);
    return TOMBOLA_OK;
}

static tombola_status check_lists(const tombola_sequence *s, size_t index, size_t vocabulary, tombola_error *error)
{
    if (s->end_token_count > 0 && !s->end_tokens)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "sequences[%zu].end_tokens is NULL, but end_token_count is %zu",
                    index, s->end_token_count);
    tombola_status status = check_tokens("end_tokens", s->end_tokens, s->end_token_count, index, vocabulary, error);
    if (!status && s->forced_count > 0 && !s->forced)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "sequences[%zu].forced is NULL, but forced_count is %zu", index,
                    s->forced_count);
    if (!status)
        status = check_tokens("forced", s->forced, s->forced_count, index, vocabulary, error);
    if (!status)
        status = check_tokens("tokens", s->tokens, s->length, index, vocabulary, error);
    return status;
}

static tombola_status check_params(const tombola_params *params, size_t index, tombola_error *error)
{
    tombola_error reason = tombola_error_default();
    uint32_t needs;
    tombola_status status = params ? params_convert(params, 1, 1, NULL, &needs, &reason) : TOMBOLA_OK;
    return status ? fail(error, status, "sequences[%zu]: %s", index, reason.message) : TOMBOLA_OK;
}

tombola_status sequence_check(const tombola_sequence *theirs, size_t index, uint32_t size, size_t vocabulary,
                              tombola_error *error)
{
    char name[48];
    tombola_sequence own = tombola_sequence_default();
    snprintf(name, sizeof name, "sequences[%zu]", index);
    tombola_status status = sized_read(name, "tombola_sequence_default", &own, sizeof own, theirs, error);
    if (status)
        return status;
    if (sized_size(theirs) != size)
        return fail(error, TOMBOLA_INVALID_ARGUMENT,
                    "sequences[%zu].struct_size is %lu, but that of sequences[0] is %lu: start each from "
                    "tombola_sequence_default()",
                    index, (unsigned long)sized_size(theirs), (unsigned long)size);
    if (!own.tokens)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "sequences[%zu].tokens is NULL", index);
    status = check_counts(&own, index, error);
    if (!status)
        status = check_lists(&own, index, vocabulary, error);
    return status ? status : check_params(own.params, index, error);
}

tombola_status sequence_check_needs(const tombola_params *params, size_t index, const struct plan *plan,
                                    const tombola_rows *batch, tombola_error *error)
{
    static const size_t no_ends[1];
    tombola_rows row = tombola_rows_default();
    tombola_error reason = tombola_error_default();
    row.count = 1;
    row.params = params;
    row.history_ends = row.end_token_ends = row.forced_ends = no_ends;
    row.thinking_start_count = batch ? batch->thinking_start_count : 1;
    row.thinking_end_count = batch ? batch->thinking_end_count : 1;
    tombola_status status = params ? processors_check(plan, &row, UINT32_MAX, &reason) : TOMBOLA_OK;
    return status ? fail(error, status, "sequences[%zu]: %s", index, reason.message) : TOMBOLA_OK;
}
