/* A call's way through the device: from a batch that has been checked to its last command. */
#ifndef TOMBOLA_SRC_RUN_H
#define TOMBOLA_SRC_RUN_H

#include "batch.h"

/* Enqueues all of a batch that has been started, behind the caller's events. After a failure nothing more is enqueued:
 * what was, runs on. */
tombola_status run_batch(struct batch *batch, cl_uint wait_count, const cl_event *wait_list, tombola_error *error);

/* Parts of this, for calls that go another way: ways of rows and results, and parts that suit both; all that kernels
 * take beside logits, on its way to the device; and a flush of the queue. */
tombola_status run_prepare(struct batch *batch, tombola_error *error);
tombola_status run_bring(struct batch *batch, cl_mem *params, tombola_error *error);
tombola_status run_flush(struct batch *batch, tombola_error *error);

#endif
