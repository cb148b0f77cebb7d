#include "mix.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch_pasts.h"

static void begin_row(struct mix *m, size_t number)
{
    struct featured_row *row = &m->rows[number];
    struct past *past = &m->pasts[number];
    const uint32_t usual = random_below(&m->random, 2), kind = random_below(&m->random, ROW_KINDS);
    row->recipe = (struct row_recipe){usual ? ROW_GAUSSIAN : (enum row_kind)kind, random_below(&m->random, 10000),
                                      m->make.vocabulary, m->make.type, m->make.input};
    row->params = params_at(1.0f);
    row->params.seed = random_bits(&m->random);
    row->params.offset = random_below(&m->random, 1000);
    row->params.stream = random_below(&m->random, 10) ? random_below(&m->random, 10) : UINT32_MAX - 1;
    row->past = past;
    past_make(1 + random_below(&m->random, 100000), 1, m->make.vocabulary, past);
    row->made = past->all;
    past->all.banned.count = past->all.breakers.count = past->all.forced.count = past->all.end_tokens.count = 0;
    past->all.thinking_start = m->pasts[0].all.thinking_start;
    past->all.thinking_end = m->pasts[0].all.thinking_end;
}

struct mix *mix_create(struct make make, size_t count, uint64_t seed)
{
    struct mix *m = allocate(1, sizeof *m);
    m->make = make;
    m->seed = m->random = seed;
    m->count = count;
    m->pasts = allocate(count, sizeof *m->pasts);
    for (size_t row = 0; row < count; row++)
        begin_row(m, row);
    return m;
}

static size_t mask_words(const struct mix *m)
{
    return (m->make.vocabulary + 31) / 32;
}

static void finish_row(struct mix *m, size_t number)
{
    const uint32_t V = m->make.vocabulary;
    const struct featured_row *row = &m->rows[number];
    uint32_t *mask = m->masks + number * mask_words(m);
    const size_t bias = number ? m->bias_ends[number - 1] : 0, id = number ? m->id_ends[number - 1] : 0;
    const size_t ids = random_below(&m->random, MIX_IDS + 1);
    float *values = m->widened + number * V;
    row_fill(&row->recipe, m->elements + number * V * tombola_type_size(m->make.type), values);
    m->params[number] = row->params;
    m->mask_of_row[number] = row->mask ? (int32_t)number : -1;
    if (row->mask)
        row_mask(row->mask, V, mask);
    m->bias_ends[number] = bias + row_biases(row->biases, V, m->biases + bias);
    m->id_ends[number] = id + ids;
    for (size_t i = id; i < m->id_ends[number]; i++)
        m->ids[i] = (int32_t)random_below(&m->random, V);
    const struct oracle_input input = {.values = values,
                                       .vocabulary = V,
                                       .kind = m->make.input,
                                       .mask = row->mask ? mask : NULL,
                                       .biases = m->biases + bias,
                                       .bias_count = m->bias_ends[number] - bias,
                                       .history = past_history(row->past),
                                       .params = &m->params[number],
                                       .sequences = &row->past->all};
    m->drawn[number] = oracle_row_create_from(&input);
    m->given[number] = oracle_row_create(values, V, m->make.input);
}

void mix_finish(struct mix *m)
{
    const uint32_t V = m->make.vocabulary;
    m->batch = batch_pasts_make(m->pasts, m->count);
    m->elements = allocate(m->count * V, tombola_type_size(m->make.type));
    m->widened = allocate(m->count * V, sizeof *m->widened);
    m->masks = allocate(m->count * mask_words(m), sizeof *m->masks);
    for (size_t row = 0; row < m->count; row++)
        finish_row(m, row);
}

void mix_release(struct mix *m)
{
    for (size_t row = 0; row < m->count; row++) {
        oracle_row_release(m->drawn[row]);
        oracle_row_release(m->given[row]);
    }
    batch_pasts_release(m->batch);
    free(m->pasts);
    free(m->elements);
    free(m->widened);
    free(m->masks);
    free(m);
}

tombola_rows mix_rows(const struct mix *m)
{
    tombola_rows rows = host_rows(m->elements, m->count, 0, m->params);
    rows.masks.host = m->masks;
    rows.mask_count = m->count;
    rows.mask_of_row = m->mask_of_row;
    rows.biases = m->make.input == TOMBOLA_LOGITS ? m->biases : NULL;
    rows.bias_ends = m->make.input == TOMBOLA_LOGITS ? m->bias_ends : NULL;
    rows.score_tokens = m->ids;
    rows.score_ends = m->id_ends;
    batch_pasts_apply(m->batch, &rows);
    return rows;
}

tombola_params mix_sample_params(const struct mix *m, size_t row, uint32_t sample)
{
    tombola_params params = m->params[row];
    const struct oracle_tokens history = m->rows[row].past->all.history;
    const size_t width = params.watermark < history.count ? params.watermark : history.count;
    if (params.watermark) {
        params.seed = tombola_watermark_seed(params.seed, history.tokens + (history.count - width), width);
        params.offset = 0;
        params.stream = 0;
        params.watermark = 0;
    } else {
        params.stream += sample;
    }
    return params;
}

void mix_describe(const struct mix *m, size_t row, char *text, size_t size)
{
    const struct featured_row *r = &m->rows[row];
    int length =
        snprintf(text, size, "seed %" PRIu64 ", row %zu (%s, %u %s", m->seed, row, row_kind_name(r->recipe.kind),
                 m->make.vocabulary, m->make.input == TOMBOLA_LOGITS ? "logits" : "probabilities");
    for (size_t i = 0; i < features_count(); i++)
        if (r->features >> i & 1 && length >= 0 && (size_t)length < size)
            length += snprintf(text + length, size - (size_t)length, ", %s", feature_name(i));
    if (length >= 0 && (size_t)length < size)
        snprintf(text + length, size - (size_t)length, ")");
}
