/* What stands in a .npy file before its elements. */
#ifndef NPY_HEADER_H
#define NPY_HEADER_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The header's text is a Python dictionary, as in
 *     {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), } */
typedef struct npy_header {
    char descr[32];
    int fortran;
    size_t dimensions;
    uint64_t shape[8];
    unsigned found; /* which of these it has */
} npy_header;

/* Reads up to the first element. header: all zero. 0, or -1 with a message on standard error, like all of these. */
int npy_header_read(FILE *file, const char *name, npy_header *header);

/* The size of an array that is two-dimensional, or one row.
 * what  its elements are: "logits" */
int npy_header_shape(const char *name, const npy_header *header, size_t element_size, const char *what, size_t *rows,
                     size_t *columns);

/* Says what came in place of `size` bytes; -1 in any case. */
int npy_short_read(FILE *file, const char *name, const char *what, size_t size, size_t got);

#endif
