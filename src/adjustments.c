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

/* -------------------------------------------------------------------- sorting */

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
static void sort(struct adjustment *entries, size_t count)
{
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

/* ------------------------------------------------------------------- room */

static const char *name_of(int has_penalties)
{
    return has_penalties ? "biases and penalties" : "biases";
}

/* Room for a batch of at most so many adjustments, of which no row has more of its history than `history`. */
static tombola_status reserve(struct batch *b, size_t most, size_t history, tombola_error *error)
{
    const struct plan *p = &b->engine->plan;
    struct adjustments *a = &b->adjustments;
    tombola_status status = TOMBOLA_OK;
    if (most > UINT32_MAX)
        return fail(error, TOMBOLA_OUT_OF_MEMORY, "biases and penalties may come to %zu, more than %lu", most,
                    (unsigned long)UINT32_MAX);
    if (most > 0)
        status = upload_reserve(b, &a->copy, most * sizeof(struct adjustment), name_of(history > 0), error);
    if (status || history == 0)
        return status;
    const uint64_t before = plan_tally(p, a->tally.room).host;
    status = tally_reserve(&a->tally, p->vocabulary, history, error);
    b->engine->memory.host_bytes += plan_tally(p, a->tally.room).host - before;
    return status;
}

tombola_status adjustments_reserve(struct batch *b, size_t biases, size_t history, tombola_error *error)
{
    const size_t vocabulary = b->engine->plan.vocabulary;
    return reserve(b, biases + history, history < vocabulary ? history : vocabulary, error);
}

void adjustments_free(struct adjustments *a)
{
    if (!a->copy.pinned)
        upload_free(&a->copy);
    tally_free(&a->tally);
}

/* Some more than what is needed now, up to a limit, so that a batch that needs a little more finds it there. */
static size_t with_more(size_t needed, size_t now, size_t limit)
{
    const size_t room = now >= needed || 2 * now < needed ? needed : 2 * now;
    return room > limit && needed <= limit ? limit : room;
}

/* ------------------------------------------------------------------- making */

/* How much a batch may come to. */
struct extent {
    size_t most;
    size_t history; /* the longest of a row that penalties count */
};

/* Whether more than biases may adjust a row. */
static int has_histories(const tombola_rows *rows)
{
    return rows->history_ends || rows->end_token_ends;
}

static struct extent extent_of(const struct plan *p, const tombola_rows *rows)
{
    struct extent e = {rows->bias_ends ? rows->bias_ends[rows->count - 1] : 0, 0};
    for (size_t row = 0; has_histories(rows) && row < rows->count; row++) {
        const struct history history = history_of(rows, row);
        const tombola_params params = params_of_row(rows->params, row);
        const size_t penalties = penalties_most(&history, &params, p->vocabulary);
        e.history = penalties > e.history ? penalties : e.history;
        e.most += penalties + processors_most(&history, &params);
    }
    return e;
}

static tombola_status make_row(struct adjustments *a, const tombola_rows *rows, size_t row, size_t vocabulary,
                               struct adjustment_list *list, tombola_error *error)
{
    biases_add(rows, row, list);
    sort(list->entries, list->count);
    tombola_status status = biases_check_twice(list, row, error);
    if (status || !has_histories(rows))
        return status;
    const struct history history = history_of(rows, row);
    const tombola_params params = params_of_row(rows->params, row);
    processors_add(&history, &params, list);
    sort(list->entries, list->count);
    if (penalties_most(&history, &params, vocabulary) > 0)
        penalties_add(&history, &params, &a->tally, list);
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
    const size_t most =
        with_more(e.most, a->copy.room / sizeof(struct adjustment), p->largest_buffer / sizeof(struct adjustment));
    status = reserve(b, most, with_more(e.history, a->tally.room, p->vocabulary), error);
    a->count = 0;
    a->has_penalties = e.history > 0;
    for (size_t row = 0; row < rows->count && !status; row++) {
        struct adjustment_list list = {(struct adjustment *)a->copy.host + a->count, 0};
        if (e.most)
            status = make_row(a, rows, row, p->vocabulary, &list, error);
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
