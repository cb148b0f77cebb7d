/* Tombola for callers with OpenCL objects of their own: a context and queue, logits that already lie
 * in a buffer, results wanted in one, events to wait for and to hand on. Nothing is copied on the way.
 *
 *     tombola_context_open_cl   a context on the caller's cl_context
 *     tombola_sampler_create    as ever (tombola.h)
 *     tombola_sampler_enqueue   a batch on the caller's queue
 *
 * Any array of rows and results may be a buffer (TOMBOLA_ARRAY in tombola.h), for sample and submit too.
 *
 * Reference counts: every OpenCL object that is passed in is kept alive for as long as it is needed, the buffers, queue
 * and events of a batch by its commands, so the caller may release its own reference as soon as the call returns.
 * Buffers and events are let go of when the batch is done; the queue, and buffers over host memory, when a later call
 * of the sampler finds the batch done, or with the sampler. */
#ifndef TOMBOLA_CL_H
#define TOMBOLA_CL_H

#include <CL/cl.h>

#include "tombola.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Opens a device of the caller's context, compiles the kernels and checks them against known answers.
 * context   retained until tombola_context_close; may hold other devices too
 * device    one of the context's
 * options   NULL for the defaults; copied
 * opened    set on success; release it with tombola_context_close
 * Several of them on one OpenCL context do not know of each other's rows and results in host memory: those in flight at
 * the same time must not overlap.
 * Errors: INVALID_ARGUMENT where the context does not hold the device, NO_DEVICE where the device lacks what is needed,
 * BUILD_FAILED, SELF_TEST_FAILED, DEVICE_FAILED, OUT_OF_MEMORY, FORKED. */
TOMBOLA_API tombola_status tombola_context_open_cl(cl_context context, cl_device_id device,
                                                   const tombola_context_options *options, tombola_context **opened,
                                                   tombola_error *error);

/* The OpenCL objects that a context works with, also of one from tombola_context_open: for buffers and queues
 * to be used with it. Not retained for the caller; they live as long as the context. */
TOMBOLA_API cl_context tombola_context_cl_context(const tombola_context *context);
TOMBOLA_API cl_device_id tombola_context_cl_device(const tombola_context *context);

/* Enqueues a batch on the caller's queue and returns without waiting for it.
 * queue       of the sampler's OpenCL context and device, in order or out of order
 * rows        copied, with all that it points to but logits and masks. Logits and masks in host memory belong to the
 * sampler
 *             until the event completes; those in a buffer are kept alive
 * results     copied. Arrays in host memory are written by the time the event completes, and to be kept until then;
 *             buffers must not be read only
 * wait_count, wait_list   events to complete before a buffer with logits or masks is read; 0 and NULL for none
 * event       set on success to an event that completes when all results are there; the caller's, to be released with
 *             clReleaseEvent. NULL if not wanted (the queue's own order, or clFinish, then tells)
 * The batch takes one of the sampler's places in flight (options.in_flight) until it has completed, and BUSY is
 * returned where none is free. Releasing the sampler waits for all. The queue is flushed.
 * Errors: INVALID_ARGUMENT (the field and row named; nothing enqueued), BUSY, DEVICE_FAILED, OUT_OF_MEMORY. Nothing
 * that was enqueued earlier is touched by an error. After the last two a part of the batch may have been enqueued, and
 * runs on: keep host memory until the queue is finished. tombola_sampler_times has the seconds of an enqueued batch, if
 * the queue was made with CL_QUEUE_PROFILING_ENABLE, once a later call has taken its place. */
TOMBOLA_API tombola_status tombola_sampler_enqueue(tombola_sampler *sampler, cl_command_queue queue,
                                                   const tombola_rows *rows, const tombola_results *results,
                                                   cl_uint wait_count, const cl_event *wait_list, cl_event *event,
                                                   tombola_error *error);

#ifdef __cplusplus
}
#endif
#endif
