/* Rows of logits to measure with, made from a seed: row i of a workload is the same in every batch. Only those of
 * WORKLOAD_REAL come from a file. */
#ifndef WORKLOAD_H
#define WORKLOAD_H

#include <stddef.h>
#include <stdint.h>

#include "tombola.h"

/* The temperature at which the workloads have the properties below. */
#define WORKLOAD_TEMPERATURE 0.8f

typedef enum workload {
    WORKLOAD_LM,       /* a Zipf-like head over a Gaussian body: top-p 0.95 keeps 20 to 300 tokens */
    WORKLOAD_PEAKED,   /* one token holds 0.99 */
    WORKLOAD_GAUSSIAN, /* standard deviation 2.5: top-p 0.95 keeps thousands */
    WORKLOAD_FLAT,     /* standard deviation 0.1: top-p 0.95 keeps 93% */
    WORKLOAD_TIES,     /* Gaussian, rounded to bfloat16 whatever the type: hundreds of tokens are equal */
    WORKLOAD_MASKED,   /* as lm, nine in ten of the body masked out with -inf */
    /* The worst rows that were found: what is guessed of a row from some of it tells nothing of these. */
    WORKLOAD_EQUAL,      /* all logits are equal, another number in each row */
    WORKLOAD_TWO_VALUES, /* each is 0 or 2, one as often as the other */
    WORKLOAD_SUBNORMAL,  /* Gaussian, of the type's subnormal numbers alone */
    WORKLOAD_HUGE,       /* those of lm times 1e30, in float16 1e3: the first token holds all */
    WORKLOAD_REAL,       /* a language model's own, which the user brings */
    WORKLOADS
} workload;

const char *workload_name(workload kind);
/* 0, or -1 where none is called so. */
int workload_find(const char *name, workload *kind);

struct workload_maker;

/* NULL if memory ran out. */
struct workload_maker *workload_maker_create(size_t vocabulary);
void workload_maker_release(struct workload_maker *maker);

/* Writes one row, `vocabulary` elements of the type; of any workload but WORKLOAD_REAL. */
void workload_fill(struct workload_maker *maker, workload kind, uint64_t seed, size_t row, tombola_type type,
                   void *elements);

#endif
