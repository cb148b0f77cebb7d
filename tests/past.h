/* Histories and token sequences to draw with, by number, as integer formulas that reference_sequences.py has too: few
 * different tokens, so that they repeat. */
#ifndef PAST_H
#define PAST_H

#include "oracle.h"

#define MOST_HISTORY 700
#define MOST_WORDS 4
#define MOST_WORD 3
#define MOST_FORCED 5

/* Memory for all that a row has. */
struct past {
    int32_t tokens[MOST_HISTORY];
    int32_t end_tokens[3];
    int32_t words[MOST_WORDS * MOST_WORD], breakers[MOST_WORDS * MOST_WORD];
    size_t word_ends[MOST_WORDS], breaker_ends[MOST_WORDS];
    int32_t forced[MOST_FORCED], thinking_start[2], thinking_end[3];
    struct oracle_sequences all; /* of the above */
};

/* Number 0 has nothing; `with_words` has banned words besides. */
void past_make(uint32_t number, int with_words, uint32_t vocabulary, struct past *history);

/* Its history, the prompt and the end tokens in it, as the oracle takes them. */
struct oracle_history past_history(const struct past *past);

#endif
