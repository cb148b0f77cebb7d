/* Histories and end tokens of an array's rows, as options and a file give them. */
#ifndef HISTORY_FILE_H
#define HISTORY_FILE_H

#include <argp.h>
#include <stddef.h>
#include <stdint.h>

#include "tombola.h"

typedef struct histories {
    /* As the options tell them: */
    const char *path;    /* NULL: no history */
    int32_t *end_tokens; /* of every row */
    size_t end_token_count;
    /* As they are for an array: */
    int32_t *tokens;
    size_t *ends, *prompts; /* of each row; NULL: there are none */
    /* The same for rows of a batch: */
    size_t *batch_ends, *end_token_ends;
    int32_t *batch_end_tokens;
} histories;

/* --histories and --end-tokens. Its input is a struct of these, all zero. */
extern const struct argp histories_argp;

/* Reads the file for an array of so many rows and tokens, which come in batches of up to `batch` rows. 0, or -1 with a
 * message on standard error. */
int histories_load(histories *histories, size_t rows, size_t batch, size_t vocabulary);
void histories_release(histories *histories);

/* Sets the histories and end tokens of a batch, which begins with the array's row `first`, to memory of these that the
 * next call overwrites. */
void histories_apply(const histories *histories, size_t first, tombola_rows *rows);

#endif
