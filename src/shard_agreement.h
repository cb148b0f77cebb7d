/* What shards have to agree about beside the shape: hashes of it, which their messages carry. */
#ifndef TOMBOLA_SRC_SHARD_AGREEMENT_H
#define TOMBOLA_SRC_SHARD_AGREEMENT_H

#include "batch.h"
#include "tombola_shard.h"

/* Tells of the batch in the head. wanted: the results, in bits */
void shard_agreement_tell(const struct batch *batch, u64 wanted, tombola_shard_head *head);

/* Whether two shards agree; else text says what one has: "has other histories in row 3". */
int shard_agreement_same(const tombola_shard_head *one, const tombola_shard_head *other, char *text, size_t size);

/* The same of masks, which only shards tell of that have them in host memory. */
int shard_agreement_same_masks(const tombola_shard_head *one, const tombola_shard_head *other);

#endif
