#include "bench.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_plan.h"
#include "bench_read.h"
#include "tool.h"

typedef struct run {
    struct bench_plan plan;
    tombola_context *context;
    struct bench_reader *reader;
    npy real;              /* the rows of the workload real, where it has a file */
    bench_result *results; /* so far; grows by one place at a time, which is nothing beside measuring */
    size_t count;
} run;

/* One pool in every place that was asked for. */
static int measure_pool(run *run, const bench_pool *pool)
{
    bench_truth truth;
    if (bench_truth_make(&truth, pool, &run->plan.options))
        return -1;
    int failed = 0;
    for (bench_where where = 0; where < BENCH_WHERES && !failed; where++) {
        if (!(run->plan.wheres >> where & 1))
            continue;
        bench_result *grown = realloc(run->results, (run->count + 1) * sizeof *grown);
        if (!grown) {
            warnx("out of memory");
            failed = -1;
            break;
        }
        run->results = grown;
        if (isatty(STDERR_FILENO))
            fprintf(stderr, "%s %zux%zu %s %s ...\n", pool->workload, pool->rows, pool->vocabulary,
                    tool_type_name(pool->type), bench_where_name(where));
        failed = bench_measure(&grown[run->count], &run->plan.options, run->context, pool, &truth, where, run->reader);
        run->count += !failed;
    }
    bench_truth_release(&truth);
    return failed;
}

/* The same, once its rows are saved where they are to be; drops the pool. */
static int finish_pool(run *run, bench_pool *pool)
{
    const npy rows = {pool->rows * pool->batches, pool->row_stride, pool->vocabulary, pool->type, pool->data};
    const int failed = (run->plan.save && npy_write(run->plan.save, &rows)) || measure_pool(run, pool);
    bench_pool_release(pool);
    return failed ? -1 : 0;
}

static int measure_file(run *run)
{
    const struct bench_plan *plan = &run->plan;
    npy file;
    bench_pool pool;
    if (npy_read(plan->logits, &plan->wish, &file))
        return -1;
    struct bench_shape shape = plan->shape_count ? plan->shapes[0] : (struct bench_shape){file.rows, file.vocabulary};
    int failed = -1;
    if (shape.vocabulary != file.vocabulary || shape.rows > file.rows)
        warnx("--shapes: %zux%zu cannot be cut from the %zu x %zu logits of %s", shape.rows, shape.vocabulary,
              file.rows, file.vocabulary, plan->logits);
    else
        failed = bench_pool_copy(&pool, &file, shape.rows);
    free(file.data);
    return failed ? -1 : finish_pool(run, &pool);
}

static int make_pool(const run *run, workload kind, tombola_type type, struct bench_shape shape, bench_pool *pool)
{
    if (kind != WORKLOAD_REAL)
        return bench_pool_make(pool, kind, type, shape.rows, shape.vocabulary, run->plan.options.seed);
    if (shape.vocabulary == run->real.vocabulary)
        return bench_pool_repeat(pool, &run->real, type, shape.rows);
    warnx("--shapes: the workload real has no rows of %zu, since those of %s have %zu tokens", shape.vocabulary,
          run->plan.real_rows, run->real.vocabulary);
    return -1;
}

/* Every workload and type of a shape. */
static int measure_shape(run *run, struct bench_shape shape)
{
    bench_pool pool;
    for (workload kind = 0; kind < WORKLOADS; kind++)
        for (tombola_type type = 0; type < 3; type++)
            if (run->plan.workloads >> kind & run->plan.types >> type & 1 &&
                (make_pool(run, kind, type, shape, &pool) || finish_pool(run, &pool)))
                return -1;
    return 0;
}

static int measure_all(run *run)
{
    const struct bench_plan *plan = &run->plan;
    if (plan->logits)
        return measure_file(run);
    if (plan->real_rows && npy_read(plan->real_rows, &plan->wish, &run->real))
        return -1;
    int failed = 0;
    for (size_t i = 0; i < plan->shape_count && !failed; i++)
        failed = measure_shape(run, plan->shapes[i]);
    if (plan->shape_count == 0)
        failed = measure_shape(run, (struct bench_shape){BENCH_LEAST_ROWS, run->real.vocabulary});
    return failed;
}

static void warn_about_affinity(const tombola_context *context)
{
    tombola_device device = tombola_device_default();
    tombola_context_device(context, &device);
    if (strcmp(device.platform, "Portable Computing Language") == 0 && !getenv("POCL_AFFINITY") &&
        device.compute_units > 1)
        warnx("POCL_AFFINITY is not set: two of PoCL's threads may share a core, and figures vary by a factor");
}

/* What /proc/cpuinfo calls the processor; "unknown" where it has no name for it. */
static void find_processor(char *name, size_t size)
{
    char line[512];
    snprintf(name, size, "unknown");
    FILE *file = fopen("/proc/cpuinfo", "r");
    if (!file)
        return;
    while (fgets(line, sizeof line, file))
        if (strncmp(line, "model name", 10) == 0 && strstr(line, ": ")) {
            line[strcspn(line, "\n")] = '\0';
            snprintf(name, size, "%s", strstr(line, ": ") + 2);
            break;
        }
    fclose(file);
}

int tool_bench(int argc, char **argv)
{
    run run = {.plan = bench_plan_default()};
    if (tool_parse(&bench_argp, argc, argv, &run.plan))
        return TOOL_FAILURE;

    int status = TOOL_FAILURE;
    tombola_error error = tombola_error_default();
    run.reader = bench_reader_create(run.plan.options.threads);
    if (!run.reader)
        goto done;
    if (tombola_context_open(run.plan.device, &run.plan.context, &run.context, &error)) {
        warnx("%s", error.message);
        goto done;
    }
    warn_about_affinity(run.context);
    if (measure_all(&run))
        goto done;
    bench_about about = {
        .context = run.context, .seed = run.plan.options.seed, .threads = bench_reader_threads(run.reader)};
    find_processor(about.processor, sizeof about.processor);
    if (!run.plan.json)
        bench_print_table(&about, run.results, run.count);
    else if (bench_print_json(&about, run.results, run.count))
        goto done;
    status = 0;
done:
    tombola_context_close(run.context);
    bench_reader_release(run.reader);
    free(run.real.data);
    free(run.results);
    return status;
}
