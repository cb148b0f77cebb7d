/* The minimum length: end tokens can't be drawn before so many tokens were generated. */
#include "processor.h"

size_t min_tokens_most(const struct processor_input *in)
{
    return generated(in) < in->params->min_tokens ? in->end_tokens.count : 0;
}

void min_tokens_run(const struct processor_input *in, const struct processor_output *out)
{
    for (size_t i = 0; i < in->end_tokens.count; i++)
        out->put(out->list, in->end_tokens.tokens[i], EFFECT_BAN, 0.0f);
}
