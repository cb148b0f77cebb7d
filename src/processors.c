#include "processors.h"

#include "error.h"
#include "params.h"

#include <string.h>

/* Parameters that have a row drawn by its history, where they are not neutral. Rows of probabilities can't have those
 * that change logits. */
static const struct {
    const char *name;
    int is_for_logits;
} by_history[] = {
    {"repetition_penalty", 1}, {"frequency_penalty", 1},     {"presence_penalty", 1}, {"min_tokens", 1},
    {"dry_multiplier", 1},     {"length_penalty_factor", 1}, {"no_repeat_ngram", 0},  {"thinking_budget", 0},
};

static const tombola_field *field_of(const char *name)
{
    const tombola_field *field = NULL;
    for (size_t i = 0; (field = tombola_params_field(i)) && strcmp(field->name, name) != 0;)
        i++;
    return field;
}

static double value_of_field(const tombola_field *field, const tombola_params *params)
{
    float real;
    u32 whole;
    memcpy(&real, (const char *)params + field->offset, sizeof real);
    memcpy(&whole, (const char *)params + field->offset, sizeof whole);
    return field->kind == TOMBOLA_KIND_FLOAT ? (double)real : (double)whole;
}

/* The first of them that is not neutral, of all or of those for logits; NULL if all are. */
static const tombola_field *first_in_force(const tombola_params *params, int only_for_logits)
{
    for (size_t i = 0; i < sizeof by_history / sizeof by_history[0]; i++) {
        const tombola_field *field = field_of(by_history[i].name);
        if (by_history[i].is_for_logits >= only_for_logits && value_of_field(field, params) != field->neutral)
            return field;
    }
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
                        field->name, value_of_field(field, &params));
    }
    return TOMBOLA_OK;
}
