/* What the self-test has the device draw and report, and what is right. */
#ifndef TOMBOLA_SELF_TEST_RESULTS_H
#define TOMBOLA_SELF_TEST_RESULTS_H

#include "self_test_rows.h"

#define CANDIDATES 60
#define SCORES 2       /* of each row: the last token kept, and another */
#define KEPT_ROOM 8192 /* ids that all rows keep, and some more */

/* All results of the rows, and what some are restricted by. */
struct answers {
    struct constraints constraints;
    struct past past;
    int32_t tokens[ROWS], status[ROWS];
    uint32_t kept[ROWS];
    tombola_boundary boundaries[ROWS];
    int32_t candidate_tokens[ROWS * CANDIDATES];
    float candidate_logits[ROWS * CANDIDATES], candidate_probabilities[ROWS * CANDIDATES];
    float probabilities[ROWS * VOCABULARY], log_probabilities[ROWS * VOCABULARY];
    int32_t score_tokens[ROWS * SCORES];
    size_t score_ends[ROWS];
    float scores[ROWS * SCORES], raw_scores[ROWS * SCORES];
    uint64_t kept_ends[ROWS];
    int32_t kept_tokens[KEPT_ROOM];
    float kept_probabilities[ROWS * VOCABULARY], processed_logits[ROWS * VOCABULARY];
};

/* The columns that every row has: what the sample kernel is asked for. */
tombola_results self_test_draws(struct answers *got);

/* These and the columns of some kernels, of short rows; and adds to these the ids to score.
 * kernels  a bit each (KERNEL_BIT) */
tombola_results self_test_reports(struct answers *got, tombola_input input, unsigned kernels, tombola_rows *rows);

/* Long rows: as they are, with masks and biases, with histories. */
enum long_rows { LONG_ROWS_PLAIN, LONG_ROWS_CONSTRAINED, LONG_ROWS_PENALISED };

/* Compares what was asked for of short rows, or the draws of long ones.
 * way  the dispatch, for the error's message */
tombola_status self_test_compare(const struct answers *got, tombola_input input, unsigned kernels, const char *way,
                                 tombola_error *error);
tombola_status self_test_compare_long(const struct answers *got, tombola_input input, enum long_rows rows,
                                      const char *way, tombola_error *error);

#endif
