#include "processors.h"

#include "error.h"
#include "params.h"

#include <string.h>

/* ------------------------------------------------------------------- min_tokens */

static size_t generated(const struct history *h)
{
    return h->count - h->prompt;
}

static size_t min_tokens_most(const struct history *h, const tombola_params *p)
{
    return generated(h) < p->min_tokens ? h->end_token_count : 0;
}

static void min_tokens_add(const struct history *h, const tombola_params *p, struct adjustment_list *list)
{
    (void)p;
    for (size_t i = 0; i < h->end_token_count; i++)
        adjustment_add(list, (u32)h->end_tokens[i], ADJUST_BAN, 0.0f);
}

/* ------------------------------------------------------------------- all */

static const struct processor processors[] = {
    {min_tokens_most, min_tokens_add},
};

const struct processor *processor_at(size_t index)
{
    return index < sizeof processors / sizeof processors[0] ? &processors[index] : NULL;
}

size_t processors_most(const struct history *h, const tombola_params *p)
{
    const struct processor *processor;
    size_t most = 0;
    for (size_t i = 0; (processor = processor_at(i)); i++)
        most += processor->most(h, p);
    return most;
}

void processors_add(const struct history *h, const tombola_params *p, struct adjustment_list *list)
{
    const struct processor *processor;
    for (size_t i = 0; (processor = processor_at(i)); i++)
        if (processor->most(h, p) > 0)
            processor->add(h, p, list);
}

/* ------------------------------------------------------------------- parameters */

/* Parameters that change logits by the history, where they are not neutral. Rows of probabilities can't have them. */
static const char *const for_logits[] = {"repetition_penalty", "frequency_penalty", "presence_penalty", "min_tokens"};

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

/* The first of those that is not neutral; NULL if all are. */
static const tombola_field *first_in_force(const tombola_params *params)
{
    for (size_t i = 0; i < sizeof for_logits / sizeof for_logits[0]; i++) {
        const tombola_field *field = field_of(for_logits[i]);
        if (value_of_field(field, params) != field->neutral)
            return field;
    }
    return NULL;
}

int processors_need_history(const tombola_params *params)
{
    return first_in_force(params) != NULL;
}

tombola_status processors_check(const struct plan *p, const tombola_rows *rows, tombola_error *error)
{
    for (size_t row = 0; p->options.input == TOMBOLA_PROBABILITIES && row < rows->count; row++) {
        const tombola_params params = params_of_row(rows->params, row);
        const tombola_field *field = first_in_force(&params);
        if (field)
            return fail(error, TOMBOLA_INVALID_ARGUMENT,
                        "params[%zu].%s is %.9g, but it is for logits, and options.input is TOMBOLA_PROBABILITIES", row,
                        field->name, value_of_field(field, &params));
    }
    return TOMBOLA_OK;
}
