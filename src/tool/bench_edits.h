/* Masks, biases and histories for the rows of a pool, made from the rows' numbers alone. */
#ifndef BENCH_EDITS_H
#define BENCH_EDITS_H

#include "bench.h"

#define BENCH_BIASES 64    /* of a row, or as many as its vocabulary has */
#define BENCH_HISTORY 4096 /* tokens of a row, the first half its prompt */

/* Those of all rows of a pool; each row of a batch has as many biases. */
typedef struct bench_edits {
    size_t words, count; /* of a mask; biases of a row */
    uint32_t *masks;
    tombola_bias *biases;
    int32_t *history;
    size_t *ends, *history_ends, *prompt_lengths; /* of a batch */
} bench_edits;

int bench_edits_make(bench_edits *edits, const bench_pool *pool);
void bench_edits_release(bench_edits *edits);

/* What rows of a configuration have. */
enum { BENCH_HAS_MASK = 1, BENCH_HAS_BIASES = 2, BENCH_HAS_HISTORY = 4 };
unsigned bench_config_edits(bench_config config);

/* Gives those of a batch to its rows. */
void bench_edits_set(const bench_edits *edits, bench_config config, size_t batch, tombola_rows *rows);

/* For the oracle: a row of the pool with mask and biases applied, and its history, of BENCH_HISTORY tokens. */
void bench_edits_apply(bench_config config, size_t row, size_t vocabulary, float *values);
void bench_edits_history(size_t row, size_t vocabulary, int32_t *history);

#endif
