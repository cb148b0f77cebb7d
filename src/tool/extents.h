/* Which rows of a job are complete, and where the text of these lies in its files. */
#ifndef EXTENTS_H
#define EXTENTS_H

#include <stddef.h>
#include <stdint.h>

/* Files of text: what is told of rows, and their kept ids. */
enum { TEXTS = 2 };

/* Rows one after another. */
typedef struct extent {
    uint64_t first, count;
    uint64_t at[TEXTS], size[TEXTS]; /* bytes of each file; all 0 where there is none */
} extent;

typedef struct extents {
    extent *list;
    size_t count, room;
    size_t rows; /* of all */
} extents;

/* Adds rows that none has yet; the last extent grows where it can. 0, or -1 without memory. */
int extents_add(extents *extents, const extent *extent);

/* By their rows. */
void extents_sort(extents *extents);
void extents_release(extents *extents);

/* Whether text `i` of sorted extents lies in the order of the rows already. */
int extents_are_in_order(const extents *extents, int i);

#endif
