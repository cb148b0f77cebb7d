#include "biases.h"

#include "error.h"
#include "lists.h"
#include "order.h"

#include <math.h>

static struct lists biases_of(const tombola_rows *rows)
{
    return (struct lists){"biases", "bias_ends", "row", NULL, rows->bias_ends, rows->count, SIZE_MAX};
}

static tombola_status check_row(const struct plan *p, const tombola_rows *rows, size_t row, tombola_error *error)
{
    const struct lists biases = biases_of(rows);
    for (size_t i = list_first(&biases, row); i < rows->bias_ends[row]; i++) {
        const tombola_bias *bias = &rows->biases[i];
        if (bias->token < 0 || (size_t)bias->token >= p->vocabulary)
            return fail(error, TOMBOLA_INVALID_ARGUMENT,
                        "rows.biases[%zu].token, of row %zu, is %ld, not from 0 to %zu", i, row, (long)bias->token,
                        p->vocabulary - 1);
        if (!(bias->value < INFINITY))
            return fail(error, TOMBOLA_INVALID_ARGUMENT,
                        "rows.biases[%zu].value, of row %zu and token %ld, is %g, neither finite nor -inf", i, row,
                        (long)bias->token, (double)bias->value);
    }
    return TOMBOLA_OK;
}

tombola_status biases_check(const struct plan *p, const tombola_rows *rows, tombola_error *error)
{
    const struct lists biases = biases_of(rows);
    const size_t count = lists_total(&biases);
    tombola_status status = lists_check_ends(&biases, rows->biases != NULL, error);
    if (status || count == 0)
        return status;
    if (p->options.input == TOMBOLA_PROBABILITIES)
        return fail(error, TOMBOLA_INVALID_ARGUMENT,
                    "rows.biases are for logits, but options.input is TOMBOLA_PROBABILITIES");
    if (count > UINT32_MAX)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.bias_ends[%zu] is %zu, more than %lu", rows->count - 1,
                    count, (unsigned long)UINT32_MAX);
    for (size_t row = 0; row < rows->count && !status; row++)
        status = check_row(p, rows, row, error);
    return status;
}

size_t biases_count(const tombola_rows *rows, size_t row)
{
    const struct lists biases = biases_of(rows);
    return list_count(&biases, row);
}

void biases_add(const tombola_rows *rows, size_t row, struct adjustment_list *list)
{
    const struct lists biases = biases_of(rows);
    for (size_t i = list_first(&biases, row), end = i + list_count(&biases, row); i < end; i++) {
        const tombola_bias *bias = &rows->biases[i];
        if (bias->value == -INFINITY)
            adjustment_add(list, (u32)bias->token, ADJUST_BAN, 0.0f);
        else
            adjustment_add(list, (u32)bias->token, ADJUST_BIAS, -floats_of(canonical(words_of(bias->value))));
    }
}

tombola_status biases_check_twice(const struct adjustment_list *list, size_t row, tombola_error *error)
{
    for (size_t i = 1; i < list->count; i++) {
        const u32 token = list->entries[i].place >> ADJUST_BITS;
        if (token == list->entries[i - 1].place >> ADJUST_BITS)
            return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.biases has token %lu twice among those of row %zu",
                        (unsigned long)token, row);
    }
    return TOMBOLA_OK;
}
