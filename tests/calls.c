#include "calls.h"

#include <inttypes.h>

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
    tombola_error error;
    if (tombola_sampler_create(context, make->vocabulary, rows, &options, &sampler, &error) != TOMBOLA_OK) {
        die("no sampler for a vocabulary of %" PRIu32 ": %s", make->vocabulary, error.message);
    }
    return sampler;
}

void call_sample(tombola_sampler *sampler, const struct make *make, const void *elements, size_t rows,
                 const tombola_params *params, tombola_draw *draws)
{
    tombola_error error;
    if (tombola_sampler_sample(sampler, elements, rows, make->vocabulary, params, draws, &error) != TOMBOLA_OK) {
        die("sample, %zu rows of %" PRIu32 ": %s", rows, make->vocabulary, error.message);
    }
}

void call_softmax(tombola_sampler *sampler, const struct make *make, const void *elements, size_t rows,
                  const tombola_params *params, int logarithms, float *output, tombola_row_status *status)
{
    tombola_error error;
    if (tombola_sampler_softmax(sampler, elements, rows, make->vocabulary, params, logarithms, output, make->vocabulary,
                                status, &error) != TOMBOLA_OK) {
        die("softmax, %zu rows of %" PRIu32 ": %s", rows, make->vocabulary, error.message);
    }
}

void call_top_k(tombola_sampler *sampler, const struct make *make, const void *elements, size_t rows,
                const tombola_params *params, size_t k, tombola_candidate *candidates, tombola_row_status *status)
{
    tombola_error error;
    if (tombola_sampler_top_k(sampler, elements, rows, make->vocabulary, params, k, candidates, status, &error) !=
        TOMBOLA_OK) {
        die("top_k of %zu, %zu rows of %" PRIu32 ": %s", k, rows, make->vocabulary, error.message);
    }
}

void softmax_once(tombola_context *context, const struct make *make, const void *elements, float temperature,
                  float *probabilities)
{
    tombola_params params = params_at(temperature);
    tombola_sampler *sampler = make_sampler(context, make, 1, TOMBOLA_DISPATCH_AUTO);
    call_softmax(sampler, make, elements, 1, &params, 0, probabilities, NULL);
    tombola_sampler_release(sampler);
}
