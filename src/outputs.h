/* Results that have an element for each token of each row: probabilities, and logits. They are large: kernels write
 * them to the caller's memory itself, wrapped as a buffer, where the device shares it; else part by part to pins of a
 * buffer, through pinned memory. */
#ifndef TOMBOLA_SRC_OUTPUTS_H
#define TOMBOLA_SRC_OUTPUTS_H

#include "launch.h"

/* The kernels that make those which are wanted, a bit each (KERNEL_BIT). */
unsigned outputs_kernels(const tombola_results *results);

/* Chooses the ways of the batch's outputs, given the fewest rows that its parts may have. */
void outputs_begin(struct batch *batch, size_t least_rows);

/* The most rows that a part may have, at most `rows`. */
size_t outputs_most_rows(const struct batch *batch, size_t rows);

/* Makes room, and wraps what is written in place, once the batch is cut into parts. *is_ready is 0 where an output has
 * to be staged after all. */
tombola_status outputs_prepare(struct batch *batch, int *is_ready, tombola_error *error);

/* What the outputs have to know of rows, FIND_... */
u32 outputs_find(const struct batch *batch);

/* Whether one is wanted that needs nothing of the sample kernel, and tells the status of rows. */
int outputs_tell_status(const struct batch *batch);

/* Enqueues the kernels for a part, and what brings what they write to where it is wanted. `common`: what launches have
 * in common. */
tombola_status outputs_run_part(struct batch *batch, int part, const struct launching *common, struct dispatch dispatch,
                                const cl_event *after, tombola_error *error);

/* Hands over what is still in pinned memory, once the batch has finished. */
void outputs_deliver(struct batch *batch);

#endif
