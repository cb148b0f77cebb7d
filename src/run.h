/* A call's way through the device: from a batch that has been checked to its last command. */
#ifndef TOMBOLA_SRC_RUN_H
#define TOMBOLA_SRC_RUN_H

#include "batch.h"

/* Enqueues all of a batch that has been started, behind the caller's events. After a failure nothing more is enqueued:
 * what was, runs on. */
tombola_status run_batch(struct batch *batch, cl_uint wait_count, const cl_event *wait_list, tombola_error *error);

#endif
