/* The biases of rows: their checks, and what they add to rows' adjustments. */
#ifndef TOMBOLA_SRC_BIASES_H
#define TOMBOLA_SRC_BIASES_H

#include "adjustment_list.h"
#include "plan.h"

/* Checks the biases of rows that are otherwise checked, but for tokens that a row has twice. */
tombola_status biases_check(const struct plan *plan, const tombola_rows *rows, tombola_error *error);

/* How many a row has. */
size_t biases_count(const tombola_rows *rows, size_t row);

/* Adds those of a row. */
void biases_add(const tombola_rows *rows, size_t row, struct adjustment_list *list);

/* Fails where the list, sorted, has a token of the row twice. */
tombola_status biases_check_twice(const struct adjustment_list *list, size_t row, tombola_error *error);

#endif
