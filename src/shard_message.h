/* Messages of shards: how they lie in memory, whether they agree, and what they come to together. */
#ifndef TOMBOLA_SRC_SHARD_MESSAGE_H
#define TOMBOLA_SRC_SHARD_MESSAGE_H

#include "shard_merge.h"
#include "tombola_shard.h"

#include <stddef.h>

/* What a call's messages have in common on all shards, and the shard's own columns. */
struct shard_batch {
    tombola_shard_head head; /* of the round's message; its size is that of the shard's own */
    size_t stride;           /* words of a row, in memory that kernels read and write */
    size_t samples, candidates;
    const struct row_params *params; /* of the rows: which ids to score are theirs */
};

/* What is known of a row, once its last answer is there. */
struct shard_row {
    u64 state, last; /* see START_STATE; the last token kept, upside down */
    u32 kept;
    u32 entropy; /* its bits */
};

#define NO_CANDIDATE (~(u64)0)

/* And of a sample: its pair, and what TOLD and RAW have of it. */
struct shard_sample {
    u64 pair[2], rank, logprobs, margin, raw;
};

/* And of an id to score: the bits of both. */
struct shard_score {
    u32 score, raw;
};

/* What is known of a batch's rows. */
struct shard_known {
    struct shard_row *rows;
    struct shard_sample *samples; /* of all rows */
    struct shard_score *scores;   /* of all rows; NULL: none are wanted */
    u64 *candidates;              /* of all rows, each as ROW lists them; NO_CANDIDATE where there is none */
};

/* Room for what is looked at of messages that are merged, for each of them. */
struct shard_places {
    const void **heads;       /* in the order of their columns */
    const u64 **rows;         /* the words of the next row */
    struct shard_list *lists; /* the next words of its list */
    size_t room;              /* messages */
};

/* The words of a row that a batch needs at most, with these parameters. */
size_t shard_row_words(const struct row_params *params, size_t vocabulary, size_t samples, size_t candidates);

/* Bytes of a message whose rows' words lie `stride` apart; and writes it, words of each row one after another. */
size_t shard_message_size(const struct shard_batch *batch, const u64 *told);
void shard_message_write(const struct shard_batch *batch, const u64 *told, void *message);

/* Checks the heads of messages of all shards against each other.
 * at  set to the place of the message that an error is about, or to count */
tombola_status shard_messages_check(const void *messages, size_t stride, size_t count, size_t *at,
                                    tombola_error *error);

/* Whether all rows are drawn when messages like the shard's own are merged, or it has failed. */
int shard_message_is_last(const struct shard_batch *batch, const u64 *told);

/* Checks the messages of all shards against each other, then puts what they come to into `answers`, rows and samples.
 * What is told of an error is the same on all shards.
 * told     the shard's own
 * places   room for `count` of them */
tombola_status shard_messages_merge(const struct shard_batch *batch, const u64 *told, const void *messages,
                                    size_t stride, size_t count, const struct shard_places *places, u64 *answers,
                                    const struct shard_known *known, tombola_error *error);

#endif
