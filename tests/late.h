/* Kernels that a driver compiles when they are first wanted. */
#ifndef LATE_H
#define LATE_H

#include "tombola.h"

/* Has all kernels for these rows compiled and checked. */
void want_every_kernel(tombola_context *context, tombola_type type, tombola_input input);

#endif
