/* The arrays of tombola_results by number: all of them have elements of one word, of 4 bytes, but the boundary. */
#ifndef ARRAYS_H
#define ARRAYS_H

#include <stddef.h>
#include <stdint.h>

#include "tombola_cl.h"

enum array {
    ARRAY_TOKENS,
    ARRAY_STATUS,
    ARRAY_KEPT,
    ARRAY_BOUNDARY,
    ARRAY_LOGPROBS,
    ARRAY_RAW_LOGPROBS,
    ARRAY_RANKS,
    ARRAY_MARGINS,
    ARRAY_ENTROPIES,
    ARRAY_OBSERVED,
    ARRAY_PROBABILITIES,
    ARRAY_LOG_PROBABILITIES,
    ARRAY_KEPT_PROBABILITIES,
    ARRAY_PROCESSED_LOGITS,
    ARRAY_CANDIDATE_TOKENS,
    ARRAY_CANDIDATE_LOGITS,
    ARRAY_CANDIDATE_PROBABILITIES,
    ARRAY_CANDIDATE_LOGPROBS,
    ARRAY_CANDIDATE_RAW_LOGPROBS,
    ARRAYS
};

/* "tokens" */
const char *array_name(enum array array);

/* Words of an element. */
size_t array_element(enum array array);

/* Words that each row has: an element's, the vocabulary or the number of candidates. */
size_t array_width(enum array array, size_t vocabulary, size_t candidate_count);

/* Whether the rows of the array are `probability_stride` apart, not side by side. */
int array_has_stride(enum array array);

void array_set(tombola_results *results, enum array array, void *host, cl_mem buffer, size_t offset);

#endif
