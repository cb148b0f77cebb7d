/* Launches of kernels over a part of a batch: arguments by name, work-groups by rows. */
#ifndef TOMBOLA_SRC_LAUNCH_H
#define TOMBOLA_SRC_LAUNCH_H

#include "batch.h"

/* A column that a kernel writes: where it begins in a buffer, in elements. Buffer NULL: not wanted. */
struct column {
    cl_mem buffer;
    u64 begin;
};

/* All that a launch depends on. */
struct launching {
    enum kernel kernel;
    cl_mem logits, params;
    size_t first_row, rows;
    struct column status;
    struct column columns[MAX_COLUMNS]; /* of the kernel's own, as row.h numbers them */
    u64 stride;                         /* of these, elements a row */
    int logarithms;
    u32 finds; /* FIND_... */
    u32 samples;
    u64 kept_room; /* elements for kept tokens */
    u32 candidates;
};

/* How rows are given to work-groups: one for each row, or several that share it. */
struct dispatch {
    int is_spread;
    cl_uint groups; /* work-groups that weigh a row */
};

/* Chooses for launches of so many rows each, and counts the call. */
struct dispatch launch_dispatch(struct engine *engine, size_t rows);

/* Enqueues the kernel: one launch or two. `after`: an event to wait for, besides what the batch waits for; or NULL. */
tombola_status launch_rows(struct batch *batch, const struct launching *launching, struct dispatch dispatch,
                           const cl_event *after, tombola_error *error);

#endif
