#include "bench.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_device.h"
#include "bench_edits.h"
#include "bench_pace.h"
#include "bench_read.h"
#include "bench_told.h"
#include "clock.h"

#define WARM_ROUNDS 3
#define TIMED_CALLS 15 /* that give the times of upload, kernels and read-back */
#define LAG 2          /* times of a batch on the caller's queue are there two calls later */

static const char *const WHERES[BENCH_WHERES] = {
    [BENCH_HOST] = "host", [BENCH_DEVICE] = "device", [BENCH_STAGED] = "staged"};

const char *bench_where_name(bench_where where)
{
    return WHERES[where];
}

/* What takes its turn in a round. */
enum { KERNEL_READ, PLAIN_READ, EMPTY_CALL, FIRST_CONFIG, ITEMS = FIRST_CONFIG + BENCH_CONFIGS };

struct measuring {
    tombola_context *context;
    const bench_options *options;
    const bench_pool *pool;
    const bench_truth *truth;
    bench_where where;
    struct bench_device *device;
    struct bench_reader *reader;
    tombola_sampler *sampler, *timed_sampler;
    tombola_results results; /* of a batch: columns of tokens, status and kept */
    struct draw *draws;      /* the same side by side */
    bench_told told;         /* what else some configurations ask for */
    uint64_t *digests;       /* of that, for each row of a batch */
    bench_edits edits;
    tombola_params *params[BENCH_CONFIGS]; /* of the whole pool, as are the next */
    struct draw *expected[BENCH_CONFIGS];  /* what came when tokens were checked */
    uint64_t *expected_told[BENCH_CONFIGS];
    double *seconds[ITEMS];
};

static int has_config(const struct measuring *m, int config)
{
    return (int)(m->options->configs >> config & 1);
}

static int has_item(const struct measuring *m, int item)
{
    return item < FIRST_CONFIG || has_config(m, item - FIRST_CONFIG);
}

static tombola_status call_on_device(struct measuring *m, tombola_sampler *sampler, const tombola_rows *rows,
                                     const tombola_results *results, tombola_error *error)
{
    cl_event event;
    tombola_status status = tombola_sampler_enqueue(sampler, bench_device_queue(m->device, sampler == m->timed_sampler),
                                                    rows, results, 0, NULL, &event, error);
    if (status)
        return status;
    cl_int code = clWaitForEvents(1, &event);
    clReleaseEvent(event);
    if (code == CL_SUCCESS)
        return TOMBOLA_OK;
    snprintf(error->message, sizeof error->message, "clWaitForEvents failed with %d", (int)code);
    return TOMBOLA_DEVICE_FAILED;
}

/* A whole call, as a caller sees it. */
static int call(struct measuring *m, tombola_sampler *sampler, int config, size_t batch, double *seconds)
{
    tombola_error error = tombola_error_default();
    tombola_status status;
    tombola_rows rows = tombola_rows_default();
    tombola_results results = m->results;
    bench_told_ask(&m->told, (bench_config)config, &results);
    rows.count = m->pool->rows;
    rows.stride = m->pool->row_stride;
    rows.params = m->params[config] + batch * m->pool->rows;
    if (m->where == BENCH_DEVICE) {
        rows.logits.buffer = bench_device_logits(m->device);
        rows.logits.offset = batch * m->pool->rows * m->pool->row_stride;
    } else {
        rows.logits.host = bench_pool_batch(m->pool, batch);
    }
    bench_edits_set(&m->edits, (bench_config)config, batch, &rows);
    double start = clock_now();
    if (m->where == BENCH_DEVICE)
        status = call_on_device(m, sampler, &rows, &results, &error);
    else
        status = tombola_sampler_sample(sampler, &rows, &results, &error);
    *seconds = clock_now() - start;
    const size_t samples = results.samples ? results.samples : 1;
    for (size_t row = 0; row < m->pool->rows && !status; row++) {
        m->draws[row] =
            (struct draw){results.tokens.host[row * samples], results.status.host[row], results.kept.host[row]};
        m->digests[row] = bench_told_digest(&m->told, (bench_config)config, row);
    }
    if (status)
        warnx("%s", error.message);
    return status ? -1 : 0;
}

/* That a call gave what it gave when tokens were checked. */
static int check_again(const struct measuring *m, int config, size_t batch)
{
    const struct draw *expected = m->expected[config] + batch * m->pool->rows;
    const uint64_t *told = m->expected_told[config] + batch * m->pool->rows;
    if (memcmp(m->draws, expected, m->pool->rows * sizeof *expected) == 0 &&
        memcmp(m->digests, told, m->pool->rows * sizeof *told) == 0)
        return 0;
    warnx("%s, %s, %zu x %zu: batch %zu gave other tokens while it was timed than before",
          bench_config_name((bench_config)config), m->pool->workload, m->pool->rows, m->pool->vocabulary, batch);
    return -1;
}

static int verify(struct measuring *m)
{
    double seconds;
    for (int config = 0; config < BENCH_CONFIGS; config++)
        for (size_t batch = 0; has_config(m, config) && batch < m->pool->batches; batch++) {
            if (call(m, m->sampler, config, batch, &seconds) ||
                bench_truth_check(m->truth, m->pool, (bench_config)config, batch, m->draws, m->digests))
                return -1;
            memcpy(m->expected_told[config] + batch * m->pool->rows, m->digests, m->pool->rows * sizeof *m->digests);
            memcpy(m->expected[config] + batch * m->pool->rows, m->draws, m->pool->rows * sizeof *m->draws);
        }
    size_t batch = m->pool->batches - 1;
    return bench_device_read(m->device, batch, &seconds) || bench_device_check(m->device, m->pool, batch) ? -1 : 0;
}

static double read_plainly(const struct measuring *m, size_t batch)
{
    size_t size = tombola_type_size(m->pool->type);
    const void *logits = bench_pool_batch(m->pool, batch);
    if (m->pool->row_stride == m->pool->vocabulary)
        return bench_reader_read(m->reader, logits, bench_pool_batch_bytes(m->pool));
    return bench_reader_read_rows(m->reader, logits, m->pool->rows, m->pool->vocabulary * size,
                                  m->pool->row_stride * size);
}

static int run_item(struct measuring *m, int item, size_t batch, double *seconds)
{
    switch (item) {
    case KERNEL_READ:
        return bench_device_read(m->device, batch, seconds);
    case PLAIN_READ:
        *seconds = read_plainly(m, batch);
        return 0;
    case EMPTY_CALL:
        return bench_device_call_empty(m->device, seconds);
    default:
        return call(m, m->sampler, item - FIRST_CONFIG, batch, seconds) || check_again(m, item - FIRST_CONFIG, batch)
                   ? -1
                   : 0;
    }
}

static int run_round(struct measuring *m, size_t round, size_t step)
{
    size_t turn = 0;
    double scratch;
    for (int item = 0; item < ITEMS; item++)
        if (has_item(m, item)) {
            size_t batch = (round + step * turn++) % m->pool->batches;
            double *seconds = round < WARM_ROUNDS ? &scratch : &m->seconds[item][round - WARM_ROUNDS];
            if (run_item(m, item, batch, seconds))
                return -1;
        }
    return 0;
}

/* Round by round, so that noise hits all alike. Each item goes through all batches, and a batch comes up again only
 * when about all others have: each call finds the caches in the same state. */
static int run_rounds(struct measuring *m, bench_result *result)
{
    size_t items = 0, round = 0;
    for (int item = 0; item < ITEMS; item++)
        items += (size_t)has_item(m, item);
    size_t step = m->pool->batches / items > 0 ? m->pool->batches / items : 1;
    bench_pace pace = {.options = m->options, .items = items};
    int goes_on = 1;
    for (; round < WARM_ROUNDS || (goes_on = bench_pace_goes_on(&pace, round - WARM_ROUNDS)) == 1; round++)
        if (run_round(m, round, step))
            return -1;
    if (goes_on < 0)
        return -1;
    result->calls = round - WARM_ROUNDS;
    result->kernel_read = bench_figure_of(m->seconds[KERNEL_READ], result->calls);
    result->plain_read = bench_figure_of(m->seconds[PLAIN_READ], result->calls);
    result->empty_call = bench_figure_of(m->seconds[EMPTY_CALL], result->calls);
    for (int config = 0; config < BENCH_CONFIGS; config++)
        if (has_config(m, config)) {
            result->of[config].call = bench_figure_of(m->seconds[FIRST_CONFIG + config], result->calls);
            result->of[config].kept = m->truth->kept[config];
        }
    return 0;
}

/* Calls with a clock on each command, apart from the others, which it would disturb. */
static int run_timed(struct measuring *m, bench_result *result)
{
    double upload[TIMED_CALLS], kernel[TIMED_CALLS], read[TIMED_CALLS], scratch;
    for (int config = 0; config < BENCH_CONFIGS; config++) {
        if (!has_config(m, config))
            continue;
        tombola_times before = tombola_times_default(), after = tombola_times_default();
        for (size_t i = 0; i < LAG + TIMED_CALLS; i++) {
            tombola_sampler_times(m->timed_sampler, &before);
            if (call(m, m->timed_sampler, config, i % m->pool->batches, &scratch))
                return -1;
            tombola_sampler_times(m->timed_sampler, &after);
            if (i < LAG)
                continue;
            upload[i - LAG] = after.upload_seconds - before.upload_seconds;
            kernel[i - LAG] = after.kernel_seconds - before.kernel_seconds;
            read[i - LAG] = after.read_seconds - before.read_seconds;
        }
        result->of[config].upload = bench_median(upload, TIMED_CALLS);
        result->of[config].kernel = bench_median(kernel, TIMED_CALLS);
        result->of[config].read = bench_median(read, TIMED_CALLS);
    }
    return 0;
}

static const char *describe_lay(const struct measuring *m)
{
    tombola_times times = tombola_times_default();
    tombola_sampler_times(m->sampler, &times);
    if (m->where == BENCH_DEVICE)
        return bench_device_shares_memory(m->device) ? "OpenCL buffer over host memory" : "OpenCL buffer on the device";
    return !times.in_place_calls   ? "host memory, copied to the device"
           : times.in_thread_calls ? "host memory, read in place by the calling thread"
                                   : "host memory, read in place";
}

static int make_sampler(const struct measuring *m, int timed, tombola_sampler **sampler)
{
    tombola_error error = tombola_error_default();
    tombola_sampler_options options = tombola_sampler_options_default();
    options.type = m->pool->type;
    options.dispatch = m->options->dispatch;
    options.transfer = m->where == BENCH_STAGED ? TOMBOLA_TRANSFER_STAGED : TOMBOLA_TRANSFER_AUTO;
    options.timed = timed;
    if (!tombola_sampler_create(m->context, m->pool->vocabulary, m->pool->rows, &options, sampler, &error))
        return 0;
    warnx("%s", error.message);
    return -1;
}

static int allocate(struct measuring *m)
{
    size_t rows = m->pool->rows * m->pool->batches, rounds = bench_pace_most(m->options);
    m->results = tombola_results_default();
    int failed = !(m->draws = calloc(m->pool->rows, sizeof *m->draws)) ||
                 !(m->digests = calloc(m->pool->rows, sizeof *m->digests)) ||
                 !(m->results.tokens.host = calloc(m->pool->rows, sizeof(int32_t))) ||
                 !(m->results.status.host = calloc(m->pool->rows, sizeof(int32_t))) ||
                 !(m->results.kept.host = calloc(m->pool->rows, sizeof(uint32_t)));
    for (int item = 0; item < ITEMS && !failed; item++)
        failed = has_item(m, item) && !(m->seconds[item] = calloc(rounds, sizeof(double)));
    for (int config = 0; config < BENCH_CONFIGS && !failed; config++) {
        if (!has_config(m, config))
            continue;
        m->params[config] = calloc(rows, sizeof(tombola_params));
        m->expected[config] = calloc(rows, sizeof(struct draw));
        m->expected_told[config] = calloc(rows, sizeof(uint64_t));
        failed = !m->params[config] || !m->expected[config] || !m->expected_told[config];
        for (size_t row = 0; row < rows && !failed; row++)
            m->params[config][row] = bench_config_params((bench_config)config, m->options, row);
    }
    if (failed)
        warnx("out of memory");
    return failed ? -1 : 0;
}

static int run(struct measuring *m, bench_result *result)
{
    if (make_sampler(m, 0, &m->sampler) || verify(m) || run_rounds(m, result))
        return -1;
    if (make_sampler(m, 1, &m->timed_sampler) || run_timed(m, result))
        return -1;
    tombola_memory memory = tombola_memory_default();
    tombola_sampler_memory(m->sampler, &memory);
    result->own_bytes = memory.device_bytes + memory.host_bytes;
    result->lay = describe_lay(m);
    return 0;
}

int bench_measure(bench_result *result, const bench_options *options, tombola_context *context, const bench_pool *pool,
                  const bench_truth *truth, bench_where where, struct bench_reader *reader)
{
    struct measuring m = {
        .context = context, .options = options, .pool = pool, .truth = truth, .where = where, .reader = reader};
    *result = (bench_result){.workload = pool->workload,
                             .type = pool->type,
                             .rows = pool->rows,
                             .vocabulary = pool->vocabulary,
                             .batches = pool->batches,
                             .where = where,
                             .checked = truth->count,
                             .configs = options->configs};
    int failed = allocate(&m) || bench_told_make(&m.told, pool->rows) || bench_edits_make(&m.edits, pool) ? -1 : 0;
    if (!failed) {
        m.device = bench_device_open(context, pool);
        failed = m.device ? run(&m, result) : -1;
    }
    tombola_sampler_release(m.timed_sampler);
    tombola_sampler_release(m.sampler);
    bench_device_close(m.device);
    bench_edits_release(&m.edits);
    for (int config = 0; config < BENCH_CONFIGS; config++) {
        free(m.params[config]);
        free(m.expected[config]);
        free(m.expected_told[config]);
    }
    for (int item = 0; item < ITEMS; item++)
        free(m.seconds[item]);
    free(m.results.tokens.host);
    free(m.results.status.host);
    free(m.results.kept.host);
    free(m.draws);
    free(m.digests);
    bench_told_release(&m.told);
    return failed;
}
