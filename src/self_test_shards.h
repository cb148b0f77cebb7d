/* The known answers again, of rows whose columns lie on several shards. */
#ifndef TOMBOLA_SRC_SELF_TEST_SHARDS_H
#define TOMBOLA_SRC_SELF_TEST_SHARDS_H

#include "tombola.h"

#include <CL/cl.h>

/* Draws what self_test_run does with freshly built kernels of shards, each row cut into three, one without columns,
 * whose messages stay in this process. TOMBOLA_SELF_TEST_FAILED names the first answer that differs.
 * kernels  a bit for each that is to be checked (KERNEL_BIT) */
tombola_status self_test_run_shards(tombola_context *context, cl_program program, tombola_type type,
                                    tombola_input input, unsigned kernels, tombola_error *error);

#endif
