#include "lists.h"

#include "error.h"

#include <stdio.h>

/* Some words of a message. */
struct text {
    char text[64];
};

/* The row that has a word; `row_ends` tell which words each has. */
static size_t row_of(const size_t *row_ends, size_t word)
{
    size_t row = 0;
    while (row_ends[row] <= word)
        row++;
    return row;
}

/* ", of row 3,", behind the place of a word; "" where lists are the rows' own, and so the place is the row. */
static struct text behind_place(const size_t *row_ends, size_t i)
{
    struct text text = {""};
    if (row_ends)
        snprintf(text.text, sizeof text.text, ", of row %zu,", row_of(row_ends, i));
    return text;
}

/* "row 3", or "word 5 of row 3". */
static struct text owner_of(const struct lists *lists, const size_t *row_ends, size_t i)
{
    struct text text;
    if (row_ends)
        snprintf(text.text, sizeof text.text, "%s %zu of row %zu", lists->owner, i, row_of(row_ends, i));
    else
        snprintf(text.text, sizeof text.text, "%s %zu", lists->owner, i);
    return text;
}

static tombola_status check_ends(const struct lists *lists, int is_there, const size_t *row_ends, tombola_error *error)
{
    if (!lists->ends)
        return is_there ? fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.%s is NULL, but rows.%s is not", lists->ends_name,
                               lists->tokens_name)
                        : TOMBOLA_OK;
    for (size_t i = 0; i < lists->count; i++) {
        const size_t first = list_first(lists, i), end = lists->ends[i];
        if (end < first)
            return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.%s[%zu]%s is %zu, less than the end before it, %zu",
                        lists->ends_name, i, behind_place(row_ends, i).text, end, first);
        if (end - first > lists->most)
            return fail(error, TOMBOLA_INVALID_ARGUMENT,
                        "rows.%s[%zu] is %zu, which gives %s %zu tokens, more than %zu", lists->ends_name, i, end,
                        owner_of(lists, row_ends, i).text, end - first, lists->most);
        if (end == first && row_ends)
            return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.%s[%zu] is %zu: %s has no tokens", lists->ends_name, i,
                        end, owner_of(lists, row_ends, i).text);
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

static tombola_status check_tokens(const struct lists *lists, size_t vocabulary, const size_t *row_ends,
                                   tombola_error *error)
{
    size_t list = 0;
    if (are_tokens(lists->tokens, lists_total(lists), vocabulary))
        return TOMBOLA_OK;
    for (size_t i = 0;; i++) {
        while (i == lists->ends[list])
            list++;
        if (lists->tokens[i] < 0 || (size_t)lists->tokens[i] >= vocabulary)
            return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.%s[%zu], of %s, is %ld, not from 0 to %zu",
                        lists->tokens_name, i, owner_of(lists, row_ends, list).text, (long)lists->tokens[i],
                        vocabulary - 1);
    }
}

tombola_status lists_check_ends(const struct lists *lists, int is_there, tombola_error *error)
{
    return check_ends(lists, is_there, NULL, error);
}

tombola_status lists_check_tokens(const struct lists *lists, size_t vocabulary, tombola_error *error)
{
    return check_tokens(lists, vocabulary, NULL, error);
}

tombola_status lists_check(const struct lists *lists, size_t vocabulary, tombola_error *error)
{
    return lists_check_of_rows(lists, NULL, vocabulary, error);
}

tombola_status lists_check_of_rows(const struct lists *lists, const size_t *row_ends, size_t vocabulary,
                                   tombola_error *error)
{
    tombola_status status = check_ends(lists, lists->tokens != NULL, row_ends, error);
    return status ? status : check_tokens(lists, vocabulary, row_ends, error);
}
