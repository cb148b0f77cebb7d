#include "late.h"

#include "harness.h"
#include "tombola_shard.h"

#define VOCABULARY 1000

static const float logits[VOCABULARY]; /* of the widest type, whatever this one is */

static tombola_rows a_row(void)
{
    static tombola_params params;
    params = tombola_params_default();
    tombola_rows rows = tombola_rows_default();
    rows.count = 1;
    rows.logits.host = logits;
    rows.params = &params;
    return rows;
}

/* What no option promises. */
static tombola_results late_results(void)
{
    static float told[VOCABULARY];
    tombola_results results = tombola_results_default();
    results.processed_logits.host = told;
    return results;
}

void want_every_kernel(tombola_context *context, tombola_type type, tombola_input input)
{
    tombola_sampler_options options = tombola_sampler_options_default();
    tombola_sampler *sampler;
    tombola_error error = tombola_error_default();
    options.type = type;
    options.input = input;
    options.max_candidates = 1;
    options.probabilities = 1;
    if (tombola_sampler_create(context, VOCABULARY, 1, &options, &sampler, &error))
        die("%s", error.message);
    const tombola_rows rows = a_row();
    const tombola_results results = late_results();
    if (tombola_sampler_sample(sampler, &rows, &results, &error))
        die("%s", error.message);
    tombola_sampler_release(sampler);
}

void want_kernels_of_shards(tombola_context *context, tombola_type type, tombola_input input)
{
    tombola_sampler_options options = tombola_sampler_options_default();
    tombola_shard *shard;
    tombola_error error = tombola_error_default();
    uint64_t message[1024];
    int is_done = 0;
    options.type = type;
    options.input = input;
    if (tombola_shard_create(context, VOCABULARY, 0, VOCABULARY, 1, &options, &shard, &error))
        die("%s", error.message);
    const tombola_rows rows = a_row();
    const tombola_results results = late_results();
    if (tombola_shard_begin(shard, &rows, &results, &error))
        die("%s", error.message);
    while (!is_done) {
        size_t size;
        if (tombola_shard_partial(shard, message, sizeof message, &size, &error) ||
            tombola_shard_merge(shard, message, size, 1, &is_done, &error))
            die("%s", error.message);
    }
    tombola_shard_release(shard);
}
