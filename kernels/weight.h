/* The weight of a token: 2^27 * 2^t as an integer, the same on every device, from
 * fma and integer operations alone. t is the scaled logit less its block's rounded
 * maximum, so t <= 0.75 and sixteen weights fit in 32 bits. */
#ifndef TOMBOLA_WEIGHT_H
#define TOMBOLA_WEIGHT_H

#include "portable.h"

#define WEIGHT_BITS 27
#define ALIGN_BITS 12 /* block sums move up by this before they are shifted to the row's scale */
#define MAX_SHIFT 63u /* of a block against the row's largest: nothing of it is left */

#define ROUNDING_MAGIC 12582912.0f /* 1.5 * 2^23: adding it rounds to an integer, held in the low bits */
#define WHOLE_FROM 8388608.0f      /* 2^23: from here on a float has no fraction */

/* t taken apart: t = n + f, n whole and |f| at most a half; t below -126 counts as -126. */
struct exponent {
    floats f;
    floats whole; /* t + ROUNDING_MAGIC, which holds n in its low bits */
};

static inline struct exponent exponent_of(floats t)
{
    struct exponent x;
    t = t > (floats)(-126.0f) ? t : (floats)(-126.0f);
    x.whole = t + ROUNDING_MAGIC;
    x.f = t - (x.whole - ROUNDING_MAGIC);
    return x;
}

/* 2^f = 1 + f * slope, here times 2^27: a polynomial of degree 5. */
static inline floats slope_of(floats f)
{
    floats slope = (floats)(0x1.470b48p+14f);
    slope = fused(slope, f, (floats)(0x1.5f7276p+17f));
    slope = fused(slope, f, (floats)(0x1.3b270ep+20f));
    slope = fused(slope, f, (floats)(0x1.c6ae72p+22f));
    slope = fused(slope, f, (floats)(0x1.ebfbe2p+24f));
    slope = fused(slope, f, (floats)(0x1.62e432p+26f));
    return slope;
}

/* 2^27 * 2^(n + f) as a float, to about 1 ulp. The exponent is added to the bits. */
static inline floats scaled_power(struct exponent x)
{
    return floats_of(words_of(fused(slope_of(x.f), x.f, (floats)(0x1p27f))) + (words_of(x.whole) << 23));
}
static inline floats scaled_exp2(floats t)
{
    return scaled_power(exponent_of(t));
}

/* 2^27 * 2^t * factor, rounded last at its own size: the order of two t is kept to one ulp, which a product
 * with what scaled_exp2 gives would not do. */
static inline floats scaled_exp2_times(floats t, float factor)
{
    struct exponent x = exponent_of(t);
    floats power = floats_of((words_of(x.whole) + 127u) << 23);
    return fused(slope_of(x.f) * x.f, (floats)(factor), (floats)(0x1p27f * factor)) * power;
}

static inline words weight_of(struct exponent x)
{
    return truncate_to_words(scaled_power(x) + 0.5f);
}
static inline words weight(floats t)
{
    return weight_of(exponent_of(t));
}

/* The integer nearest to x, halves to even. Next to 2^23 floats are integers, so that the sum is rounded to one,
 * and taking 2^23 off again is exact; rint() is a call for each element where it is no instruction. */
#define BESIDE(type, x) ((x) < 0.0f ? (type)(-WHOLE_FROM) : (type)(WHOLE_FROM))
#define WHOLE(type, x) ((x) < WHOLE_FROM && (x) > -WHOLE_FROM ? ((x) + BESIDE(type, x)) - BESIDE(type, x) : (type)(x))
static inline floats round_to_whole(floats x)
{
    return WHOLE(floats, x);
}
static inline float whole_of(float x)
{
    return WHOLE(float, x);
}

/* d_b of a block whose rounded maximum is r, in a row whose largest is r_max. */
static inline words block_shift(floats r_max, floats r)
{
    floats distance = r_max - r;
    return truncate_to_words(distance < (float)MAX_SHIFT ? distance : (floats)((float)MAX_SHIFT));
}

/* A sum of weights of one block, at the row's scale. */
static inline u64 block_mass(u64 sum, u32 shift)
{
    return sum << ALIGN_BITS >> shift;
}

#endif
