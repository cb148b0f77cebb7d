/* Why drivers find no device or fail to work here: what the platforms answer, and what in this process's surroundings
 * is likely to be behind it. */
#ifndef TOMBOLA_SRC_ABSENCE_H
#define TOMBOLA_SRC_ABSENCE_H

#include "tombola.h"

#include <CL/cl.h>

#include <stddef.h>

/* A sentence for each platform that lists no device, with the OpenCL code and the likely reason; "" if there is none.
 * Cut to fit. */
void absence_describe(char *text, size_t size);

/* Fails with TOMBOLA_NO_DEVICE, and tells all that is known: for a machine whose list of devices is empty. */
tombola_status absence_fail(tombola_error *error);

/* What is likely to keep a platform's driver from working, as "; likely because ..."; "" if nothing is. */
void absence_reason(const char *platform, char *text, size_t size);

#endif
