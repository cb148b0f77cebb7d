/* The rows of the self-test: their values, what they are drawn with, and what restricts the long ones. */
#ifndef TOMBOLA_SELF_TEST_ROWS_H
#define TOMBOLA_SELF_TEST_ROWS_H

#include "tombola.h"

#define VOCABULARY 1000
#define ROWS 17

/* Rows longer than those that kernels look at token by token. */
#define LONG_VOCABULARY 5003
#define LONG_ROWS 7
#define BIASES 80 /* of a row that has masks and biases */
#define MASK_WORDS ((LONG_VOCABULARY + 31) / 32)

/* Rows that begin at odd places, so that no vector is aligned. */
#define STRIDE(vocabulary) ((vocabulary) + 1)

/* What long rows may be restricted by: three of four tokens are left, and some are banned. */
struct constraints {
    uint32_t masks[LONG_ROWS * MASK_WORDS];
    tombola_bias biases[LONG_ROWS * BIASES];
    size_t ends[LONG_ROWS];
};

/* What came before in long rows. */
#define HISTORY 60 /* tokens of a row's history */
#define PROMPT 20  /* of these the prompt */
#define MIN_TOKENS 50
struct past {
    int32_t history[LONG_ROWS * HISTORY], end_tokens[LONG_ROWS];
    size_t history_ends[LONG_ROWS], prompt_lengths[LONG_ROWS], end_token_ends[LONG_ROWS];
};

/* Fills in short rows, or long ones, and the parameters of each. */
void self_test_fill_short(void *values, tombola_params *params, tombola_type type, tombola_input input);
void self_test_fill_long(void *values, tombola_params *params, tombola_type type, tombola_input input);

/* Restricts long rows by masks, and by biases if they are logits. */
void self_test_constrain(struct constraints *constraints, tombola_rows *rows, tombola_input input);

/* Has in their place penalties, and histories for them. */
void self_test_penalise(struct past *past, tombola_params *params, tombola_rows *rows);

#endif
