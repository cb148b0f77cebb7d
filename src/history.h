/* The token histories of rows and their end tokens: their checks, and one row's part of them. */
#ifndef TOMBOLA_SRC_HISTORY_H
#define TOMBOLA_SRC_HISTORY_H

#include "plan.h"

/* What is known of a row's sequence so far. All of it is the caller's. */
struct history {
    const int32_t *tokens; /* the prompt, then what was generated */
    size_t count;
    size_t prompt; /* of these, so many */
    const int32_t *end_tokens;
    size_t end_token_count;
};

/* Checks histories and end tokens of rows that are otherwise checked. */
tombola_status history_check(const struct plan *plan, const tombola_rows *rows, tombola_error *error);

/* The row's; empty where the rows have none. */
struct history history_of(const tombola_rows *rows, size_t row);

#endif
