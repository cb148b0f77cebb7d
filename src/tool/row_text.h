/* What `tombola sample` prints of a row: lines of a table, or an object of JSON. */
#ifndef ROW_TEXT_H
#define ROW_TEXT_H

#include <stdio.h>

#include "sample_options.h"

/* Widths of the table's columns, enough for any row and token of an array. */
typedef struct row_layout {
    int row, token;
} row_layout;

row_layout row_layout_of(size_t rows, size_t vocabulary);

void row_print_head(FILE *file, row_layout layout, const sample_options *options);

/* A line for each sample of a batch's row i, which is the array's `row`. */
void row_print_lines(FILE *file, row_layout layout, size_t row, const tombola_results *results, const told *told,
                     size_t i);

/* The same as an object. rows: the batch, as it was drawn. 0, or -1 with a message on standard error. */
int row_print_json(FILE *file, size_t row, const sample_options *options, const tombola_rows *rows,
                   const tombola_results *results, size_t i);

#endif
