/* The ids that rows are to score, from a file of JSON lines. */
#ifndef SCORE_IDS_H
#define SCORE_IDS_H

#include <stddef.h>
#include <stdint.h>

#include "tombola.h"

/* Those of all rows, one row after another, as tombola_rows has them. */
typedef struct score_ids {
    int32_t *tokens;
    size_t *ends;       /* of each row; NULL: there are none */
    size_t *batch_ends; /* the same for rows of a batch */
} score_ids;

/* Reads a line for each row, each an array of ids: [13, 50256]. 0, or -1 with a message on standard error. */
int score_ids_read(const char *path, size_t rows, size_t vocabulary, score_ids *ids);
void score_ids_release(score_ids *ids);

/* Sets the ids of a batch, which begins with row `first`, to memory of these that the next call overwrites. */
void score_ids_apply(const score_ids *ids, size_t first, tombola_rows *rows);

#endif
