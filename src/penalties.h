/* Repetition, frequency and presence penalties: which tokens of a row they are for, and what they come to. */
#ifndef TOMBOLA_SRC_PENALTIES_H
#define TOMBOLA_SRC_PENALTIES_H

#include "adjustment_list.h"
#include "history.h"
#include "tally.h"

/* At most how many tokens of a row they are for; 0: the row has none. */
size_t penalties_most(const struct history *history, const tombola_params *params, size_t vocabulary);

/* Counts the row's tokens in a tally that is empty. */
void penalties_count(const struct history *history, const tombola_params *params, struct tally *tally);

/* What penalties make of a token by its entry in the tally. Entries of few counts are worked out beforehand. */
#define PRICED_ENTRIES 64
struct prices {
    const tombola_params *params;
    u32 kind; /* of adjustments */
    float values[PRICED_ENTRIES];
};

struct prices penalties_prices(const tombola_params *params);
float penalties_price(const tombola_params *params, u32 entry);

static inline struct adjustment priced(const struct prices *prices, u32 token, u32 entry)
{
    const float value = entry < PRICED_ENTRIES ? prices->values[entry] : penalties_price(prices->params, entry);
    return (struct adjustment){token << ADJUST_BITS | prices->kind, value};
}

#endif
