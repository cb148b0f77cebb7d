/* Repetition, frequency and presence penalties: which tokens of a row they are for, and what they come to. */
#ifndef TOMBOLA_SRC_PENALTIES_H
#define TOMBOLA_SRC_PENALTIES_H

#include "adjustment_list.h"
#include "history.h"
#include "tally.h"

/* The tokens of a history that count, from one place to another: a prompt's, for repetition alone, and others. */
struct counted {
    size_t first, middle, end;
};

static inline size_t counted_tokens(struct counted c)
{
    return c.end - c.first;
}

/* Those of a row; none where it has no penalties. */
struct counted penalties_counted(const struct history *history, const tombola_params *params);

/* Counts them in a tally that is empty. */
void penalties_count(const struct history *history, struct counted counted, struct tally *tally);

/* What penalties make of a token by its entry in the tally. Entries of few counts are worked out beforehand. */
#define PRICED_ENTRIES 64
struct prices {
    const tombola_params *params;
    u32 kind; /* of adjustments */
    float values[PRICED_ENTRIES];
};

struct prices penalties_prices(const tombola_params *params);
float penalties_price(const tombola_params *params, u32 entry);
struct adjustment penalties_of_token(const tombola_params *params, u32 token, u32 entry);

static inline struct adjustment priced(const struct prices *prices, u32 token, u32 entry)
{
    const float value = entry < PRICED_ENTRIES ? prices->values[entry] : penalties_price(prices->params, entry);
    return (struct adjustment){token << ADJUST_BITS | prices->kind, value};
}

#endif
