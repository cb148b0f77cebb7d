#include "bench_edits.h"

#include <err.h>
#include <stdlib.h>

#include "bench_told.h"
#include "oracle.h"

/* A row as a configuration draws from it. values   room for the row */
static struct oracle_row *make_row(bench_config config, const tombola_params *params, const bench_pool *pool,
                                   size_t row, float *values)
{
    int32_t history[BENCH_HISTORY];
    const int has_history = (bench_config_edits(config) & BENCH_HAS_HISTORY) != 0;
    const size_t prompt = BENCH_HISTORY / 2;
    const struct oracle_sequences sequences = {.history = {history, BENCH_HISTORY}, .prompt_length = prompt};
    struct oracle_input input = {
        .values = values, .vocabulary = (uint32_t)pool->vocabulary, .kind = TOMBOLA_LOGITS, .params = params};
    bench_pool_widen(pool, row, values);
    bench_edits_apply(config, row, pool->vocabulary, values);
    if (has_history) {
        bench_edits_history(row % pool->rows, pool->vocabulary, history);
        input.history = (struct oracle_history){history, BENCH_HISTORY, prompt, NULL, 0};
        input.sequences = &sequences;
    }
    return oracle_row_create_from(&input);
}

/* One row at a time: sorting it is what takes long, and serves every configuration but those that edit it,
 * which come last. */
static void draw_row(bench_truth *truth, size_t place, const bench_pool *pool, const bench_options *options,
                     float *values)
{
    size_t row = truth->rows[place];
    struct oracle_row *oracle = NULL;
    for (int config = 0; config < BENCH_CONFIGS; config++) {
        if (!truth->draws[config])
            continue;
        const tombola_params params = bench_config_params((bench_config)config, options, row);
        if (!oracle || bench_config_edits((bench_config)config)) {
            oracle_row_release(oracle);
            oracle = make_row((bench_config)config, &params, pool, row, values);
        }
        truth->draws[config][place] = oracle_draw(oracle, &params);
        truth->told[config][place] = bench_told_expected((bench_config)config, oracle, &params);
    }
    oracle_row_release(oracle);
}

static bench_kept find_kept(const struct draw *draws, size_t count, double *scratch)
{
    bench_kept kept = {.least = UINT32_MAX};
    for (size_t i = 0; i < count; i++) {
        scratch[i] = draws[i].kept;
        kept.least = draws[i].kept < kept.least ? draws[i].kept : kept.least;
        kept.most = draws[i].kept > kept.most ? draws[i].kept : kept.most;
    }
    kept.median = bench_median(scratch, count);
    return kept;
}

int bench_truth_make(bench_truth *truth, const bench_pool *pool, const bench_options *options)
{
    int failed = -1;
    const bench_config_set configs = options->configs;
    size_t total = pool->rows * pool->batches;
    *truth = (bench_truth){.count = total < BENCH_MOST_CHECKED ? total : BENCH_MOST_CHECKED};
    truth->rows = calloc(truth->count, sizeof *truth->rows);
    double *kept = calloc(truth->count, sizeof *kept);
    float *values = malloc(pool->vocabulary * sizeof *values);
    if (!truth->rows || !kept || !values)
        goto done;
    for (int config = 0; config < BENCH_CONFIGS; config++) {
        if (!(configs >> config & 1))
            continue;
        truth->draws[config] = calloc(truth->count, sizeof **truth->draws);
        truth->told[config] = calloc(truth->count, sizeof **truth->told);
        if (!truth->draws[config] || !truth->told[config])
            goto done;
    }
    for (size_t i = 0; i < truth->count; i++) {
        truth->rows[i] = i * total / truth->count;
        draw_row(truth, i, pool, options, values);
    }
    for (int config = 0; config < BENCH_CONFIGS; config++)
        if (truth->draws[config])
            truth->kept[config] = find_kept(truth->draws[config], truth->count, kept);
    failed = 0;
done:
    if (failed) {
        warnx("no memory to check tokens with");
        bench_truth_release(truth);
    }
    free(values);
    free(kept);
    return failed;
}

void bench_truth_release(bench_truth *truth)
{
    for (int config = 0; config < BENCH_CONFIGS; config++) {
        free(truth->draws[config]);
        free(truth->told[config]);
    }
    free(truth->rows);
    *truth = (bench_truth){0};
}

int bench_truth_check(const bench_truth *truth, const bench_pool *pool, bench_config config, size_t batch,
                      const struct draw *draws, const uint64_t *told)
{
    for (size_t i = 0; i < truth->count; i++) {
        size_t row = truth->rows[i];
        if (row / pool->rows != batch)
            continue;
        const struct draw *got = &draws[row % pool->rows], *want = &truth->draws[config][i];
        if (got->token == want->token && got->status == want->status && got->kept == want->kept && told &&
            told[row % pool->rows] != truth->told[config][i]) {
            warnx("%s, %s, %zu x %zu: of row %zu of batch %zu something else is told beside its token than the oracle "
                  "tells; nothing was timed",
                  bench_config_name(config), pool->workload, pool->rows, pool->vocabulary, row % pool->rows, batch);
            return -1;
        }
        if (got->token == want->token && got->status == want->status && got->kept == want->kept)
            continue;
        warnx("%s, %s, %zu x %zu: row %zu of batch %zu gave token %d, %s, %u kept, where the oracle draws %d, %s, %u "
              "kept; nothing was timed",
              bench_config_name(config), pool->workload, pool->rows, pool->vocabulary, row % pool->rows, batch,
              got->token, tombola_row_status_string((tombola_row_status)got->status), got->kept, want->token,
              tombola_row_status_string((tombola_row_status)want->status), want->kept);
        return -1;
    }
    return 0;
}
