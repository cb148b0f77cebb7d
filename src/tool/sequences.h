/* Token sequences of an array's rows, as options and files give them. */
#ifndef SEQUENCES_H
#define SEQUENCES_H

#include <argp.h>
#include <stddef.h>

#include "id_lines.h"
#include "tombola.h"

/* Words that all rows have, and as tombola_rows has them. */
typedef struct shared_words {
    const char *path;      /* NULL: none */
    const id_lines *given; /* in place of a file's; NULL: none */
    id_lines lines;        /* of the file */
    int32_t *ids;          /* of each row after another */
    size_t *ends, *row_ends;
} shared_words;

typedef struct sequences {
    shared_words banned, breakers;
    const char *forced_path;
    id_lines forced;      /* of each row */
    size_t *forced_ends;  /* of rows of a batch */
    int32_t *start, *end; /* of thinking */
    size_t start_count, end_count;
} sequences;

/* --banned-words, --dry-breakers, --forced, --thinking-start and --thinking-end. Its input is a struct of these, all
 * zero. */
extern const struct argp sequences_argp;

/* Reads the files for an array of so many rows and tokens, which come in batches of up to `batch` rows. 0, or -1 with a
 * message on standard error. */
int sequences_load(sequences *sequences, size_t rows, size_t batch, size_t vocabulary);
void sequences_release(sequences *sequences);

/* Sets the sequences of a batch, which begins with the array's row `first`, to memory of these that the next call
 * overwrites. */
void sequences_apply(const sequences *sequences, size_t first, tombola_rows *rows);

#endif
