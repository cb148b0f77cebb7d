#include "adjustments.h"

#include "batch.h"
#include "biases.h"
#include "error.h"
#include "params.h"
#include "penalties.h"
#include "sequences.h"

#include <string.h>

tombola_status adjustments_check(const struct plan *p, const tombola_rows *rows, tombola_error *error)
{
    tombola_status status = biases_check(p, rows, error);
    if (!status)
        status = history_check(p, rows, error);
    return status ? status : sequences_check(p, rows, error);
}

/* ------------------------------------------------------------------- room */

static const char *name_of(int has_more)
{
    return has_more ? "biases and penalties" : "biases";
}

/* How much a batch may come to. */
struct extent {
    size_t most;    /* adjustments of all rows */
    size_t history; /* tokens of a row that penalties count */
    size_t others;  /* adjustments of a row beside penalties */
    size_t added;   /* of these, such as sequences make */
    size_t length;  /* tokens of a row that sequences look into */
    size_t slots;   /* for a row's breakers */
    int has_forced; /* a row has one token alone that may be drawn */
};

/* Whether it has more than biases. */
static int has_more(struct extent e)
{
    return e.history > 0 || e.added > 0 || e.has_forced;
}

static tombola_status reserve_sequences(struct batch *b, struct extent e, tombola_error *error)
{
    struct sequence_room *room = &b->adjustments.room;
    const size_t before = sequence_room_bytes(room);
    tombola_status status =
        sequence_room_reserve(room, e.length, e.added > FEW_ADJUSTMENTS ? e.added : 0, e.slots, error);
    b->engine->memory.host_bytes += sequence_room_bytes(room) - before;
    return status;
}

static uint64_t penalties_bytes(const struct batch *b)
{
    const struct adjustments *a = &b->adjustments;
    return plan_penalties(&b->engine->plan, a->tally.room, a->arranger.room, a->recall.room).host;
}

/* Memory for a batch of that extent. Biases alone need no more than their place. */
static tombola_status reserve(struct batch *b, struct extent e, tombola_error *error)
{
    const struct plan *p = &b->engine->plan;
    struct adjustments *a = &b->adjustments;
    tombola_status status = TOMBOLA_OK;
    if (e.most > UINT32_MAX)
        return fail(error, TOMBOLA_OUT_OF_MEMORY, "biases and penalties may come to %zu, more than %lu", e.most,
                    (unsigned long)UINT32_MAX);
    if (e.most > 0)
        status = upload_reserve(b, &a->copy, e.most * sizeof(struct adjustment), name_of(has_more(e)), error);
    if (!status)
        status = reserve_sequences(b, e, error);
    if (status || e.history == 0)
        return status;
    const uint64_t before = penalties_bytes(b);
    status = tally_reserve(&a->tally, p->vocabulary, e.history, error);
    if (!status)
        status = arranger_reserve(&a->arranger, p->blocks, e.others, error);
    if (!status)
        status = recall_reserve(&a->recall, p->max_rows, a->copy.room / sizeof(struct adjustment), error);
    b->engine->memory.host_bytes += penalties_bytes(b) - before;
    return status;
}

tombola_status adjustments_reserve(struct batch *b, size_t biases, size_t history, tombola_error *error)
{
    const size_t vocabulary = b->engine->plan.vocabulary;
    const struct extent e = {
        .most = plan_adjustments(&b->engine->plan, biases, history),
        .history = history < vocabulary ? history : vocabulary,
        .others = biases + history,
    };
    return reserve(b, e, error);
}

void adjustments_free(struct adjustments *a)
{
    upload_free(&a->copy);
    tally_free(&a->tally);
    arranger_free(&a->arranger);
    recall_free(&a->recall);
    sequence_room_free(&a->room);
}

/* Some more than what is needed now, up to a limit, so that a batch that needs a little more finds it there. */
static size_t with_more(size_t needed, size_t now, size_t limit)
{
    const size_t room = now >= needed || 2 * now < needed ? needed : 2 * now;
    return room > limit && needed <= limit ? limit : room;
}

/* ------------------------------------------------------------------- making */

/* Whether more than biases may adjust a row. */
static int has_lists(const tombola_rows *rows)
{
    return rows->history_ends || rows->end_token_ends || rows->banned_ends || rows->forced_ends;
}

/* Adjustments that take as much memory as a mask. */
static size_t mask_entries(const struct plan *p)
{
    return (p->mask_words * sizeof(u32) + sizeof(struct adjustment) - 1) / sizeof(struct adjustment);
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* A row, and what adjusts it. */
struct row_needs {
    const tombola_rows *rows;
    size_t row;
    struct history history;
    tombola_params params;
    size_t counted; /* tokens of its history, by penalties */
    size_t biases;
    size_t added; /* adjustments that sequences may make */
};

static struct row_needs needs_of(const tombola_rows *rows, size_t row)
{
    struct row_needs n = {.rows = rows, .row = row, .biases = biases_count(rows, row)};
    if (!has_lists(rows))
        return n;
    n.history = history_of(rows, row);
    n.params = params_of_row(rows->params, row);
    n.counted = counted_tokens(penalties_counted(&n.history, &n.params));
    n.added = sequences_most(rows, row, &n.history, &n.params);
    return n;
}

/* Whether its list is worth remembering. What sequences make is another in each call. */
static int is_recalled(const struct row_needs *n)
{
    return n->counted > 0 && n->added == 0;
}

/* Room for the row's list and what is remembered of it. */
static size_t part_of(const struct row_needs *n)
{
    return is_recalled(n) ? recall_parts(1, n->counted, n->biases) : n->counted + n->biases + n->added;
}

static struct extent extent_of(const struct plan *p, const tombola_rows *rows)
{
    struct extent e = {.most = has_lists(rows) || !rows->bias_ends ? 0 : rows->bias_ends[rows->count - 1]};
    for (size_t row = 0; has_lists(rows) && row < rows->count; row++) {
        const struct row_needs n = needs_of(rows, row);
        e.history = larger(e.history, smaller(n.counted, p->vocabulary));
        e.others = larger(e.others, n.biases + n.added);
        e.added = larger(e.added, n.added);
        e.length = larger(e.length, sequences_length(rows, row, &n.history, &n.params));
        e.slots = larger(e.slots, sequences_slots(rows, row, &n.history, &n.params));
        e.most += part_of(&n);
        e.has_forced = e.has_forced || sequences_only(rows, row, &n.history, &n.params) >= 0;
    }
    if (e.has_forced) /* rows that are forced have an adjustment each */
        e.most += mask_entries(p) + rows->count;
    return e;
}

/* The same with room for what later batches may have more. */
static struct extent with_room(const struct batch *b, struct extent e)
{
    const struct plan *p = &b->engine->plan;
    const struct adjustments *a = &b->adjustments;
    const size_t each = sizeof(struct adjustment);
    e.most = with_more(e.most, a->copy.room / each, p->largest_buffer / each);
    e.history = with_more(e.history, a->tally.room, p->vocabulary);
    e.others = with_more(e.others, a->arranger.room, UINT32_MAX);
    e.added = with_more(e.added, a->room.count, UINT32_MAX);
    e.length = with_more(e.length, a->room.length, UINT32_MAX);
    e.slots = with_more(e.slots, a->room.slot_count, UINT32_MAX);
    return e;
}

/* Where a row's list lies in the memory of all. */
struct row_place {
    size_t first, last; /* it may begin from here to there */
    size_t begin, count;
    size_t end; /* of what the next row has to leave it */
};

/* A row's list at place->first, of its biases, which are in `others`, and all else. */
static tombola_status make_list(struct batch *b, const struct row_needs *n, struct adjustment_list *others,
                                struct row_place *place, tombola_error *error)
{
    struct adjustments *a = &b->adjustments;
    struct adjustment_list list = {(struct adjustment *)a->copy.host + place->first, 0};
    arrange_by_place(others);
    tombola_status status = biases_check_twice(others, n->row, error);
    if (status)
        return status;
    if (n->added > 0)
        sequences_add(n->rows, n->row, &n->history, &n->params, &a->room, others);
    list.count = others->count;
    if (a->has_penalties) {
        penalties_count(&n->history, penalties_counted(&n->history, &n->params), &a->tally);
        arrange_by_block(&a->arranger, b->engine->plan.blocks, others->count, &n->params, &a->tally, &list);
    }
    place->begin = place->first;
    place->count = list.count;
    place->end = place->begin + list.count;
    return TOMBOLA_OK;
}

/* The same from what is remembered, or so that it will be. */
static tombola_status recall_list(struct batch *b, const struct row_needs *n, struct adjustment_list *others,
                                  struct row_place *place, tombola_error *error)
{
    struct adjustments *a = &b->adjustments;
    const struct recalling now = {&n->history, &n->params, others, a->copy.host};
    struct recalled *r = recall_row(&a->recall, n->row, place->first, place->last, &now);
    tombola_status status = TOMBOLA_OK;
    if (!r) {
        r = recall_begin(&a->recall, n->row, place->first, &now);
        status = make_list(b, n, others, place, error);
        r->count = place->count;
    }
    place->begin = r->place;
    place->count = r->count;
    place->end = r->place + r->room;
    return status;
}

static tombola_status make_row(struct batch *b, const struct row_needs *n, struct row_place *place,
                               tombola_error *error)
{
    struct adjustments *a = &b->adjustments;
    struct adjustment *lists = a->copy.host;
    struct adjustment_list others = {a->has_penalties ? a->arranger.few : lists + place->first, 0};
    const int32_t only = has_lists(n->rows) ? sequences_only(n->rows, n->row, &n->history, &n->params) : -1;
    if (only >= 0) {
        b->host_params[n->row].flags |= ROW_FORCED;
        lists[place->first] = (struct adjustment){(u32)only << ADJUST_BITS | ADJUST_FORCE, 0.0f};
        place->begin = place->first;
        place->count = 1;
        place->end = place->begin + 1;
        return TOMBOLA_OK;
    }
    biases_add(n->rows, n->row, &others);
    return is_recalled(n) && !b->engine->plan.is_shard /* whose lists are cut afterwards */
               ? recall_list(b, n, &others, place, error)
               : make_list(b, n, &others, place, error);
}

/* Leaves of the rows' adjustments those of a shard's columns, as these count. */
static void keep_columns(struct batch *b, size_t rows)
{
    const struct plan *p = &b->engine->plan;
    struct adjustment *all = b->adjustments.copy.host;
    size_t kept = b->host_params[0].adjust_first;
    for (size_t row = 0; row < rows; row++) {
        struct row_params *params = &b->host_params[row];
        const size_t first = params->adjust_first, end = params->adjust_end;
        params->adjust_first = (u32)kept;
        for (size_t i = first; i < end; i++) {
            const u32 token = all[i].place >> ADJUST_BITS;
            if (token < p->first || token >= p->last)
                continue;
            all[kept].place = all[i].place - ((u32)p->first << ADJUST_BITS);
            all[kept++].value = all[i].value;
        }
        params->adjust_end = (u32)kept;
    }
    b->adjustments.count = kept;
}

tombola_status adjustments_make(struct batch *b, const tombola_rows *rows, tombola_error *error)
{
    const struct plan *p = &b->engine->plan;
    struct adjustments *a = &b->adjustments;
    const struct extent e = extent_of(p, rows);
    tombola_status status = reserve(b, with_room(b, e), error);
    a->count = e.has_forced ? mask_entries(p) : 0;
    a->has_penalties = e.history > 0;
    a->has_more = has_more(e);
    recall_next(&a->recall);
    if (!status && e.has_forced)
        memset(a->copy.host, 0, a->count * sizeof(struct adjustment));
    size_t last = a->count;
    for (size_t row = 0; row < rows->count && !status; row++) {
        struct row_place place = {.first = a->count, .last = last, .end = a->count};
        if (e.most) {
            const struct row_needs n = needs_of(rows, row);
            last += part_of(&n);
            status = make_row(b, &n, &place, error);
        }
        b->host_params[row].adjust_first = (u32)place.begin;
        b->host_params[row].adjust_end = (u32)(place.begin + place.count);
        a->count = place.end;
    }
    if (status)
        recall_next(&a->recall); /* lists may have been overwritten that were to be remembered */
    if (!status && p->is_shard)
        keep_columns(b, rows->count);
    return status;
}

tombola_status adjustments_bring(struct batch *b, tombola_error *error)
{
    struct adjustments *a = &b->adjustments;
    a->buffer = NULL;
    if (a->count == 0)
        return TOMBOLA_OK;
    return upload_send(b, &a->copy, a->count * sizeof(struct adjustment), name_of(a->has_more), &a->buffer, error);
}
