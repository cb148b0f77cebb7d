#include "processors.h"

#include "error.h"
#include "params.h"
#include "params_check.h"

int processors_need_history(const tombola_params *params)
{
    const uint32_t of_row = TOMBOLA_NEEDS_HISTORY | TOMBOLA_NEEDS_END_TOKENS | TOMBOLA_NEEDS_FORCED;
    const tombola_field *field;
    for (size_t i = 0; (field = tombola_params_field(i)); i++)
        if ((field->needs & of_row) && params_value(field, params) != field->neutral)
            return 1;
    return 0;
}

/* The needs that a call leaves open, in the order of their messages. */
struct need {
    uint32_t need;
    int is_there;
    const char *message;
};

static tombola_status check_need(const struct need *need, const tombola_rows *rows, tombola_error *error)
{
    const tombola_field *field;
    for (size_t i = 0; (field = tombola_params_field(i)); i++)
        for (size_t row = 0; (field->needs & need->need) && row < rows->count; row++) {
            const double value = params_value_of_row(field, rows->params, row);
            if (value != field->neutral)
                return fail(error, TOMBOLA_INVALID_ARGUMENT, "params[%zu].%s is %.9g, but %s", row, field->name, value,
                            need->message);
        }
    return TOMBOLA_OK;
}

tombola_status processors_check(const struct plan *p, const tombola_rows *rows, uint32_t needs, tombola_error *error)
{
    const struct need all[] = {
        {TOMBOLA_NEEDS_LOGITS, p->options.input == TOMBOLA_LOGITS,
         "it is for logits, and options.input is TOMBOLA_PROBABILITIES"},
        {TOMBOLA_NEEDS_HISTORY, rows->history_ends != NULL,
         "there is no rows.history for it: rows.history_ends is NULL"},
        {TOMBOLA_NEEDS_END_TOKENS, rows->end_token_ends != NULL,
         "there are no rows.end_tokens for it: rows.end_token_ends is NULL"},
        {TOMBOLA_NEEDS_FORCED, rows->forced_ends != NULL, "there are no rows.forced for it: rows.forced_ends is NULL"},
        {TOMBOLA_NEEDS_THINKING, rows->thinking_start_count > 0,
         "there is no rows.thinking_start for it: rows.thinking_start_count is 0"},
        {TOMBOLA_NEEDS_THINKING, rows->thinking_end_count > 0,
         "there is no rows.thinking_end for it: rows.thinking_end_count is 0"},
    };
    tombola_status status = TOMBOLA_OK;
    for (size_t i = 0; i < sizeof all / sizeof all[0] && !status; i++)
        if ((all[i].need & needs) && !all[i].is_there)
            status = check_need(&all[i], rows, error);
    return status;
}
