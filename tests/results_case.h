/* One way to ask for results of a batch, and what must come of it: the same as each result gives alone, row by row. */
#ifndef RESULTS_CASE_H
#define RESULTS_CASE_H

#include "arrays.h"
#include "device_batch.h"

enum {
    SOURCE_ROWS = 1000, /* in host memory and in a buffer */
    SOURCE_KINDS = 7,   /* that they repeat; some of them are invalid or empty */
    CASE_VOCABULARY = 600,
    CASE_MOST_ROWS = 9,
    CASE_MOST_CANDIDATES = 700
};

struct results_case {
    enum call call;
    tombola_transfer transfer;
    tombola_dispatch dispatch;
    unsigned wanted;    /* a bit for each enum array */
    unsigned in_buffer; /* likewise; the others are in host memory */
    int one_buffer;     /* those lie behind one another in a single buffer */
    int logits_in_buffer;
    int is_wide;                /* rows have a stride that is no vocabulary */
    size_t rows;                /* up to CASE_MOST_ROWS */
    const uint32_t *indices;    /* into the source; NULL: 0, 1, ... */
    size_t probability_padding; /* elements between rows; 0: no stride is told */
    size_t offset;              /* words before each array in a buffer, or one more */
    uint32_t candidate_count;
};

/* Everything wanted, in host memory, by sample, from rows side by side in host memory. */
struct results_case usual_case(void);

/* Fails unless each array holds what its result gives alone, and nothing around it was touched. */
void expect_results(const struct results_case *c);

/* A group's setup and teardown: the source, and its rows' results one by one in calls of their own. */
int open_source(void **state);
int close_source(void **state);

/* What a source row's array holds, by a call for nothing else: array_width elements for CASE_MOST_CANDIDATES. */
const uint32_t *expected_of(enum array array, size_t source_row);
tombola_row_status status_expected(size_t source_row);

#endif
