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

tombola_context *test_context_open(uint32_t lanes, uint32_t width)
{
    tombola_context_options options = tombola_context_options_default();
    options.lanes = lanes;
    options.width = width;
    options.teams = lanes >= 4 ? 2 : 0; /* so that groups of several teams meet the oracle too */
    options.build_options = getenv("TOMBOLA_TEST_BUILD_OPTIONS");
    tombola_context *context = NULL;
    tombola_error error = tombola_error_default();
    if (tombola_context_open(NULL, &options, &context, &error) != TOMBOLA_OK) {
        die("no device to test on (%u x %u): %s", lanes, width, error.message);
    }
    return context;
}

tombola_device device_of(const tombola_context *context)
{
    tombola_device device = tombola_device_default();
    tombola_context_device(context, &device);
    return device;
}
