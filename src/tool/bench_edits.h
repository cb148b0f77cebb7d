/* Masks and biases for the rows of a pool, made from the rows' numbers alone. */
#ifndef BENCH_EDITS_H
#define BENCH_EDITS_H

#include "bench.h"

#define BENCH_BIASES 64 /* of a row, or as many as its vocabulary has */

/* Those of all rows of a pool; each row of a batch has as many biases. */
typedef struct bench_edits {
    size_t words, count; /* of a mask; biases of a row */
    uint32_t *masks;
    tombola_bias *biases;
    size_t *ends; /* of a batch */
} bench_edits;

int bench_edits_make(bench_edits *edits, const bench_pool *pool);
void bench_edits_release(bench_edits *edits);

/* Whether rows of a configuration have masks, or biases. */
int bench_config_has_mask(bench_config config);
int bench_config_has_biases(bench_config config);

/* Gives those of a batch to its rows. */
void bench_edits_set(const bench_edits *edits, bench_config config, size_t batch, tombola_rows *rows);

/* A row of the pool with them applied: for the oracle. */
void bench_edits_apply(bench_config config, size_t row, size_t vocabulary, float *values);

#endif
