/* What `tombola sample` makes on request beside a token for each row: scores, further samples, and arrays in files. */
#ifndef REPORTS_H
#define REPORTS_H

#include <argp.h>
#include <jansson.h>

#include "npy.h"
#include "score_ids.h"

enum { REPORT_ARRAYS = 2 }; /* probabilities after all filters, and processed logits */

typedef struct reports {
    /* As the options tell them: */
    const char *score_path, *array_paths[REPORT_ARRAYS]; /* NULL: not wanted */
    uint32_t samples;                                    /* 0: one */
    /* As they are for an array: */
    score_ids ids;
    npy arrays[REPORT_ARRAYS];
} reports;

/* --score, --samples, --kept-probabilities and --processed-logits. Its input is a struct of these, all zero. */
extern const struct argp reports_argp;

/* Reads the ids, and makes room for what is wanted of an array. 0, or -1 with a message on standard error. */
int reports_begin(reports *reports, const npy *array, tombola_results *results);
void reports_release(reports *reports, tombola_results *results);

/* Sets what is of a batch that begins with row `first`. */
void reports_apply(const reports *reports, size_t first, tombola_rows *rows, tombola_results *results);

/* Adds a row's scores to an object; null for -inf. `rows` as applied. -1 where there is no memory. */
int reports_add(const reports *reports, const tombola_rows *rows, const tombola_results *results, size_t row,
                json_t *object);

/* Writes the files. 0, or -1 with a message on standard error. */
int reports_write(const reports *reports);

#endif
