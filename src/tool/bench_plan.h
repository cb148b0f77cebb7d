/* What the options of `tombola bench` ask for. */
#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H

#include <argp.h>

#include "bench.h"

#define BENCH_MOST_SHAPES 64

struct bench_shape {
    size_t rows, vocabulary;
};

struct bench_plan {
    bench_options options;
    tombola_context_options context;
    const char *device;
    struct bench_shape shapes[BENCH_MOST_SHAPES];
    size_t shape_count;
    unsigned workloads, types, wheres; /* a bit for each */
    const char *logits, *real_rows, *save;
    npy_wish wish; /* of the array of --logits or --real-rows */
    int has_configs, has_preset, has_workloads, has_types, has_random_seed, json;
};

/* Its input is a struct bench_plan, from bench_plan_default(). */
extern const struct argp bench_argp;
struct bench_plan bench_plan_default(void);

#endif
