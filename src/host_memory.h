/* OpenCL buffers over the caller's host memory, on devices that work in it.
 *
 * OpenCL leaves undefined what happens to buffers over regions that overlap, whoever reads or writes them. So a context
 * keeps a list of what is wrapped, for its companion too, and a region that overlaps one of them is refused: it has to
 * be staged. Regions are wrapped from their first byte to their last and no further. */
#ifndef TOMBOLA_SRC_HOST_MEMORY_H
#define TOMBOLA_SRC_HOST_MEMORY_H

#include "tombola.h"

#include <CL/cl.h>

/* A buffer over host memory, in its context's list. */
struct wrapped {
    cl_mem buffer; /* NULL: nothing is wrapped */
    const char *start;
    size_t bytes;
    struct wrapped *next;
};

/* Finds out which addresses the device reads where they are: sets the context's alignment.
 * program  one with the kernel address_of */
tombola_status host_memory_probe(tombola_context *context, cl_program program, tombola_error *error);

/* Whether the device would use memory at this address in place, rather than a copy of its own. */
int host_memory_is_aligned(const tombola_context *context, const void *start);

/* Wraps bytes at `start`. wrapped->buffer is NULL afterwards if they overlap what is wrapped already.
 * wrapped  stays where it is until host_memory_unwrap */
tombola_status host_memory_wrap(tombola_context *context, cl_mem_flags flags, const void *start, size_t bytes,
                                struct wrapped *wrapped, tombola_error *error);

/* Releases the buffer. A batch has room for many, and each call looks at all of them, so that where nothing is wrapped
 * it costs next to nothing. */
void host_memory_release(tombola_context *context, struct wrapped *wrapped);
static inline void host_memory_unwrap(tombola_context *context, struct wrapped *wrapped)
{
    if (wrapped->buffer)
        host_memory_release(context, wrapped);
}

#endif
