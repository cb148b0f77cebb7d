#include "lane.h"

/* A head, and what a row drawn in one round takes. */
enum { ROW_BYTES = 48, MOST_AT_FIRST = 1 << 16 };

tombola_status lane_open(struct lane *lane, int ranks, size_t max_rows, tombola_error *error)
{
    const size_t rows = max_rows < MOST_AT_FIRST / ROW_BYTES ? max_rows : MOST_AT_FIRST / ROW_BYTES;
    for (int i = 0; i < LANE_ROUNDS; i++)
        lane->usual[i] = sizeof(tombola_shard_head) + rows * ROW_BYTES;
    tombola_status status = exchange_reserve(&lane->exchange, lane->usual[0], error);
    return status ? status : exchange_reserve_all(&lane->exchange, ranks, lane->usual[0], error);
}

void lane_close(struct lane *lane)
{
    tombola_shard_release(lane->shard);
    exchange_free(&lane->exchange);
}

void lane_reset(struct lane *lane)
{
    lane->round = 0;
    lane->is_done = 0;
}

tombola_status lane_begin(struct lane *lane, const tombola_rows *rows, const tombola_results *results,
                          tombola_error *error)
{
    tombola_status status = tombola_shard_begin(lane->shard, rows, results, error);
    if (status)
        return status;
    tombola_shard_call call = {.struct_size = sizeof call};
    tombola_shard_last_call(lane->shard, &call);
    return exchange_reserve(&lane->exchange, (size_t)call.most, error);
}

void lane_cancel(struct lane *lane)
{
    tombola_shard_cancel(lane->shard);
}

static tombola_status merge(struct lane *lane, struct ranks *ranks)
{
    tombola_error error = tombola_error_default();
    const struct exchange *x = &lane->exchange;
    tombola_status status =
        tombola_shard_merge(lane->shard, x->messages, x->stride, (size_t)ranks->count, &lane->is_done, &error);
    if (status)
        ranks_keep_failure(ranks, &error);
    return status;
}

int lane_go_on(struct lane *lane, struct ranks *ranks, struct envelope envelope, tombola_error *error)
{
    size_t *usual = &lane->usual[lane->round < LANE_ROUNDS ? lane->round : LANE_ROUNDS - 1], size = 0;
    struct exchange *x = &lane->exchange;
    if (ranks->failure.status == TOMBOLA_OK)
        tombola_shard_partial(lane->shard, exchange_message(x), exchange_room(x), &size, &ranks->failure);
    lane->round++;
    ranks->taken.rounds++;
    switch (exchange(x, ranks, envelope, size, usual, error)) {
    case EXCHANGE_OVER:
        return 0;
    case EXCHANGE_GONE:
        break;
    case EXCHANGE_LOST: /* what has come may be anything: all the same merge tells whether the others go on */
        merge(lane, ranks);
        return 1;
    case EXCHANGE_DONE: /* where messages are at fault all ranks see it; else it is this rank that has failed */
        if (merge(lane, ranks) != TOMBOLA_INVALID_ARGUMENT)
            return 1;
        break;
    }
    *error = ranks->failure;
    return 0;
}
