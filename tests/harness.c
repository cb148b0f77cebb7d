#include "harness.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int is_set(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] && strcmp(value, "0") != 0;
}

enum test_level test_level(void)
{
    if (is_set("TOMBOLA_TEST_SMALL")) {
        return TEST_SMALL;
    }
    return is_set("TOMBOLA_TEST_ALL") ? TEST_ALL : TEST_FAST;
}

void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(EXIT_FAILURE);
}

void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    if (!memory) {
        die("out of memory: %zu x %zu bytes", count, size);
    }
    return memory;
}

uint64_t random_bits(uint64_t *state)
{
    uint64_t x = *state += 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

uint32_t random_below(uint64_t *state, uint32_t count)
{
    return (uint32_t)((random_bits(state) >> 32) * count >> 32);
}

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

tombola_context *test_context_open(uint32_t lanes, uint32_t width)
{
    tombola_context_options options = tombola_context_options_default();
    options.lanes = lanes;
    options.width = width;
    options.teams = lanes >= 4 ? 2 : 0; /* so that groups of several teams meet the oracle too */
    options.build_options = getenv("TOMBOLA_TEST_BUILD_OPTIONS");
    tombola_context *context = NULL;
    tombola_error error;
    if (tombola_context_open(NULL, &options, &context, &error) != TOMBOLA_OK) {
        die("no device to test on (%u x %u): %s", lanes, width, error.message);
    }
    return context;
}
