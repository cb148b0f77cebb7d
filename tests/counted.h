/* Rows drawn by kernels that count what a draw costs (counters.h), each compared with the oracle's draw. */
#ifndef COUNTED_H
#define COUNTED_H

#include <stdint.h>

#include "counters.h"
#include "kernels.h"
#include "rows.h"
#include "workload.h"

/* What a row is drawn from beside its logits. */
enum constraint { UNCONSTRAINED, MASKED, BIASED, MASKED_AND_BIASED };

#define ODD_ROWS WORKLOADS

/* Rows of one kind, drawn with the same parameters but for the stream, which is the row's number. */
struct counted_rows {
    struct group_shape shape;
    int kind; /* a workload; or ODD_ROWS + a row_kind */
    uint32_t vocabulary, rows;
    enum constraint constraint;
    int wants_kept, wants_last;
};

/* What the draws of a set of rows came to, by counter: of all of them, and of the row that has most. */
struct counts {
    uint64_t sum[COUNTER_COUNT];
    uint32_t most[COUNTER_COUNT];
};

static const struct group_shape ALONE = {16, 1, 1}, TEAMS_OF_LANES = {4, 4, 2};

/* The tests' temperature, at which the workloads have their properties, and nothing else. */
tombola_params at_temperature(void);
/* The same with these filters, all of which are off where they are 0, 1 and 0. */
tombola_params with_filters(uint32_t top_k, float top_p, float min_p);

/* Fails where a row draws or keeps anything else than the oracle. Prints the counters if COUNTERS_SHOWN is set in the
 * environment. */
struct counts count_draws(struct counted_rows rows, tombola_params params);

/* Releases what count_draws has made and keeps. */
int counted_close(void **state);

#endif
