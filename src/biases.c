#include "biases.h"

#include "error.h"
#include "order.h"

#include <math.h>

static size_t first_of(const tombola_rows *rows, size_t row)
{
    return row ? rows->bias_ends[row - 1] : 0;
}

static tombola_status check_row(const struct plan *p, const tombola_rows *rows, size_t row, tombola_error *error)
{
    for (size_t i = first_of(rows, row); i < rows->bias_ends[row]; i++) {
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
    if (!rows->bias_ends)
        return rows->biases ? fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.bias_ends is NULL, but rows.biases is not")
                            : TOMBOLA_OK;
    for (size_t row = 0; row < rows->count; row++)
        if (rows->bias_ends[row] < first_of(rows, row))
            return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.bias_ends[%zu] is %zu, less than the end before it, %zu",
                        row, rows->bias_ends[row], first_of(rows, row));
    size_t count = rows->bias_ends[rows->count - 1];
    if (count == 0)
        return TOMBOLA_OK;
    if (!rows->biases)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.biases is NULL, but rows.bias_ends[%zu] is %zu",
                    rows->count - 1, count);
    if (p->options.input == TOMBOLA_PROBABILITIES)
        return fail(error, TOMBOLA_INVALID_ARGUMENT,
                    "rows.biases are for logits, but options.input is TOMBOLA_PROBABILITIES");
    if (count > UINT32_MAX)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.bias_ends[%zu] is %zu, more than %lu", rows->count - 1,
                    count, (unsigned long)UINT32_MAX);
    for (size_t row = 0; row < rows->count; row++) {
        tombola_status status = check_row(p, rows, row, error);
        if (status)
            return status;
    }
    return TOMBOLA_OK;
}

size_t biases_count(const tombola_rows *rows, size_t row)
{
    return rows->bias_ends ? rows->bias_ends[row] - first_of(rows, row) : 0;
}

void biases_add(const tombola_rows *rows, size_t row, struct adjustment_list *list)
{
    for (size_t i = rows->bias_ends ? first_of(rows, row) : 0, end = i + biases_count(rows, row); i < end; i++) {
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
