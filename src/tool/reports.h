/* What `tombola sample` makes on request beside a token for each row: scores, the most likely tokens, further samples,
 * and files. */
#ifndef REPORTS_H
#define REPORTS_H

#include <argp.h>
#include <jansson.h>

#include "score_ids.h"

typedef struct reports {
    /* As the options tell them: */
    const char *score_path, *kept_ids_path, *probabilities_path, *logits_path; /* NULL: not wanted */
    uint32_t samples;                                                          /* 0: one */
    uint32_t top_logprobs;                                                     /* so many tokens of each row; 0: none */
    /* As they are for an array: */
    score_ids ids;
} reports;

/* --score, --samples, --top-logprobs, --kept-ids, --kept-probabilities and --processed-logits. Its input is a struct of
 * these, all zero. */
extern const struct argp reports_argp;

/* Reads the ids, and makes room for what is wanted of an array of so many rows and tokens, in batches of up to `batch`
 * rows. 0, or -1 with a message on standard error. */
int reports_load(reports *reports, size_t rows, size_t batch, size_t vocabulary, tombola_results *results);
void reports_release(reports *reports, tombola_results *results);

/* Sets what is of a batch that begins with row `first`. */
void reports_apply(const reports *reports, size_t first, tombola_rows *rows);

/* Adds a row's scores and most likely tokens to an object; null for -inf. `rows` as applied. -1 where there is no
 * memory. */
int reports_add(const reports *reports, const tombola_rows *rows, const tombola_results *results, size_t row,
                json_t *object);

#endif
