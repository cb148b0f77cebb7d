/* SipHash-2-4 with 128 bits of result (Aumasson and Bernstein) under the key 00 01 .. 0f: to name files and to
 * notice that they were damaged, not to keep anything secret. */
#ifndef TOMBOLA_SRC_SIPHASH_H
#define TOMBOLA_SRC_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash {
    uint64_t low, high;
};

struct siphash siphash(const void *data, size_t size);

#endif
