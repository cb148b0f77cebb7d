/* The adjustments of a batch: what biases and penalties make of the logits of single tokens, as a sparse list for each
 * row; their checks, and their way to where kernels can read them, sorted by token. */
#ifndef TOMBOLA_SRC_ADJUSTMENTS_H
#define TOMBOLA_SRC_ADJUSTMENTS_H

#include "arrange.h"
#include "plan.h"
#include "recall.h"
#include "sequence_room.h"
#include "upload.h"

struct batch;

/* The adjustments of the batch under way, and room for those of any. */
struct adjustments {
    struct upload copy;
    cl_mem buffer;     /* where they are for kernels, borrowed; NULL: the batch has none */
    size_t count;      /* of all rows */
    int has_more;      /* than biases */
    int has_penalties; /* that count tokens */
    struct tally tally;
    struct arranger arranger;
    struct recall recall;
    struct sequence_room room;
};

/* Checks what adjustments are made from, of rows that are otherwise checked, but for biases that a row has twice. */
tombola_status adjustments_check(const struct plan *plan, const tombola_rows *rows, tombola_error *error);

/* Makes them in memory of a batch that is not under way, those of each row in the order of tokens. */
tombola_status adjustments_make(struct batch *batch, const tombola_rows *rows, tombola_error *error);

/* Makes room for so many biases, and so many tokens in histories. */
tombola_status adjustments_reserve(struct batch *batch, size_t biases, size_t history, tombola_error *error);

/* Lets go of all memory that is not the device's. */
void adjustments_free(struct adjustments *adjustments);

/* Brings them, before all kernels. */
tombola_status adjustments_bring(struct batch *batch, tombola_error *error);

#endif
