/* The exponential-decay length penalty, as Transformers has it: the longer what was generated, the more likely the
 * tokens that end it. */
#include "processor.h"

#define MOST_GROWTH 0x1p64 /* no other token weighs anything beside more, and less than +inf comes of it */

/* base^exponent, by squares from the lowest bit on, each product rounded: a libm's pow may differ from another's. */
static double power(double base, size_t exponent)
{
    double product = 1.0;
    for (double square = base; exponent > 0; exponent >>= 1) {
        if (exponent & 1)
            product *= square;
        square *= square;
    }
    return product;
}

size_t length_most(const struct processor_input *in)
{
    const tombola_params *p = in->params;
    const int is_on = p->length_penalty_factor != 1.0f && generated(in) > p->length_penalty_start;
    return is_on ? in->end_tokens.count : 0;
}

void length_run(const struct processor_input *in, const struct processor_output *out)
{
    const tombola_params *p = in->params;
    const double growth = power((double)p->length_penalty_factor, generated(in) - p->length_penalty_start) - 1.0;
    const float rounded = growth < 0.0 ? -as_float(-growth) : as_float(growth < MOST_GROWTH ? growth : MOST_GROWTH);
    for (size_t i = 0; i < in->end_tokens.count; i++)
        out->put(out->list, in->end_tokens.tokens[i], EFFECT_GROWTH, rounded);
}
