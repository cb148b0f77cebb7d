#include "words_hash.h"

#include <string.h>

#define CHUNK 128 /* words */

/* NH (Black et al., UMAC): a sum of products of pairs of words, each plus a key, which vectors make. */
static u64 sum_of_products(const u32 *words)
{
    u64 sum = 0;
    for (u32 i = 0; i < CHUNK; i += 2)
        sum += (u64)(words[i] + 0x9E3779B9u * (2 * i + 1)) * (words[i + 1] + 0x85EBCA6Bu * (2 * i + 3));
    return sum;
}

u64 words_hash(const void *words, size_t count)
{
    const u32 *from = words;
    u32 last[CHUNK] = {0};
    u64 hash = count;
    for (; count >= CHUNK; count -= CHUNK, from += CHUNK)
        hash = hash_add(hash, sum_of_products(from));
    if (count == 0)
        return hash_mix(hash);
    memcpy(last, from, count * sizeof *last);
    return hash_add(hash, sum_of_products(last));
}
