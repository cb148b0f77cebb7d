/* What host and kernels hand each other. Sizes and offsets are the same on both sides:
 * the widest members come first. */
#ifndef TOMBOLA_ROW_H
#define TOMBOLA_ROW_H

#include "portable.h"

#define BLOCK 256u      /* consecutive token ids that are weighed together */
#define MAX_TOP_K 1024u /* candidates that the top_k kernel returns */

/* A row's parameters, as the kernels want them. */
struct row_params {
    u64 place; /* the element of the logits' buffer with which the row begins */
    u64 seed;
    u64 offset;
    u64 share;     /* top-p in units of 2^-32; SHARE_ALL and more: off */
    float scale;   /* log2(e) / temperature */
    float unscale; /* 1 / scale, for bounds alone */
    float drop;    /* min-p: how far below the largest logit a token may lie, at most 0 */
    u32 top_k;     /* 0, or the vocabulary size and more: off */
    u32 stream;
    u32 flags;
};

#define SHARE_ALL ((u64)1 << 32)
#define ROW_GREEDY 1u
#define ROW_MIN_P 2u /* drop is in force */

#define ROW_OK 0
#define ROW_INVALID 1
#define ROW_EMPTY 2

/* What the sample kernel returns for a row: struct tombola_draw, too. */
struct row_draw {
    int token;
    int status;
    u32 kept;
    u32 reserved;
};

/* What the top_k kernel returns, k for a row. */
struct row_candidate {
    int token;
    float logit;
    float probability;
};

/* Which part of its work a launch of a kernel does. A row per work-group does all of it in
 * one launch; a row over many work-groups takes a launch for each part. */
#define PHASE_WEIGH 1u  /* block maxima and sums, over the groups that share the row */
#define PHASE_FINISH 2u /* the rest */

#endif
