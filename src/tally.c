#include "tally.h"

#include "error.h"

#include <stdlib.h>

#define WORD 64u

static size_t words_of_bits(size_t bits)
{
    return (bits + WORD - 1) / WORD;
}

size_t tally_bytes(size_t vocabulary, size_t tokens)
{
    const size_t words = words_of_bits(vocabulary);
    return vocabulary * sizeof(u32) + (words + words_of_bits(words)) * sizeof(u64) + (tokens + 1) * sizeof(u32);
}

tombola_status tally_reserve(struct tally *tally, size_t vocabulary, size_t tokens, tombola_error *error)
{
    struct tally t = *tally;
    if (t.entries && t.room >= tokens)
        return TOMBOLA_OK;
    t.tokens = malloc((tokens + 1) * sizeof *t.tokens); /* what does not count is written too, behind the last */
    t.room = tokens;
    if (!tally->entries) {
        const size_t words = words_of_bits(vocabulary);
        t.entries = calloc(vocabulary, sizeof *t.entries);
        t.bits = calloc(words, sizeof *t.bits);
        t.sieve = calloc(words_of_bits(words), sizeof *t.sieve);
    }
    if (t.tokens && t.entries && t.bits && t.sieve) {
        free(tally->tokens);
        *tally = t;
        return TOMBOLA_OK;
    }
    free(t.tokens);
    if (!tally->entries) {
        free(t.entries);
        free(t.bits);
        free(t.sieve);
    }
    return fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory to count histories of a vocabulary of %zu in", vocabulary);
}

void tally_free(struct tally *tally)
{
    free(tally->entries);
    free(tally->bits);
    free(tally->sieve);
    free(tally->tokens);
    *tally = (struct tally){0};
}

void tally_note(struct tally *tally, const int32_t *tokens, size_t count)
{
    u32 *entries = tally->entries, *to = tally->tokens;
    size_t occur = tally->count;
    for (size_t i = 0; i < count; i++) {
        const u32 token = (u32)tokens[i], before = entries[token];
        entries[token] = 1;
        to[occur] = token;
        occur += before == 0;
    }
    tally->count = occur;
}

void tally_count(struct tally *tally, const int32_t *tokens, size_t count)
{
    u32 *entries = tally->entries, *to = tally->tokens;
    size_t occur = tally->count;
    for (size_t i = 0; i < count; i++) {
        const u32 token = (u32)tokens[i], before = entries[token];
        entries[token] = (before + 2) | 1;
        to[occur] = token;
        occur += before == 0;
    }
    tally->count = occur;
}

/* The place of the lowest bit that is set. */
static unsigned lowest(u64 bits)
{
#if defined(__GNUC__)
    return (unsigned)__builtin_ctzll(bits);
#else
    unsigned place = 0;
    for (; !(bits & 1); bits >>= 1)
        place++;
    return place;
#endif
}

void tally_sort(struct tally *tally)
{
    size_t last = 0, written = 0;
    for (size_t i = 0; i < tally->count; i++) {
        const size_t token = tally->tokens[i], word = token / WORD;
        tally->bits[word] |= (u64)1 << token % WORD;
        tally->sieve[word / WORD] |= (u64)1 << word % WORD;
        last = word / WORD > last ? word / WORD : last;
    }
    for (size_t i = 0; written < tally->count && i <= last; i++) {
        for (u64 words = tally->sieve[i]; words; words &= words - 1) {
            const size_t word = i * WORD + lowest(words);
            for (u64 bits = tally->bits[word]; bits; bits &= bits - 1)
                tally->tokens[written++] = (u32)(word * WORD + lowest(bits));
            tally->bits[word] = 0;
        }
        tally->sieve[i] = 0;
    }
}
