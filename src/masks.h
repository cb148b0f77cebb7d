/* The masks of a batch: their checks, and their way to where kernels can read them.
 *
 * In a buffer of the caller's they are there. In host memory they are wrapped as a buffer where logits would be; else
 * those that rows have are copied, side by side, and sent. */
#ifndef TOMBOLA_SRC_MASKS_H
#define TOMBOLA_SRC_MASKS_H

#include "host_memory.h"
#include "plan.h"
#include "upload.h"

/* The masks of the batch under way, and room to copy those of any. */
struct masks {
    struct upload copy;
    struct wrapped wrapped;
    cl_mem buffer; /* where they are for kernels, borrowed; NULL: the batch has none */
    u64 begin;     /* words before the first one there */
    u32 stride;    /* words from one to the next there */
    size_t copied; /* masks in `copy` */
};

/* Checks the masks of rows that are otherwise checked; sets mask_stride and mask_count. */
tombola_status masks_check(const tombola_context *context, const struct plan *plan, tombola_rows *rows,
                           tombola_error *error);

/* Chooses the way of the batch's masks, and tells its rows in host_params which ones they have. Nothing is enqueued. */
tombola_status masks_prepare(struct batch *batch, tombola_error *error);

/* Brings them, before all kernels. */
tombola_status masks_bring(struct batch *batch, tombola_error *error);

#endif
