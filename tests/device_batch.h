/* The rows of a probe in an OpenCL buffer of the group's context, queues to draw from them on, and calls that must
 * succeed. */
#ifndef DEVICE_BATCH_H
#define DEVICE_BATCH_H

#include "calls.h"
#include "group.h"
#include "tombola_cl.h"

extern cl_context opencl;
extern cl_command_queue queues[2];          /* in order, and out of order where there is such a thing */
extern const tombola_transfer transfers[2]; /* of parameters and results */
extern tombola_error error;

/* A group's setup and teardown. */
int open_queues(void **state);
int close_queues(void **state);

tombola_rows probe_batch(void);
/* Columns of PROBE_ROWS in a buffer one after another, from an offset in elements on: tokens, status, kept. */
tombola_results to_buffer(cl_mem buffer, size_t offset);

/* What such a buffer holds from offset 0 on. */
void read_columns(cl_mem buffer, struct columns *columns);

/* wait  NULL, or the event to wait for */
void enqueue(tombola_sampler *sampler, cl_command_queue queue, const tombola_rows *rows, tombola_results results,
             const cl_event *wait, cl_event *event);

/* A batch of host memory or buffers by any of the calls, to its end. `error` tells why it fails. */
enum call { CALL_SAMPLE, CALL_SUBMIT, CALL_ENQUEUE, CALL_ENQUEUE_OUT_OF_ORDER, CALLS };
tombola_status call_as(enum call call, tombola_sampler *sampler, const tombola_rows *rows,
                       const tombola_results *results);

/* Waits for the event and releases it. */
void settle(cl_event event);
cl_int status_of(cl_event event);
void expect_probe(const struct columns *columns);

#endif
