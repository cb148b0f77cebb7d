// The header in C++: it compiles by itself, and what it declares links and works.
#include "tombola.h"

#include <cstdio>

static int model(void *, const tombola_sequence *, const size_t *, size_t rows, void *logits, size_t row_stride)
{
    for (size_t row = 0; row < rows; row++)
        for (size_t id = 0; id < 4; id++)
            static_cast<float *>(logits)[row * row_stride + id] = id == 2 ? 5.0f : 0.0f;
    return 0;
}

static int fail(const tombola_error &error)
{
    std::fprintf(stderr, "%s\n", error.message);
    return 1;
}

int main()
{
    tombola_error error = {};
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
    sequence.params.temperature = 0;
    if (tombola_sampler_generate(sampler, &sequence, 1, model, nullptr, nullptr, nullptr, &error) != TOMBOLA_OK)
        return fail(error);
    tombola_sampler_release(sampler);
    tombola_context_close(context);
    return !(sequence.length == 3 && tokens[0] == 2 && tokens[2] == 2 && tombola_version() == TOMBOLA_VERSION);
}
