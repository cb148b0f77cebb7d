/* Errors of a batch of live rows: which sequence they are about. */
#ifndef TOMBOLA_SRC_SEQUENCE_NAME_H
#define TOMBOLA_SRC_SEQUENCE_NAME_H

#include <stddef.h>

#include "tombola.h"

/* Tells of a batch that a sampler has refused as an invalid argument which row's sequence it is about, if any.
 * live  of each row its sequence */
void sequence_name(tombola_sampler *sampler, const tombola_rows *rows, const tombola_results *results,
                   const size_t *live, tombola_error *error);

#endif
