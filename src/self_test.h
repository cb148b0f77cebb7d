/* Known answers that a device must give before it is trusted with a token. */
#ifndef TOMBOLA_SRC_SELF_TEST_H
#define TOMBOLA_SRC_SELF_TEST_H

#include "tombola.h"

#include <CL/cl.h>

/* Draws from a few rows with freshly built kernels, in both shapes of dispatch, and compares every
 * token and count. TOMBOLA_SELF_TEST_FAILED names the first that differs. */
tombola_status self_test_run(tombola_context *context, cl_program program, tombola_type type, tombola_input input,
                             tombola_error *error);

#endif
