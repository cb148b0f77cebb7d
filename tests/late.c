#include "late.h"

#include "harness.h"

#define VOCABULARY 1000

void want_every_kernel(tombola_context *context, tombola_type type, tombola_input input)
{
    static const float logits[VOCABULARY]; /* of the widest type, whatever this one is */
    static float told[VOCABULARY];
    const tombola_params params = tombola_params_default();
    tombola_sampler_options options = tombola_sampler_options_default();
    tombola_sampler *sampler;
    tombola_error error = tombola_error_default();
    options.type = type;
    options.input = input;
    options.max_candidates = 1;
    options.probabilities = 1;
    if (tombola_sampler_create(context, VOCABULARY, 1, &options, &sampler, &error))
        die("%s", error.message);
    tombola_rows rows = tombola_rows_default();
    tombola_results results = tombola_results_default();
    rows.count = 1;
    rows.logits.host = logits;
    rows.params = &params;
    results.processed_logits.host = told; /* which no option promises */
    if (tombola_sampler_sample(sampler, &rows, &results, &error))
        die("%s", error.message);
    tombola_sampler_release(sampler);
}
