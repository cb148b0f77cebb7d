/* The results of a batch: their checks, where kernels write them, and their way to where they are wanted.
 *
 * Columns of an element per row, and candidates: kernels write them to a buffer of the batch's, which is read into host
 * memory of the batch's; they get to the caller's memory when the batch is delivered. Probabilities are larger: kernels
 * write them to the caller's memory itself, wrapped as a buffer, where the device shares it; else part by part to pins
 * of a buffer, through pinned memory. On a caller's queue nobody delivers: what goes to host memory is read straight to
 * where it is wanted. What is wanted in a caller's buffer is written there. */
#ifndef TOMBOLA_SRC_RESULTS_H
#define TOMBOLA_SRC_RESULTS_H

#include "launch.h"

/* Checks a caller's results for a batch of these rows, and copies them; *own has its stride and its samples set. */
tombola_status results_check(const struct engine *engine, const tombola_results *theirs, const tombola_rows *rows,
                             tombola_results *own, tombola_error *error);

/* The kernels besides the sample kernel that make them, a bit each (KERNEL_BIT). */
unsigned results_kernels(const tombola_results *results);

/* Whether any of them is wanted in a buffer of the caller's. */
int results_have_buffers(const tombola_results *results);

/* What such a batch has. */
struct counts results_counts(const tombola_rows *rows, const tombola_results *results);

/* Chooses the ways of the batch's results, before it is cut into parts. Fails where parts can't be small enough. */
tombola_status results_begin(struct batch *batch, tombola_error *error);

/* The most rows that a part may have. */
size_t results_most_rows(const struct batch *batch);

/* Makes room, and wraps what is written in place, once the batch is cut into parts. *is_ready is 0 where a result has
 * to be staged after all: the parts may then be too large, and the batch is to be cut again. Nothing is enqueued. */
tombola_status results_prepare(struct batch *batch, int *is_ready, tombola_error *error);

/* Enqueues the kernels for a part whose rows are in `logits`, and what brings its results to where they are wanted. */
tombola_status results_run_part(struct batch *batch, int part, cl_mem logits, cl_mem params, struct dispatch dispatch,
                                const cl_event *after, tombola_error *error);

/* The same of those alone that need no more than findings, which are there. `common`: what launches have in common */
tombola_status results_report_part(struct batch *batch, int part, const struct launching *common,
                                   struct dispatch dispatch, const cl_event *after, tombola_error *error);

/* Enqueues what brings the results of the whole batch, after all of its parts. */
tombola_status results_collect(struct batch *batch, tombola_error *error);

/* Hands the results over to the caller's host memory, once the batch has finished. */
void results_deliver(struct batch *batch);

#endif
