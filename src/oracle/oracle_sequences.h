/* What a row's history and sequences do to its logits, looked up token by token: slow, and plain. */
#ifndef ORACLE_SEQUENCES_H
#define ORACLE_SEQUENCES_H

#include <stddef.h>
#include <stdint.h>

#include "tombola.h"

/* Token sequences, one after another: number i is tokens[ends[i - 1]] up to tokens[ends[i]], where ends[-1] is 0. */
struct oracle_words {
    const int32_t *tokens;
    const size_t *ends;
    size_t count;
};

struct oracle_tokens {
    const int32_t *tokens;
    size_t count;
};

/* All of one row. */
struct oracle_sequences {
    struct oracle_tokens history; /* the prompt first */
    size_t prompt_length;
    struct oracle_tokens end_tokens;
    struct oracle_words banned, breakers;
    struct oracle_tokens forced, thinking_start, thinking_end;
};

/* Changes values of this kind, to which masks, biases and penalties have been applied. */
void oracle_apply_sequences(const struct oracle_sequences *sequences, const tombola_params *params, tombola_input kind,
                            float *values, uint32_t vocabulary);

#endif
