/* What known_results.txt, known_report.txt and known_candidates.txt ask of rows; each file has answers of its own
 * behind the questions. */
#ifndef KNOWN_TOLD_H
#define KNOWN_TOLD_H

#include "calls.h"
#include "rows.h"

struct told_question {
    unsigned number; /* of those in the file */
    struct make make;
    enum row_kind kind;
    tombola_rows rows; /* the one row as a call takes it, with its mask, biases and parameters; a test may add to it */
};

/* Asks the question, and fails the test unless what is told is the answer. Returns whether that could be read.
 * answer   the rest of the question's line */
typedef int told_check(struct told_question *question, const char *answer);

enum known_way { KNOWN_BY_ROWS, KNOWN_SPREAD, KNOWN_ON_SHARDS, KNOWN_WAYS };

/* Asks the question on the group's context: a sampler, or where its make suits them, shards. */
void known_call(const struct told_question *question, enum known_way way, const tombola_results *results);

/* Checks all lines of a file of this name, and returns how many there are; dies on one that it cannot read. */
unsigned known_told_check(const char *name, told_check *check);

/* FNV-1a of words, by which answers tell of arrays. */
uint64_t known_digest(const void *values, size_t count);

#endif
