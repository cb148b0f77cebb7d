#include "tally.h"

#include "error.h"

#include <stdlib.h>

size_t tally_bytes(size_t vocabulary, size_t tokens)
{
    return (vocabulary + tokens + 1) * sizeof(u32);
}

tombola_status tally_reserve(struct tally *tally, size_t vocabulary, size_t tokens, tombola_error *error)
{
    if (tally->room >= tokens)
        return TOMBOLA_OK;
    u32 *entries = tally->entries ? tally->entries : calloc(vocabulary, sizeof *entries);
    u32 *more = malloc((tokens + 1) * sizeof *more);
    if (!entries || !more) {
        if (!tally->entries)
            free(entries);
        free(more);
        return fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory to count histories of a vocabulary of %zu in", vocabulary);
    }
    free(tally->tokens);
    *tally = (struct tally){.entries = entries, .tokens = more, .room = tokens};
    return TOMBOLA_OK;
}

void tally_free(struct tally *tally)
{
    free(tally->entries);
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
