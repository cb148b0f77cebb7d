/* Known answers that a device must give before it is trusted with a token. */
#ifndef TOMBOLA_SRC_SELF_TEST_H
#define TOMBOLA_SRC_SELF_TEST_H

#include "tombola.h"

#include <CL/cl.h>

/* Draws from a few short and long rows with freshly built kernels, in both shapes of dispatch, in place and staged, and
 * compares all that kernels draw and report. TOMBOLA_SELF_TEST_FAILED names the first answer that differs.
 * kernels  a bit for each that is to be checked (KERNEL_BIT); others are not run, but for the sample kernel, whose
 *          tokens they need */
tombola_status self_test_run(tombola_context *context, cl_program program, tombola_type type, tombola_input input,
                             unsigned kernels, tombola_error *error);

#endif
