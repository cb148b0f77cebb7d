/* Reads an array of logits, or of masks, as numpy.save writes it, and writes one that numpy.load reads. */
#ifndef NPY_H
#define NPY_H

#include <argp.h>
#include <stddef.h>
#include <stdint.h>

#include "tombola.h"

typedef struct npy {
    size_t rows;
    size_t columns;    /* elements from the start of a row to that of the next */
    size_t vocabulary; /* of which so many count, from the first on */
    tombola_type type;
    void *data; /* rows x columns elements of the type; free() it */
} npy;

/* What the user says of an array that is to be read; all zero leaves it to the file. */
typedef struct npy_wish {
    int has_type;
    tombola_type type;  /* what the array holds; bfloat16 may be uint16 in the file */
    const char *option; /* that says so, for messages; NULL for --dtype */
    int has_vocabulary;
    uint64_t vocabulary; /* columns that count */
} npy_wish;

/* --dtype and --vocabulary, for every command that reads an array. Its input is an npy_wish. */
extern const struct argp npy_argp;

/* Float64 becomes float32 where every value that counts is one; big-endian numbers come out in this machine's order.
 * path  "-" reads standard input
 * 0, or -1 with a message on standard error. A 1-D array is one row. */
int npy_read(const char *path, const npy_wish *wish, npy *array);

/* Ids of tokens. data: free() it */
typedef struct npy_tokens {
    size_t rows, columns;
    int32_t *data;
} npy_tokens;

/* The same for int32, int64, uint16 and uint32, all below the vocabulary. */
int npy_tokens_read(const char *path, size_t vocabulary, npy_tokens *tokens);

/* What a file begins with: the preamble and a header of one line, as long as numpy makes them.
 * descr    of its elements: "<f4"
 * columns  0: the array has one dimension */
#define NPY_HEADER_SIZE 128
void npy_header_make(const char *descr, size_t rows, size_t columns, char header[NPY_HEADER_SIZE]);

/* What counts of each row; bfloat16 goes out as uint16. 0, or -1 with a message on standard error. */
int npy_write(const char *path, const npy *array);

#endif
