/* Batches with a row of each kind, in any type, with masks and biases, and what the oracle has to know of them. */
#ifndef KINDS_H
#define KINDS_H

#include "calls.h"
#include "oracle.h"
#include "rows.h"

struct kinds {
    struct make make;
    char *elements;
    uint32_t *masks;
    int32_t mask_of_row[ROW_KINDS];
    tombola_bias biases[ROW_KINDS * MOST_ROW_BIASES];
    size_t bias_ends[ROW_KINDS];
    struct oracle_row *drawn[ROW_KINDS], *given[ROW_KINDS]; /* with mask and biases, and without */
    tombola_params params[ROW_KINDS];
};

/* number         others have other rows
 * is_restricted  two rows in three have masks, and two in three biases */
struct kinds *kinds_make(struct make make, uint32_t number, int is_restricted);
void kinds_release(struct kinds *kinds);

/* Sets parameters: temperatures from greedy to +inf, filters, orders and methods, others for each number. */
void kinds_set_params(struct kinds *kinds, uint32_t number);

/* The batch as a call takes it. */
tombola_rows kinds_rows(const struct kinds *kinds);

/* Which batches are run: binary32 alone where each type would take a compilation, and each input one more. */
enum kinds_which { KINDS_ALL, KINDS_BINARY32, KINDS_BINARY32_LOGITS };

/* Runs batches on a context: of each vocabulary up to `most` (2 where little is tested) four, logits and probabilities,
 * with masks and biases and without, the types by turns. The batch is released behind the call; `number` counts all
 * batches, also those left out. */
typedef void kinds_run(tombola_context *on, struct kinds *kinds, uint32_t number);
void kinds_each(tombola_context *on, enum kinds_which which, uint32_t most, kinds_run *run);

/* The same in work-groups of many. */
void kinds_each_in_groups(enum kinds_which which, uint32_t most, kinds_run *run);

/* Fails the test, telling the row and its parameters, unless both have the same bits. */
void kinds_expect_bits(const struct kinds *kinds, uint32_t row, const char *what, float got, float expected);

#endif
