/* The kernels, compiled for a context's device or taken from the cache of compiled ones. */
#ifndef TOMBOLA_SRC_PROGRAM_H
#define TOMBOLA_SRC_PROGRAM_H

#include "context.h"

/* The folder that keeps compiled kernels for this device, to be freed; NULL if none does. */
char *program_cache_folder(const tombola_device *device, tombola_cache cache);

/* Whether compiled kernels are not kept though the device's own driver does not keep them either; then why, as a
 * clause, cut to fit. For a context that has its first kernels. */
int program_cache_trouble(const tombola_context *context, tombola_cache cache, char *clause, size_t size);

/* Whether the device's driver compiles a kernel not with its program, but when it is first run. */
int program_compiles_late(const tombola_device *device);

/* The kernels for one kind of row, checked against known answers as far as these are not left for later (trust.h);
 * to be released. From context->cache where it has them, else compiled, and then kept there. */
tombola_status program_make(tombola_context *context, enum program which, tombola_type type, tombola_input input,
                            cl_program *program, tombola_error *error);

/* The same, but they stay the context's and are made once, when they are first asked for. */
tombola_status context_program(tombola_context *context, enum program which, tombola_type type, tombola_input input,
                               cl_program *program, tombola_error *error);

#endif
