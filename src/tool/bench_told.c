#include "bench_told.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

int bench_told_make(bench_told *told, size_t rows)
{
    *told = (bench_told){.tokens = calloc(rows, BENCH_SAMPLES_OF_ROW * sizeof(int32_t)),
                         .logprobs = calloc(rows, sizeof(float)),
                         .raw_logprobs = calloc(rows, sizeof(float)),
                         .best = calloc(rows, BENCH_BEST_OF_ROW * sizeof(int32_t)),
                         .best_logprobs = calloc(rows, BENCH_BEST_OF_ROW * sizeof(float)),
                         .best_raw_logprobs = calloc(rows, BENCH_BEST_OF_ROW * sizeof(float))};
    if (told->tokens && told->logprobs && told->raw_logprobs && told->best && told->best_logprobs &&
        told->best_raw_logprobs)
        return 0;
    warnx("out of memory");
    bench_told_release(told);
    return -1;
}

void bench_told_release(bench_told *told)
{
    free(told->tokens);
    free(told->logprobs);
    free(told->raw_logprobs);
    free(told->best);
    free(told->best_logprobs);
    free(told->best_raw_logprobs);
    *told = (bench_told){0};
}

void bench_told_ask(const bench_told *told, bench_config config, tombola_results *results)
{
    if (config == BENCH_LOGPROBS) {
        results->logprobs.host = told->logprobs;
        results->raw_logprobs.host = told->raw_logprobs;
    } else if (config == BENCH_SAMPLES) {
        results->samples = BENCH_SAMPLES_OF_ROW;
        results->tokens.host = told->tokens;
    } else if (config == BENCH_N_BEST) {
        results->candidate_count = BENCH_BEST_OF_ROW;
        results->candidate_tokens.host = told->best;
        results->candidate_logprobs.host = told->best_logprobs;
        results->candidate_raw_logprobs.host = told->best_raw_logprobs;
    }
}

/* FNV-1a of words. */
static uint64_t digest(uint64_t h, const void *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t word;
        memcpy(&word, (const char *)values + i * sizeof word, sizeof word);
        h = (h ^ word) * UINT64_C(0x100000001B3);
    }
    return h;
}

static const uint64_t BEGIN = UINT64_C(0xCBF29CE484222325);

uint64_t bench_told_digest(const bench_told *told, bench_config config, size_t row)
{
    const size_t best = row * BENCH_BEST_OF_ROW;
    switch (config) {
    case BENCH_LOGPROBS:
        return digest(digest(BEGIN, told->logprobs + row, 1), told->raw_logprobs + row, 1);
    case BENCH_SAMPLES:
        return digest(BEGIN, told->tokens + row * BENCH_SAMPLES_OF_ROW, BENCH_SAMPLES_OF_ROW);
    case BENCH_N_BEST:
        return digest(
            digest(digest(BEGIN, told->best + best, BENCH_BEST_OF_ROW), told->best_logprobs + best, BENCH_BEST_OF_ROW),
            told->best_raw_logprobs + best, BENCH_BEST_OF_ROW);
    default:
        return 0;
    }
}

uint64_t bench_told_expected(bench_config config, struct oracle_row *oracle, const tombola_params *params)
{
    int32_t tokens[BENCH_SAMPLES_OF_ROW], best[BENCH_BEST_OF_ROW];
    float logprobs[BENCH_BEST_OF_ROW], raw_logprobs[BENCH_BEST_OF_ROW];
    bench_told told = {tokens, logprobs, raw_logprobs, best, logprobs, raw_logprobs};
    if (config == BENCH_LOGPROBS) {
        const struct told own = oracle_tell(oracle, oracle, params);
        logprobs[0] = own.logprob;
        raw_logprobs[0] = own.raw_logprob;
    }
    for (uint32_t i = 0; config == BENCH_SAMPLES && i < BENCH_SAMPLES_OF_ROW; i++) {
        tombola_params sample = *params;
        sample.stream += i;
        tokens[i] = oracle_draw(oracle, &sample).token;
    }
    for (uint32_t rank = 0; config == BENCH_N_BEST && rank < BENCH_BEST_OF_ROW; rank++) {
        const struct placed placed = oracle_placed(oracle, oracle, params, rank);
        best[rank] = placed.token;
        logprobs[rank] = placed.logprob;
        raw_logprobs[rank] = placed.raw_logprob;
    }
    return bench_told_digest(&told, config, 0);
}
