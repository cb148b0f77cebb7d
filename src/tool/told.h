/* What `tombola sample` tells of tokens on request: columns of the results, of a number each. */
#ifndef TOLD_H
#define TOLD_H

#include <jansson.h>

#include "tool.h"

enum { TOLD_COLUMNS = 6 };

/* Which are wanted, in the order in which they were asked for. */
typedef struct told {
    int wanted[TOLD_COLUMNS];
    int count;
} told;

/* Their names, for help and messages. */
#define TOLD_NAMES "logprob, raw_logprob, rank, margin, entropy, observed"

/* Reads a list of names; returns the one that is none, or comes twice, or NULL. */
const char *told_read(told *told, char *list);

/* Samples of each row that the results are of. */
size_t told_samples(const tombola_results *results);

/* Makes the arrays in host memory for so many rows and their samples. Returns -1 where there is no memory for them. */
int told_allocate(const told *told, tombola_results *results, size_t rows);
void told_release(tombola_results *results);

/* Prints the heads of these columns, or a sample's numbers. */
void told_print_head(FILE *file, const told *told);
void told_print(FILE *file, const told *told, const tombola_results *results, size_t row, size_t sample);

/* Adds a row's numbers to an object, arrays of several samples'; null for what is infinite. Returns -1 where there is
 * no memory. */
int told_add(const told *told, const tombola_results *results, size_t row, json_t *object);

#endif
