/* What a shard's call gives: its checks, room for what messages tell of it, and its way to the caller's memory. */
#ifndef TOMBOLA_SRC_SHARD_RESULTS_H
#define TOMBOLA_SRC_SHARD_RESULTS_H

#include "shard.h"

/* Takes over what the batch's results ask for, and leaves it what the device writes at last. Makes room for what is
 * known of samples, scores and candidates. Fails where buffers are to have what hosts write. */
tombola_status shard_results_begin(tombola_shard *shard, tombola_error *error);

/* What shards have to ask each other for: columns of the sample kernel, bit by bit, and FIND_.... */
u32 shard_results_wanted(const tombola_results *results);

/* Whether the device has more to tell once all shards have told each other all. */
int shard_results_need_last(const tombola_shard *shard);

/* Hands over what is known, once the last answer is there. */
void shard_results_deliver(const tombola_shard *shard);

#endif
