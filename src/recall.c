#include "recall.h"

#include "error.h"

#include <stdlib.h>
#include <string.h>

#define MOST_NEW 8 /* tokens that a list is amended by; each costs a look through the history */

size_t recall_bytes(size_t rows, size_t room)
{
    return room ? rows * sizeof(struct recalled) + room * sizeof(int32_t) : 0;
}

tombola_status recall_reserve(struct recall *recall, size_t rows, size_t room, tombola_error *error)
{
    if (recall->room >= room)
        return TOMBOLA_OK;
    struct recalled *recalled = recall->rows ? recall->rows : calloc(rows, sizeof *recalled);
    int32_t *tokens = malloc(room * sizeof *tokens);
    if (!recalled || !tokens) {
        if (!recall->rows)
            free(recalled);
        free(tokens);
        return fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for the histories of %zu rows", rows);
    }
    free(recall->tokens);
    *recall = (struct recall){recalled, tokens, room, recall->call + 1};
    return TOMBOLA_OK;
}

void recall_free(struct recall *recall)
{
    free(recall->rows);
    free(recall->tokens);
    *recall = (struct recall){0};
}

void recall_next(struct recall *recall)
{
    recall->call++;
}

/* Where the biases of a row are remembered. */
static struct adjustment *biases_of(const struct recalled *r, struct adjustment *lists)
{
    return lists + r->place + r->room - r->biases;
}

static int has_same_penalties(const struct recalled *r, const tombola_params *p)
{
    return r->repetition == p->repetition_penalty && r->frequency == p->frequency_penalty &&
           r->presence == p->presence_penalty;
}

static int has_same_biases(const struct recalled *r, const struct recalling *now)
{
    return r->biases == now->biases->count &&
           !memcmp(biases_of(r, now->lists), now->biases->entries, r->biases * sizeof *now->lists);
}

/* Whether the tokens that count now begin with those that counted, and have room. */
static int goes_on(const struct recalled *r, const int32_t *tokens, struct counted counts, const struct recalling *now)
{
    const struct counted counted = r->counted;
    return counts.first == counted.first && counts.middle == counted.middle && counts.end >= counted.end &&
           counts.end - counted.end <= MOST_NEW && counted_tokens(counts) + 2 * r->biases <= r->room &&
           !memcmp(tokens, now->history->tokens + counts.first, counted_tokens(counted) * sizeof *tokens);
}

/* How often a token occurs. */
static u32 occurrences(const int32_t *tokens, size_t count, int32_t token)
{
    u32 number = 0;
    for (size_t i = 0; i < count; i++)
        number += tokens[i] == token;
    return number;
}

/* The list's first adjustment of this block or a higher one. */
static size_t place_of_block(const struct adjustment *list, size_t count, u32 block)
{
    size_t low = 0, high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if ((list[middle].place >> ADJUST_BITS) / BLOCK < block)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Gives the token this penalty in the list, which has room for one more. 0: the token has other adjustments, among
 * which the penalty would have its place. */
static int put_penalty(struct adjustment *list, size_t *count, struct adjustment penalty)
{
    const u32 token = penalty.place >> ADJUST_BITS;
    size_t at = place_of_block(list, *count, token / BLOCK);
    for (; at < *count && (list[at].place >> ADJUST_BITS) / BLOCK == token / BLOCK; at++) {
        if (list[at].place == penalty.place) {
            list[at] = penalty;
            return 1;
        }
        if (list[at].place >> ADJUST_BITS == token)
            return 0; /* whose penalty would have its place among them */
    }
    memmove(list + at + 1, list + at, (*count - at) * sizeof *list);
    list[at] = penalty;
    ++*count;
    return 1;
}

struct recalled *recall_row(struct recall *recall, size_t row, size_t first, size_t last, const struct recalling *now)
{
    struct recalled *r = &recall->rows[row];
    const struct counted counts = penalties_counted(now->history, now->params);
    int32_t *tokens = recall->tokens + r->place, *output = tokens + (counts.middle - counts.first);
    if (r->call + 1 != recall->call || r->place < first || r->place > last || !has_same_penalties(r, now->params) ||
        !has_same_biases(r, now) || !goes_on(r, tokens, counts, now))
        return NULL;
    const size_t known = counted_tokens(r->counted), count = counted_tokens(counts);
    memcpy(tokens + known, now->history->tokens + counts.first + known, (count - known) * sizeof *tokens);
    for (size_t i = known; i < count; i++) {
        const u32 times = occurrences(output, counts.end - counts.middle, tokens[i]);
        const struct adjustment penalty = penalties_of_token(now->params, (u32)tokens[i], 2 * times | 1);
        if (!put_penalty(now->lists + r->place, &r->count, penalty))
            return NULL;
    }
    r->counted = counts;
    r->call = recall->call;
    return r;
}

struct recalled *recall_begin(struct recall *recall, size_t row, size_t place, const struct recalling *now)
{
    const struct counted counts = penalties_counted(now->history, now->params);
    struct recalled *r = &recall->rows[row];
    *r = (struct recalled){
        .call = recall->call,
        .place = place,
        .room = recall_parts(1, counted_tokens(counts), now->biases->count),
        .biases = now->biases->count,
        .counted = counts,
        .repetition = now->params->repetition_penalty,
        .frequency = now->params->frequency_penalty,
        .presence = now->params->presence_penalty,
    };
    memcpy(recall->tokens + place, now->history->tokens + counts.first, counted_tokens(counts) * sizeof(int32_t));
    memcpy(biases_of(r, now->lists), now->biases->entries, r->biases * sizeof *now->lists);
    return r;
}
