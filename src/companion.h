/* The companion of a context: a device of the same platform that works in the thread which calls it, where the
 * context's own wakes threads of a pool. It takes batches of few rows, whose tokens it draws sooner than the pool is
 * awake.
 *
 * It is a context of its own, with kernels of its own and the same checks, and each sampler has a second one on it. So
 * all the files below know of one device alone; whatever goes wrong with it leaves all batches to the other. */
#ifndef TOMBOLA_SRC_COMPANION_H
#define TOMBOLA_SRC_COMPANION_H

#include "device.h"
#include "sampler.h"

/* Remembers the context's companion, if one of these devices is. */
void companion_find(tombola_context *context, const struct device *devices, size_t count);

/* Gives a new sampler its second one, if its options allow and its context has a companion. */
void companion_join(tombola_sampler *sampler);

/* Whether a batch, whose arguments are checked, is one for the sampler's second one. */
int companion_takes(const tombola_sampler *sampler, const tombola_rows *rows, const tombola_results *results);

/* Adds what the second one has done, and what it holds; and what such a one would hold, where there would be one. */
void companion_add_times(const tombola_sampler *sampler, tombola_times *times);
void companion_add_memory(const tombola_sampler *sampler, tombola_memory *memory);
void companion_add_memory_before(const tombola_context *context, const struct plan *plan, tombola_memory *memory);

#endif
