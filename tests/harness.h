/* What the tests share: how much to run, a repeatable source of random numbers,
 * the 16-bit float types, and the device under test. */
#ifndef HARNESS_H
#define HARNESS_H

#include <stddef.h>
#include <stdint.h>

#include "narrow.h"
#include "tombola.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* How much to test: TOMBOLA_TEST_SMALL=1 for devices that take milliseconds a
 * kilobyte, TOMBOLA_TEST_ALL=1 for what takes minutes, else what every change runs. */
enum test_level { TEST_SMALL, TEST_FAST, TEST_ALL };

enum test_level test_level(void);

/* Prints one sentence and ends the test program. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Memory or death. */
void *allocate(size_t count, size_t size);

/* splitmix64: advances the state and returns 64 random bits. */
uint64_t random_bits(uint64_t *state);

/* From 0 to count - 1. */
uint32_t random_below(uint64_t *state, uint32_t count);

/* The device that TOMBOLA_DEVICE names, or the default one, in blocks of lanes x width
 * (0, 0: what the library chooses), built with TOMBOLA_TEST_BUILD_OPTIONS besides. Dies if it cannot be opened. */
tombola_context *test_context_open(uint32_t lanes, uint32_t width);

/* The device that a context has. */
tombola_device device_of(const tombola_context *context);

#endif
