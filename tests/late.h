/* Kernels that a driver compiles when they are first wanted. */
#ifndef LATE_H
#define LATE_H

#include "tombola.h"

/* Has all kernels for these rows compiled and checked, but those of shards; or these. */
void want_every_kernel(tombola_context *context, tombola_type type, tombola_input input);
void want_kernels_of_shards(tombola_context *context, tombola_type type, tombola_input input);

#endif
