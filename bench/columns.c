#include "columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct columns columns_default(void)
{
    const struct columns c = {
        .rows = 64,
        .vocabulary = 128256,
        .configs = {BENCH_GREEDY, BENCH_TEMPERATURE, BENCH_MIN_P, BENCH_TOP_K, BENCH_TOP_P, BENCH_TOP_K_TOP_P},
        .config_count = COLUMN_CONFIGS};
    return c;
}

/* Leaves of the configurations this one alone. Gives whether it was among them. */
static int choose(struct columns *c, const char *name)
{
    for (size_t i = 0; i < c->config_count; i++)
        if (strcmp(bench_config_name(c->configs[i]), name) == 0) {
            c->configs[0] = c->configs[i];
            c->config_count = 1;
            return 1;
        }
    return 0;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct columns *c = state->input;
    switch (key) {
    case 'r':
        c->rows = strtoull(argument, NULL, 10);
        return 0;
    case 'v':
        c->vocabulary = strtoull(argument, NULL, 10);
        return 0;
    case 'w':
        if (workload_find(argument, &c->kind) || c->kind == WORKLOAD_REAL)
            argp_error(state, "there is no workload %s", argument);
        return 0;
    case 'c':
        if (!choose(c, argument))
            argp_error(state, "there is no configuration %s", argument);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option known[] = {{"rows", 'r', "N", 0, "Of a batch, 64", 0},
                                           {"vocabulary", 'v', "N", 0, "128256", 0},
                                           {"workload", 'w', "NAME", 0, "lm, gaussian, flat, ...", 0},
                                           {"config", 'c', "NAME", 0, "Only this: greedy, top-p, ...", 0},
                                           {0}};
const struct argp columns_argp = {.options = known, .parser = parse};

_Noreturn void columns_fail(const char *text)
{
    fprintf(stderr, "%s\n", text);
    exit(EXIT_FAILURE);
}

void *columns_allocate(size_t count, size_t size)
{
    void *memory = aligned_alloc(4096, (count * size + 4096) / 4096 * 4096);
    if (!memory)
        columns_fail("out of memory");
    return memory;
}

float *columns_make(const struct columns *c, size_t first, size_t last)
{
    struct workload_maker *maker = workload_maker_create(c->vocabulary);
    const size_t width = last - first;
    float *row = columns_allocate(c->vocabulary, sizeof *row);
    float *made = columns_allocate(c->rows * width, sizeof *made);
    if (!maker)
        columns_fail("out of memory");
    for (size_t i = 0; i < c->rows; i++) {
        workload_fill(maker, c->kind, 1, i, TOMBOLA_FLOAT32, row);
        memcpy(made + i * width, row + first, width * sizeof *row);
    }
    workload_maker_release(maker);
    free(row);
    return made;
}

void columns_params(const struct columns *c, bench_config config, tombola_params *params)
{
    const bench_options options = {.seed = 1};
    for (size_t row = 0; row < c->rows; row++)
        params[row] = bench_config_params(config, &options, row);
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

double columns_median(double *seconds, size_t count)
{
    qsort(seconds, count, sizeof *seconds, by_size);
    return seconds[count / 2];
}
