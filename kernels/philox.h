/* Philox4x32-10, the counter-based generator of Salmon et al., "Parallel random numbers:
 * as easy as 1, 2, 3" (SC 2011): four random words from a counter and a key. */
#ifndef TOMBOLA_PHILOX_H
#define TOMBOLA_PHILOX_H

#include "portable.h"

struct philox {
    u32 word[4];
};

static inline struct philox philox4x32_10(struct philox counter, u32 key0, u32 key1)
{
    for (int round = 0; round < 10; round++) {
        u64 product0 = (u64)0xD2511F53u * counter.word[0];
        u64 product1 = (u64)0xCD9E8D57u * counter.word[2];
        struct philox next;
        next.word[0] = (u32)(product1 >> 32) ^ counter.word[1] ^ key0;
        next.word[1] = (u32)product1;
        next.word[2] = (u32)(product0 >> 32) ^ counter.word[3] ^ key1;
        next.word[3] = (u32)product0;
        counter = next;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    return counter;
}

/* The last word of the counter tells the uses of the stream apart, so that none shifts another's numbers. */
#define PHILOX_USE_DRAW 0u

/* The 64 random bits of one draw. */
static inline u64 draw_bits(u64 seed, u64 offset, u32 stream)
{
    struct philox counter;
    counter.word[0] = (u32)offset;
    counter.word[1] = (u32)(offset >> 32);
    counter.word[2] = stream;
    counter.word[3] = PHILOX_USE_DRAW;
    struct philox random = philox4x32_10(counter, (u32)seed, (u32)(seed >> 32));
    return (u64)random.word[0] | (u64)random.word[1] << 32;
}

/* The upper half of a 128-bit product. */
static inline u64 multiply_high(u64 a, u64 b)
{
    u64 a0 = (u32)a, a1 = a >> 32, b0 = (u32)b, b1 = b >> 32;
    u64 middle = a1 * b0 + (a0 * b0 >> 32);
    u64 other = a0 * b1 + (u32)middle;
    return a1 * b1 + (middle >> 32) + (other >> 32);
}

#endif
