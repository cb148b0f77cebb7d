/* Samplers for tests, and calls of them that must succeed. */
#ifndef CALLS_H
#define CALLS_H

#include <stddef.h>
#include <stdint.h>

#include "tombola.h"

/* What a sampler is made for. */
struct make {
    tombola_type type;
    tombola_input input;
    uint32_t vocabulary;
};

/* Default parameters at a temperature. */
tombola_params params_at(float temperature);

/* Dies if there is none to be had. */
tombola_sampler *make_sampler(tombola_context *context, const struct make *make, size_t rows,
                              tombola_dispatch dispatch);
tombola_sampler *make_sampler_that(tombola_context *context, const struct make *make, size_t rows,
                                   tombola_dispatch dispatch, tombola_transfer transfer);

/* The library's calls of these names, with rows side by side; they die of an error. */
void call_sample(tombola_sampler *sampler, const struct make *make, const void *elements, size_t rows,
                 const tombola_params *params, tombola_draw *draws);
void call_softmax(tombola_sampler *sampler, const struct make *make, const void *elements, size_t rows,
                  const tombola_params *params, int logarithms, float *output, tombola_row_status *status);
void call_top_k(tombola_sampler *sampler, const struct make *make, const void *elements, size_t rows,
                const tombola_params *params, size_t k, tombola_candidate *candidates, tombola_row_status *status);

/* Probabilities of one row by a sampler made for this call. */
void softmax_once(tombola_context *context, const struct make *make, const void *elements, float temperature,
                  float *probabilities);

#endif
