/* What C and OpenCL C spell differently, so that the headers beside this one can be
 * compiled by both. The only #ifdef of that kind is here.
 *
 * `floats` and `words` are WIDTH-element vectors on the device and single values on the
 * host: a function written on them is the same arithmetic, element by element. */
#ifndef TOMBOLA_PORTABLE_H
#define TOMBOLA_PORTABLE_H

#ifdef __OPENCL_C_VERSION__

#pragma OPENCL FP_CONTRACT OFF

#ifndef WIDTH
#define WIDTH 16
#endif
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

typedef uint u32;
typedef ulong u64;
typedef int s32;
typedef long s64;
typedef JOIN(float, WIDTH) floats;
typedef JOIN(uint, WIDTH) words;
typedef JOIN(ulong, WIDTH) longs;

#define fused(a, b, c) fma(a, b, c)
#define words_of(x) JOIN(as_uint, WIDTH)(x)   /* the bits of floats */
#define floats_of(x) JOIN(as_float, WIDTH)(x) /* floats from their bits */
#define word_of(x) as_uint(x)                 /* the bits of one float */
#define float_of(x) as_float(x)               /* one float from its bits */
#define first_word(x) (x).s0                  /* of words */
#define truncate_to_words(x)                                                                                           \
    JOIN(as_uint, WIDTH)(JOIN(convert_int, WIDTH)(x))       /* 0 <= x < 2^31: few CPUs convert more */
#define ALWAYS_INLINE inline __attribute__((always_inline)) /* for loops whose last arguments choose their form */
#define NOT_INLINE __attribute__((noinline))                /* for loops that need all registers to themselves */
#define longs_of(x) JOIN(convert_ulong, WIDTH)(x)
#define longs_of_floats(x) JOIN(convert_ulong, WIDTH)(x)                /* 0 <= x < 2^63 */
#define lower_words(x) JOIN(convert_uint, WIDTH)(x)                     /* of longs */
#define masks_of(x) JOIN(as_ulong, WIDTH)(JOIN(convert_long, WIDTH)(x)) /* flags, each bit 64 times */
#define signed_to_floats(x) JOIN(convert_float, WIDTH)(JOIN(as_int, WIDTH)(x))

#else

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

/* What the host computes goes into tokens to the last bit. */
#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
#error "Tombola draws other tokens with -ffast-math or -ffinite-math-only: leave these out"
#endif
#if !defined(FLT_EVAL_METHOD) || FLT_EVAL_METHOD != 0
#error "Tombola draws other tokens where floats are evaluated in a wider format (FLT_EVAL_METHOD): use -mfpmath=sse"
#endif
#if FLT_RADIX != 2 || FLT_MANT_DIG != 24 || FLT_MAX_EXP != 128 || DBL_MANT_DIG != 53 || DBL_MAX_EXP != 1024
#error "Tombola needs IEEE 754 binary32 and binary64"
#endif

typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;
typedef float floats;
typedef uint32_t words;
typedef uint64_t longs;

static inline float fused(float a, float b, float c)
{
    return fmaf(a, b, c);
}

static inline u32 words_of(float x)
{
    u32 bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline u32 word_of(float x)
{
    return words_of(x);
}

static inline u32 first_word(u32 x)
{
    return x;
}

static inline u64 longs_of(u32 x)
{
    return x;
}

static inline u32 lower_words(u64 x)
{
    return (u32)x;
}

static inline float floats_of(u32 bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline float float_of(u32 bits)
{
    return floats_of(bits);
}

static inline u32 truncate_to_words(float x)
{
    return (u32)x;
}

static inline float signed_to_floats(u32 x)
{
    int32_t value;
    memcpy(&value, &x, sizeof value);
    return (float)value;
}

#endif
#endif
