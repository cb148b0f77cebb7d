/* The checks of a sequence that is to be generated. */
#ifndef TOMBOLA_SRC_SEQUENCE_CHECK_H
#define TOMBOLA_SRC_SEQUENCE_CHECK_H

#include <stddef.h>

#include "plan.h"
#include "tombola.h"

/* Checks one that the caller has, the element `index` of an array whose first one is of this size. */
tombola_status sequence_check(const tombola_sequence *theirs, size_t index, uint32_t size, size_t vocabulary,
                              tombola_error *error);

/* That there is all that its parameters need; generate itself has histories, end tokens and forced tokens.
 * batch  what the model has set; NULL: not known yet, so that it may set whatever they need */
tombola_status sequence_check_needs(const tombola_params *params, size_t index, const struct plan *plan,
                                    const tombola_rows *batch, tombola_error *error);

#endif
