/* The ids of the tokens that rows keep, to a file of JSON lines: an array a line, as --score reads them. */
#ifndef KEPT_IDS_H
#define KEPT_IDS_H

#include <stddef.h>
#include <stdio.h>

#include "tombola.h"

typedef struct kept_ids {
    const char *path; /* NULL: they are not wanted */
    FILE *file;       /* once something is written */
} kept_ids;

/* Sees that the file can be written, and makes room for all ids of a batch. 0, or -1 with a message on standard
 * error. */
int kept_ids_begin(kept_ids *ids, size_t batch_rows, size_t vocabulary, tombola_results *results);

/* Writes those of a batch that has been drawn, the first over what was in the file. What fails shows at the end. */
void kept_ids_write(kept_ids *ids, size_t rows, const tombola_results *results);

/* Closes the file. 0, or -1 with a message on standard error, also for an earlier failure. */
int kept_ids_end(kept_ids *ids);

/* After any of these. */
void kept_ids_release(kept_ids *ids, tombola_results *results);

#endif
