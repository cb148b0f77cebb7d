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
    const uint64_t before = plan_penalties(p, a->tally.room, a->arranger.room).host;
    status = tally_reserve(&a->tally, p->vocabulary, e.history, error);
    if (!status)
        status = arranger_reserve(&a->arranger, p->blocks, e.others, error);
    b->engine->memory.host_bytes += plan_penalties(p, a->tally.room, a->arranger.room).host - before;
    return status;
}

tombola_status adjustments_reserve(struct batch *b, size_t biases, size_t history, tombola_error *error)
{
    const size_t vocabulary = b->engine->plan.vocabulary;
    const struct extent e = {
        .most = biases + history, .history = history < vocabulary ? history : vocabulary, .others = biases + history};
    return reserve(b, e, error);
}

void adjustments_free(struct adjustments *a)
{
    if (!a->copy.pinned)
        upload_free(&a->copy);
    tally_free(&a->tally);
    arranger_free(&a->arranger);
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

static struct extent extent_of(const struct plan *p, const tombola_rows *rows)
{
    struct extent e = {.most = rows->bias_ends ? rows->bias_ends[rows->count - 1] : 0};
    for (size_t row = 0; has_lists(rows) && row < rows->count; row++) {
        const struct history history = history_of(rows, row);
        const tombola_params params = params_of_row(rows->params, row);
        const size_t penalties = penalties_most(&history, &params, p->vocabulary),
                     added = sequences_most(rows, row, &history, &params);
        e.history = larger(e.history, penalties);
        e.others = larger(e.others, biases_count(rows, row) + added);
        e.added = larger(e.added, added);
        e.length = larger(e.length, sequences_length(rows, row, &history, &params));
        e.slots = larger(e.slots, sequences_slots(rows, row, &history, &params));
        e.most += penalties + added;
        e.has_forced = e.has_forced || sequences_only(rows, row, &history, &params) >= 0;
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

/* Puts all into `list`, from which `others` may start. */
static void make_lists(struct adjustments *a, const struct plan *p, const struct history *history,
                       const tombola_params *params, struct adjustment_list *others, struct adjustment_list *list)
{
    if (!a->has_penalties) {
        arrange_by_place(others);
        list->count = others->count;
        return;
    }
    if (penalties_most(history, params, p->vocabulary) > 0)
        penalties_count(history, params, &a->tally);
    arrange_by_block(&a->arranger, p->blocks, others->count, params, &a->tally, list);
}

static tombola_status make_row(struct batch *b, const tombola_rows *rows, size_t row, struct adjustment_list *list,
                               tombola_error *error)
{
    struct adjustments *a = &b->adjustments;
    struct adjustment_list others = {a->has_penalties ? a->arranger.few : list->entries, 0};
    biases_add(rows, row, &others);
    arrange_by_place(&others);
    tombola_status status = biases_check_twice(&others, row, error);
    if (status || !has_lists(rows)) {
        list->count = others.count; /* biases alone are in place */
        return status;
    }
    const struct history history = history_of(rows, row);
    const tombola_params params = params_of_row(rows->params, row);
    const int32_t only = sequences_only(rows, row, &history, &params);
    if (only >= 0) {
        b->host_params[row].flags |= ROW_FORCED;
        adjustment_add(list, (u32)only, ADJUST_FORCE, 0.0f);
        return TOMBOLA_OK;
    }
    if (sequences_most(rows, row, &history, &params) > 0)
        sequences_add(rows, row, &history, &params, &a->room, &others);
    make_lists(a, &b->engine->plan, &history, &params, &others, list);
    return TOMBOLA_OK;
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
    if (!status && e.has_forced)
        memset(a->copy.host, 0, a->count * sizeof(struct adjustment));
    for (size_t row = 0; row < rows->count && !status; row++) {
        struct adjustment_list list = {(struct adjustment *)a->copy.host + a->count, 0};
        if (e.most)
            status = make_row(b, rows, row, &list, error);
        b->host_params[row].adjust_first = (u32)a->count;
        a->count += list.count;
        b->host_params[row].adjust_end = (u32)a->count;
    }
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
