#include "history.h"

#include "error.h"
#include "lists.h"

static struct lists histories_of(const tombola_rows *rows)
{
    return (struct lists){"history",          "history_ends", "row",      rows->history,
                          rows->history_ends, rows->count,    MOST_LISTED};
}

static struct lists end_tokens_of(const tombola_rows *rows)
{
    return (struct lists){"end_tokens",         "end_token_ends", "row",      rows->end_tokens,
                          rows->end_token_ends, rows->count,      MOST_LISTED};
}

static tombola_status check_prompts(const tombola_rows *rows, tombola_error *error)
{
    const struct lists histories = histories_of(rows);
    for (size_t row = 0; rows->prompt_lengths && row < rows->count; row++)
        if (rows->prompt_lengths[row] > list_count(&histories, row))
            return fail(error, TOMBOLA_INVALID_ARGUMENT,
                        "rows.prompt_lengths[%zu] is %zu, but the history of row %zu has %zu tokens", row,
                        rows->prompt_lengths[row], row, list_count(&histories, row));
    return TOMBOLA_OK;
}

tombola_status history_check(const struct plan *p, const tombola_rows *rows, tombola_error *error)
{
    const struct lists lists[] = {histories_of(rows), end_tokens_of(rows)};
    tombola_status status = TOMBOLA_OK;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0] && !status; i++)
        status = lists_check(&lists[i], p->vocabulary, error);
    return status ? status : check_prompts(rows, error);
}

struct history history_of(const tombola_rows *rows, size_t row)
{
    const struct lists histories = histories_of(rows), ends = end_tokens_of(rows);
    return (struct history){
        .tokens = list_tokens(&histories, row),
        .count = list_count(&histories, row),
        .prompt = rows->prompt_lengths ? rows->prompt_lengths[row] : 0,
        .end_tokens = list_tokens(&ends, row),
        .end_token_count = list_count(&ends, row),
    };
}
