/* The histories, end tokens and forced tokens of live sequences, side by side as tombola_rows has them. */
#ifndef TOMBOLA_SRC_PASTS_H
#define TOMBOLA_SRC_PASTS_H

#include "tombola.h"

struct tokens {
    int32_t *tokens; /* of all rows */
    size_t room;
    size_t *ends; /* of each row */
};

struct pasts {
    struct tokens history, end_tokens, forced;
    size_t *prompts; /* of each row: so many tokens of its history are the prompt */
    size_t rows;     /* that are there */
};

/* Memory for so many rows; nothing where there is none, which pasts_free takes too. */
tombola_status pasts_make(struct pasts *pasts, size_t rows, tombola_error *error);
void pasts_free(struct pasts *pasts);

/* Adds a row of a sequence, whose prompt has so many tokens; without one, a row that has no past. */
tombola_status pasts_add(struct pasts *pasts, const tombola_sequence *sequence, size_t prompt, tombola_error *error);

/* Hands them to rows, to stay there until the next is added. */
void pasts_hand(const struct pasts *pasts, tombola_rows *rows);

#endif
