/* The arrays of tombola_results: where they are in the struct, and how those that a batch has room for lie in its
 * buffer.
 * */
#ifndef TOMBOLA_SRC_COLUMNS_H
#define TOMBOLA_SRC_COLUMNS_H

#include "row.h"
#include "tombola_cl.h"

/* What an array has entries for: each row, each token drawn from each, each id that is to be scored, or tokens that
 * rows keep. */
enum entries { ENTRIES_ROWS, ENTRIES_SAMPLES, ENTRIES_SCORES, ENTRIES_KEPT };

struct member {
    const char *name;
    size_t offset; /* in tombola_results, bytes */
    size_t words;  /* of an element */
    size_t alignment;
    enum entries entries;
};

/* What an array of the results says: where it is wanted. */
struct place {
    void *host;
    cl_mem buffer;
    size_t offset;
};

/* What a batch has, as far as the sizes of its columns depend on it. */
struct counts {
    size_t rows, samples, scores, kept;
};

/* Columns: the status, then those of the sample kernel and of the report kernel as row.h numbers them. */
enum {
    COLUMN_STATUS,
    COLUMNS_OF_SAMPLE,
    COLUMNS_OF_REPORT = COLUMNS_OF_SAMPLE + SAMPLE_COLUMNS,
    COLUMNS = COLUMNS_OF_REPORT + REPORT_COLUMNS
};

const struct member *column_member(int column);

/* Candidates, as row.h numbers them. */
const struct member *candidate_member(int column);

/* Arrays of an element for each token of each row. */
enum { OUTPUT_PROBABILITIES, OUTPUT_LOG_PROBABILITIES, OUTPUT_KEPT_PROBABILITIES, OUTPUT_PROCESSED_LOGITS, OUTPUTS };
const struct member *output_member(int output);

struct place member_place(const tombola_results *results, const struct member *member);

static inline int place_is_wanted(struct place place)
{
    return place.host || place.buffer;
}

/* Elements of a column; and the first of a row's, or 0 where rows tell kernels themselves where theirs begin. */
size_t column_elements(int column, const struct counts *counts);
size_t column_row(int column, const struct counts *counts, size_t row);

/* Where a column begins in the buffer of a batch, in words: a multiple of an element's. */
size_t column_begin(int column, const struct counts *counts);

/* Words of all of them. */
size_t columns_words(const struct counts *counts);

#endif
