/* Histories and token sequences of the rows of a batch, as tombola_rows has them. */
#ifndef BATCH_PASTS_H
#define BATCH_PASTS_H

#include "past.h"
#include "tombola.h"

struct batch_pasts;

/* Of `count` rows; thinking begins and ends in all rows as in the first, which is set in the others too. */
struct batch_pasts *batch_pasts_make(struct past *pasts, size_t count);
void batch_pasts_release(struct batch_pasts *batch);

/* Points the fields of rows to them. */
void batch_pasts_apply(const struct batch_pasts *batch, tombola_rows *rows);

#endif
