/* The ids that a batch's rows are to score: their checks, and their way to where kernels can read them. */
#ifndef TOMBOLA_SRC_SCORES_H
#define TOMBOLA_SRC_SCORES_H

#include "plan.h"
#include "upload.h"

struct batch;

/* The ids of the batch under way, and room for those of any. */
struct scores {
    struct upload copy;
    cl_mem buffer; /* where they are for kernels, borrowed; NULL: the batch has none */
    size_t count;  /* of all rows */
};

/* Checks the ids of rows that are otherwise checked. */
tombola_status scores_check(const struct plan *plan, const tombola_rows *rows, tombola_error *error);

/* How many these have. */
size_t scores_count(const tombola_rows *rows);

/* Copies them to memory of a batch that is not under way. */
tombola_status scores_copy(struct batch *batch, const tombola_rows *rows, tombola_error *error);

/* Brings them, before all kernels. */
tombola_status scores_bring(struct batch *batch, tombola_error *error);

#endif
