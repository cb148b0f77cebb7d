#include "arrange.h"

#include "error.h"

#include <stdlib.h>
#include <string.h>

#define TAKEN (1u << 31) /* of a tally's entry: the token's penalty is among the few */

/* -------------------------------------------------------------------- by place */

static int is_sorted(const struct adjustment *entries, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (entries[i].place < entries[i - 1].place)
            return 0;
    return 1;
}

/* Lets the entry at `place` of a heap, largest place first, sink to where it belongs. */
static void sink(struct adjustment *heap, size_t count, size_t place)
{
    const struct adjustment sinking = heap[place];
    for (size_t child; (child = 2 * place + 1) < count; place = child) {
        child += child + 1 < count && heap[child + 1].place > heap[child].place;
        if (heap[child].place <= sinking.place)
            break;
        heap[place] = heap[child];
    }
    heap[place] = sinking;
}

/* Heapsort: qsort may allocate. */
void arrange_by_place(struct adjustment_list *list)
{
    struct adjustment *entries = list->entries;
    const size_t count = list->count;
    if (is_sorted(entries, count))
        return;
    for (size_t place = count / 2; place-- > 0;)
        sink(entries, count, place);
    for (size_t last = count; last-- > 1;) {
        const struct adjustment largest = entries[0];
        entries[0] = entries[last];
        entries[last] = largest;
        sink(entries, last, 0);
    }
}

/* -------------------------------------------------------------------- by block */

size_t arranger_bytes(size_t blocks, size_t others)
{
    return (blocks + 1) * sizeof(u32) + 2 * others * sizeof(struct adjustment);
}

tombola_status arranger_reserve(struct arranger *arranger, size_t blocks, size_t others, tombola_error *error)
{
    if (arranger->starts && arranger->room >= others)
        return TOMBOLA_OK;
    u32 *starts = arranger->starts ? arranger->starts : malloc((blocks + 1) * sizeof *starts);
    struct adjustment *few = malloc((2 * others + 1) * sizeof *few); /* a penalty for each; never nothing */
    if (!starts || !few) {
        if (!arranger->starts)
            free(starts);
        free(few);
        return fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory to sort %zu biases and penalties in", others);
    }
    free(arranger->few);
    *arranger = (struct arranger){starts, few, others};
    return TOMBOLA_OK;
}

void arranger_free(struct arranger *arranger)
{
    free(arranger->starts);
    free(arranger->few);
    *arranger = (struct arranger){0};
}

static u32 block_of(struct adjustment a)
{
    return (a.place >> ADJUST_BITS) / BLOCK;
}

/* Adds the penalties of the tokens of `few`, which are then taken from the tally's, and no longer count in `starts`. */
static size_t take_penalties(struct adjustment *few, size_t count, const struct prices *prices, struct tally *tally,
                             u32 *starts)
{
    size_t end = count;
    for (size_t i = 0; i < count; i++) {
        const u32 token = few[i].place >> ADJUST_BITS, entry = tally->entries[token];
        if (entry == 0 || (entry & TAKEN))
            continue;
        few[end++] = priced(prices, token, entry);
        tally->entries[token] |= TAKEN;
        starts[token / BLOCK + 1]--; /* modulo 2^32, until its tokens are counted */
    }
    return end;
}

/* Makes the number of each block's adjustments, which lies one place further, the place where they start. */
static void add_up(u32 *starts, size_t blocks)
{
    u32 sum = 0;
    for (size_t block = 0; block < blocks; block++)
        starts[block] = sum += starts[block];
}

void arrange_by_block(struct arranger *arranger, size_t blocks, size_t count, const tombola_params *params,
                      struct tally *tally, struct adjustment_list *list)
{
    const struct prices prices = penalties_prices(params);
    struct adjustment_list few = {arranger->few, count};
    struct adjustment *to = list->entries;
    u32 *starts = arranger->starts;
    memset(starts, 0, (blocks + 1) * sizeof *starts);
    few.count = take_penalties(few.entries, count, &prices, tally, starts);
    arrange_by_place(&few);
    for (size_t i = 0; i < few.count; i++)
        starts[block_of(few.entries[i]) + 1]++;
    for (size_t i = 0; i < tally->count; i++)
        starts[tally->tokens[i] / BLOCK + 1]++;
    add_up(starts, blocks);
    for (size_t i = 0; i < few.count; i++)
        to[starts[block_of(few.entries[i])]++] = few.entries[i];
    for (size_t i = 0; i < tally->count; i++) {
        const u32 token = tally->tokens[i], entry = tally->entries[token];
        tally->entries[token] = 0;
        if (!(entry & TAKEN))
            to[starts[token / BLOCK]++] = priced(&prices, token, entry);
    }
    list->count = tally->count + count; /* of `few` those added are tokens of the tally */
    tally->count = 0;
}
