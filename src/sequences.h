/* Token sequences of rows (banned words, breakers, forced tokens, what begins and ends thinking): their checks, and
 * what the processors make of them and of histories. */
#ifndef TOMBOLA_SRC_SEQUENCES_H
#define TOMBOLA_SRC_SEQUENCES_H

#include "adjustment_list.h"
#include "sequence_room.h"
#include "history.h"

/* Checks the sequences of rows that are otherwise checked. */
tombola_status sequences_check(const struct plan *plan, const tombola_rows *rows, tombola_error *error);

/* At most how many adjustments a row's sequences make; 0: none. */
size_t sequences_most(const tombola_rows *rows, size_t row, const struct history *history,
                      const tombola_params *params);

/* How many tokens of history they need room for, see sequence_room.h. */
size_t sequences_length(const tombola_rows *rows, size_t row, const struct history *history,
                        const tombola_params *params);

/* How many slots for breakers they need room for. */
size_t sequences_slots(const tombola_rows *rows, size_t row, const struct history *history,
                       const tombola_params *params);

/* The one token that may be drawn from a row; -1 where it may be another. */
int32_t sequences_only(const tombola_rows *rows, size_t row, const struct history *history,
                       const tombola_params *params);

/* Adds a row's adjustments to a list that is sorted, and stays so. */
void sequences_add(const tombola_rows *rows, size_t row, const struct history *history, const tombola_params *params,
                   struct sequence_room *room, struct adjustment_list *list);

#endif
