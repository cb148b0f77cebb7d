/* The answers in known_answers.txt, which reference_answers.py computed, and in files like it. */
#ifndef KNOWN_H
#define KNOWN_H

#include <stddef.h>

#include "oracle.h"
#include "rows.h"

struct known_answer {
    unsigned line; /* in the file */
    struct row_recipe recipe;
    uint32_t mask, biases, history; /* numbers for row_mask, row_biases and row_history; 0: none */
    tombola_params params;
    struct draw draw;
    uint32_t past, words; /* numbers for past_make; 0: none */
};

/* Reads those of rows without, or with, masks and biases, those of one row next to each other; dies on a line that
 * it cannot read.
 * The caller frees the result. */
struct known_answer *known_answers_read(size_t *count);
struct known_answer *known_restricted_read(size_t *count);

/* The same of all rows in a file of this name: "known_shares.txt". */
struct known_answer *known_file_read(const char *name, size_t *count);

/* The row of an answer, its mask, biases and history applied. */
struct oracle_row *known_row(const struct known_answer *answer);

/* Fails the test unless the oracle draws each answer, each from a row of its own. */
void known_answers_expect_oracle(const struct known_answer *answers, size_t count);

/* Fails the test unless both are the same draw, telling `who` drew wrongly from what. */
void expect_draw(const char *who, const struct row_recipe *recipe, const tombola_params *params,
                 const struct draw *expected, const struct draw *got);

#endif
