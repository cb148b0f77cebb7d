/* The parameters of rows: the table of them, their checks, and what the kernels take in their place. */
#ifndef TOMBOLA_SRC_PARAMS_H
#define TOMBOLA_SRC_PARAMS_H

#include "row.h"
#include "tombola.h"

/* Checks an array of `rows` params, whose elements lie as far apart as the first one says, and fills device[0..rows),
 * for so many samples of each row, unless that is NULL. needs: of all that are not neutral, TOMBOLA_NEEDS_... The
 * message of an error names field, row and value. */
tombola_status params_convert(const tombola_params *params, size_t rows, size_t samples, struct row_params *device,
                              uint32_t *needs, tombola_error *error);

/* The value of a row's float, choice or integer of 32 bits, from an array as params_convert takes it: neutral where an
 * older caller's lack the field. */
double params_value_of_row(const tombola_field *field, const tombola_params *params, size_t row);

/* One of them, checked, with the defaults in place of what an older caller's lack. */
tombola_params params_of_row(const tombola_params *params, size_t row);

/* What the kernels take in place of one that is checked; of a watermark it knows that there is one. */
void params_convert_row(const tombola_params *params, struct row_params *device);

#endif
