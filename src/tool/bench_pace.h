/* When the rounds of a measurement end: after so many, after so much time, or by turns, which a measurement takes with
 * other programs, so that the machine's noise hits all alike. Whoever drives them gives one by a line on standard
 * input, which says how many seconds each item has in it, and its end ends the measurement. */
#ifndef BENCH_PACE_H
#define BENCH_PACE_H

#include "bench.h"

typedef struct bench_pace {
    const bench_options *options;
    size_t items;
    double until; /* the end of the turn, or of all */
} bench_pace;

/* How many rounds there may be. */
size_t bench_pace_most(const bench_options *options);

/* Whether one more round is to be measured after `timed` of them: 1 or 0; -1 after a message. */
int bench_pace_goes_on(bench_pace *pace, size_t timed);

#endif
