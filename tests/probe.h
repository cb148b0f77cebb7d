/* A small batch with its right answers: whether a device, or what is left of a sampler, still works. */
#ifndef PROBE_H
#define PROBE_H

#include "draw.h"
#include "harness.h"

enum { PROBE_ROWS = 4, PROBE_VOCABULARY = 600, PROBE_STRIDE = 607 };

struct probe {
    tombola_type type;
    float logits[PROBE_ROWS * PROBE_STRIDE]; /* elements of the type */
    tombola_params params[PROBE_ROWS];
    struct draw draws[PROBE_ROWS];
};

/* Rows of logits at several parameters, greedy, plain and filtered, and what the oracle draws. */
void probe_make(struct probe *probe, tombola_type type);

/* Whether the sampler, of the probe's type and vocabulary, draws just that. Prints what it draws else. */
int probe_passes(const struct probe *probe, tombola_sampler *sampler);

/* The same with a sampler made for it. */
int probe_passes_on(const struct probe *probe, tombola_context *context);

#endif
