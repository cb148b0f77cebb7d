/* What a shard's call gives: its checks, room for what messages tell of it, and its way to the caller's memory. */
#ifndef TOMBOLA_SRC_SHARD_RESULTS_H
#define TOMBOLA_SRC_SHARD_RESULTS_H

#include "shard.h"

/* That only what shards tell is asked for, in host memory. */
tombola_status shard_results_check(const tombola_results *results, tombola_error *error);

/* Room for what is known of the batch's samples and scores. */
tombola_status shard_results_reserve(tombola_shard *shard, tombola_error *error);

/* Hands over what is known, once the last answer is there. */
void shard_results_deliver(const tombola_shard *shard);

#endif
