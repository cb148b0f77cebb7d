/* Repetition, frequency and presence penalties: what they add to a row's adjustments. */
#ifndef TOMBOLA_SRC_PENALTIES_H
#define TOMBOLA_SRC_PENALTIES_H

#include "adjustments.h"
#include "history.h"
#include "tally.h"

/* At most how many they add to a row; 0: it has none. */
size_t penalties_most(const struct history *history, const tombola_params *params, size_t vocabulary);

/* Adds them to a list that is sorted, and stays so. */
void penalties_add(const struct history *history, const tombola_params *params, struct tally *tally,
                   struct adjustment_list *list);

#endif
