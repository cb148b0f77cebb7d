/* The race that draws a token. Each runner, a block or a token, arrives after an exponential random number divided by
 * its weight, and the first to arrive is drawn: each with the probability of its share of the weights, the same law as
 * that of Gumbel-max. From fma, rounded products and integers alone, so that every device has the same times. */
#ifndef TOMBOLA_RACE_H
#define TOMBOLA_RACE_H

#include "portable.h"

#define RACE_TAIL_BELOW 0x00100000u /* where the high bits are below it, the low ones count */

/* -ln(1 - v), where the 31 random bits of `high` are v's first and those of `low` follow; low counts only where high
 * is below RACE_TAIL_BELOW. 1 - v comes from high and not from v, which is rounded. */
static inline floats exponential(words high, words low)
{
    floats first = signed_to_floats(high);
    floats tail = fused(signed_to_floats(low | 1u), (floats)(0x1p-62f), first * 0x1p-31f);
    floats v = high < RACE_TAIL_BELOW ? tail : fused(first, (floats)(0x1p-31f), (floats)(0x1p-32f));
    words rest = words_of(fused(signed_to_floats(0x7FFFFFFFu - high), (floats)(0x1p-31f), (floats)(0x1p-32f)));
    floats scaled = floats_of((rest & 0x007FFFFFu) | 0x3F000000u); /* in [1/2, 1) */
    floats g = high < 0x40000000u ? v : 1.0f - scaled;
    words halvings = high < 0x40000000u ? (words)(0u) : 126u - (rest >> 23);
    floats slope = (floats)(0x1.6a0b54p+0f);
    slope = fused(slope, g, (floats)(-0x1.a391a6p+0f));
    slope = fused(slope, g, (floats)(0x1.354a32p+0f));
    slope = fused(slope, g, (floats)(-0x1.72165ep-3f));
    slope = fused(slope, g, (floats)(0x1.0df4eap-2f));
    slope = fused(slope, g, (floats)(0x1.f3144ap-3f));
    slope = fused(slope, g, (floats)(0x1.55a382p-2f));
    slope = fused(slope, g, (floats)(0x1.fffecp-2f));
    return fused(signed_to_floats(halvings), (floats)(0x1.62e43p-1f), fused(g * g, slope, g));
}

/* A runner's weight K, from 1 to 2^36, as a float: given as K >> 18 and K & 0x3FFFF. */
static inline floats runner_weight(words high, words low)
{
    return fused(signed_to_floats(high), (floats)(0x1p18f), signed_to_floats(low));
}

/* 1 / weight for 1 to 2^36, never increasing with it: so that what bounds a weight bounds a time. */
static inline floats reciprocal(floats weight)
{
    floats r = floats_of(0x7EF311C3u - words_of(weight));
    r = fused(r, fused(-weight, r, (floats)(1.0f)), r);
    r = fused(r, fused(-weight, r, (floats)(1.0f)), r);
    r = fused(r, fused(-weight, r, (floats)(1.0f)), r);
    return r;
}

/* When the runner arrives: positive and normal, so that times are in the order of their bits. */
static inline floats runner_time(floats random, floats weight)
{
    return random * reciprocal(weight);
}

#define SCALE_EXACT_BITS 0x53000000u /* of 2^39 */

/* The integer that a block's rounded maximum, finite, counts for: r itself up to 2^39, then steps of 128. */
static inline s64 scale_order(float r)
{
    u32 size = word_of(r) & 0x7FFFFFFFu;
    if (size <= SCALE_EXACT_BITS)
        return (s64)r;
    s64 beyond = ((s64)1 << 39) + (s64)(size - SCALE_EXACT_BITS) * 128;
    return r < 0.0f ? -beyond : beyond;
}

/* When a block arrives whose time at its own scale has these bits: time * 2^-r in logarithmic order. No overflow. */
static inline s64 block_arrival(u32 time_bits, float r)
{
    return (s64)time_bits - scale_order(r) * 8388608;
}

#endif
