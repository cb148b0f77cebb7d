/* Masks and biases of an array's rows, as options and files give them. */
#ifndef CONSTRAINTS_H
#define CONSTRAINTS_H

#include <argp.h>
#include <stddef.h>

#include "bias_csv.h"
#include "npy_rows.h"

typedef struct constraints {
    /* As the options tell them: */
    const char *mask_path, *bias_path; /* NULL: none */
    bias_entry *options;               /* of every row; row is not set */
    size_t option_count;
    /* As they are for an array: */
    npy_rows masks;       /* one, or one for each row; no rows: none */
    uint32_t *mask_words; /* the one, or those of a batch */
    int32_t *mask_of_row; /* where all rows have one mask */
    tombola_bias *biases;
    size_t *ends;       /* of each row in `biases`; NULL: there are none */
    size_t *batch_ends; /* the same for rows of a batch */
    int is_same;        /* `biases` and `ends` are those of the rows of any batch, as no file has others */
} constraints;

/* --mask, --bias and --bias-file. Its input is a struct of these, all zero. */
extern const struct argp constraints_argp;

/* Adds a bias to every row's, unless --bias has one for its token. 0, or -1 without memory. */
int constraints_add(constraints *constraints, tombola_bias bias);

/* Reads the files for an array of so many rows and tokens, which come in batches of up to `batch` rows; of masks that
 * are the rows' own no more than their number. 0, or -1 with a message on standard error. */
int constraints_load(constraints *constraints, size_t rows, size_t batch, size_t vocabulary);
void constraints_release(constraints *constraints);

/* Sets the masks and biases of a batch, which begins with the array's row `first`, to memory of these that the next
 * call overwrites. 0, or -1 with `trouble` set to a sentence, where masks can't be read. */
int constraints_apply(constraints *constraints, size_t first, tombola_rows *rows, tool_text *trouble);

#endif
