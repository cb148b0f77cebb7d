/* Whether the library's softmax is as near to binary64 as its header promises. */
#ifndef NEARNESS_H
#define NEARNESS_H

#include <stddef.h>
#include <stdint.h>

#include "calls.h"
#include "oracle.h"

/* The bounds on a probability, while |logit| / temperature stays below 5.8e6. */
#define SOFTMAX_RELATIVE 2e-6
#define SOFTMAX_ABSOLUTE 1e-9

/* (float)1e-5, from where on rows are no longer greedy. */
#define SOFTMAX_COLDEST 0x1.4f8b58p-17f

#define SOFTMAX_MOST_ROWS 64u

/* rows x vocabulary of each. */
struct softmax_results {
    float *probabilities;
    float *logarithms;
    tombola_row_status status[SOFTMAX_MOST_ROWS];
};

/* By either dispatch; dies unless they agree in every bit. */
struct softmax_results softmax_run(tombola_context *context, const struct make *make, const void *elements, size_t rows,
                                   const tombola_params *params);
struct softmax_results softmax_run_at(tombola_context *context, const struct make *make, const void *elements,
                                      size_t rows, float temperature);
void softmax_results_release(struct softmax_results *results);

/* A row that was turned into probabilities. */
struct softmax_answer {
    const char *name;
    struct oracle_row *row;
    uint32_t vocabulary;
    float temperature;
    const float *probabilities;
    const float *logarithms;
};

/* Fails the test unless the answer has the right status and keeps to every bound: on each probability and
 * logarithm, on their sum and their order. */
void expect_softmax_answer(const struct softmax_answer *answer, tombola_row_status status);

/* The same for rows of binary32 logits or probabilities, one after another, at one temperature. */
void expect_softmax(tombola_context *context, const char *name, const float *values, tombola_input input,
                    uint32_t vocabulary, size_t rows, float temperature);

#endif
