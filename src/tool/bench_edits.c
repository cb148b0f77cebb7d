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

/* As in text: id i comes in proportion to 1 / (i + 1), so that about 2000 of 4096 tokens differ. */
void bench_edits_history(size_t row, size_t vocabulary, int32_t *history)
{
    const double doublings = log2((double)vocabulary);
    for (size_t i = 0; i < BENCH_HISTORY; i++) {
        const double place = exp2((double)hash(row, i, 5) * 0x1p-32 * doublings);
        history[i] = (int32_t)(place < (double)vocabulary ? place - 1.0 : 0.0);
    }
}

static int has(bench_config config, unsigned edit)
{
    return (bench_config_edits(config) & edit) != 0;
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
    edits->history = malloc(rows * BENCH_HISTORY * sizeof *edits->history);
    edits->history_ends = malloc(pool->rows * sizeof *edits->history_ends);
    edits->prompt_lengths = malloc(pool->rows * sizeof *edits->prompt_lengths);
    if (!edits->masks || !edits->biases || !edits->ends || !edits->history || !edits->history_ends ||
        !edits->prompt_lengths) {
        warnx("out of memory");
        bench_edits_release(edits);
        return -1;
    }
    for (size_t i = 0; i < rows * edits->words; i++)
        edits->masks[i] = mask_word(i / edits->words, i % edits->words);
    for (size_t i = 0; i < rows * edits->count; i++)
        edits->biases[i] = bias_of(i / edits->count, i % edits->count, pool->vocabulary);
    for (size_t row = 0; row < rows; row++) /* a batch goes on with the texts of the one before */
        bench_edits_history(row % pool->rows, pool->vocabulary, edits->history + row * BENCH_HISTORY);
    for (size_t row = 0; row < pool->rows; row++) {
        edits->ends[row] = (row + 1) * edits->count;
        edits->history_ends[row] = (row + 1) * BENCH_HISTORY;
        edits->prompt_lengths[row] = BENCH_HISTORY / 2;
    }
    return 0;
}

void bench_edits_release(bench_edits *edits)
{
    free(edits->masks);
    free(edits->biases);
    free(edits->ends);
    free(edits->history);
    free(edits->history_ends);
    free(edits->prompt_lengths);
    *edits = (bench_edits){0};
}

void bench_edits_set(const bench_edits *edits, bench_config config, size_t batch, tombola_rows *rows)
{
    if (has(config, BENCH_HAS_MASK))
        rows->masks.host = edits->masks + batch * rows->count * edits->words;
    if (has(config, BENCH_HAS_BIASES)) {
        rows->biases = edits->biases + batch * rows->count * edits->count;
        rows->bias_ends = edits->ends;
    }
    if (has(config, BENCH_HAS_HISTORY)) {
        rows->history = edits->history + batch * rows->count * BENCH_HISTORY;
        rows->history_ends = edits->history_ends;
        rows->prompt_lengths = edits->prompt_lengths;
    }
}

void bench_edits_apply(bench_config config, size_t row, size_t vocabulary, float *values)
{
    for (size_t i = 0; has(config, BENCH_HAS_BIASES) && i < bias_count(vocabulary); i++) {
        const tombola_bias bias = bias_of(row, i, vocabulary);
        values[bias.token] = bias.value == -INFINITY ? -INFINITY : values[bias.token] + bias.value;
    }
    for (size_t id = 0; has(config, BENCH_HAS_MASK) && id < vocabulary; id++)
        if (!(mask_word(row, id / 32) >> id % 32 & 1))
            values[id] = -INFINITY;
}
