#include "bench_edits.h"

#include <err.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

static uint32_t hash(size_t row, size_t place, uint32_t use)
{
    uint32_t h = (uint32_t)row * 0x9E3779B1u + (uint32_t)place * 0x85EBCA77u + use;
    h = (h ^ h >> 16) * 0x7FEB352Du;
    h = (h ^ h >> 15) * 0x846CA68Bu;
    return h ^ h >> 16;
}

/* Seven of eight tokens are allowed. */
static uint32_t mask_word(size_t row, size_t word)
{
    return hash(row, word, 1) | hash(row, word, 2) | hash(row, word, 3);
}

static size_t bias_count(size_t vocabulary)
{
    return vocabulary < BENCH_BIASES ? vocabulary : BENCH_BIASES;
}

/* The row's bias number i: ids descend all over the vocabulary, one in sixteen is ruled out. */
static tombola_bias bias_of(size_t row, size_t i, size_t vocabulary)
{
    const size_t count = bias_count(vocabulary), each = vocabulary / count;
    const uint32_t h = hash(row, i, 4);
    const size_t token = (count - 1 - i) * each + h % each;
    return (tombola_bias){(int32_t)token, h >> 28 ? (float)(h >> 20 & 31) / 8.0f - 2.0f : -INFINITY};
}

int bench_config_has_mask(bench_config config)
{
    return config == BENCH_MASK || config == BENCH_MASK_BIAS;
}

int bench_config_has_biases(bench_config config)
{
    return config == BENCH_BIAS || config == BENCH_MASK_BIAS;
}

int bench_edits_make(bench_edits *edits, const bench_pool *pool)
{
    const size_t rows = pool->rows * pool->batches;
    *edits = (bench_edits){.words = (pool->vocabulary + 31) / 32, .count = bias_count(pool->vocabulary)};
    void *masks = NULL; /* in whole pages, as the logits are */
    size_t bytes = rows * edits->words * sizeof *edits->masks, page = (size_t)sysconf(_SC_PAGESIZE);
    if (posix_memalign(&masks, page, (bytes + page - 1) / page * page))
        masks = NULL;
    edits->masks = masks;
    edits->biases = malloc(rows * edits->count * sizeof *edits->biases);
    edits->ends = malloc(pool->rows * sizeof *edits->ends);
    if (!edits->masks || !edits->biases || !edits->ends) {
        warnx("out of memory");
        bench_edits_release(edits);
        return -1;
    }
    for (size_t i = 0; i < rows * edits->words; i++)
        edits->masks[i] = mask_word(i / edits->words, i % edits->words);
    for (size_t i = 0; i < rows * edits->count; i++)
        edits->biases[i] = bias_of(i / edits->count, i % edits->count, pool->vocabulary);
    for (size_t row = 0; row < pool->rows; row++)
        edits->ends[row] = (row + 1) * edits->count;
    return 0;
}

void bench_edits_release(bench_edits *edits)
{
    free(edits->masks);
    free(edits->biases);
    free(edits->ends);
    *edits = (bench_edits){0};
}

void bench_edits_set(const bench_edits *edits, bench_config config, size_t batch, tombola_rows *rows)
{
    if (bench_config_has_mask(config))
        rows->masks.host = edits->masks + batch * rows->count * edits->words;
    if (bench_config_has_biases(config)) {
        rows->biases = edits->biases + batch * rows->count * edits->count;
        rows->bias_ends = edits->ends;
    }
}

void bench_edits_apply(bench_config config, size_t row, size_t vocabulary, float *values)
{
    for (size_t i = 0; bench_config_has_biases(config) && i < bias_count(vocabulary); i++) {
        const tombola_bias bias = bias_of(row, i, vocabulary);
        values[bias.token] = bias.value == -INFINITY ? -INFINITY : values[bias.token] + bias.value;
    }
    for (size_t id = 0; bench_config_has_mask(config) && id < vocabulary; id++)
        if (!(mask_word(row, id / 32) >> id % 32 & 1))
            values[id] = -INFINITY;
}
