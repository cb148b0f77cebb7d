/* The natural logarithm, for rows of probabilities: fma and integers alone, so that it
 * has the same bits everywhere. Monotone over all positive normal numbers and within
 * 0.9 ulp; tests/test_logarithm.c looks at every one of them. */
#ifndef TOMBOLA_LOGARITHM_H
#define TOMBOLA_LOGARITHM_H

#include "portable.h"

#define SQRT_HALF_BITS 0x3F3504F3u
#define ONE_BITS 0x3F800000u

/* x positive and normal. With x = (1 + f) * 2^e, 1 + f in [sqrt(1/2), sqrt(2)):
 * ln x = e ln 2 + f - f^2/2 + f^3 q(f). ln 2 is split so that e times its upper part is
 * exact; the sum of that and f is kept with its rounding error. What remains is small,
 * which is what keeps the result monotone: its error is well below the step from one x to the next. */
static inline floats logarithm(floats x)
{
    words offset = words_of(x) + (ONE_BITS - SQRT_HALF_BITS);
    floats e = signed_to_floats((offset >> 23) - 127u);
    floats f = floats_of((offset & 0x007FFFFFu) + SQRT_HALF_BITS) - 1.0f;
    floats q = (floats)(-0x1.3892f6p-4f);
    q = fused(q, f, (floats)(0x1.0744cep-3f));
    q = fused(q, f, (floats)(-0x1.0e7f6p-3f));
    q = fused(q, f, (floats)(0x1.229c8p-3f));
    q = fused(q, f, (floats)(-0x1.544e7p-3f));
    q = fused(q, f, (floats)(0x1.99a212p-3f));
    q = fused(q, f, (floats)(-0x1.0002c8p-2f));
    q = fused(q, f, (floats)(0x1.555552p-2f));
    floats whole = e * 0x1.62e3p-1f;
    floats sum = whole + f;
    floats lost = f - (sum - whole);
    floats rest = fused(e, (floats)(0x1.2fefa2p-17f), lost);
    return sum + fused(f * f, fused(q, f, (floats)(-0.5f)), rest);
}

#endif
