#include "calls.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "harness.h"

tombola_params params_at(float temperature)
{
    tombola_params params = tombola_params_default();
    params.temperature = temperature;
    return params;
}

tombola_sampler *make_sampler(tombola_context *context, const struct make *make, size_t rows, tombola_dispatch dispatch)
{
    return make_sampler_that(context, make, rows, dispatch, TOMBOLA_TRANSFER_AUTO);
}

tombola_sampler *make_sampler_that(tombola_context *context, const struct make *make, size_t rows,
                                   tombola_dispatch dispatch, tombola_transfer transfer)
{
    tombola_sampler_options options = tombola_sampler_options_default();
    options.type = make->type;
    options.input = make->input;
    options.dispatch = dispatch;
    options.transfer = transfer;
    tombola_sampler *sampler = NULL;
    tombola_error error = tombola_error_default();
    if (tombola_sampler_create(context, make->vocabulary, rows, &options, &sampler, &error) != TOMBOLA_OK) {
        fail_msg("no sampler for a vocabulary of %" PRIu32 ": %s", make->vocabulary, error.message);
    }
    return sampler;
}

tombola_rows host_rows(const void *logits, size_t count, size_t stride, const tombola_params *params)
{
    tombola_rows rows = tombola_rows_default();
    rows.count = count;
    rows.logits.host = logits;
    rows.stride = stride;
    rows.params = params;
    return rows;
}

tombola_results columns_results(struct columns *columns)
{
    tombola_results results = tombola_results_default();
    results.tokens.host = columns->tokens;
    results.status.host = columns->status;
    results.kept.host = columns->kept;
    return results;
}

void columns_draws(const struct columns *columns, size_t count, struct draw *draws)
{
    for (size_t row = 0; row < count; row++)
        draws[row] = (struct draw){columns->tokens[row], columns->status[row], columns->kept[row]};
}

#define UNTOUCHED 0x5A

static void *untouched(size_t bytes)
{
    return memset(allocate(bytes, 1), UNTOUCHED, bytes);
}

/* Nothing is written by a call that is refused. */
static void expect_untouched(tombola_status status, const void *memory, size_t bytes)
{
    const unsigned char *byte = memory;
    int refused = status == TOMBOLA_INVALID_ARGUMENT || status == TOMBOLA_BUSY;
    for (size_t i = 0; i < bytes && refused; i++)
        if (byte[i] != UNTOUCHED)
            fail_msg("a call was refused, and has written over byte %zu of %zu", i, bytes);
}

tombola_status draw_rows(tombola_sampler *sampler, const void *logits, size_t rows, size_t stride,
                         const tombola_params *params, struct draw *draws, tombola_error *error)
{
    const size_t bytes = rows * sizeof(int32_t);
    const tombola_rows from = host_rows(logits, rows, stride, params);
    tombola_results to = tombola_results_default();
    to.tokens.host = untouched(bytes);
    to.status.host = untouched(bytes);
    to.kept.host = untouched(bytes);
    tombola_status result = tombola_sampler_sample(sampler, &from, &to, error);
    expect_untouched(result, to.tokens.host, bytes);
    expect_untouched(result, to.status.host, bytes);
    expect_untouched(result, to.kept.host, bytes);
    for (size_t row = 0; row < rows && !result; row++)
        draws[row] = (struct draw){to.tokens.host[row], to.status.host[row], to.kept.host[row]};
    free(to.tokens.host);
    free(to.status.host);
    free(to.kept.host);
    return result;
}

tombola_status softmax_rows(tombola_sampler *sampler, const void *logits, size_t rows, size_t stride,
                            const tombola_params *params, int logarithms, float *output, size_t output_stride,
                            tombola_row_status *status, tombola_error *error)
{
    const tombola_rows from = host_rows(logits, rows, stride, params);
    tombola_results to = tombola_results_default();
    if (logarithms)
        to.log_probabilities.host = output;
    else
        to.probabilities.host = output;
    to.probability_stride = output_stride;
    to.status.host = (int32_t *)status;
    return tombola_sampler_sample(sampler, &from, &to, error);
}

tombola_status top_k_rows(tombola_sampler *sampler, const void *logits, size_t rows, size_t stride,
                          const tombola_params *params, size_t k, struct candidate *candidates,
                          tombola_row_status *status, tombola_error *error)
{
    const size_t bytes = rows * k * sizeof(int32_t);
    const tombola_rows from = host_rows(logits, rows, stride, params);
    tombola_results to = tombola_results_default();
    to.status.host = (int32_t *)status;
    to.candidate_count = (uint32_t)k;
    to.candidate_tokens.host = untouched(bytes);
    to.candidate_logits.host = untouched(bytes);
    to.candidate_probabilities.host = untouched(bytes);
    tombola_status result = tombola_sampler_sample(sampler, &from, &to, error);
    expect_untouched(result, to.candidate_tokens.host, bytes);
    expect_untouched(result, to.candidate_logits.host, bytes);
    expect_untouched(result, to.candidate_probabilities.host, bytes);
    for (size_t i = 0; i < rows * k && !result; i++)
        candidates[i] = (struct candidate){to.candidate_tokens.host[i], to.candidate_logits.host[i],
                                           to.candidate_probabilities.host[i]};
    free(to.candidate_tokens.host);
    free(to.candidate_logits.host);
    free(to.candidate_probabilities.host);
    return result;
}

tombola_status submit_rows(tombola_sampler *sampler, const void *logits, size_t rows, size_t stride,
                           const tombola_params *params, struct columns *columns, tombola_ticket *ticket,
                           tombola_error *error)
{
    const tombola_rows from = host_rows(logits, rows, stride, params);
    const tombola_results to = columns_results(columns);
    return tombola_sampler_submit(sampler, &from, &to, ticket, error);
}

tombola_status wait_rows(tombola_sampler *sampler, tombola_ticket ticket, const struct columns *columns, size_t rows,
                         struct draw *draws, tombola_error *error)
{
    tombola_status status = tombola_sampler_wait(sampler, ticket, error);
    if (!status)
        columns_draws(columns, rows, draws);
    return status;
}

void call_rows(tombola_sampler *sampler, const tombola_rows *rows, const tombola_results *results)
{
    tombola_error error = tombola_error_default();
    if (tombola_sampler_sample(sampler, rows, results, &error))
        fail_msg("%s", error.message);
}

void call_sample(tombola_sampler *sampler, const struct make *make, const void *elements, size_t rows,
                 const tombola_params *params, struct draw *draws)
{
    tombola_error error = tombola_error_default();
    if (draw_rows(sampler, elements, rows, make->vocabulary, params, draws, &error) != TOMBOLA_OK) {
        fail_msg("sample, %zu rows of %" PRIu32 ": %s", rows, make->vocabulary, error.message);
    }
}

void call_softmax(tombola_sampler *sampler, const struct make *make, const void *elements, size_t rows,
                  const tombola_params *params, int logarithms, float *output, tombola_row_status *status)
{
    tombola_error error = tombola_error_default();
    if (softmax_rows(sampler, elements, rows, make->vocabulary, params, logarithms, output, make->vocabulary, status,
                     &error) != TOMBOLA_OK) {
        fail_msg("softmax, %zu rows of %" PRIu32 ": %s", rows, make->vocabulary, error.message);
    }
}

void call_top_k(tombola_sampler *sampler, const struct make *make, const void *elements, size_t rows,
                const tombola_params *params, size_t k, struct candidate *candidates, tombola_row_status *status)
{
    tombola_error error = tombola_error_default();
    if (top_k_rows(sampler, elements, rows, make->vocabulary, params, k, candidates, status, &error) != TOMBOLA_OK) {
        fail_msg("top_k of %zu, %zu rows of %" PRIu32 ": %s", k, rows, make->vocabulary, error.message);
    }
}

struct draw draw_once(tombola_context *context, const struct make *make, const void *elements,
                      const tombola_params *params)
{
    struct draw draw;
    tombola_sampler *sampler = make_sampler(context, make, 1, TOMBOLA_DISPATCH_AUTO);
    call_sample(sampler, make, elements, 1, params, &draw);
    tombola_sampler_release(sampler);
    return draw;
}

void softmax_once(tombola_context *context, const struct make *make, const void *elements, float temperature,
                  float *probabilities)
{
    tombola_params params = params_at(temperature);
    tombola_sampler *sampler = make_sampler(context, make, 1, TOMBOLA_DISPATCH_AUTO);
    call_softmax(sampler, make, elements, 1, &params, 0, probabilities, NULL);
    tombola_sampler_release(sampler);
}
