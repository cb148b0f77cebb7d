/* Rows to draw from, of every kind that has ever tripped a sampler. Each value is an
 * integer formula of the kind, the row's seed, the vocabulary and the token's id, scaled
 * by a power of two, so that reference_rows.py makes the same bits without a libm. */
#ifndef ROWS_H
#define ROWS_H

#include "harness.h"

enum row_kind {
    ROW_PEAKED,
    ROW_FLAT,
    ROW_GAUSSIAN,
    ROW_EQUAL,
    ROW_ONE_HOT,
    ROW_MOSTLY_MASKED, /* with -inf */
    ROW_LOWEST,        /* half of it masked with -FLT_MAX or -2^100 */
    ROW_TIES,
    ROW_ZEROS, /* +0 and -0 */
    ROW_SUBNORMAL,
    ROW_HUGE,
    ROW_STAIRS, /* every block far below or above the last */
    ROW_NEGATIVE,
    ROW_NAN,
    ROW_INFINITE,
    ROW_EMPTY,
    ROW_KINDS
};

/* The name in known_answers.txt, "mostly_masked". */
const char *row_kind_name(enum row_kind kind);

/* All that a row is made from. Of probabilities each kind has its like: 0 for -inf,
 * 2^-126 for -FLT_MAX; ROW_NEGATIVE has a negative one. */
struct row_recipe {
    enum row_kind kind;
    uint32_t seed;
    uint32_t vocabulary;
    tombola_type type;
    tombola_input input;
};

/* Writes mask `number`, not 0: bit i % 32 of word i / 32 is set where it allows token i.
 * words  (vocabulary + 31) / 32 of them */
void row_mask(uint32_t number, uint32_t vocabulary, uint32_t *words);

#define MOST_ROW_BIASES 40

/* Writes the biases of this number, none for 0, no token twice and in no order; returns how many. There is room for
 * MOST_ROW_BIASES. */
size_t row_biases(uint32_t number, uint32_t vocabulary, tombola_bias *biases);

#define MOST_ROW_HISTORY 600
#define MOST_ROW_ENDS 3

/* The history and end tokens of this number, none for 0. Few tokens come often, and others once or twice. */
struct row_history {
    int32_t tokens[MOST_ROW_HISTORY], end_tokens[MOST_ROW_ENDS];
    uint32_t count, prompt, end_token_count;
};
struct row_history row_history(uint32_t number, uint32_t vocabulary);

/* Writes the row's elements, in its type, and what they are as binary32. Either may be NULL. */
void row_fill(const struct row_recipe *recipe, void *elements, float *widened);

#endif
