#include "pool.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "grid.h"
#include "harness.h"
#include "rows.h"

#define SEED UINT64_C(20250401)

static void fill(struct pool *pool)
{
    uint64_t random = SEED;
    size_t row_size = pool->make.vocabulary * tombola_type_size(pool->make.type);
    for (size_t row = 0; row < pool->count; row++) {
        const struct row_recipe recipe = {(enum row_kind)(row % ROW_KINDS), random_below(&random, UINT32_MAX),
                                          pool->make.vocabulary, pool->make.type, pool->make.input};
        row_fill(&recipe, pool->elements + row * row_size, NULL);
        pool->params[row] = grid_params(random_below(&random, GRID_SIZE), pool->make.vocabulary);
        pool->params[row].seed = random_bits(&random);
        pool->params[row].offset = random_bits(&random);
        pool->params[row].stream = (uint32_t)random_bits(&random);
    }
}

void pool_make(struct pool *pool, tombola_context *context, const struct make *make, int calls)
{
    memset(pool, 0, sizeof *pool);
    pool->make = *make;
    pool->count = test_level() == TEST_SMALL ? ROW_KINDS : POOL_MOST_ROWS;
    size_t vocabulary = make->vocabulary, row_size = vocabulary * tombola_type_size(make->type);
    pool->elements = allocate(pool->count, row_size);
    pool->outputs[0] = allocate(pool->count * vocabulary, sizeof(float));
    pool->outputs[1] = allocate(pool->count * vocabulary, sizeof(float));
    pool->candidates = allocate(pool->count * POOL_K, sizeof *pool->candidates);
    fill(pool);
    tombola_sampler *alone = make_sampler(context, make, 1, TOMBOLA_DISPATCH_ROW);
    for (size_t row = 0; row < pool->count; row++) {
        const char *elements = pool->elements + row * row_size;
        const tombola_params *params = &pool->params[row];
        if (calls & POOL_SAMPLE)
            call_sample(alone, make, elements, 1, params, &pool->draws[row]);
        for (int logarithms = 0; logarithms < 2 && calls & POOL_SOFTMAX; logarithms++)
            call_softmax(alone, make, elements, 1, params, logarithms, pool->outputs[logarithms] + row * vocabulary,
                         &pool->status[row]);
        if (calls & POOL_TOP_K)
            call_top_k(alone, make, elements, 1, params, POOL_K, pool->candidates + row * POOL_K, &pool->status[row]);
    }
    tombola_sampler_release(alone);
}

void pool_release(struct pool *pool)
{
    free(pool->elements);
    free(pool->outputs[0]);
    free(pool->outputs[1]);
    free(pool->candidates);
}

tombola_sampler *pool_sampler(const struct pool *pool, tombola_context *context, const struct way *way)
{
    struct make make = pool->make;
    make.vocabulary += way->more_tokens;
    return make_sampler_that(context, &make, way->max_rows, way->dispatch, way->transfer);
}

/* A token that can't be drawn: -inf, or the probability 0. */
static void mask(const struct make *make, void *element)
{
    const float masked = make->input == TOMBOLA_PROBABILITIES ? 0.0f : -INFINITY;
    const uint16_t half = narrow_to_half(masked), bfloat = narrow_to_bfloat(masked);
    const void *from = make->type == TOMBOLA_FLOAT32   ? (const void *)&masked
                       : make->type == TOMBOLA_FLOAT16 ? (const void *)&half
                                                       : (const void *)&bfloat;
    memcpy(element, from, tombola_type_size(make->type));
}

static size_t stride_of(const struct pool *pool, const struct way *way)
{
    return pool->make.vocabulary + way->more_tokens + way->padding;
}

/* The batch's memory; the rows begin way->offset elements into it. */
static char *gather(const struct pool *pool, const struct way *way, const size_t *order, size_t rows,
                    tombola_params *params)
{
    size_t size = tombola_type_size(pool->make.type), row_size = pool->make.vocabulary * size;
    size_t stride = stride_of(pool, way) * size;
    char *memory = allocate(way->offset * size + rows * stride, 1);
    memset(memory, 0xFF, way->offset * size + rows * stride);
    for (size_t row = 0; row < rows; row++) {
        char *start = memory + way->offset * size + row * stride;
        memcpy(start, pool->elements + order[row] * row_size, row_size);
        for (uint32_t i = 0; i < way->more_tokens; i++)
            mask(&pool->make, start + row_size + i * size);
        params[row] = pool->params[order[row]];
    }
    return memory;
}

static int differs(const char *what, const char *who, size_t rows, size_t place, size_t row)
{
    fprintf(stderr, "%s: row %zu gives another %s in place %zu of %zu than alone\n", who, row, what, place, rows);
    return 1;
}

int pool_differs(const struct pool *pool, tombola_context *context, tombola_sampler *sampler, const struct way *way,
                 const size_t *order, size_t rows, int calls, const char *who)
{
    tombola_params params[POOL_MOST_ROWS];
    struct draw draws[POOL_MOST_ROWS];
    tombola_row_status status[POOL_MOST_ROWS];
    tombola_error error = tombola_error_default();
    size_t vocabulary = pool->make.vocabulary, all = vocabulary + way->more_tokens, stride = stride_of(pool, way);
    char *memory = gather(pool, way, order, rows, params);
    const char *logits = memory + way->offset * tombola_type_size(pool->make.type);
    float *output = allocate(rows * all, sizeof *output);
    struct candidate *candidates = allocate(rows * POOL_K, sizeof *candidates);
    int found = 0;

    if (calls & POOL_SAMPLE) {
        entry_draw(way->entry, context, sampler, pool->make.type, logits, rows, stride, params, draws);
        for (size_t i = 0; i < rows; i++)
            if (memcmp(&draws[i], &pool->draws[order[i]], sizeof draws[i]) != 0)
                found |= differs("draw", who, rows, i, order[i]);
    }
    for (int logarithms = 0; logarithms < 2 && calls & POOL_SOFTMAX; logarithms++) {
        if (softmax_rows(sampler, logits, rows, stride, params, logarithms, output, all, status, &error))
            fail_msg("%s: softmax: %s", who, error.message);
        const float *expected = pool->outputs[logarithms];
        for (size_t i = 0; i < rows; i++)
            if (memcmp(output + i * all, expected + order[i] * vocabulary, vocabulary * sizeof *output) != 0 ||
                status[i] != pool->status[order[i]])
                found |= differs("softmax", who, rows, i, order[i]);
    }
    if (calls & POOL_TOP_K) {
        if (top_k_rows(sampler, logits, rows, stride, params, POOL_K, candidates, status, &error))
            fail_msg("%s: top_k: %s", who, error.message);
        for (size_t i = 0; i < rows; i++)
            if (memcmp(candidates + i * POOL_K, pool->candidates + order[i] * POOL_K, POOL_K * sizeof *candidates) ||
                status[i] != pool->status[order[i]])
                found |= differs("top_k", who, rows, i, order[i]);
    }
    free(memory);
    free(output);
    free(candidates);
    return found;
}

/* FNV-1a. */
static uint64_t digest(uint64_t hash, const void *memory, size_t size)
{
    for (const unsigned char *byte = memory; size > 0; byte++, size--)
        hash = (hash ^ *byte) * UINT64_C(0x100000001B3);
    return hash;
}

uint64_t pool_digest(const struct pool *pool)
{
    size_t values = pool->count * pool->make.vocabulary * sizeof(float);
    uint64_t hash = digest(UINT64_C(0xCBF29CE484222325), pool->draws, sizeof pool->draws);
    hash = digest(hash, pool->status, sizeof pool->status);
    hash = digest(hash, pool->outputs[0], values);
    hash = digest(hash, pool->outputs[1], values);
    return digest(hash, pool->candidates, pool->count * POOL_K * sizeof *pool->candidates);
}
