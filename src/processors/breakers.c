#include "breakers.h"

enum { STATE_FREE, STATE_WITHIN, STATE_END }; /* of a slot; the last: a breaker ends here */
enum { ROOT };                                /* the node that all breakers begin at */

size_t breakers_slots(const struct token_words *words)
{
    size_t slots = 2;
    if (words->first == words->end)
        return 0;
    const size_t tokens = words->ends[words->end - 1] - word_start(words, words->first);
    while (slots < 2 * tokens) /* half of them stay free, so that searches are short */
        slots *= 2;
    return slots;
}

/* The slot of what follows a node by a token: its own, or the free one that it would take. */
static uint32_t find(const struct breakers *b, uint32_t node, uint32_t token)
{
    const uint32_t hash = (token + node * 0x9E3779B1u) * 0x85EBCA6Bu;
    uint32_t place = (hash ^ hash >> 15) & b->last;
    while (b->slots[place].state != STATE_FREE && (b->slots[place].node != node || b->slots[place].token != token))
        place = (place + 1) & b->last;
    return place;
}

static void add(struct breakers *b, const int32_t *tokens, size_t count)
{
    uint32_t node = ROOT;
    for (size_t i = 0; i < count; i++) {
        const uint32_t token = (uint32_t)tokens[i], place = find(b, node, token);
        struct breaker_slot *slot = &b->slots[place];
        if (slot->state == STATE_FREE)
            *slot = (struct breaker_slot){node, token, STATE_WITHIN};
        if (i + 1 == count)
            slot->state = STATE_END;
        node = place + 1;
    }
}

void breakers_make(struct breakers *b, const struct token_words *words, struct breaker_slot *slots)
{
    const size_t count = breakers_slots(words);
    *b = (struct breakers){.slots = slots, .last = (uint32_t)(count - 1)};
    for (size_t i = 0; i < count; i++)
        slots[i].state = STATE_FREE;
    for (size_t word = words->first; word < words->end; word++) {
        const int32_t *tokens = words->tokens + word_start(words, word);
        b->heads[(uint32_t)tokens[0] / 32 % HEADS] |= 1u << (uint32_t)tokens[0] % 32;
        add(b, tokens, word_length(words, word));
    }
}

static int may_begin(const struct breakers *b, int32_t token)
{
    return b->heads[(uint32_t)token / 32 % HEADS] >> (uint32_t)token % 32 & 1;
}

size_t breakers_longest(const struct breakers *b, const int32_t *tokens, size_t count)
{
    size_t longest = 0;
    uint32_t node = ROOT;
    if (!may_begin(b, tokens[0])) /* always where there are none, and so no slots */
        return 0;
    for (size_t i = 0; i < count; i++) {
        const uint32_t place = find(b, node, (uint32_t)tokens[i]);
        if (b->slots[place].state == STATE_FREE)
            break;
        longest = b->slots[place].state == STATE_END ? i + 1 : longest;
        node = place + 1;
    }
    return longest;
}
