/* A shard: a sampler of some columns, whose calls go in rounds.
 *
 * shard_message.h knows messages and how they are merged, shard_rounds.h what the device does for a round, and shard.c
 * has the calls. */
#ifndef TOMBOLA_SRC_SHARD_H
#define TOMBOLA_SRC_SHARD_H

#include "sampler.h"
#include "shard_message.h"
#include "tombola_shard.h"

enum shard_stage {
    SHARD_IDLE,
    SHARD_RUNS,   /* the device is at the round's messages */
    SHARD_SENT,   /* they are told, and merge is awaited */
    SHARD_FAILED, /* begin or partial has failed, which others may still be told */
};

struct tombola_shard {
    tombola_sampler *sampler;
    enum shard_stage stage;
    struct batch *batch; /* under way; NULL: none */
    cl_mem logits[MAX_PARTS];
    const cl_event *after[MAX_PARTS]; /* the first round's kernels wait for it */
    cl_mem params;
    cl_mem quests, messages;    /* max_rows x SHARD_STATE_BYTES; and the device's messages, rows x stride words */
    size_t message_words;       /* that there is room for, in both */
    u64 *told;                  /* the same in host memory */
    struct upload answers;      /* as large */
    struct shard_places places; /* grow */
    struct shard_batch call;
    struct shard_known known; /* rows: max_rows; samples and scores grow */
    size_t samples_room, scores_room, candidates_room;
    tombola_results results; /* as they are wanted; the batch has those alone that the last launch makes */
    tombola_shard_call taken;
    u32 none;        /* a logit or probability of a token that can't be drawn, of any type */
    uint32_t *zeros; /* max_rows: a shard without columns has that one in all rows; NULL: it has columns */
};

/* A shard that runs all kernels of a program unchecked: for the self-test. */
tombola_status shard_create_from(tombola_context *context, cl_program program, const struct plan *plan,
                                 tombola_shard **shard, tombola_error *error);

#endif
