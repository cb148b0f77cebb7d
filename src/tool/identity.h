/* What makes a job of drawing what it is: everything that its results depend on. */
#ifndef IDENTITY_H
#define IDENTITY_H

#include <jansson.h>

#include "npy_rows.h"
#include "sample_options.h"

/* An object of names as users know them, "--top-p" or "LOGITS.npy", and values. Release it with json_decref; NULL
 * without memory. */
json_t *identity_make(const sample_options *options, const npy_rows *array);

/* A number that tells objects apart, leaving out when files were changed, which may differ from machine to machine. */
uint64_t identity_hash(const json_t *identity);

#endif
