/* The caller's parameters: checked, and turned into what the kernels take. */
#ifndef TOMBOLA_SRC_PARAMS_H
#define TOMBOLA_SRC_PARAMS_H

#include "tombola.h"
#include "row.h"

/* Checks params[0..rows) and fills device[0..rows). The message of an error names field, row and value. */
tombola_status params_convert(const tombola_params *params, size_t rows, struct row_params *device,
                              tombola_error *error);

#endif
