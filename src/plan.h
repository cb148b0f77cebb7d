/* The shape of a sampler's batches and what it needs for them: worked out once, from numbers alone. */
#ifndef TOMBOLA_SRC_PLAN_H
#define TOMBOLA_SRC_PLAN_H

#include "tombola.h"
#include "row.h"

#define MAX_PARTS 32 /* that a batch is cut into */
#define PINS 2       /* of pinned memory: one is filled while the other is in transfer */

struct plan {
    tombola_sampler_options options; /* in_flight is set */
    size_t vocabulary, max_rows;
    size_t first, last;           /* of a row's tokens those whose logits are here: all, but of a shard */
    size_t columns;               /* as many; one that can't be drawn in place of none */
    size_t blocks, padded_blocks; /* of a row; rounded up to whole vectors as the kernels take them */
    size_t row_bytes;             /* of logits */
    size_t output_bytes;          /* of a row of probabilities */
    size_t mask_words;            /* of a mask */
    size_t largest_buffer;        /* of the device, bytes */
    int is_shard;
    int shares_memory;    /* rows and results may be used where they are in host memory; else they are always staged */
    size_t scratch_rows;  /* rows of a part: those that the scratch has room for */
    size_t pin_rows;      /* and a pin, a piece of pinned memory for logits */
    size_t resident_rows; /* and the device's copy of the logits */
    size_t output_rows;   /* and a pin, a piece of pinned memory for probabilities */
};

/* Checks a sampler's options and works out its plan, for rows of which the columns [first, last) are here. Fails where
 * a batch of max_rows can't be cut so that its parts fit into the device's buffers. */
tombola_status plan_make(const tombola_context *context, size_t vocabulary, size_t max_rows,
                         const tombola_sampler_options *options, struct plan *plan, tombola_error *error);
tombola_status plan_make_shard(const tombola_context *context, size_t vocabulary, size_t first, size_t last,
                               size_t max_rows, const tombola_sampler_options *options, struct plan *plan,
                               tombola_error *error);

/* The block with which its columns begin; behind the row, where there are none. */
size_t plan_first_block(const struct plan *plan);

/* Findings of a batch. */
size_t plan_findings(const struct plan *plan);

/* Bytes that each batch in flight holds for something, in device buffers and in host memory. */
struct cost {
    uint64_t device, host;
};
size_t plan_columns(const struct plan *plan);                   /* words of one number a row each */
struct cost plan_base(const struct plan *plan);                 /* what every batch needs */
struct cost plan_staging(const struct plan *plan);              /* logits staged */
struct cost plan_outputs(const struct plan *plan);              /* probabilities likewise */
struct cost plan_upload(const struct plan *plan, size_t bytes); /* masks or adjustments on their way to the device */
/* To count so many tokens of a row, beside what else it has, and to remember lists of so many adjustments. */
struct cost plan_penalties(const struct plan *plan, size_t tokens, size_t others, size_t adjustments);

/* At most how many adjustments a batch has room for, by the tokens that its penalties count. */
size_t plan_adjustments(const struct plan *plan, size_t biases, size_t tokens);

/* Bytes of the masks of a batch, where each row has one of its own, as far as a buffer can hold them. */
size_t plan_mask_bytes(const struct plan *plan);

/* What a sampler holds from its creation on. */
tombola_memory plan_memory(const struct plan *plan);

#endif
