#include "edited.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "device_batch.h"
#include "rows.h"

enum { GAP = 3, MOST_BIASES = 60 };

size_t mask_words(uint32_t vocabulary)
{
    return (vocabulary + 31) / 32;
}

/* Everything, nothing, one token, next to nothing, next to everything, a half. */
static void make_mask(uint32_t *mask, size_t words, uint32_t vocabulary, size_t number, uint64_t *random)
{
    for (size_t i = 0; i < words; i++) {
        const uint32_t a = (uint32_t)random_bits(random), b = (uint32_t)random_bits(random),
                       c = (uint32_t)random_bits(random);
        const uint32_t kinds[] = {a, UINT32_MAX, a & b & c, a | b | c, 0, 0};
        mask[i] = kinds[number % COUNT_OF(kinds)];
    }
    const uint32_t only = random_below(random, vocabulary);
    if (number % 6 == 4)
        mask[only / 32] |= 1u << only % 32;
}

static float make_value(uint64_t *random)
{
    switch (random_below(random, 12)) {
    case 0:
        return -INFINITY;
    case 1:
        return FLT_MAX;
    case 2:
        return -FLT_MAX;
    case 3:
        return FLT_MIN / 4; /* subnormal */
    case 4:
        return -0.0f;
    default:
        return (float)random_below(random, 161) / 8.0f - 10.0f;
    }
}

/* Some tokens of the vocabulary, no two the same, in no order. */
static size_t make_biases(tombola_bias *biases, uint32_t vocabulary, size_t number, uint64_t *random)
{
    const size_t wanted = number % 4 == 3 ? 0 : random_below(random, MOST_BIASES);
    size_t count = 0;
    for (size_t i = 0; i < wanted; i++) {
        const tombola_bias bias = {(int32_t)random_below(random, vocabulary), make_value(random)};
        size_t other = 0;
        while (other < count && biases[other].token != bias.token)
            other++;
        if (other == count)
            biases[count++] = bias;
    }
    return count;
}

static const uint32_t *mask_at(const struct edited *e, size_t row)
{
    return e->mask_of_row[row] < 0 ? NULL : e->masks + (size_t)e->mask_of_row[row] * e->mask_stride;
}

static float flushed(float value)
{
    return fabsf(value) < FLT_MIN ? 0.0f : value;
}

float edited_value(const struct edited *e, size_t row, uint32_t id, float value)
{
    const uint32_t *mask = mask_at(e, row);
    if (mask && !(mask[id / 32] >> id % 32 & 1))
        return e->make.input == TOMBOLA_PROBABILITIES ? 0.0f : -INFINITY;
    for (size_t i = row ? e->bias_ends[row - 1] : 0; i < e->bias_ends[row]; i++)
        if ((uint32_t)e->biases[i].token == id)
            return e->biases[i].value == -INFINITY ? -INFINITY : flushed(flushed(value) + flushed(e->biases[i].value));
    return value;
}

static tombola_params make_params(size_t row)
{
    static const float temperatures[] = {1.0f, 0.7f, 0.0f, 2.0f};
    tombola_params params = params_at(temperatures[row % 4]);
    params.seed = 11;
    params.stream = (uint32_t)row;
    params.top_k = row % 3 == 1 ? 20 : 0;
    params.top_p = row % 5 == 2 ? 0.9f : 1.0f;
    params.min_p = row % 7 == 3 ? 0.02f : 0.0f;
    return params;
}

void edited_make(struct edited *e, const struct make *make, size_t rows, uint64_t seed)
{
    const uint32_t vocabulary = make->vocabulary;
    const size_t words = mask_words(vocabulary), size = tombola_type_size(make->type);
    uint64_t random = seed;
    *e = (struct edited){
        .make = *make, .rows = rows, .mask_stride = words + GAP, .mask_count = rows > 6 ? rows - rows / 4 : rows};
    e->logits = allocate(rows * vocabulary, size);
    e->applied = allocate(rows * vocabulary, sizeof *e->applied);
    e->params = allocate(rows, sizeof *e->params);
    e->masks = allocate(e->mask_count * e->mask_stride, sizeof *e->masks);
    e->mask_of_row = allocate(rows, sizeof *e->mask_of_row);
    e->biases = allocate(rows * MOST_BIASES, sizeof *e->biases);
    e->bias_ends = allocate(rows, sizeof *e->bias_ends);
    for (size_t mask = 0; mask < e->mask_count; mask++)
        make_mask(e->masks + mask * e->mask_stride, e->mask_stride, vocabulary, mask, &random);
    size_t end = 0;
    for (size_t row = 0; row < rows; row++) {
        const struct row_recipe recipe = {(enum row_kind)((row + seed) % ROW_KINDS), (uint32_t)row, vocabulary,
                                          make->type, make->input};
        row_fill(&recipe, (char *)e->logits + row * vocabulary * size, e->applied + row * vocabulary);
        e->params[row] = make_params(row);
        e->mask_of_row[row] = (int32_t)random_below(&random, (uint32_t)e->mask_count + 2) - 2;
        e->mask_of_row[row] = e->mask_of_row[row] < -1 ? -1 : e->mask_of_row[row];
        if (make->input == TOMBOLA_LOGITS)
            end += make_biases(e->biases + end, vocabulary, row, &random);
        e->bias_ends[row] = end;
        for (uint32_t id = 0; id < vocabulary; id++) {
            float *value = &e->applied[row * vocabulary + id];
            *value = edited_value(e, row, id, *value);
        }
    }
}

void edited_release(struct edited *e)
{
    free(e->logits);
    free(e->applied);
    free(e->params);
    free(e->masks);
    free(e->mask_of_row);
    free(e->biases);
    free(e->bias_ends);
}

tombola_rows edited_rows(const struct edited *e)
{
    tombola_rows rows = host_rows(e->logits, e->rows, 0, e->params);
    rows.masks.host = e->masks;
    rows.mask_stride = e->mask_stride;
    rows.mask_count = e->mask_count;
    rows.mask_of_row = e->mask_of_row;
    rows.biases = e->biases;
    rows.bias_ends = e->bias_ends;
    return rows;
}

/* With masks and biases applied, in binary32. */
static tombola_rows applied_rows(const struct edited *e)
{
    return host_rows(e->applied, e->rows, 0, e->params);
}

struct whole edited_draw(tombola_sampler *sampler, enum whole_entry entry, const tombola_rows *rows, size_t vocabulary)
{
    struct whole whole = whole_make(rows->count, vocabulary, EDITED_CANDIDATES, WHOLE_EFFECTIVE);
    const tombola_results results = whole_results(&whole);
    if (whole_call(entry, sampler, queues, rows, &results, &error))
        fail_msg("entry %d: %s", (int)entry, error.message);
    return whole;
}

struct whole applied_draw(const struct edited *edited)
{
    const struct make wide = {TOMBOLA_FLOAT32, edited->make.input, edited->make.vocabulary};
    const tombola_rows rows = applied_rows(edited);
    tombola_sampler *sampler = make_sampler(context, &wide, EDITED_ROWS, TOMBOLA_DISPATCH_ROW);
    struct whole whole = edited_draw(sampler, WHOLE_SAMPLE, &rows, wide.vocabulary);
    tombola_sampler_release(sampler);
    return whole;
}
