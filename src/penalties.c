#include "penalties.h"

#include "order.h"

#include <float.h>

/* The tokens that count, from one place of the history to another: a prompt's, for repetition alone, and others. */
struct counted {
    size_t first, middle, end;
};

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

size_t penalties_most(const struct history *h, const tombola_params *p, size_t vocabulary)
{
    const struct counted c = counted_of(h, p);
    if (p->repetition_penalty == 1.0f && p->frequency_penalty == 0.0f && p->presence_penalty == 0.0f)
        return 0;
    return c.end - c.first < vocabulary ? c.end - c.first : vocabulary;
}

/* Puts entries among those of the list from its end on, where `at` is room for all: the list has moved up to there. */
static size_t put(struct adjustment_list *list, size_t left, size_t *at, struct adjustment entry)
{
    while (left > 0 && list->entries[left - 1].place > entry.place)
        list->entries[--*at] = list->entries[--left];
    list->entries[--*at] = entry;
    return left;
}

/* What is subtracted from the logit of a token that was counted so often. */
static float subtracted(const tombola_params *p, u32 times)
{
    const double penalty =
        (double)times * (double)p->frequency_penalty + (times > 0 ? (double)p->presence_penalty : 0.0);
    const double within = penalty > (double)FLT_MAX    ? (double)FLT_MAX
                          : penalty < -(double)FLT_MAX ? -(double)FLT_MAX
                                                       : penalty;
    return made_normal((float)within);
}

void penalties_add(const struct history *h, const tombola_params *p, struct tally *tally, struct adjustment_list *list)
{
    const struct counted c = counted_of(h, p);
    tally->count = 0;
    tally_note(tally, h->tokens + c.first, c.middle - c.first);
    tally_count(tally, h->tokens + c.middle, c.end - c.middle);
    tally_sort(tally);
    const u32 kind = p->repetition_penalty == 1.0f ? ADJUST_PENALTY : ADJUST_REPETITION;
    size_t left = list->count, at = left + tally->count;
    list->count = at;
    for (size_t i = tally->count; i-- > 0;) {
        const u32 token = tally->tokens[i];
        const float value = subtracted(p, tally_take(tally, token));
        left = put(list, left, &at, (struct adjustment){token << ADJUST_BITS | kind, value});
    }
}
