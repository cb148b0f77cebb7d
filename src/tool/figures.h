/* What temperatures and filters make of one distribution, as the library computes it. */
#ifndef FIGURES_H
#define FIGURES_H

#include <stddef.h>
#include <stdint.h>

#include "tool.h"

/* The arrays are `columns` x `tokens`, a temperature after the other. */
typedef struct figures {
    size_t tokens;
    size_t columns;
    const float *temperatures;
    char *const *labels;  /* NULL: tokens go by number */
    uint64_t draws;       /* how many for each temperature */
    int filtered;         /* whether a filter was on at all */
    float *probabilities; /* of being drawn, all changes made; 0 for what is not kept */
    unsigned char *keeps; /* 1 for a kept token */
    uint64_t *drawn;      /* how often each token was drawn */
    uint32_t *kept;       /* a temperature each: tokens kept */
    double *entropy;      /* a temperature each: bits */
} figures;

/* Fills the arrays, which are freed with figures_release in any case.
 * values  `figures->tokens` logits or probabilities, as `input` says
 * 0, or -1 with a message on standard error. */
int figures_compute(figures *figures, const tool_sampling *sampling, const float *values, tombola_input input);
void figures_release(figures *figures);

/* As a table with a bar in each cell, at most 80 columns wide. */
void figures_print(const figures *figures);
/* As JSON, a temperature a line. 0, or -1 with a message on standard error. */
int figures_print_json(const figures *figures);

#endif
