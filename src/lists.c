#include "lists.h"

#include "error.h"

tombola_status lists_check_ends(const struct lists *lists, int is_there, tombola_error *error)
{
    if (!lists->ends)
        return is_there ? fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.%s is NULL, but rows.%s is not", lists->ends_name,
                               lists->tokens_name)
                        : TOMBOLA_OK;
    for (size_t i = 0; i < lists->count; i++) {
        const size_t first = list_first(lists, i), end = lists->ends[i];
        if (end < first)
            return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.%s[%zu] is %zu, less than the end before it, %zu",
                        lists->ends_name, i, end, first);
        if (end - first > lists->most)
            return fail(error, TOMBOLA_INVALID_ARGUMENT,
                        "rows.%s[%zu] is %zu, which gives %s %zu %zu tokens, more than %zu", lists->ends_name, i, end,
                        lists->owner, i, end - first, lists->most);
    }
    const size_t count = lists_total(lists);
    if (count && !is_there)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.%s is NULL, but rows.%s[%zu] is %zu", lists->tokens_name,
                    lists->ends_name, lists->count - 1, count);
    return TOMBOLA_OK;
}

/* Whether all are from 0 to vocabulary - 1. */
static int are_tokens(const int32_t *tokens, size_t count, size_t vocabulary)
{
    const uint32_t last = (uint32_t)vocabulary - 1;
    uint32_t bits = 0; /* the highest is that of a negative number, or of a difference that would be */
    for (size_t i = 0; i < count; i++)
        bits |= (uint32_t)tokens[i] | (last - (uint32_t)tokens[i]);
    return bits >> 31 == 0;
}

tombola_status lists_check_tokens(const struct lists *lists, size_t vocabulary, tombola_error *error)
{
    size_t list = 0;
    if (are_tokens(lists->tokens, lists_total(lists), vocabulary))
        return TOMBOLA_OK;
    for (size_t i = 0;; i++) {
        while (i == lists->ends[list])
            list++;
        if (lists->tokens[i] < 0 || (size_t)lists->tokens[i] >= vocabulary)
            return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.%s[%zu], of %s %zu, is %ld, not from 0 to %zu",
                        lists->tokens_name, i, lists->owner, list, (long)lists->tokens[i], vocabulary - 1);
    }
}

tombola_status lists_check(const struct lists *lists, size_t vocabulary, tombola_error *error)
{
    tombola_status status = lists_check_ends(lists, lists->tokens != NULL, error);
    return status ? status : lists_check_tokens(lists, vocabulary, error);
}
