/* What tests of functions of one number compare with: binary64 that a compiler can compute for several numbers at a
 * time, unlike the libm's. */
#ifndef EXACT_H
#define EXACT_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#define RUN 4096u /* numbers looked at between two looks at the result */

/* The bits of a number >= 0 order as it does, which is how the largest is found. */
static inline uint64_t double_bits(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline double double_of(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* 2 artanh(s) for |s| <= 0.172, to about 2^-51, by its series. */
static inline double twice_artanh(double s)
{
    double y = s * s, sum = 1.0 / 21;
    sum = fma(sum, y, 1.0 / 19);
    sum = fma(sum, y, 1.0 / 17);
    sum = fma(sum, y, 1.0 / 15);
    sum = fma(sum, y, 1.0 / 13);
    sum = fma(sum, y, 1.0 / 11);
    sum = fma(sum, y, 1.0 / 9);
    sum = fma(sum, y, 1.0 / 7);
    sum = fma(sum, y, 1.0 / 5);
    sum = fma(sum, y, 1.0 / 3);
    sum = fma(sum, y, 1.0);
    return 2.0 * s * sum;
}

/* 2^t in binary64 for -130 <= t <= 130: Taylor's series of degree 12, good to 2^-50. Unlike exp2()
 * a compiler can run it on several numbers at a time. */
static inline double power_of_two(double t)
{
    double shifted = t + 0x1.8p52, x = (t - (shifted - 0x1.8p52)) * 0.69314718055994530942;
    double sum = 1.0 / 479001600;
    sum = fma(sum, x, 1.0 / 39916800);
    sum = fma(sum, x, 1.0 / 3628800);
    sum = fma(sum, x, 1.0 / 362880);
    sum = fma(sum, x, 1.0 / 40320);
    sum = fma(sum, x, 1.0 / 5040);
    sum = fma(sum, x, 1.0 / 720);
    sum = fma(sum, x, 1.0 / 120);
    sum = fma(sum, x, 1.0 / 24);
    sum = fma(sum, x, 1.0 / 6);
    sum = fma(sum, x, 0.5);
    sum = fma(sum, x, 1.0);
    sum = fma(sum, x, 1.0);
    return double_of(double_bits(sum) + (double_bits(shifted) << 52));
}

#endif
