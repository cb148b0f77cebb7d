/* What a token weighs, estimated: a float near 2^27 * 2^t, by fewer operations than weight.h takes, which may be summed
 * as a float. A sum of estimates tells the sum of weights to within a doubt (estimates.clh), never a token: where the
 * doubt might matter, weights are summed. */
#ifndef TOMBOLA_ESTIMATE_H
#define TOMBOLA_ESTIMATE_H

#include "portable.h"

/* A gauge makes numbers in fixed point of logits, with 23 bits behind the point, which as the bits of a float are about
 * a power of 2 already. A logit at its whole has t = 0, and counts as 2^(GAUGE_DEPTH - 127). */
struct gauge {
    float scale;
    float shift;
};

#define GAUGE_DEPTH 47  /* less one: binary orders down to which estimates go; what lies lower counts as the lowest */
#define GAUGE_HEIGHT 78 /* binary orders above a gauge's whole up to which they are right */

/* The gauge of a scale, below 2^60, and an integer below 2^22. */
static inline struct gauge gauge_of(float scale, float whole)
{
    struct gauge g;
    g.scale = scale * 8388608.0f;
    g.shift = ((float)GAUGE_DEPTH - whole) * 8388608.0f;
    return g;
}

/* The sum and one estimate more, within 5.5e-6 of it (tests/test_estimate.c): half of a last place of a number below
 * 2^30 is 2.7e-6 of a power of 2, and the polynomial, 2^(x - 1) for x from 1 to 2, is right to 2.7e-6. NaN counts as
 * the lowest. */
static inline floats add_estimate(floats sum, floats z, struct gauge g)
{
    floats fixed = fused(z, (floats)(g.scale), (floats)(g.shift));
    fixed = fixed > (floats)(8388608.0f) ? fixed : (floats)(8388608.0f);
    words bits = truncate_to_words(fixed);
    floats x = floats_of((bits & 0x007FFFFFu) | 0x3F800000u);
    floats power = floats_of(bits & 0xFF800000u);
    floats mantissa = (floats)(0x1.bb7cd4p+20f);
    mantissa = fused(mantissa, x, (floats)(-0x1.168e4p+18f));
    mantissa = fused(mantissa, x, (floats)(0x1.553966p+24f));
    mantissa = fused(mantissa, x, (floats)(0x1.3f8122p+25f));
    mantissa = fused(mantissa, x, (floats)(0x1.051a08p+26f));
    return fused(mantissa, power, sum);
}

#endif
