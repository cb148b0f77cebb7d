#include "narrow.h"

#include <string.h>

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Drops the low `count` bits, to the nearest, halves to even. */
static uint32_t drop_bits(uint32_t bits, uint32_t count)
{
    uint32_t half = 1u << (count - 1);
    uint32_t odd = bits >> count & 1u;
    return (bits + half - 1u + odd) >> count;
}

uint16_t narrow_to_half(float x)
{
    uint32_t bits = bits_of(x), magnitude = bits & 0x7FFFFFFFu;
    uint32_t sign = bits >> 16 & 0x8000u, half;
    if (magnitude > 0x7F800000u) {
        half = 0x7E00u;
    } else if (magnitude == 0x7F800000u) {
        half = 0x7C00u;
    } else if (magnitude >= 0x38800000u) { /* 2^-14, the smallest normal half */
        half = drop_bits(magnitude - 0x38000000u, 13);
        half = half < 0x7C00u ? half : 0x7BFFu;
    } else if (magnitude < 0x33000000u) { /* below half of the smallest subnormal half */
        half = 0u;
    } else {
        half = drop_bits((magnitude & 0x7FFFFFu) | 0x800000u, 126u - (magnitude >> 23));
    }
    return (uint16_t)(sign | half);
}

uint16_t narrow_to_bfloat(float x)
{
    uint32_t bits = bits_of(x), magnitude = bits & 0x7FFFFFFFu;
    uint32_t sign = bits >> 16 & 0x8000u, narrow;
    if (magnitude > 0x7F800000u) {
        narrow = 0x7FC0u;
    } else if (magnitude == 0x7F800000u) {
        narrow = 0x7F80u;
    } else {
        narrow = drop_bits(magnitude, 16);
        narrow = narrow < 0x7F80u ? narrow : 0x7F7Fu;
    }
    return (uint16_t)(sign | narrow);
}

float widen_half(uint16_t bits)
{
    uint32_t sign = (uint32_t)(bits & 0x8000u) << 16, magnitude = bits & 0x7FFFu;
    if (magnitude >= 0x7C00u) {
        return float_of(sign | 0x7F800000u | (magnitude & 0x3FFu) << 13);
    }
    if (magnitude >= 0x0400u) {
        return float_of(sign | ((magnitude << 13) + 0x38000000u));
    }
    return float_of(sign | bits_of((float)magnitude * 0x1p-24f));
}

float widen_bfloat(uint16_t bits)
{
    return float_of((uint32_t)bits << 16);
}

void narrow_elements(const float *values, size_t count, tombola_type type, void *elements)
{
    uint16_t *narrow = elements;
    if (type == TOMBOLA_FLOAT32)
        memcpy(elements, values, count * sizeof *values);
    else
        for (size_t i = 0; i < count; i++)
            narrow[i] = type == TOMBOLA_FLOAT16 ? narrow_to_half(values[i]) : narrow_to_bfloat(values[i]);
}

void widen_elements(const void *elements, size_t count, tombola_type type, float *values)
{
    const uint16_t *narrow = elements;
    if (type == TOMBOLA_FLOAT32)
        memcpy(values, elements, count * sizeof *values);
    else
        for (size_t i = 0; i < count; i++)
            values[i] = type == TOMBOLA_FLOAT16 ? widen_half(narrow[i]) : widen_bfloat(narrow[i]);
}
