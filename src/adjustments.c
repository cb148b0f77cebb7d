#include "adjustments.h"

#include "batch.h"
#include "biases.h"
#include "error.h"
#include "params.h"
#include "penalties.h"
#include "processors.h"

tombola_status adjustments_check(const struct plan *p, const tombola_rows *rows, tombola_error *error)
{
    tombola_status status = biases_check(p, rows, error);
    return status ? status : history_check(p, rows, error);
}

/* ------------------------------------------------------------------- room */

static const char *name_of(int has_penalties)
{
    return has_penalties ? "biases and penalties" : "biases";
}

/* How much a batch may come to. */
struct extent {
    size_t most;    /* adjustments of all rows */
    size_t history; /* tokens of a row that penalties count */
    size_t others;  /* adjustments of a row beside penalties */
};

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
        status = upload_reserve(b, &a->copy, e.most * sizeof(struct adjustment), name_of(e.history > 0), error);
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
    return reserve(b, (struct extent){biases + history, history < vocabulary ? history : vocabulary, biases + history},
                   error);
}

void adjustments_free(struct adjustments *a)
{
    if (!a->copy.pinned)
        upload_free(&a->copy);
    tally_free(&a->tally);
    arranger_free(&a->arranger);
}

/* Some more than what is needed now, up to a limit, so that a batch that needs a little more finds it there. */
static size_t with_more(size_t needed, size_t now, size_t limit)
{
    const size_t room = now >= needed || 2 * now < needed ? needed : 2 * now;
    return room > limit && needed <= limit ? limit : room;
}

/* ------------------------------------------------------------------- making */

/* Whether more than biases may adjust a row. */
static int has_histories(const tombola_rows *rows)
{
    return rows->history_ends || rows->end_token_ends;
}

static struct extent extent_of(const struct plan *p, const tombola_rows *rows)
{
    struct extent e = {rows->bias_ends ? rows->bias_ends[rows->count - 1] : 0, 0, 0};
    for (size_t row = 0; has_histories(rows) && row < rows->count; row++) {
        const struct history history = history_of(rows, row);
        const tombola_params params = params_of_row(rows->params, row);
        const size_t penalties = penalties_most(&history, &params, p->vocabulary),
                     added = processors_most(&history, &params), others = biases_count(rows, row) + added;
        e.history = penalties > e.history ? penalties : e.history;
        e.others = others > e.others ? others : e.others;
        e.most += penalties + added;
    }
    return e;
}

/* The same with room for what later batches may have more. */
static struct extent with_room(const struct batch *b, struct extent e)
{
    const struct plan *p = &b->engine->plan;
    const struct adjustments *a = &b->adjustments;
    const size_t each = sizeof(struct adjustment);
    return (struct extent){with_more(e.most, a->copy.room / each, p->largest_buffer / each),
                           with_more(e.history, a->tally.room, p->vocabulary),
                           with_more(e.others, a->arranger.room, UINT32_MAX)};
}

static tombola_status make_row(struct adjustments *a, const struct plan *p, const tombola_rows *rows, size_t row,
                               struct adjustment_list *list, tombola_error *error)
{
    const int is_counted = a->has_penalties;
    struct adjustment_list others = {is_counted ? a->arranger.few : list->entries, 0};
    biases_add(rows, row, &others);
    arrange_by_place(&others);
    tombola_status status = biases_check_twice(&others, row, error);
    if (status)
        return status;
    const struct history history = history_of(rows, row);
    const tombola_params params = params_of_row(rows->params, row);
    if (has_histories(rows))
        processors_add(&history, &params, &others);
    if (!is_counted) {
        arrange_by_place(&others);
        list->count = others.count;
        return TOMBOLA_OK;
    }
    if (penalties_most(&history, &params, p->vocabulary) > 0)
        penalties_count(&history, &params, &a->tally);
    arrange_by_block(&a->arranger, p->blocks, others.count, &params, &a->tally, list);
    return TOMBOLA_OK;
}

tombola_status adjustments_make(struct batch *b, const tombola_rows *rows, tombola_error *error)
{
    const struct plan *p = &b->engine->plan;
    struct adjustments *a = &b->adjustments;
    tombola_status status = processors_check(p, rows, error);
    if (status)
        return status;
    const struct extent e = extent_of(p, rows);
    status = reserve(b, with_room(b, e), error);
    a->count = 0;
    a->has_penalties = e.history > 0;
    for (size_t row = 0; row < rows->count && !status; row++) {
        struct adjustment_list list = {(struct adjustment *)a->copy.host + a->count, 0};
        if (e.most)
            status = make_row(a, p, rows, row, &list, error);
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
    return upload_send(b, &a->copy, a->count * sizeof(struct adjustment), name_of(a->has_penalties), &a->buffer, error);
}
