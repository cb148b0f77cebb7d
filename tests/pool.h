/* Rows with what each of them gives alone: whatever way a batch of them goes, it must give the same. */
#ifndef POOL_H
#define POOL_H

#include <stddef.h>
#include <stdint.h>

#include "calls.h"
#include "entries.h"

enum { POOL_MOST_ROWS = 64, POOL_K = 40 };

struct pool {
    struct make make;
    size_t count;   /* every kind of row, at several combinations of parameters */
    char *elements; /* rows side by side */
    tombola_params params[POOL_MOST_ROWS];
    struct draw draws[POOL_MOST_ROWS];
    tombola_row_status status[POOL_MOST_ROWS];
    float *outputs[2];            /* probabilities, logarithms; rows side by side */
    struct candidate *candidates; /* POOL_K for each row */
};

/* What a batch may differ in, beside its rows. */
struct way {
    tombola_dispatch dispatch;
    size_t max_rows;      /* of the sampler */
    uint32_t more_tokens; /* its vocabulary has beyond the pool's; they are masked */
    size_t padding;       /* elements of NaN between rows */
    size_t offset;        /* elements between an address that is aligned for anything and the rows */
    tombola_transfer transfer;
    enum entry entry; /* of its draws */
};

/* Which calls to compare. */
enum { POOL_SAMPLE = 1, POOL_SOFTMAX = 2, POOL_TOP_K = 4, POOL_ALL = 7 };

/* Fills the pool, its results from one row at a time, a work-group for each; calls of those `calls` only. */
void pool_make(struct pool *pool, tombola_context *context, const struct make *make, int calls);
void pool_release(struct pool *pool);

/* A sampler for the pool's rows. */
tombola_sampler *pool_sampler(const struct pool *pool, tombola_context *context, const struct way *way);

/* Runs the rows order[0..rows) of the pool as one batch. Returns 0, or 1 after a line on stderr that
 * tells which row gave something else, and `who` was at work.
 * context  the sampler's */
int pool_differs(const struct pool *pool, tombola_context *context, tombola_sampler *sampler, const struct way *way,
                 const size_t *order, size_t rows, int calls, const char *who);

/* A number for all that the pool's rows give. */
uint64_t pool_digest(const struct pool *pool);

#endif
