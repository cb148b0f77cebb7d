/* The checks of a sequence that is to be generated. */
#ifndef TOMBOLA_SRC_SEQUENCE_CHECK_H
#define TOMBOLA_SRC_SEQUENCE_CHECK_H

#include <stddef.h>

#include "tombola.h"

/* Checks one that the caller has, the element `index` of an array whose first one is of this size. */
tombola_status sequence_check(const tombola_sequence *theirs, size_t index, uint32_t size, size_t vocabulary,
                              tombola_error *error);

#endif
