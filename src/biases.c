#include "biases.h"

#include "batch.h"
#include "error.h"
#include "order.h"

#include <math.h>

/* ------------------------------------------------------------------- checks */

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

/* -------------------------------------------------------------------- sorting */

static int is_sorted(const struct bias *biases, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (biases[i].id < biases[i - 1].id)
            return 0;
    return 1;
}

/* Lets the entry at `place` of a heap, largest id first, sink to where it belongs. */
static void sink(struct bias *heap, size_t count, size_t place)
{
    const struct bias sinking = heap[place];
    for (size_t child; (child = 2 * place + 1) < count; place = child) {
        child += child + 1 < count && heap[child + 1].id > heap[child].id;
        if (heap[child].id <= sinking.id)
            break;
        heap[place] = heap[child];
    }
    heap[place] = sinking;
}

/* Heapsort: qsort may allocate. */
static void sort(struct bias *biases, size_t count)
{
    if (is_sorted(biases, count))
        return;
    for (size_t place = count / 2; place-- > 0;)
        sink(biases, count, place);
    for (size_t last = count; last-- > 1;) {
        const struct bias largest = biases[0];
        biases[0] = biases[last];
        biases[last] = largest;
        sink(biases, last, 0);
    }
}

/* ---------------------------------------------------------------------- way */

static tombola_status copy_row(const tombola_rows *rows, size_t row, struct bias *to, tombola_error *error)
{
    const tombola_bias *from = rows->biases + first_of(rows, row);
    size_t count = rows->bias_ends[row] - first_of(rows, row);
    for (size_t i = 0; i < count; i++)
        to[i] = (struct bias){(u32)from[i].token, floats_of(canonical(words_of(from[i].value)))};
    sort(to, count);
    for (size_t i = 1; i < count; i++)
        if (to[i].id == to[i - 1].id)
            return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.biases has token %lu twice among those of row %zu",
                        (unsigned long)to[i].id, row);
    return TOMBOLA_OK;
}

/* Room for some more than what is needed now, so that a batch with a few more needs none. */
static size_t room_for(const struct batch *b, size_t bytes)
{
    const size_t most = b->engine->plan.largest_buffer, twice = b->biases.copy.room * 2;
    size_t room = b->biases.copy.room >= bytes || twice < bytes ? bytes : twice;
    return room > most && bytes <= most ? most : room;
}

tombola_status biases_copy(struct batch *b, const tombola_rows *rows, tombola_error *error)
{
    const size_t count = rows->bias_ends ? rows->bias_ends[rows->count - 1] : 0;
    tombola_status status = TOMBOLA_OK;
    b->biases.count = count;
    if (count > 0)
        status = upload_reserve(b, &b->biases.copy, room_for(b, count * sizeof(struct bias)), "biases", error);
    for (size_t row = 0; row < rows->count && !status; row++) {
        b->host_params[row].bias_first = count ? (u32)first_of(rows, row) : 0;
        b->host_params[row].bias_end = count ? (u32)rows->bias_ends[row] : 0;
        if (count)
            status = copy_row(rows, row, (struct bias *)b->biases.copy.host + first_of(rows, row), error);
    }
    return status;
}

tombola_status biases_bring(struct batch *b, tombola_error *error)
{
    b->biases.buffer = NULL;
    if (b->biases.count == 0)
        return TOMBOLA_OK;
    return upload_send(b, &b->biases.copy, b->biases.count * sizeof(struct bias), "biases", &b->biases.buffer, error);
}
