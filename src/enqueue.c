/* Batches on the caller's queue.
 *
 * The caller's objects are kept alive by the commands that use them: OpenCL deletes a buffer, a queue or an event only
 * when the commands enqueued with it have completed, whoever has released it. So nothing here has to be let go of
 * later. The events that the sampler itself keeps of a batch hold on to its queue until it finishes: see
 * tombola_cl.h. */
#include "tombola_cl.h"

#include "context.h"
#include "error.h"
#include "process.h"
#include "run.h"
#include "sampler.h"

/* That a queue can be used with the sampler. */
static tombola_status check_queue(const tombola_context *c, cl_command_queue queue, tombola_error *error)
{
    cl_context context = NULL;
    cl_device_id device = NULL;
    if (!queue)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "queue is NULL");
    cl_int code = clGetCommandQueueInfo(queue, CL_QUEUE_CONTEXT, sizeof context, &context, NULL);
    if (code == CL_SUCCESS)
        code = clGetCommandQueueInfo(queue, CL_QUEUE_DEVICE, sizeof device, &device, NULL);
    if (code != CL_SUCCESS)
        return fail_cl(error, "clGetCommandQueueInfo", code);
    if (context != c->cl)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "queue is of another OpenCL context than the sampler");
    if (device != c->device.id)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "queue is of another device than the sampler's, %s",
                    c->device.info.name);
    return TOMBOLA_OK;
}

static tombola_status check_waits(cl_uint wait_count, const cl_event *wait_list, tombola_error *error)
{
    if (!wait_count != !wait_list)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "wait_count is %lu, but wait_list is %s",
                    (unsigned long)wait_count, wait_list ? "not NULL" : "NULL");
    for (cl_uint i = 0; i < wait_count; i++)
        if (!wait_list[i])
            return fail(error, TOMBOLA_INVALID_ARGUMENT, "wait_list[%lu] is NULL", (unsigned long)i);
    return TOMBOLA_OK;
}

tombola_status tombola_sampler_enqueue(tombola_sampler *sampler, cl_command_queue queue, const tombola_rows *rows,
                                       const tombola_results *results, cl_uint wait_count, const cl_event *wait_list,
                                       cl_event *event, tombola_error *error)
{
    if (!sampler)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "sampler is NULL");
    if (process_check(error))
        return TOMBOLA_FORKED;
    struct batch *b;
    tombola_status status = check_queue(sampler->engine.context, queue, error);
    if (!status)
        status = check_waits(wait_count, wait_list, error);
    if (!status)
        status = sampler_begin(sampler, rows, results, queue, 0, &b, error);
    if (status)
        return status;
    b->is_chained = 1;
    status = run_batch(b, wait_count, wait_list, error); /* it flushes: the event may be waited for in another queue */
    if (!status && event) {
        cl_int code = clRetainEvent(b->events[b->event_count - 1]);
        if (code == CL_SUCCESS)
            *event = b->events[b->event_count - 1];
        else
            status = fail_cl(error, "clRetainEvent", code);
    }
    /* What has been enqueued before a failure runs on, in memory of the batch, and may wait for events of the
     * caller's: so the batch stays in flight until then, instead of this thread. */
    b->has_failed = status != TOMBOLA_OK;
    if (status && b->event_count == 0)
        batch_finish(b, TOMBOLA_OK, NULL);
    return status;
}
