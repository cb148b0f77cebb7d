#include "extents.h"

#include <stdlib.h>

/* Whether `next` goes on where `last` ends, in rows and in files. */
static int goes_on(const extent *last, const extent *next)
{
    int does = last->first + last->count == next->first;
    for (int i = 0; i < TEXTS; i++)
        does &= last->at[i] + last->size[i] == next->at[i];
    return does;
}

int extents_add(extents *e, const extent *more)
{
    e->rows += more->count;
    if (e->count && goes_on(&e->list[e->count - 1], more)) {
        extent *last = &e->list[e->count - 1];
        last->count += more->count;
        for (int i = 0; i < TEXTS; i++)
            last->size[i] += more->size[i];
        return 0;
    }
    if (e->count == e->room) {
        const size_t room = e->room ? 2 * e->room : 16;
        extent *list = realloc(e->list, room * sizeof *list);
        if (!list)
            return -1;
        e->list = list;
        e->room = room;
    }
    e->list[e->count++] = *more;
    return 0;
}

static int compare(const void *one, const void *other)
{
    const extent *a = one, *b = other;
    return a->first < b->first ? -1 : a->first > b->first;
}

void extents_sort(extents *e)
{
    if (e->count)
        qsort(e->list, e->count, sizeof *e->list, compare);
}

void extents_release(extents *e)
{
    free(e->list);
    *e = (extents){0};
}

int extents_are_in_order(const extents *e, int i)
{
    uint64_t end = 0;
    for (size_t n = 0; n < e->count; n++) {
        if (e->list[n].at[i] != end)
            return 0;
        end += e->list[n].size[i];
    }
    return 1;
}
