/* A hash that is quick over many words: to notice that they differ, not to keep anything secret. */
#ifndef TOMBOLA_SRC_WORDS_HASH_H
#define TOMBOLA_SRC_WORDS_HASH_H

#include "portable.h"

#include <stddef.h>

/* Of 32-bit words. The same on every machine. */
u64 words_hash(const void *words, size_t count);

/* Mixes the bits of a word so that each changes all; and takes one in behind what was. */
static inline u64 hash_mix(u64 x)
{
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}
static inline u64 hash_add(u64 hash, u64 word)
{
    return hash_mix((hash + 0x9E3779B97F4A7C15u) ^ word);
}

#endif
