/* DRY's breakers as a tree of their tokens, so that what is asked of them does not take longer the more there are. */
#ifndef TOMBOLA_SRC_PROCESSORS_BREAKERS_H
#define TOMBOLA_SRC_PROCESSORS_BREAKERS_H

#include "processor.h"

#define HEADS 256u /* words of 32 bits of a set of tokens, in which several tokens share a bit */

struct breakers {
    struct breaker_slot *slots; /* a hash table of the tree's nodes; a node is the number of its slot, plus 1 */
    uint32_t last;              /* slot; they are a power of two */
    uint32_t heads[HEADS];      /* a token that begins a breaker has its bit set */
};

/* How many slots so many words take; 0 where there are none. */
size_t breakers_slots(const struct token_words *words);

/* Puts the words into memory for so many slots. */
void breakers_make(struct breakers *breakers, const struct token_words *words, struct breaker_slot *slots);

/* The length of the longest breaker that these tokens, one at least, begin with; 0: none. */
size_t breakers_longest(const struct breakers *breakers, const int32_t *tokens, size_t count);

#endif
