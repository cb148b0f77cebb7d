#include "shard_message.h"

#include "error.h"
#include "shard_agreement.h"
#include "shard_merge.h"

#include <stdlib.h>
#include <string.h>

#define WORD sizeof(u64)

/* ------------------------------------------------------------------ sizes */

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* What a search for a budget's last token may ask for. */
#define SEARCH_WORDS (2 + 2 * SHARD_WIDE)

/* What a filter may ask for, behind which there are as many words as a list has. */
static size_t filter_words(const struct row_params *p, u32 filter, size_t vocabulary)
{
    switch (filter) {
    case FILTER_TOP_K:
        return p->top_k >= vocabulary ? 0 : p->top_k > MAX_TOP_K ? SEARCH_WORDS : p->top_k;
    case FILTER_TOP_P:
        return MEASURES + SHARD_LISTED_MOST;
    case FILTER_TYPICAL_P:
        return SHARD_WIDE;
    case FILTER_TEMPERATURE:
    case FILTER_TOP_H:
        return SHARD_WIDE;
    case FILTER_MIROSTAT: /* a number of tokens that nobody knows before */
    case FILTER_MIN_K:
        return MAX_TOP_K > 3 * SHARD_WIDE ? MAX_TOP_K : 3 * SHARD_WIDE;
    default:
        return MEASURES;
    }
}

size_t shard_row_words(const struct row_params *p, size_t vocabulary, size_t samples, size_t candidates)
{
    size_t most = larger(MEASURES, 2 * candidates);
    for (size_t i = 0; i < MAX_FILTERS; i++) {
        most = larger(most, p->filters[i] ? filter_words(p, p->filters[i], vocabulary) : 0);
        most = larger(most, p->other_filters[i] ? filter_words(p, p->other_filters[i], vocabulary) : 0);
    }
    const size_t least = p->min_keep > MAX_TOP_K ? SEARCH_WORDS : p->min_keep;
    /* a head, what is before the lists, these, then candidates that were told, the tokens and the mass before */
    return 1 + START_DRAWS + 4 * samples + larger(larger(most, least), p->score_end - p->score_first) + 2 * candidates +
           samples + 1;
}

static const u64 *next_row(const u64 *row)
{
    return row + 1 + shard_words(shard_form_of(*row));
}

size_t shard_message_size(const struct shard_batch *b, const u64 *told)
{
    size_t words = 0;
    for (size_t row = 0; row < b->head.rows; row++)
        words += 1 + shard_words(shard_form_of(told[row * b->stride]));
    return sizeof b->head + words * WORD;
}

void shard_message_write(const struct shard_batch *b, const u64 *told, void *message)
{
    u64 *to = (u64 *)((char *)message + sizeof b->head);
    memcpy(message, &b->head, sizeof b->head);
    for (size_t row = 0; row < b->head.rows; row++) {
        const u64 *from = told + row * b->stride;
        const size_t words = 1 + shard_words(shard_form_of(*from));
        memcpy(to, from, words * WORD);
        to += words;
    }
}

int shard_message_is_last(const struct shard_batch *b, const u64 *told)
{
    int is_last = 1; /* a shard that has failed ends the call of all */
    for (size_t row = 0; row < b->head.rows && is_last && !b->head.status; row++)
        is_last = shard_form_of(told[row * b->stride]).is_last != 0;
    return is_last;
}

/* ------------------------------------------------------------------ checks */

static const tombola_shard_head *head_of(const void *message)
{
    return message;
}

/* A total order, whatever the heads are. */
static int by_columns(const void *a, const void *b)
{
    const tombola_shard_head *x = head_of(*(const void *const *)a), *y = head_of(*(const void *const *)b);
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    if (x->last != y->last)
        return x->last < y->last ? -1 : 1;
    return (x > y) - (x < y);
}

/* Messages in the order of their columns, some at a time where there is no room for all: then those that come next are
 * looked for anew. So it takes no memory, for want of which a shard would not know what all others know. */
struct order {
    const char *messages;
    size_t stride, count;
    const void **list; /* those at hand; to the first `room` */
    size_t room, number, next;
    const void *last; /* before these; NULL: none is */
};

static struct order order_of(const void *messages, size_t stride, size_t count, const void **list, size_t room)
{
    return (struct order){.messages = messages, .stride = stride, .count = count, .list = list, .room = room};
}

static void take_more(struct order *o)
{
    int is_cut = 0;
    o->last = o->number ? o->list[o->number - 1] : o->last;
    o->number = o->next = 0;
    for (size_t i = 0; i < o->count; i++) {
        const void *message = o->messages + i * o->stride;
        if (o->last && by_columns(&o->last, &message) >= 0)
            continue;
        if (o->number == o->room) {
            qsort(o->list, o->number, sizeof *o->list, by_columns);
            o->number = o->room / 2;
            is_cut = 1;
        }
        o->list[o->number++] = message;
    }
    qsort(o->list, o->number, sizeof *o->list, by_columns);
    if (is_cut && o->number > o->room / 2)
        o->number = o->room / 2;
}

/* The next head; NULL behind the last one. */
static const tombola_shard_head *next_head(struct order *o)
{
    if (o->next == o->number && o->number < o->count)
        take_more(o);
    return o->next < o->number ? head_of(o->list[o->next++]) : NULL;
}

static void go_back(struct order *o)
{
    if (o->number < o->count) {
        o->number = 0;
        o->last = NULL;
    }
    o->next = 0;
}

/* A clause that tells of the first disagreement of a shard and the first one; NULL if there is none.
 * text  room for such a one */
static const char *disagreement(const tombola_shard_head *first, const tombola_shard_head *other, char *text,
                                size_t size)
{
    if (other->input != first->input)
        return "has another input";
    if (other->vocabulary != first->vocabulary)
        return "has another vocabulary";
    if (other->rows != first->rows)
        return "has another number of rows";
    if (other->round != first->round)
        return "is at another round";
    if (!shard_agreement_same(first, other, text, size))
        return text;
    return other->size != first->size ? "has a message of another size" : NULL;
}

static tombola_status fail_between(const tombola_shard_head *first, const tombola_shard_head *other, const char *what,
                                   tombola_error *error)
{
    return fail(error, TOMBOLA_INVALID_ARGUMENT, "the shard of columns %lu to %lu %s than that of %lu to %lu",
                (unsigned long)other->first, (unsigned long)other->last, what, (unsigned long)first->first,
                (unsigned long)first->last);
}

/* about: set to the head */
static tombola_status fail_at(const tombola_shard_head *head, const void **about, const char *what,
                              tombola_error *error)
{
    *about = head;
    return fail(error, TOMBOLA_INVALID_ARGUMENT, "the shard of columns %lu to %lu %s", (unsigned long)head->first,
                (unsigned long)head->last, what);
}

/* about: set to the head that an error is about, where it is one */
static tombola_status check_heads(struct order *o, const void **about, tombola_error *error)
{
    const tombola_shard_head *h, *first = NULL, *told_masks = NULL;
    for (go_back(o); (h = next_head(o));)
        if (h->magic != TOMBOLA_SHARD_MAGIC) {
            *about = h;
            return fail(error, TOMBOLA_INVALID_ARGUMENT, "one of %zu messages is none of a shard's", o->count);
        }
    for (go_back(o); (h = next_head(o));)
        if (h->layout != TOMBOLA_SHARD_LAYOUT || h->contract != TOMBOLA_CONTRACT)
            return fail_at(h, about, "has another version", error);
    for (go_back(o); (h = next_head(o));) {
        *about = h;
        if (h->status)
            return fail(error, (tombola_status)h->status, "the shard of columns %lu to %lu has failed: %s",
                        (unsigned long)h->first, (unsigned long)h->last,
                        tombola_status_string((tombola_status)h->status));
    }
    for (go_back(o); (h = next_head(o));) {
        char text[128];
        *about = h;
        first = first ? first : h;
        const char *what = disagreement(first, h, text, sizeof text);
        if (what)
            return fail_between(first, h, what, error);
        told_masks = told_masks ? told_masks : h->masks ? h : NULL;
        if (told_masks && !shard_agreement_same_masks(told_masks, h))
            return fail_between(told_masks, h, "has other masks", error);
    }
    size_t end = 0;
    for (go_back(o); (h = next_head(o));) {
        if (h->first == h->last)
            continue;
        *about = h->first > end ? NULL : h;
        if (h->first != end)
            return fail(error, TOMBOLA_INVALID_ARGUMENT, "%s shard has columns %lu to %lu",
                        h->first > end ? "no" : "more than one", (unsigned long)(h->first > end ? end : h->first),
                        (unsigned long)(h->first > end || h->last < end ? h->first > end ? h->first : h->last : end));
        end = h->last;
    }
    *about = NULL;
    if (end != first->vocabulary)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "no shard has columns %zu to %lu", end,
                    (unsigned long)first->vocabulary);
    return TOMBOLA_OK;
}

tombola_status shard_messages_check(const void *messages, size_t stride, size_t count, size_t *at, tombola_error *error)
{
    const void *list[512], *about = NULL;
    struct order order = order_of(messages, stride, count, list, sizeof list / sizeof *list);
    tombola_status status = check_heads(&order, &about, error);
    *at = status && about ? (size_t)((const char *)about - (const char *)messages) / stride : count;
    return status;
}

/* That the shard's own is one of them. */
static tombola_status check_own(const struct shard_batch *b, const void *const *heads, size_t count, const void **about,
                                tombola_error *error)
{
    int has_own = 0;
    for (size_t i = 0; i < count && !has_own; i++)
        has_own = memcmp(heads[i], &b->head, sizeof b->head) == 0;
    return has_own ? TOMBOLA_OK : fail_at(&b->head, about, "has no message among these", error);
}

static const u64 *words_of_message(const void *message)
{
    return (const u64 *)((const char *)message + sizeof(tombola_shard_head));
}

/* That the words of a message are those of its rows. */
static int is_whole(const struct shard_batch *b, const u64 *told, const void *message)
{
    const u64 *row = words_of_message(message);
    const u64 *end = (const u64 *)((const char *)message + head_of(message)->size);
    for (size_t i = 0; i < b->head.rows; i++) {
        if (row >= end || *row != told[i * b->stride])
            return 0;
        if (1 + shard_words(shard_form_of(*row)) + 2 * b->candidates + b->samples + 1 >
            b->stride) /* shard_row_words is to tell */
            return 0;
        row = next_row(row);
    }
    return row == end;
}

/* ------------------------------------------------------------------ merging */

/* What an answer tells of a row. The samples that it is not about have pairs that come after all others, and 0. */
static void take_answer(const struct shard_batch *b, const u64 *answer, const struct shard_known *known, size_t number)
{
    const struct row_params *p = &b->params[number];
    struct shard_row *row = &known->rows[number];
    struct shard_sample *samples = known->samples + number * b->samples;
    u64 *candidates = known->candidates + number * 2 * b->candidates;
    static const u32 lasts[SHARD_KINDS_COUNT] = {
        [SHARD_START] = START_LAST, [SHARD_RACE] = RACE_LAST, [SHARD_KEPT] = RACE_LAST};
    const struct shard_form f = shard_form_of(answer[0]);
    const u64 *words = answer + 1, *drawn = words + f.sums + f.highest + f.least;
    if (b->head.round == 0) {
        *row = (struct shard_row){.state = words[f.sums], .last = ~(u64)0};
        for (size_t i = 0; i < b->samples; i++)
            samples[i] = (struct shard_sample){.pair = {~(u64)0, ~(u64)0}};
        for (size_t i = 0; i < 2 * b->candidates; i++)
            candidates[i] = NO_CANDIDATE;
    }
    for (u32 i = 0; i < f.pairs; i++)
        shard_merge_pair(samples[i].pair, drawn + 2 * i);
    if (lasts[f.kind] && row->last == ~(u64)0 && (f.pairs || f.kind == SHARD_KEPT)) {
        row->kept = (u32)words[DRAWN_KEPT];
        row->last = words[lasts[f.kind]];
    }
    for (size_t i = 0; f.kind == SHARD_TOLD && i < b->samples; i++) {
        const u64 *told = words + TOLD_SAMPLES + TOLD_EACH * i;
        samples[i].rank += told[0];
        samples[i].logprobs += told[1];
        samples[i].margin += told[2];
    }
    for (size_t i = 0; f.kind == SHARD_RAW && i < b->samples; i++)
        samples[i].raw = words[i];
    for (u32 i = TOLD_EACH * (u32)b->samples; f.kind == SHARD_TOLD && i < f.list; i++)
        known->scores[p->score_first + i - TOLD_EACH * b->samples].score = (u32)words[TOLD_SAMPLES + i];
    for (u32 i = (u32)b->samples; f.kind == SHARD_RAW && i < f.list; i++)
        known->scores[p->score_first + i - b->samples].raw = (u32)words[i];
    if (f.kind == SHARD_ROW && f.list)
        memcpy(candidates, words + shard_list_begin(f), f.list * WORD);
    if (f.kind == SHARD_TOLD && words[TOLD_ENTROPY])
        row->entropy = (u32)words[TOLD_ENTROPY];
}

tombola_status shard_messages_merge(const struct shard_batch *b, const u64 *told, const void *messages, size_t stride,
                                    size_t count, const struct shard_places *places, u64 *answers,
                                    const struct shard_known *known, tombola_error *error)
{
    const void **heads = places->heads, *about;
    const u64 **at = places->rows;
    struct order order = order_of(messages, stride, count, heads, count);
    tombola_status status = check_heads(&order, &about, error);
    if (!status)
        status = check_own(b, heads, count, &about, error);
    for (size_t i = 0; i < count && !status; i++) {
        at[i] = words_of_message(heads[i]);
        if (head_of(heads[i])->size > stride || !is_whole(b, told, heads[i]))
            status = fail_at(head_of(heads[i]), &about, "has a message that is not whole, or other questions", error);
    }
    if (status)
        return status;
    for (size_t row = 0; row < b->head.rows; row++) {
        u64 *answer = answers + row * b->stride, before = 0;
        const struct shard_form f = shard_form_of(told[row * b->stride]);
        const size_t list = 1 + shard_list_begin(f);
        for (size_t i = 0; i < count; i++) {
            const u64 *from = at[i];
            if (i == 0)
                memcpy(answer, from, (shard_list_ascends(f) ? list : 1 + shard_words(f)) * WORD);
            else
                shard_merge_words(f, answer + 1, from + 1);
            if (shard_list_ascends(f))
                places->lists[i] = (struct shard_list){from[list], from + list};
            if (f.kind == SHARD_MEASURES && head_of(heads[i])->first < b->head.first)
                before += from[1 + MEASURE_MASS];
            at[i] = next_row(from);
        }
        if (shard_list_ascends(f))
            shard_merge_lists(f, answer + list, places->lists, count);
        take_answer(b, answer, known, row);
        answer[b->stride - 1] = before;
        for (size_t i = 0; i < b->samples; i++)
            answer[b->stride - 1 - b->samples + i] = known->samples[row * b->samples + i].pair[1];
        if (b->candidates)
            memcpy(answer + b->stride - 1 - b->samples - 2 * b->candidates, known->candidates + row * 2 * b->candidates,
                   2 * b->candidates * WORD);
    }
    return TOMBOLA_OK;
}
