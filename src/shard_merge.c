#include "shard_merge.h"

#include <string.h>

static int is_first(const u64 *pair, const u64 *other)
{
    return pair[0] < other[0] || (pair[0] == other[0] && pair[1] <= other[1]);
}

void shard_merge_pair(u64 *pair, const u64 *other)
{
    if (!is_first(pair, other))
        memcpy(pair, other, 2 * sizeof *pair);
}

/* Of pairs that are not merged yet: when the second of all arrives, and how clearly the first one's token was first. */
static void merge_margin(const u64 *pair, u64 *margin, const u64 *other_pair, const u64 *other)
{
    const u64 later = pair[0] > other_pair[0] ? pair[0] : other_pair[0];
    const u64 second = margin[0] < other[0] ? margin[0] : other[0];
    if (!is_first(pair, other_pair))
        margin[1] = other[1];
    margin[0] = later < second ? later : second;
}

/* Brings both to the larger scale. */
static u64 brought(u64 mass, u64 orders, int is_high)
{
    const u64 shifted = orders < 64 ? mass >> orders : 0;
    return shifted + (is_high && mass && orders > 0);
}
static void merge_masses(u64 *words, const u64 *other)
{
    const struct shard_masses a = {words[0], words[1], words[2]}, b = {other[0], other[1], other[2]};
    const u64 order = a.order > b.order ? a.order : b.order;
    words[0] = order;
    words[1] = brought(a.low, order - a.order, 0) + brought(b.low, order - b.order, 0);
    words[2] = brought(a.high, order - a.order, 1) + brought(b.high, order - b.order, 1);
}

void shard_merge_words(struct shard_form f, u64 *words, const u64 *other)
{
    u32 at = 0, end = f.sums;
    for (; at < end; at++)
        words[at] += other[at];
    for (end += f.highest; at < end; at++)
        words[at] = other[at] > words[at] ? other[at] : words[at];
    for (end += f.least; at < end; at++)
        words[at] = other[at] < words[at] ? other[at] : words[at];
    if (f.kind == SHARD_MASSES) {
        merge_masses(words + at, other + at);
        at = end += SHARD_MASSES_WORDS;
    }
    for (u32 i = 0; shard_has_margins(f) && i < f.list / 2; i++)
        merge_margin(words + at + 2 * i, words + end + 2 * (f.pairs + i), other + at + 2 * i,
                     other + end + 2 * (f.pairs + i));
    for (end += 2 * f.pairs; at < end; at += 2)
        shard_merge_pair(words + at, other + at);
    for (end += f.list; shard_list_adds(f) && at < end; at++)
        words[at] += other[at];
}

/* Puts a list where it belongs in the heap of all, the one with the least word first, from a hole down. */
static void sift(struct shard_list *heap, size_t count, size_t hole, struct shard_list list)
{
    for (size_t child; (child = 2 * hole + 1) < count; hole = child) {
        child += child + 1 < count && heap[child + 1].word < heap[child].word;
        if (list.word <= heap[child].word)
            break;
        heap[hole] = heap[child];
    }
    heap[hole] = list;
}

void shard_merge_lists(struct shard_form f, u64 *list, struct shard_list *lists, size_t count)
{
    const int has_more = shard_list_has_more(f);
    const size_t number = has_more ? f.list / 2 : f.list;
    for (size_t i = count / 2; i-- > 0;)
        sift(lists, count, i, lists[i]);
    for (size_t i = 0; i < number; i++) {
        struct shard_list first = lists[0];
        list[i] = first.word;
        if (has_more)
            list[number + i] = first.at[number];
        if (i + 1 == number)
            break; /* no list has more words than that */
        first.word = *++first.at;
        sift(lists, count, 0, first);
    }
}
