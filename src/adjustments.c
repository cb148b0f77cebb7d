#include "adjustments.h"

#include "batch.h"
#include "biases.h"
#include "error.h"

tombola_status adjustments_check(const struct plan *p, const tombola_rows *rows, tombola_error *error)
{
    return biases_check(p, rows, error);
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

/* ------------------------------------------------------------------- making */

/* Room for some more than what is needed now, so that a batch with a few more needs none. */
static size_t room_for(const struct batch *b, size_t bytes)
{
    const size_t most = b->engine->plan.largest_buffer, twice = b->adjustments.copy.room * 2;
    size_t room = b->adjustments.copy.room >= bytes || twice < bytes ? bytes : twice;
    return room > most && bytes <= most ? most : room;
}

static tombola_status make_row(const tombola_rows *rows, size_t row, struct adjustment_list *list, tombola_error *error)
{
    biases_add(rows, row, list);
    sort(list->entries, list->count);
    return biases_check_twice(list, row, error);
}

tombola_status adjustments_make(struct batch *b, const tombola_rows *rows, tombola_error *error)
{
    struct adjustments *a = &b->adjustments;
    size_t most = 0;
    tombola_status status = TOMBOLA_OK;
    for (size_t row = 0; row < rows->count; row++)
        most += biases_count(rows, row);
    if (most > 0)
        status = upload_reserve(b, &a->copy, room_for(b, most * sizeof(struct adjustment)), "biases", error);
    a->count = 0;
    for (size_t row = 0; row < rows->count && !status; row++) {
        struct adjustment_list list = {(struct adjustment *)a->copy.host + a->count, 0};
        if (most)
            status = make_row(rows, row, &list, error);
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
    return upload_send(b, &a->copy, a->count * sizeof(struct adjustment), "biases", &a->buffer, error);
}
