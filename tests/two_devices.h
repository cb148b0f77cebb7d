/* The devices that there are, two at least where PoCL is. For programs with faults.c in them. */
#ifndef TWO_DEVICES_H
#define TWO_DEVICES_H

#include "group.h"

#define MOST_DEVICES 16

extern tombola_device devices[MOST_DEVICES];
extern size_t device_count;
extern size_t order[MOST_DEVICES]; /* in which they are tried: GPUs, CPUs, others */

/* Runs the program again unless PoCL offers devices of these drivers already: it reads that once, before there are any.
 * Each driver's kernels are compiled apart, even where they are the same. */
void offer_devices(char **argv, const char *drivers);
/* Two of the driver that it has anyway, for which other tests have kernels compiled. */
void offer_two_devices(char **argv);

/* A group's setup, and each test's setup and teardown, which fails if anything has leaked. */
int list_devices(void **state);
int start(void **state);
int end(void **state);

/* Skips the test where there are fewer. */
void need_two_devices(void);
void expect_text(const char *text, const char *part);

#endif
