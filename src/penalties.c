#include "penalties.h"

#include "order.h"

#include <float.h>

/* Where they do count. */
static struct counted counted_of(const struct history *h, const tombola_params *p)
{
    const size_t first = p->penalty_window && p->penalty_window < h->count ? h->count - p->penalty_window : 0;
    const size_t output = first > h->prompt ? first : h->prompt;
    if (p->penalty_prompt == TOMBOLA_PROMPT_ALL)
        return (struct counted){first, first, h->count};
    if (p->penalty_prompt == TOMBOLA_PROMPT_NONE || p->repetition_penalty == 1.0f)
        return (struct counted){output, output, h->count};
    return (struct counted){first, output, h->count};
}

struct counted penalties_counted(const struct history *h, const tombola_params *p)
{
    if (p->repetition_penalty == 1.0f && p->frequency_penalty == 0.0f && p->presence_penalty == 0.0f)
        return (struct counted){0};
    return counted_of(h, p);
}

void penalties_count(const struct history *h, struct counted c, struct tally *tally)
{
    tally_note(tally, h->tokens + c.first, c.middle - c.first);
    tally_count(tally, h->tokens + c.middle, c.end - c.middle);
}

static u32 kind_of(const tombola_params *p)
{
    return p->repetition_penalty == 1.0f ? ADJUST_PENALTY : ADJUST_REPETITION;
}

float penalties_price(const tombola_params *p, u32 entry)
{
    const double times = (double)(entry >> 1), most = (double)FLT_MAX;
    const double penalty = times * (double)p->frequency_penalty + (times > 0.0 ? (double)p->presence_penalty : 0.0);
    return made_normal((float)(penalty > most ? most : penalty < -most ? -most : penalty));
}

struct prices penalties_prices(const tombola_params *p)
{
    struct prices prices = {.params = p, .kind = kind_of(p)};
    for (u32 entry = 1; entry < PRICED_ENTRIES; entry += 2)
        prices.values[entry] = penalties_price(p, entry);
    return prices;
}

struct adjustment penalties_of_token(const tombola_params *p, u32 token, u32 entry)
{
    return (struct adjustment){token << ADJUST_BITS | kind_of(p), penalties_price(p, entry)};
}
