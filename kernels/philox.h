/* Philox4x32-10, the counter-based generator of Salmon et al., "Parallel random numbers:
 * as easy as 1, 2, 3" (SC 2011): four random words from a counter and a key. */
#ifndef TOMBOLA_PHILOX_H
#define TOMBOLA_PHILOX_H

#include "portable.h"

#define PHILOX_M0 0xD2511F53u
#define PHILOX_M1 0xCD9E8D57u

/* The counters of several calls side by side, or what they give; of one on the host. */
struct philox {
    words word[4];
};

/* In words of 64 bits, whose upper halves are whatever is left there: that spares processors whose vectors multiply 32
 * bits to 64 all moves between the halves of products. */
static inline struct philox philox4x32_10(struct philox counter, u32 key0, u32 key1)
{
    longs c0 = longs_of(counter.word[0]), c1 = longs_of(counter.word[1]);
    longs c2 = longs_of(counter.word[2]), c3 = longs_of(counter.word[3]);
    for (int round = 0; round < 10; round++) {
        longs product0 = (c0 & 0xFFFFFFFFu) * PHILOX_M0, product2 = (c2 & 0xFFFFFFFFu) * PHILOX_M1;
        c0 = product2 >> 32 ^ c1 ^ key0;
        c1 = product2;
        c2 = product0 >> 32 ^ c3 ^ key1;
        c3 = product0;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    struct philox random = {{lower_words(c0), lower_words(c1), lower_words(c2), lower_words(c3)}};
    return random;
}

/* The last word of the counter tells the uses of the stream apart, so that none shifts another's numbers. */
#define PHILOX_USE_CDF 0u    /* the draw by inverse CDF */
#define PHILOX_USE_TOKENS 1u /* the race of tokens, by id */
#define PHILOX_USE_BLOCKS 2u /* the race of blocks, by id / BLOCK */
#define PHILOX_USE_XTC 3u    /* XTC's chance */
#define PHILOX_USE_MARK 4u   /* seeds from a watermark's key, on the host */
#define PHILOX_TAIL 128u     /* added to a use: the lower bits of its numbers */
#define PHILOX_USE_SHIFT 24  /* the call's number is below */

/* The random words of these calls, each below 2^21, in one use of the stream. */
static inline struct philox random_words(words calls, u32 use, u64 seed, u64 offset, u32 stream)
{
    struct philox counter;
    counter.word[0] = (words)((u32)offset);
    counter.word[1] = (words)((u32)(offset >> 32));
    counter.word[2] = (words)(stream);
    counter.word[3] = (words)(use << PHILOX_USE_SHIFT) | calls;
    return philox4x32_10(counter, (u32)seed, (u32)(seed >> 32));
}

/* The 64 random bits of a draw by inverse CDF. */
static inline u64 draw_bits(u64 seed, u64 offset, u32 stream)
{
    struct philox random = random_words((words)(0u), PHILOX_USE_CDF, seed, offset, stream);
    return (u64)first_word(random.word[0]) | (u64)first_word(random.word[1]) << 32;
}

/* Where the word of index n lies, so that 16 calls side by side have the words of 4 x 16 neighbours. */
static inline words random_call(words n)
{
    return (n >> 6) * 16u + (n & 15u);
}
static inline words random_word(words n)
{
    return n >> 4 & 3u;
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
