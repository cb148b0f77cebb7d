/* Biases of rows from a CSV file. */
#ifndef BIAS_CSV_H
#define BIAS_CSV_H

#include <stddef.h>

#include "tombola.h"

/* A bias, and whose it is. */
typedef struct bias_entry {
    size_t row;
    tombola_bias bias;
    size_t line; /* of the file; 0: from an option */
} bias_entry;

/* What a bias may be: "a number, or -inf". 0, or -1 for what is none. */
int bias_value_read(const char *text, float *value);
#define BIAS_VALUE "a number, or -inf"

/* The file has a header that names row, token and value, in any order, then a line for each bias.
 * entries  set to `count` of them, in the order of the file; free() it
 * 0, or -1 with a message on standard error. */
int bias_csv_read(const char *path, size_t rows, size_t vocabulary, bias_entry **entries, size_t *count);

#endif
