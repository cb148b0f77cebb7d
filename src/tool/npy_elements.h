/* The elements of .npy files: what they are called there, and how they become logits. */
#ifndef NPY_ELEMENTS_H
#define NPY_ELEMENTS_H

#include <stddef.h>

#include "npy.h"
#include "tool.h"

typedef struct npy_element {
    const char *descr; /* the header's name for it */
    tombola_type type; /* what it becomes */
    size_t size;       /* bytes in the file, at least as many as the type has */
    int swapped;       /* big-endian */
    int needs_word;    /* it is taken for this type only where the user says so */
} npy_element;

/* The element that a header's descr names, as the user wishes it. NULL with a message on standard error. */
const npy_element *npy_element_find(const char *name, const char *descr, const npy_wish *wish);

/* Rows of an array. */
typedef struct npy_block {
    size_t columns, vocabulary; /* as npy has them */
    size_t first, rows;         /* which rows of the array */
} npy_block;

/* Turns elements as they lay in the file into logits in the same place. 0, or -1 with `trouble` set to a sentence. */
int npy_element_convert(const npy_element *element, const char *name, const npy_block *block, void *data,
                        tool_text *trouble);

#endif
