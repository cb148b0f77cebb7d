/* What the words of a row come to that several shards have told, as shard_words.h says of each kind. */
#ifndef TOMBOLA_SRC_SHARD_MERGE_H
#define TOMBOLA_SRC_SHARD_MERGE_H

#include "shard_words.h"

#include <stddef.h>

/* Makes `words`, behind the head of a row, what they are together with another shard's; but for lists that ascend. */
void shard_merge_words(struct shard_form form, u64 *words, const u64 *other);

/* Of a shard's list what is left: its next word, and where that lies. */
struct shard_list {
    u64 word;
    const u64 *at;
};

/* Sets `list` to the first words of all these lists, which ascend; and behind them what goes with each, where the form
 * has that. Changes `lists`. */
void shard_merge_lists(struct shard_form form, u64 *list, struct shard_list *lists, size_t count);

/* Makes a pair the one of both that comes first. */
void shard_merge_pair(u64 *pair, const u64 *other);

#endif
