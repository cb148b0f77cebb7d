#include "processors.h"

#include "error.h"
#include "params.h"

#include <stddef.h>

/* Parameters that have a row drawn by its history, where they are not neutral. Rows of probabilities can't have those
 * that change logits. */
#define BY_HISTORY(name, is_for_logits)                                                                                \
    {                                                                                                                  \
        offsetof(tombola_params, name), is_for_logits                                                                  \
    }
static const struct {
    size_t offset;
    int is_for_logits;
} by_history[] = {
    BY_HISTORY(repetition_penalty, 1), BY_HISTORY(frequency_penalty, 1), BY_HISTORY(presence_penalty, 1),
    BY_HISTORY(min_tokens, 1),         BY_HISTORY(dry_multiplier, 1),    BY_HISTORY(length_penalty_factor, 1),
    BY_HISTORY(no_repeat_ngram, 0),    BY_HISTORY(thinking_budget, 0),   BY_HISTORY(watermark, 0),
};

static int is_by_history(const tombola_field *field, int only_for_logits)
{
    for (size_t i = 0; i < sizeof by_history / sizeof by_history[0]; i++)
        if (by_history[i].offset == field->offset)
            return by_history[i].is_for_logits >= only_for_logits;
    return 0;
}

/* The first of them that is not neutral, of all or of those for logits; NULL if all are. */
static const tombola_field *first_in_force(const tombola_params *params, int only_for_logits)
{
    const tombola_field *field;
    for (size_t i = 0; (field = tombola_params_field(i)); i++)
        if (params_value(field, params) != field->neutral && is_by_history(field, only_for_logits))
            return field;
    return NULL;
}

int processors_need_history(const tombola_params *params)
{
    return first_in_force(params, 0) != NULL;
}

tombola_status processors_check(const struct plan *p, const tombola_rows *rows, tombola_error *error)
{
    for (size_t row = 0; p->options.input == TOMBOLA_PROBABILITIES && row < rows->count; row++) {
        const tombola_params params = params_of_row(rows->params, row);
        const tombola_field *field = first_in_force(&params, 1);
        if (field)
            return fail(error, TOMBOLA_INVALID_ARGUMENT,
                        "params[%zu].%s is %.9g, but it is for logits, and options.input is TOMBOLA_PROBABILITIES", row,
                        field->name, params_value(field, &params));
    }
    return TOMBOLA_OK;
}
