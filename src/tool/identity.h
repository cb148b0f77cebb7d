/* What makes a job of drawing what it is: everything that its results depend on. */
#ifndef IDENTITY_H
#define IDENTITY_H

#include <jansson.h>

#include "npy_rows.h"
#include "sample_options.h"

/* An object of names as users know them, "--top-p" or "LOGITS.npy", and values. Release it with json_decref; NULL
 * without memory. */
json_t *identity_make(const sample_options *options, const npy_rows *array);

/* The first input that is a pipe or a device, of which nothing tells whether it gives the same once more; with no
 * option where there is none. The array is not looked at. */
option_file identity_find_stream(const sample_options *options);

/* A number that tells objects apart, leaving out when files were changed, which may differ from machine to machine. */
uint64_t identity_hash(const json_t *identity);

#endif
