/* Samplers for tests, batches in host memory, and calls that must succeed. */
#ifndef CALLS_H
#define CALLS_H

#include <stddef.h>
#include <stdint.h>

#include "draw.h"
#include "tombola.h"

/* What a sampler is made for. */
struct make {
    tombola_type type;
    tombola_input input;
    uint32_t vocabulary;
};

/* Default parameters at a temperature. */
tombola_params params_at(float temperature);

/* Fails the test if there is none to be had. */
tombola_sampler *make_sampler(tombola_context *context, const struct make *make, size_t rows,
                              tombola_dispatch dispatch);
tombola_sampler *make_sampler_that(tombola_context *context, const struct make *make, size_t rows,
                                   tombola_dispatch dispatch, tombola_transfer transfer);

/* `count` rows in host memory, `stride` elements apart. */
tombola_rows host_rows(const void *logits, size_t count, size_t stride, const tombola_params *params);

/* Memory for what a batch of few rows draws. Once it is there, it can be had row by row. */
enum { COLUMNS_ROWS = 64 };
struct columns {
    int32_t tokens[COLUMNS_ROWS];
    int32_t status[COLUMNS_ROWS];
    uint32_t kept[COLUMNS_ROWS];
};
tombola_results columns_results(struct columns *columns);
void columns_draws(const struct columns *columns, size_t count, struct draw *draws);

/* Draws from rows in host memory by tombola_sampler_sample. Fail the test where a refused call has written something.
 * draws, candidates   left alone unless the call succeeds
 * status              NULL if not wanted */
tombola_status draw_rows(tombola_sampler *sampler, const void *logits, size_t rows, size_t stride,
                         const tombola_params *params, struct draw *draws, tombola_error *error);
tombola_status softmax_rows(tombola_sampler *sampler, const void *logits, size_t rows, size_t stride,
                            const tombola_params *params, int logarithms, float *output, size_t output_stride,
                            tombola_row_status *status, tombola_error *error);
tombola_status top_k_rows(tombola_sampler *sampler, const void *logits, size_t rows, size_t stride,
                          const tombola_params *params, size_t k, struct candidate *candidates,
                          tombola_row_status *status, tombola_error *error);

/* The same in two steps. columns   the sampler's until the batch has been waited for; up to COLUMNS_ROWS rows */
tombola_status submit_rows(tombola_sampler *sampler, const void *logits, size_t rows, size_t stride,
                           const tombola_params *params, struct columns *columns, tombola_ticket *ticket,
                           tombola_error *error);
tombola_status wait_rows(tombola_sampler *sampler, tombola_ticket ticket, const struct columns *columns, size_t rows,
                         struct draw *draws, tombola_error *error);

/* tombola_sampler_sample; fails the test on an error. */
void call_rows(tombola_sampler *sampler, const tombola_rows *rows, const tombola_results *results);

/* Those above with rows side by side; they fail the test on an error. */
void call_sample(tombola_sampler *sampler, const struct make *make, const void *elements, size_t rows,
                 const tombola_params *params, struct draw *draws);
void call_softmax(tombola_sampler *sampler, const struct make *make, const void *elements, size_t rows,
                  const tombola_params *params, int logarithms, float *output, tombola_row_status *status);
void call_top_k(tombola_sampler *sampler, const struct make *make, const void *elements, size_t rows,
                const tombola_params *params, size_t k, struct candidate *candidates, tombola_row_status *status);

/* A draw from one row, and probabilities of one, by a sampler made for this call. */
struct draw draw_once(tombola_context *context, const struct make *make, const void *elements,
                      const tombola_params *params);
void softmax_once(tombola_context *context, const struct make *make, const void *elements, float temperature,
                  float *probabilities);

#endif
