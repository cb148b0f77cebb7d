/* An array in a .npy file, of which rows are read as they are wanted, so that it may be larger than memory. They are
 * read, not mapped: a file that becomes shorter meanwhile is then an error like others, not a signal. */
#ifndef NPY_ROWS_H
#define NPY_ROWS_H

#include <stddef.h>
#include <stdio.h>

#include "npy_elements.h"
#include "tool.h"

typedef struct npy_rows {
    const char *name; /* of the file, for messages */
    size_t rows, columns, vocabulary;
    tombola_type type;
    size_t file_size; /* 0 where it is no regular file: its rows come in order, once */
    int64_t changed;  /* when it last was, nanoseconds since 1970; 0 likewise */
    /* How it is read: */
    FILE *file;
    int is_standard;
    const char *what;           /* its elements are, for messages */
    const npy_element *element; /* NULL: they are taken as they are */
    size_t element_size;        /* in the file */
    size_t start;               /* of the first */
    size_t next;                /* row, where they come in order */
} npy_rows;

/* Opens an array of logits, of which no more is read than the header. A file that has less or more than its shape says
 * is refused if that can be known yet. 0, or -1 with a message on standard error; close it either way. */
int npy_rows_open(const char *path, const npy_wish *wish, npy_rows *rows);
void npy_rows_close(npy_rows *rows);

/* The same for elements that are wanted as they lie in the file, of the first kind that has the descr.
 * expected  what the message says where none has */
typedef struct npy_kind {
    const char *descr;
    size_t size;
} npy_kind;

int npy_rows_open_kind(const char *path, const npy_kind *kinds, size_t count, const char *what, const char *expected,
                       npy_rows *rows);

/* Words of 32 bits, as masks are made of. */
int npy_words_open(const char *path, npy_rows *rows);

/* Bytes of memory that so many rows take to be read. */
size_t npy_rows_bytes(const npy_rows *rows, size_t count);

/* Reads rows [first, first + count) as logits, `columns` after one another.
 * data     of npy_rows_bytes bytes
 * trouble  set to a sentence where this fails, with the file's name
 * 0 or -1. */
int npy_rows_read(npy_rows *rows, size_t first, size_t count, void *data, tool_text *trouble);

#endif
