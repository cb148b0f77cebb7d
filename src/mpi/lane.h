/* A lane: a shard whose calls go from round to round, with what exchanges of its messages need. A sampler has two where
 * calls go in halves. */
#ifndef TOMBOLA_SRC_MPI_LANE_H
#define TOMBOLA_SRC_MPI_LANE_H

#include "exchange.h"

enum { LANE_ROUNDS = 12 }; /* whose usual sizes are kept apart; those behind have the last one's */

struct lane {
    tombola_shard *shard; /* NULL: there is no such lane */
    struct exchange exchange;
    size_t usual[LANE_ROUNDS]; /* bytes, see exchange.h */
    uint32_t round;            /* of the call under way */
    int is_done;
};

/* Makes the memory that the first rounds of calls of so many rows need; the shard is the caller's to make. */
tombola_status lane_open(struct lane *lane, int ranks, size_t max_rows, tombola_error *error);
void lane_close(struct lane *lane);

/* Begins a call: makes its rounds count from 0, then has the shard begin. */
void lane_reset(struct lane *lane);
tombola_status lane_begin(struct lane *lane, const tombola_rows *rows, const tombola_results *results,
                          tombola_error *error);

/* Ends it, done or not. */
void lane_cancel(struct lane *lane);

/* Its next round: the message of the shard's, where it has one, then the exchange, then the merging. Collective. A
 * failure of this rank is in ranks->failure afterwards. Returns 0 where the call is over for all ranks, or out of their
 * reach: the error is set then. */
int lane_go_on(struct lane *lane, struct ranks *ranks, struct envelope envelope, tombola_error *error);

#endif
