#include "history.h"

#include "error.h"

#define MOST_TOKENS (1 << 29) /* of a row, so that twice as many counts leave a bit of 32 */

/* Lists of tokens of all rows, one row after another, as tombola_rows has them. */
struct lists {
    const char *tokens_name, *ends_name; /* of the fields */
    const int32_t *tokens;
    const size_t *ends;
};

static struct lists histories_of(const tombola_rows *rows)
{
    return (struct lists){"history", "history_ends", rows->history, rows->history_ends};
}

static struct lists end_tokens_of(const tombola_rows *rows)
{
    return (struct lists){"end_tokens", "end_token_ends", rows->end_tokens, rows->end_token_ends};
}

static size_t first_of(const struct lists *lists, size_t row)
{
    return row && lists->ends ? lists->ends[row - 1] : 0;
}

static size_t count_of(const struct lists *lists, size_t row)
{
    return lists->ends ? lists->ends[row] - first_of(lists, row) : 0;
}

static tombola_status check_ends(const struct lists *lists, size_t rows, tombola_error *error)
{
    if (!lists->ends)
        return lists->tokens ? fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.%s is NULL, but rows.%s is not",
                                    lists->ends_name, lists->tokens_name)
                             : TOMBOLA_OK;
    for (size_t row = 0; row < rows; row++) {
        const size_t first = first_of(lists, row), end = lists->ends[row];
        if (end < first)
            return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.%s[%zu] is %zu, less than the end before it, %zu",
                        lists->ends_name, row, end, first);
        if (end - first > MOST_TOKENS)
            return fail(error, TOMBOLA_INVALID_ARGUMENT,
                        "rows.%s[%zu] is %zu, which gives row %zu %zu tokens, more than %d", lists->ends_name, row, end,
                        row, end - first, MOST_TOKENS);
    }
    const size_t count = lists->ends[rows - 1];
    if (count && !lists->tokens)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.%s is NULL, but rows.%s[%zu] is %zu", lists->tokens_name,
                    lists->ends_name, rows - 1, count);
    return TOMBOLA_OK;
}

static int are_tokens(const int32_t *tokens, size_t count, size_t vocabulary)
{
    const u32 last = (u32)vocabulary - 1;
    u32 bits = 0; /* the highest is that of a negative number, or of a difference that would be */
    for (size_t i = 0; i < count; i++)
        bits |= (u32)tokens[i] | (last - (u32)tokens[i]);
    return bits >> 31 == 0;
}

static tombola_status check_tokens(const struct lists *lists, size_t rows, size_t vocabulary, tombola_error *error)
{
    size_t row = 0;
    if (!lists->ends || are_tokens(lists->tokens, lists->ends[rows - 1], vocabulary))
        return TOMBOLA_OK;
    for (size_t i = 0;; i++) {
        while (i == lists->ends[row])
            row++;
        if (lists->tokens[i] < 0 || (size_t)lists->tokens[i] >= vocabulary)
            return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.%s[%zu], of row %zu, is %ld, not from 0 to %zu",
                        lists->tokens_name, i, row, (long)lists->tokens[i], vocabulary - 1);
    }
}

static tombola_status check_prompts(const tombola_rows *rows, tombola_error *error)
{
    const struct lists histories = histories_of(rows);
    for (size_t row = 0; rows->prompt_lengths && row < rows->count; row++)
        if (rows->prompt_lengths[row] > count_of(&histories, row))
            return fail(error, TOMBOLA_INVALID_ARGUMENT,
                        "rows.prompt_lengths[%zu] is %zu, but the history of row %zu has %zu tokens", row,
                        rows->prompt_lengths[row], row, count_of(&histories, row));
    return TOMBOLA_OK;
}

tombola_status history_check(const struct plan *p, const tombola_rows *rows, tombola_error *error)
{
    const struct lists lists[] = {histories_of(rows), end_tokens_of(rows)};
    tombola_status status = TOMBOLA_OK;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0] && !status; i++) {
        status = check_ends(&lists[i], rows->count, error);
        if (!status)
            status = check_tokens(&lists[i], rows->count, p->vocabulary, error);
    }
    return status ? status : check_prompts(rows, error);
}

struct history history_of(const tombola_rows *rows, size_t row)
{
    const struct lists histories = histories_of(rows), ends = end_tokens_of(rows);
    struct history h = {.count = count_of(&histories, row), .end_token_count = count_of(&ends, row)};
    if (h.count)
        h.tokens = histories.tokens + first_of(&histories, row);
    if (h.end_token_count)
        h.end_tokens = ends.tokens + first_of(&ends, row);
    h.prompt = rows->prompt_lengths ? rows->prompt_lengths[row] : 0;
    return h;
}
