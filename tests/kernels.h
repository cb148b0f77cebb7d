/* Kernels of the tests' own, which are made of the product's: on the device under test, without the library between. */
#ifndef KERNELS_H
#define KERNELS_H

#include <stddef.h>

#include <CL/cl.h>

#include "tombola.h"

/* The form of a work-group, as group.clh has it. */
struct group_shape {
    unsigned width, lanes, teams;
};

struct array {
    void *values;
    size_t bytes;
};

/* A group's setup and teardown: open a queue on the device that the tests' contexts have. */
int kernels_open(void **state);
int kernels_close(void **state);

/* Tokens that a work-item alone can list in the kernels built here, as the library chooses it for the device. */
unsigned kernels_candidates(void);

/* Whether the device is Oclgrind's. */
int kernels_are_on_oclgrind(void);

/* Builds tests/`file` in this shape, with more options. Ends the program where it does not compile. */
cl_program kernels_build(const char *file, struct group_shape shape, tombola_type type, const char *more);

/* Runs a kernel over `items`, as many groups as that makes of the shape; its arguments are buffers of these arrays, of
 * which those from `first_output` on are read back. */
void kernels_run(cl_program program, const char *name, size_t items, struct group_shape shape, struct array *arrays,
                 cl_uint count, cl_uint first_output);

#endif
