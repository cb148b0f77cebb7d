#include "bench_pace.h"

#include <err.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "tool.h"

#define LEAST_ROUNDS 7
#define MOST_ROUNDS 5000

size_t bench_pace_most(const bench_options *options)
{
    return options->repeats ? options->repeats : MOST_ROUNDS;
}

/* 1 with the turn's seconds, 0 where there is no further one, -1 where the line is no number. */
static int wait_for_turn(double *seconds)
{
    char line[64];
    float value;
    puts("ready");
    fflush(stdout);
    if (!fgets(line, sizeof line, stdin))
        return 0;
    line[strcspn(line, "\n")] = '\0';
    if (tool_float_read(line, 0, 3600, &value)) {
        warnx("--turns: a line of standard input, '%s', is not a number of seconds from 0 to 3600", line);
        return -1;
    }
    *seconds = (double)value;
    return 1;
}

/* Turns that come when enough was measured are passed over. */
static int has_turn(bench_pace *pace, size_t timed)
{
    double seconds = 0;
    int given;
    const int is_enough = timed == bench_pace_most(pace->options);
    if (timed > 0 && !is_enough && clock_now() < pace->until)
        return 1;
    do
        given = wait_for_turn(&seconds);
    while (given == 1 && is_enough);
    if (given == 0 && timed == 0) {
        warnx("--turns: standard input ends before the first one");
        return -1;
    }
    pace->until = clock_now() + seconds * (double)pace->items;
    return given;
}

int bench_pace_goes_on(bench_pace *pace, size_t timed)
{
    const bench_options *options = pace->options;
    if (options->turns)
        return has_turn(pace, timed);
    if (timed == 0)
        pace->until = clock_now() + options->seconds * (double)pace->items;
    return timed < bench_pace_most(options) && (options->repeats || timed < LEAST_ROUNDS || clock_now() <= pace->until);
}
