/* The rank order of tokens: larger logit first, lower id first among equals. */
#ifndef TOMBOLA_ORDER_H
#define TOMBOLA_ORDER_H

#include "portable.h"

#define KEY_ZERO 0x80000000u           /* of the logit 0 */
#define KEY_SMALLEST 0x80800000u       /* of 2^-126, the smallest positive normal number */
#define KEY_BELOW_ZERO 0x7F7FFFFFu     /* of -2^-126; no token has a key between these three */
#define KEY_LOWEST 0x00800000u         /* of -FLT_MAX */
#define KEY_INFINITY 0xFF800000u       /* of +inf; what is above it is NaN */
#define KEY_MINUS_INFINITY 0x007FFFFFu /* of -inf; what is below it is NaN */

/* The formulas, for vectors and for single values. */
#define CANONICAL(type, bits) (((bits)&0x7F800000u) == 0u ? (type)(0u) : (bits))
#define ORDER_KEY(bits) ((bits) ^ ((0u - ((bits) >> 31)) | 0x80000000u))
#define KEY_BITS(key) ((key) ^ ((((key) >> 31) - 1u) | 0x80000000u))

/* Bits of a float with -0 and subnormal numbers, which some devices flush, made +0. */
static inline words canonical(words bits)
{
    return CANONICAL(words, bits);
}

/* An unsigned integer in the order of the floats that these (canonical) bits stand for. */
static inline words order_key(words bits)
{
    return ORDER_KEY(bits);
}

/* The bits that order_key came from. */
static inline words key_bits(words key)
{
    return KEY_BITS(key);
}

/* The key of one float, and the float of one key. */
static inline u32 key_of(float value)
{
    u32 bits = CANONICAL(u32, word_of(value));
    return ORDER_KEY(bits);
}
static inline float value_of(u32 key)
{
    return float_of(KEY_BITS(key));
}

/* One float with -0 and subnormal numbers made +0. */
static inline float made_normal(float value)
{
    return float_of(CANONICAL(u32, word_of(value)));
}

#endif
