/* What is remembered of the rows of a batch from call to call: the lists of penalties, where they lie, and what they
 * were made from. Where a row comes again, with a history that has only grown, its list is amended in its place, which
 * costs a comparison of the histories and something for each new token. It is the list that would be made anew. */
#ifndef TOMBOLA_SRC_RECALL_H
#define TOMBOLA_SRC_RECALL_H

#include "penalties.h"

#define RECALL_SPARE 64 /* tokens that a history may grow by before its row's list has to move */

struct recalled {
    uint64_t call;          /* in which it was made or amended last */
    size_t place, room;     /* of the row's part of the memory of all lists, and of `tokens` */
    size_t count;           /* of its list, which begins the part; its biases, as they came, end it */
    size_t biases;          /* of these */
    struct counted counted; /* its tokens begin the part of `tokens` */
    float repetition, frequency, presence;
};

struct recall {
    struct recalled *rows; /* NULL: no memory yet */
    int32_t *tokens;
    size_t room;   /* of `tokens`, and of the lists */
    uint64_t call; /* number of the one under way */
};

/* A row as it comes: its biases in the order in which it has them. */
struct recalling {
    const struct history *history;
    const tombola_params *params;
    const struct adjustment_list *biases;
    struct adjustment *lists; /* the memory of all */
};

/* Room for the parts of so many rows, whose penalties count so many tokens. */
static inline size_t recall_parts(size_t rows, size_t tokens, size_t biases)
{
    return tokens + 2 * biases + rows * RECALL_SPARE;
}

/* Makes memory for so many rows, whose parts come to `room`. Where it grows, all is forgotten, and otherwise the lists
 * have to be where they were. A failure leaves it as it was. */
tombola_status recall_reserve(struct recall *recall, size_t rows, size_t room, tombola_error *error);
size_t recall_bytes(size_t rows, size_t room);
void recall_free(struct recall *recall);

/* Begins another call: of the rows of the one before, and of no others, something is remembered. */
void recall_next(struct recall *recall);

/* What is remembered of the row, if that has these penalties and biases, its part begins from `first` to `last`, and
 * its history goes on from there: its list is amended. Else NULL. */
struct recalled *recall_row(struct recall *recall, size_t row, size_t first, size_t last, const struct recalling *now);

/* Remembers the row, whose list is to be made at the beginning of its part: then `count` is to be set. */
struct recalled *recall_begin(struct recall *recall, size_t row, size_t place, const struct recalling *now);

#endif
