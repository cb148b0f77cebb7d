/* Sampling parameters for each row from a CSV file. */
#ifndef PARAMS_CSV_H
#define PARAMS_CSV_H

#include <stddef.h>

#include "tombola.h"

/* The file has a header that names any of the library's parameters, in any order, then a line for each of the rows.
 * params  `rows` of them; the named fields are overwritten, the others left as they are, but for the stream: it
 *         becomes 0 where seeds are given and streams are not
 * 0, or -1 with a message on standard error. */
int params_csv_read(const char *path, size_t rows, tombola_params *params);

#endif
