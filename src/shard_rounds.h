/* What a shard's device does: rows in, then a launch for each round. */
#ifndef TOMBOLA_SRC_SHARD_ROUNDS_H
#define TOMBOLA_SRC_SHARD_ROUNDS_H

#include "shard.h"

/* Brings the batch's rows, and starts its first round. */
tombola_status shard_rounds_begin(tombola_shard *shard, tombola_error *error);

/* Starts the next one, with the answers in place. */
tombola_status shard_rounds_go_on(tombola_shard *shard, tombola_error *error);

/* Behind the last one, with the answers in place: starts what makes the results that the device writes itself. */
tombola_status shard_rounds_end(tombola_shard *shard, tombola_error *error);

/* Waits for the round; its messages are then in shard->told. */
tombola_status shard_rounds_wait(tombola_shard *shard, tombola_error *error);

#endif
