/* What some configurations of `tombola bench` ask for beside tokens, status and how many were kept: log-probabilities,
 * further samples, the most likely tokens. Of each row it is held against the oracle as a digest. */
#ifndef BENCH_TOLD_H
#define BENCH_TOLD_H

#include "bench.h"
#include "oracle.h"

#define BENCH_SAMPLES_OF_ROW 8
#define BENCH_BEST_OF_ROW 20

/* Room for what any of them asks for of a batch. */
typedef struct bench_told {
    int32_t *tokens; /* of samples */
    float *logprobs, *raw_logprobs;
    int32_t *best;
    float *best_logprobs, *best_raw_logprobs;
} bench_told;

int bench_told_make(bench_told *told, size_t rows);
void bench_told_release(bench_told *told);

/* Adds what the configuration asks for to results that have a token for each row. */
void bench_told_ask(const bench_told *told, bench_config config, tombola_results *results);

/* Of what a row was told; and of what the oracle tells of a row whose logits are as given. 0 where nothing is. */
uint64_t bench_told_digest(const bench_told *told, bench_config config, size_t row);
uint64_t bench_told_expected(bench_config config, struct oracle_row *oracle, const tombola_params *params);

#endif
