#include "batch.h"

#include "error.h"

void batch_start(struct batch *b, uint64_t number, cl_command_queue queue)
{
    b->number = number;
    b->is_awaited = 0;
    b->has_failed = 0;
    b->queue = queue;
    b->is_chained = 0;
    b->chain = -1;
    b->event_count = 0;
    b->output_count = 0;
    for (int pin = 0; pin < PINS; pin++)
        b->landings[pin].rows = 0;
    b->engine->times.calls++;
}

cl_uint batch_waits(struct batch *b, const cl_event *also)
{
    cl_uint count = 0;
    if (b->is_chained && b->chain >= 0)
        b->waits[count++] = b->events[b->chain];
    if (also)
        b->waits[count++] = *also;
    return count;
}

cl_event *batch_event(struct batch *b)
{
    return &b->events[b->event_count];
}

void batch_enqueued(struct batch *b, enum work work, int in_queue)
{
    b->works[b->event_count] = work;
    if (in_queue)
        b->chain = b->event_count;
    b->event_count++;
}

tombola_status batch_read(struct batch *b, cl_mem buffer, size_t begin, size_t words, void *to, tombola_error *error)
{
    cl_uint waits = batch_waits(b, NULL);
    cl_int code = clEnqueueReadBuffer(b->queue, buffer, CL_FALSE, begin * sizeof(u32), words * sizeof(u32), to, waits,
                                      waits ? b->waits : NULL, batch_event(b));
    if (code != CL_SUCCESS)
        return fail_cl(error, "clEnqueueReadBuffer", code);
    batch_enqueued(b, WORK_READ, 1);
    b->engine->times.bytes_read += words * sizeof(u32);
    return TOMBOLA_OK;
}

int batch_has_completed(const struct batch *b)
{
    for (int i = b->event_count - 1; i >= 0; i--) {
        cl_int status = CL_COMPLETE;
        if (clGetEventInfo(b->events[i], CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, NULL) ==
                CL_SUCCESS &&
            status > CL_COMPLETE)
            return 0;
    }
    return 1;
}

static void settle_events(struct batch *b)
{
    tombola_times *times = &b->engine->times;
    double none = 0;
    double *seconds[] = {&none, &times->upload_seconds, &times->kernel_seconds, &times->read_seconds};
    for (int i = 0; i < b->event_count; i++) {
        cl_ulong start = 0, end = 0;
        if (b->engine->plan.options.timed) { /* a caller's queue need not be able to tell */
            clGetEventProfilingInfo(b->events[i], CL_PROFILING_COMMAND_START, sizeof start, &start, NULL);
            clGetEventProfilingInfo(b->events[i], CL_PROFILING_COMMAND_END, sizeof end, &end, NULL);
        }
        if (end > start)
            *seconds[b->works[i]] += (double)(end - start) * 1e-9;
        clReleaseEvent(b->events[i]);
    }
    b->event_count = 0;
}

tombola_status batch_pause(struct batch *b, tombola_error *error)
{
    cl_int code = b->event_count > 0 ? clWaitForEvents(1, b->events + b->event_count - 1) : CL_SUCCESS;
    if (code != CL_SUCCESS)
        return fail_cl(error, "clWaitForEvents", code);
    settle_events(b);
    b->chain = -1;
    return TOMBOLA_OK;
}

tombola_status batch_finish(struct batch *b, tombola_status status, tombola_error *error)
{
    tombola_context *context = b->engine->context;
    cl_int code = CL_SUCCESS;
    if (b->event_count > 0) {
        /* The last one comes last; waiting for each would wake this thread as often. */
        int first = status || b->has_failed ? 0 : b->event_count - 1;
        code = clWaitForEvents((cl_uint)(b->event_count - first), b->events + first);
    }
    settle_events(b);
    for (int part = 0; part < MAX_PARTS; part++)
        host_memory_unwrap(context, &b->wrapped_logits[part]);
    for (int output = 0; output < OUTPUTS; output++)
        for (int part = 0; part < MAX_PARTS; part++)
            host_memory_unwrap(context, &b->outputs[output].wrapped[part]);
    host_memory_unwrap(context, &b->masks.wrapped);
    upload_settle(&b->masks.copy);
    upload_settle(&b->adjustments.copy);
    upload_settle(&b->scores.copy);
    upload_settle(&b->params);
    b->number = 0;
    if (!status && code != CL_SUCCESS)
        return fail_cl(error, "clWaitForEvents", code);
    return status;
}
