/* The ids of the tokens that rows keep, as JSON lines: an array a line, as --score reads them. */
#ifndef KEPT_IDS_H
#define KEPT_IDS_H

#include <stddef.h>
#include <stdio.h>

#include "tombola.h"

/* Makes room for all ids of a batch. 0, or -1 without memory. */
int kept_ids_allocate(size_t batch_rows, size_t vocabulary, tombola_results *results);
void kept_ids_release(tombola_results *results);

/* Prints those of a batch that has been drawn. */
void kept_ids_print(FILE *file, size_t rows, const tombola_results *results);

#endif
