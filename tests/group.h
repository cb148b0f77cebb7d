/* The context and the probe that the tests of a group share, for groups to take as their setup and teardown. */
#ifndef GROUP_H
#define GROUP_H

#include "calls.h"
#include "probe.h"

extern tombola_context *context;
extern tombola_context *by_groups; /* the same device in groups of several work-items */
extern struct probe probe;
extern const struct make probe_like; /* what samplers of its rows are made for */

/* Opens the context as test_context_open(0, 0) does, and tells which device it is. */
int open_context(void **state);
/* The same, and makes the probe, of binary32. */
int open_and_probe(void **state);
/* Opens it in groups of several work-items. */
int open_in_groups(void **state);
/* Opens both, for close_contexts. */
int open_contexts(void **state);
/* Whether tests take the kernels for such rows, each of which is seconds of compiling. By groups, rows of binary16 wait
 * for long runs: test_narrow.c has each of its values there, and known answers have bfloat16. */
int is_compiled_for(const tombola_context *on, tombola_type type);
int close_context(void **state);
int close_contexts(void **state);

/* A sampler of the context's for the probe. */
tombola_sampler *probe_sampler(tombola_transfer transfer);

#endif
