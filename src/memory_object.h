/* Checks of OpenCL buffers that a caller hands over. */
#ifndef TOMBOLA_SRC_MEMORY_OBJECT_H
#define TOMBOLA_SRC_MEMORY_OBJECT_H

#include "tombola.h"

#include <CL/cl.h>

/* That kernels of the context can use a buffer, and its size in bytes.
 * field    its name in messages
 * refused  CL_MEM_READ_ONLY for one that is written, CL_MEM_WRITE_ONLY for one that is read */
tombola_status memory_object_check(const tombola_context *context, const char *field, cl_mem buffer,
                                   cl_mem_flags refused, size_t *bytes, tombola_error *error);

#endif
