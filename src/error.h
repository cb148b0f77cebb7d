/* Errors in words, into a struct of the caller's. */
#ifndef TOMBOLA_SRC_ERROR_H
#define TOMBOLA_SRC_ERROR_H

#include "tombola.h"

/* Writes the message, cut to fit, unless error is NULL; gives status back. */
tombola_status fail(tombola_error *error, tombola_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* For an OpenCL call that returned `code`: a message that names both; TOMBOLA_OUT_OF_MEMORY where
 * the code says so, else TOMBOLA_DEVICE_FAILED. */
tombola_status fail_cl(tombola_error *error, const char *call, int code);

/* The same, with a reason after it: "" or "; likely because ...". */
tombola_status fail_cl_because(tombola_error *error, const char *call, int code, const char *reason);

/* "CL_OUT_OF_RESOURCES"; "OpenCL error" for a code that a working program does not meet. Static storage. */
const char *error_code_name(int code);

#endif
