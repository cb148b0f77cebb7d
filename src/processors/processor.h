/* A processor: a pure function of a row's history and parameters, which says of single tokens what becomes of their
 * logits. One file each; rules.c lists them. To add one: write its function, add it to the list, and state what
 * it does in kernels/CONTRACT.md, in src/oracle and in tests/reference_sequences.py. */
#ifndef TOMBOLA_SRC_PROCESSORS_PROCESSOR_H
#define TOMBOLA_SRC_PROCESSORS_PROCESSOR_H

#include "tombola.h"

#include <float.h>

/* Token sequences of a row, none of them empty: number i, from `first` up to `end`, is tokens[ends[i - 1]] up to
 * tokens[ends[i]], where ends[-1] is 0. */
struct token_words {
    const int32_t *tokens;
    const size_t *ends;
    size_t first, end;
};

/* A list of tokens. */
struct token_list {
    const int32_t *tokens;
    size_t count;
};

/* A node of the tree of DRY's breakers: what follows another by a token. */
struct breaker_slot {
    uint32_t node, token, state;
};

/* What a processor knows of a row. All is checked before. */
struct processor_input {
    const tombola_params *params;
    const int32_t *history; /* the prompt first */
    size_t length, prompt_length;
    struct token_list end_tokens;
    struct token_words banned, breakers;
    struct token_list forced, thinking_start, thinking_end;
    /* Room for `length` numbers each, whatever they hold. */
    uint32_t *repeats;
    float *penalties;
    struct breaker_slot *slots; /* room for as many as dry_slots says */
};

enum effect {
    EFFECT_BAN,     /* the token can't be drawn; the value does not matter */
    EFFECT_PENALTY, /* its logit falls by the value, 0 or more. Of several for one token the largest counts */
    EFFECT_GROWTH   /* its logit grows by so many times its magnitude. A token has one at most, maybe told twice */
};

/* Where a processor tells what it finds. Tokens come in any order, and may come again. */
struct processor_output {
    void *list;
    void (*put)(void *list, int32_t token, enum effect effect, float value);
};

/* Of each processor: how often it tells something at most, 0 where it is off, and else what it does. */
size_t min_tokens_most(const struct processor_input *input);
void min_tokens_run(const struct processor_input *input, const struct processor_output *output);
size_t dry_most(const struct processor_input *input);
void dry_run(const struct processor_input *input, const struct processor_output *output);
size_t dry_slots(const struct processor_input *input);
size_t banned_words_most(const struct processor_input *input);
void banned_words_run(const struct processor_input *input, const struct processor_output *output);
size_t ngram_most(const struct processor_input *input);
void ngram_run(const struct processor_input *input, const struct processor_output *output);
size_t length_most(const struct processor_input *input);
void length_run(const struct processor_input *input, const struct processor_output *output);

/* The one token that may be drawn, or -1: of the forced sequence, and of the end of thinking. */
int32_t forced_token(const struct processor_input *input);
int32_t thinking_token(const struct processor_input *input);

/* How many tokens came after the prompt. */
static inline size_t generated(const struct processor_input *input)
{
    return input->length - input->prompt_length;
}

static inline size_t word_start(const struct token_words *words, size_t word)
{
    return word ? words->ends[word - 1] : 0;
}

static inline size_t word_length(const struct token_words *words, size_t word)
{
    return words->ends[word] - word_start(words, word);
}

/* A number of 0 or more in binary32: at most FLT_MAX, and 0 where it would be subnormal. */
static inline float as_float(double x)
{
    const float rounded = x < (double)FLT_MAX ? (float)x : FLT_MAX;
    return rounded < FLT_MIN ? 0.0f : rounded;
}

#endif
