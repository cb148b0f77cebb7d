/* Lists of all rows of a file, one after another, of which a batch takes some. */
#ifndef BATCH_ENDS_H
#define BATCH_ENDS_H

#include <stddef.h>

/* Sets the ends of the lists of `count` rows from `first` on, counted from the first of these, and gives where that
 * begins. List i lies from ends[i - 1] up to ends[i], where ends[-1] is 0. */
static inline size_t batch_ends_cut(const size_t *ends, size_t first, size_t count, size_t *batch_ends)
{
    const size_t before = first ? ends[first - 1] : 0;
    for (size_t i = 0; i < count; i++)
        batch_ends[i] = ends[first + i] - before;
    return before;
}

#endif
