/* The adjustments of one row as they are made. */
#ifndef TOMBOLA_SRC_ADJUSTMENT_LIST_H
#define TOMBOLA_SRC_ADJUSTMENT_LIST_H

#include "tombola.h"
#include "row.h"

/* In room that is large enough. */
struct adjustment_list {
    struct adjustment *entries;
    size_t count;
};

/* Adds one; `kind` is an ADJUST_.... */
static inline void adjustment_add(struct adjustment_list *list, u32 token, u32 kind, float value)
{
    list->entries[list->count++] = (struct adjustment){token << ADJUST_BITS | kind, value};
}

#endif
