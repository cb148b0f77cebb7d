/* Reads an array of logits as numpy.save writes it, and writes one that numpy.load reads. */
#ifndef NPY_H
#define NPY_H

#include <stddef.h>

#include "tombola.h"

typedef struct npy {
    size_t rows;
    size_t columns;
    tombola_type type;
    void *data; /* rows x columns elements of the type; free() it */
} npy;

/* path      "-" reads standard input
 * bfloat16  non-zero: the file holds the bits of bfloat16 in uint16
 * option    how the user says so, for messages
 * 0, or -1 with a message on standard error. A 1-D array is one row. */
int npy_read(const char *path, int bfloat16, const char *option, npy *array);

/* bfloat16 goes out as uint16. 0, or -1 with a message on standard error. */
int npy_write(const char *path, const npy *array);

#endif
