/* What `tombola sample` makes on request beside a token for each row: scores, the most likely tokens, further samples,
 * and files. */
#ifndef REPORTS_H
#define REPORTS_H

#include <argp.h>
#include <jansson.h>

#include "kept_ids.h"
#include "npy.h"
#include "score_ids.h"

enum { REPORT_ARRAYS = 2 }; /* probabilities after all filters, and processed logits */

typedef struct reports {
    /* As the options tell them: */
    const char *score_path, *array_paths[REPORT_ARRAYS]; /* NULL: not wanted */
    uint32_t samples;                                    /* 0: one */
    uint32_t top_logprobs;                               /* so many tokens of each row; 0: none */
    kept_ids kept;
    /* As they are for an array: */
    score_ids ids;
    npy arrays[REPORT_ARRAYS];
} reports;

/* --score, --samples, --top-logprobs, --kept-ids, --kept-probabilities and --processed-logits. Its input is a struct of
 * these, all zero. */
extern const struct argp reports_argp;

/* A file that the command reads. */
typedef struct report_input {
    const char *name; /* as messages call it */
    const char *path; /* NULL: none */
} report_input;

/* Refuses, as a mistake in the options, an output that would overwrite the input. */
void reports_expect_apart(const reports *reports, const report_input *input, struct argp_state *state);

/* Reads the ids, and makes room for what is wanted of an array that is drawn from in batches of so many rows. 0, or -1
 * with a message on standard error. */
int reports_begin(reports *reports, const npy *array, size_t batch_rows, tombola_results *results);
void reports_release(reports *reports, tombola_results *results);

/* Sets what is of a batch that begins with row `first`. */
void reports_apply(const reports *reports, size_t first, tombola_rows *rows, tombola_results *results);

/* Takes what a batch of so many rows has come to. */
void reports_take(reports *reports, size_t rows, const tombola_results *results);

/* Adds a row's scores and most likely tokens to an object; null for -inf. `rows` as applied. -1 where there is no
 * memory. */
int reports_add(const reports *reports, const tombola_rows *rows, const tombola_results *results, size_t row,
                json_t *object);

/* Writes what of the files is not there yet. 0, or -1 with a message on standard error. */
int reports_write(reports *reports);

#endif
