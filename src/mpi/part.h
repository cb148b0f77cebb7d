/* Some rows of a batch, one after another, as a batch of their own. */
#ifndef TOMBOLA_SRC_MPI_PART_H
#define TOMBOLA_SRC_MPI_PART_H

#include "tombola.h"

/* What the batch is drawn by. */
struct part_shape {
    size_t vocabulary, columns, logit_bytes;
};

struct part {
    tombola_rows rows;
    tombola_results results;
    size_t *ends; /* of lists, which count from the part's first entry */
    size_t ends_room;
};

/* Whether parts of the batch can be had. Not where it holds a mistake that parts would hide or spread.
 * rows: the library's own struct */
int part_can(const tombola_rows *rows);

/* Whether there are none all the same, as rows are to be listed one behind another: their kept tokens. */
int part_is_listed(const tombola_results *results);

/* Takes the rows [first, first + count) of a batch of which parts can be had. Pointers go into the batch's arrays.
 * Errors: OUT_OF_MEMORY. */
tombola_status part_take(struct part *part, const struct part_shape *shape, const tombola_rows *rows,
                         const tombola_results *results, size_t first, size_t count, tombola_error *error);
void part_free(struct part *part);

#endif
