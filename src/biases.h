/* The biases of a batch: their checks, and their way to where kernels can read them, sorted by token. */
#ifndef TOMBOLA_SRC_BIASES_H
#define TOMBOLA_SRC_BIASES_H

#include "plan.h"
#include "upload.h"

struct batch;

/* The biases of the batch under way, and room for those of any. */
struct biases {
    struct upload copy;
    cl_mem buffer; /* where they are for kernels, borrowed; NULL: the batch has none */
    size_t count;  /* of all rows */
};

/* Checks the biases of rows that are otherwise checked, but for tokens that a row has twice. */
tombola_status biases_check(const struct plan *plan, const tombola_rows *rows, tombola_error *error);

/* Copies them to memory of a batch that is not under way, those of each row in the order of tokens. Fails where a row
 * has one twice. */
tombola_status biases_copy(struct batch *batch, const tombola_rows *rows, tombola_error *error);

/* Brings them, before all kernels. */
tombola_status biases_bring(struct batch *batch, tombola_error *error);

#endif
