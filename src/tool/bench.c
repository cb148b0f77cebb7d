#include "bench.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_plan.h"
#include "bench_read.h"
#include "tool.h"

/* The results so far; grows by one place at a time, which is nothing beside measuring. */
struct results {
    bench_result *list;
    size_t count;
};

/* One pool in every place that was asked for. */
static int measure_pool(const struct bench_plan *plan, tombola_context *context, const bench_pool *pool,
                        struct bench_reader *reader, struct results *results)
{
    bench_truth truth;
    if (bench_truth_make(&truth, pool, &plan->options))
        return -1;
    int failed = 0;
    for (int where = 0; where < BENCH_WHERES && !failed; where++) {
        if (!(plan->wheres >> where & 1))
            continue;
        bench_result *grown = realloc(results->list, (results->count + 1) * sizeof *grown);
        if (!grown) {
            warnx("out of memory");
            failed = -1;
            break;
        }
        results->list = grown;
        if (isatty(STDERR_FILENO))
            fprintf(stderr, "%s %zux%zu %s %s ...\n", pool->workload, pool->rows, pool->vocabulary,
                    tool_type_name(pool->type), bench_where_name((bench_where)where));
        failed =
            bench_measure(&grown[results->count], &plan->options, context, pool, &truth, (bench_where)where, reader);
        results->count += !failed;
    }
    bench_truth_release(&truth);
    return failed;
}

static int save(const char *path, const bench_pool *pool)
{
    const npy array = {pool->rows * pool->batches, pool->row_stride, pool->vocabulary, pool->type, pool->data};
    return npy_write(path, &array);
}

static int measure_file(const struct bench_plan *plan, tombola_context *context, struct bench_reader *reader,
                        struct results *results)
{
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
    if (failed)
        return -1;
    failed = (plan->save && save(plan->save, &pool)) || measure_pool(plan, context, &pool, reader, results);
    bench_pool_release(&pool);
    return failed ? -1 : 0;
}

/* real  the file's rows, where they are a workload */
static int make_pool(bench_pool *pool, const struct bench_plan *plan, const npy *real, workload kind, tombola_type type,
                     struct bench_shape shape)
{
    if (kind != WORKLOAD_REAL)
        return bench_pool_make(pool, kind, type, shape.rows, shape.vocabulary, plan->options.seed);
    if (shape.vocabulary == real->vocabulary)
        return bench_pool_repeat(pool, real, type, shape.rows);
    warnx("--shapes: the workload real has no rows of %zu, since those of %s have %zu tokens", shape.vocabulary,
          plan->real_rows, real->vocabulary);
    return -1;
}

static int measure_made(const struct bench_plan *plan, tombola_context *context, const npy *real, workload kind,
                        tombola_type type, struct bench_shape shape, struct bench_reader *reader,
                        struct results *results)
{
    bench_pool pool;
    if (make_pool(&pool, plan, real, kind, type, shape))
        return -1;
    int failed = (plan->save && save(plan->save, &pool)) || measure_pool(plan, context, &pool, reader, results);
    bench_pool_release(&pool);
    return failed ? -1 : 0;
}

/* Every workload and type of a shape. */
static int measure_shape(const struct bench_plan *plan, tombola_context *context, const npy *real,
                         struct bench_shape shape, struct bench_reader *reader, struct results *results)
{
    for (int kind = 0; kind < WORKLOADS; kind++)
        for (int type = 0; type < 3; type++)
            if (plan->workloads >> kind & plan->types >> type & 1 &&
                measure_made(plan, context, real, (workload)kind, (tombola_type)type, shape, reader, results))
                return -1;
    return 0;
}

static int measure_all(const struct bench_plan *plan, tombola_context *context, struct bench_reader *reader,
                       struct results *results)
{
    npy real = {0};
    if (plan->logits)
        return measure_file(plan, context, reader, results);
    if (plan->real_rows && npy_read(plan->real_rows, &plan->wish, &real))
        return -1;
    int failed = 0;
    for (size_t i = 0; i < plan->shape_count && !failed; i++)
        failed = measure_shape(plan, context, &real, plan->shapes[i], reader, results);
    if (plan->shape_count == 0)
        failed = measure_shape(plan, context, &real, (struct bench_shape){BENCH_LEAST_ROWS, real.vocabulary}, reader,
                               results);
    free(real.data);
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
    struct bench_plan plan = bench_plan_default();
    if (tool_parse(&bench_argp, argc, argv, &plan))
        return TOOL_FAILURE;

    int status = TOOL_FAILURE;
    tombola_error error = tombola_error_default();
    tombola_context *context = NULL;
    struct results results = {0};
    struct bench_reader *reader = bench_reader_create(plan.options.threads);
    if (!reader)
        goto done;
    if (tombola_context_open(plan.device, &plan.context, &context, &error)) {
        warnx("%s", error.message);
        goto done;
    }
    warn_about_affinity(context);
    if (measure_all(&plan, context, reader, &results))
        goto done;
    bench_about about = {.context = context, .seed = plan.options.seed, .threads = bench_reader_threads(reader)};
    find_processor(about.processor, sizeof about.processor);
    if (!plan.json)
        bench_print_table(&about, results.list, results.count);
    else if (bench_print_json(&about, results.list, results.count))
        goto done;
    status = 0;
done:
    tombola_context_close(context);
    bench_reader_release(reader);
    free(results.list);
    return status;
}
