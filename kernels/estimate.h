/* What a token weighs, estimated: a float near 2^27 * 2^t, by fewer operations than weight.h takes, which may be summed
 * as a float. A sum of estimates tells the sum of weights to within a doubt (estimates.clh), never a token: where the
 * doubt might matter, weights are summed. */
#ifndef TOMBOLA_ESTIMATE_H
#define TOMBOLA_ESTIMATE_H

#include "portable.h"
#include "weight.h"

/* How logits become exponents of 2: a logit at the whole of a gauge has exponent 0, and counts as 2^27. What lies below
 * `least` counts as that. */
struct gauge {
    float scale;
    float shift; /* what makes an integer of a scaled logit, with its exponent in the low bits as a float has it */
    float least;
};

#define GAUGE_DEPTH 47  /* binary orders below a gauge's whole down to which estimates go */
#define GAUGE_HEIGHT 78 /* binary orders above a gauge's whole up to which they are right */

/* The gauge of a scale, above 0, and an integer. Where one of them is beyond, all counts the same. */
#define MOST_SCALE 0x1p60f
#define MOST_WHOLE 0x1p21f
static inline struct gauge gauge_of(float scale, float whole)
{
    struct gauge g = {0.0f, ROUNDING_MAGIC + 127.0f, 0.0f};
    if (scale < MOST_SCALE && whole < MOST_WHOLE && whole > -MOST_WHOLE) {
        g.scale = scale;
        g.shift -= whole;
        g.least = (whole - (float)GAUGE_DEPTH) / scale;
    }
    return g;
}

/* The sum and one estimate more, within 2.8e-6 of it (tests/test_estimate.c): the polynomial, 2^27 * 2^f for f from
 * -1/2 to 1/2, is right to 2.7e-6. A NaN makes the sum NaN. */
static inline floats add_estimate(floats sum, floats z, struct gauge g)
{
    z = (floats)(g.least) > z ? (floats)(g.least) : z;
    floats whole = fused(z, (floats)(g.scale), (floats)(g.shift));
    floats f = fused(z, (floats)(g.scale), (floats)(g.shift) - whole);
    floats power = floats_of(words_of(whole) << 23);
    floats mantissa = (floats)(0x1.3997d6p+20f);
    mantissa = fused(mantissa, f, (floats)(0x1.ca144p+22f));
    mantissa = fused(mantissa, f, (floats)(0x1.ec06dap+24f));
    mantissa = fused(mantissa, f, (floats)(0x1.62e0dcp+26f));
    mantissa = fused(mantissa, f, (floats)(0x1.ffffe8p+26f));
    return fused(mantissa, power, sum);
}

#endif
