/* The arrays of tombola_results that have as many elements for each row as for any other: where they are in the struct,
 * and how those of one element a row lie in a batch's buffer. */
#ifndef TOMBOLA_SRC_COLUMNS_H
#define TOMBOLA_SRC_COLUMNS_H

#include "row.h"
#include "tombola_cl.h"

struct member {
    const char *name;
    size_t offset; /* in tombola_results, bytes */
    size_t words;  /* of an element */
};

/* What an array of the results says: where it is wanted. */
struct place {
    void *host;
    cl_mem buffer;
    size_t offset;
};

/* Columns of an element a row: the status, then those of the sample kernel as row.h numbers them. */
enum { COLUMN_STATUS, COLUMNS_OF_SAMPLE, COLUMNS = COLUMNS_OF_SAMPLE + SAMPLE_COLUMNS };

const struct member *column_member(int column);

/* Candidates, as row.h numbers them. */
const struct member *candidate_member(int column);

struct place member_place(const tombola_results *results, const struct member *member);

static inline int place_is_wanted(struct place place)
{
    return place.host || place.buffer;
}

/* Where a column of a batch of so many rows begins in its buffer, in words: a multiple of an element's. */
size_t column_begin(int column, size_t rows);

/* Words of all of them. */
size_t columns_words(size_t rows);

#endif
