// The header in C++: it compiles by itself, and what it declares links and works.
#include "tombola.h"

#include <cstdio>

static int forward(void *, const tombola_step *step)
{
    for (size_t row = 0; row < step->rows; row++)
        for (size_t id = 0; id < 4; id++)
            static_cast<float *>(step->logits)[row * step->stride + id] = id == 2 ? 5.0f : 0.0f;
    return 0;
}

static bool draws(tombola_sampler *sampler, tombola_error *error)
{
    const float logits[4] = {0, 0, 5, 0};
    int32_t token = -1;
    tombola_params params = tombola_params_default();
    params.temperature = 0;
    tombola_rows rows = tombola_rows_default();
    rows.count = 1;
    rows.logits.host = logits;
    rows.params = &params;
    tombola_results results = tombola_results_default();
    results.tokens.host = &token;
    return tombola_sampler_sample(sampler, &rows, &results, error) == TOMBOLA_OK && token == 2;
}

static int fail(const tombola_error &error)
{
    std::fprintf(stderr, "%s\n", error.message);
    return 1;
}

int main()
{
    tombola_error error = tombola_error_default();
    tombola_context *context = nullptr;
    tombola_sampler *sampler = nullptr;
    tombola_sampler_options options = tombola_sampler_options_default();
    options.type = TOMBOLA_FLOAT32;
    if (tombola_context_open(nullptr, nullptr, &context, &error) != TOMBOLA_OK ||
        tombola_sampler_create(context, 4, 1, &options, &sampler, &error) != TOMBOLA_OK)
        return fail(error);
    int32_t tokens[3] = {};
    tombola_sequence sequence = tombola_sequence_default();
    sequence.tokens = tokens;
    sequence.max_new_tokens = 3;
    tombola_params params = tombola_params_default();
    params.temperature = 0;
    sequence.params = &params;
    tombola_model model = tombola_model_default();
    model.forward = forward;
    if (tombola_sampler_generate(sampler, &sequence, 1, &model, nullptr, nullptr, &error) != TOMBOLA_OK ||
        !draws(sampler, &error))
        return fail(error);
    tombola_sampler_release(sampler);
    tombola_context_close(context);
    return !(sequence.length == 3 && tokens[0] == 2 && tokens[2] == 2 && params.offset == 3 &&
             tombola_version() == TOMBOLA_VERSION);
}
