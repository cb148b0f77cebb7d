/* What the words of a row come to that several shards have told, as shard_words.h says of each kind. */
#ifndef TOMBOLA_SRC_SHARD_MERGE_H
#define TOMBOLA_SRC_SHARD_MERGE_H

#include "shard_words.h"

/* Makes `words`, behind the head of a row, what they are together with another shard's. */
void shard_merge_words(struct shard_form form, u64 *words, const u64 *other);

/* Makes a pair the one of both that comes first. */
void shard_merge_pair(u64 *pair, const u64 *other);

#endif
