#include "chunks.h"

#include <stdio.h>
#include <stdlib.h>

chunk_text chunk_describe(chunk c)
{
    chunk_text text;
    if (c.count == 1)
        snprintf(text.text, sizeof text.text, "row %zu", c.first);
    else
        snprintf(text.text, sizeof text.text, "rows %zu to %zu", c.first, c.first + c.count - 1);
    return text;
}

int chunks_begin(chunks *c, size_t rows, size_t size, const extents *done)
{
    *c = (chunks){.rows = rows, .size = size};
    for (size_t i = 0; i < done->count; i++)
        if (extents_add(&c->done, &done->list[i]))
            return -1;
    extents_sort(&c->done);
    return 0;
}

void chunks_release(chunks *c)
{
    extents_release(&c->done);
    free(c->returned);
    c->returned = NULL;
}

chunk chunks_take(chunks *c)
{
    if (c->returned_count)
        return c->returned[--c->returned_count];
    const extents *done = &c->done;
    while (c->passed < done->count && done->list[c->passed].first <= c->next) {
        const size_t end = (size_t)(done->list[c->passed].first + done->list[c->passed].count);
        c->next = end > c->next ? end : c->next;
        c->passed++;
    }
    const size_t end = c->passed < done->count ? (size_t)done->list[c->passed].first : c->rows;
    const chunk taken = {c->next, end - c->next < c->size ? end - c->next : c->size};
    c->next += taken.count;
    return taken;
}

int chunks_return(chunks *c, chunk back)
{
    chunk *list = realloc(c->returned, (c->returned_count + 1) * sizeof *list);
    if (!list)
        return -1;
    c->returned = list;
    c->returned[c->returned_count++] = back;
    return 0;
}
