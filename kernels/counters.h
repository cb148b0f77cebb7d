/* What a row costs and which shortcuts it takes, counted for tests alone: by kernels built with COUNTERS=1 (group.clh),
 * in a group's workspace. All other builds count nothing and hold nothing. */
#ifndef TOMBOLA_COUNTERS_H
#define TOMBOLA_COUNTERS_H

/* A pass is one function's visit to the blocks of a row; it may read all of them or a few. A block read is a function's
 * look at all of one block's values. */
#define COUNTERS_OF(COUNTER)                                                                                           \
    COUNTER(BARRIERS, "barriers of the group")                                                                         \
    COUNTER(PASSES, "passes over the row's blocks")                                                                    \
    COUNTER(PLAIN_BLOCKS, "blocks read as they lie")                                                                   \
    COUNTER(SLOW_BLOCKS, "blocks read through mask, biases or the row's end")                                          \
    COUNTER(WEIGHED_WHOLE, "blocks of which all tokens are weighed")                                                   \
    COUNTER(WEIGHED_COUNTED, "blocks of which all tokens are weighed, and those that can be drawn counted")            \
    COUNTER(WEIGHED_BY_VALUE, "blocks whose tokens in the window are told by value")                                   \
    COUNTER(WEIGHED_BY_RANK, "blocks whose tokens in the window are told by key and id")                               \
    COUNTER(NUMBERS_TOLD, "numbers of tokens that the read for maxima has told")                                       \
    COUNTER(RACE_SUMS, "blocks weighed for the race")                                                                  \
    COUNTER(RACE_BOUNDS, "sharper bounds made for the race")                                                           \
    COUNTER(RACES_OF_FEW, "heats among few runners, each with a call of its own")                                      \
    COUNTER(QUADS, "quads of random numbers drawn")                                                                    \
    COUNTER(QUADS_IDLE, "quads without a runner, whose numbers are not drawn")                                         \
    COUNTER(QUADS_TAILED, "quads whose lower bits are drawn as well")                                                  \
    COUNTER(PROBES, "probes of the row")                                                                               \
    COUNTER(LISTS, "selections from a new list of candidates")                                                         \
    COUNTER(LISTS_BY_TOPS, "lists gathered by tops, without a second look at whole blocks")                            \
    COUNTER(LISTS_AGAIN, "selections from a list that was there")                                                      \
    COUNTER(PARTITIONS, "partitions of the row by a pivot interval")                                                   \
    COUNTER(PIVOT_HITS, "pivot intervals that hold the last token at the first try")                                   \
    COUNTER(PIVOT_HITS_LATE, "pivot intervals that hold it at a later try")                                            \
    COUNTER(PIVOT_TIES, "last tokens whose key many tokens share")                                                     \
    COUNTER(ESTIMATES, "nuclei found from estimates")                                                                  \
    COUNTER(ESTIMATES_DOUBTED, "lists whose last token estimates have left in doubt")                                  \
    COUNTER(SELECTIONS, "selections by turns of histograms")                                                           \
    COUNTER(BOUND_TURNS, "turns over block maxima")                                                                    \
    COUNTER(TURNS, "turns over the row")
#define COUNTER_NUMBER(NAME, text) COUNTER_##NAME,
enum { COUNTERS_OF(COUNTER_NUMBER) COUNTER_COUNT };

#endif
