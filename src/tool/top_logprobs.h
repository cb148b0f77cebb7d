/* The most likely tokens of rows with their log-probabilities, for lines of JSON. */
#ifndef TOP_LOGPROBS_H
#define TOP_LOGPROBS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "tombola.h"

/* Makes room for so many tokens of each row; nothing to do for 0. Returns -1 where there is no memory. */
int top_logprobs_allocate(uint32_t count, size_t rows, tombola_results *results);
void top_logprobs_release(tombola_results *results);

/* Adds a row's tokens to an object, if they are wanted, the most likely first; null for -inf. -1 where there is no
 * memory. */
int top_logprobs_add(const tombola_results *results, size_t row, json_t *object);

#endif
