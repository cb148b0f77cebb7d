#include "flight.h"

#include "context.h"
#include "error.h"
#include "sampler.h"

#include <stdlib.h>

/* Of `count` times `each` bytes. */
static cl_mem make_buffer(tombola_sampler *s, cl_mem_flags flags, size_t count, size_t each, cl_int *code)
{
    if (*code != CL_SUCCESS)
        return NULL;
    if (each > SIZE_MAX / count) {
        *code = CL_INVALID_BUFFER_SIZE;
        return NULL;
    }
    *(flags & CL_MEM_ALLOC_HOST_PTR ? &s->memory.host_bytes : &s->memory.device_bytes) += count * each;
    return clCreateBuffer(s->context->cl, flags, count * each, NULL, code);
}

static tombola_status map_staging(tombola_sampler *s, struct flight *f, tombola_error *error)
{
    cl_int code;
    f->staged = clEnqueueMapBuffer(s->queue, f->staging, CL_TRUE, CL_MAP_WRITE, 0,
                                   SLOTS * s->slot_rows * sampler_row_bytes(s), 0, NULL, NULL, &code);
    if (code == CL_SUCCESS)
        return TOMBOLA_OK;
    f->staged = NULL;
    return fail_cl(error, "clEnqueueMapBuffer", code);
}

tombola_status flight_make(tombola_sampler *s, struct flight *f, tombola_error *error)
{
    f->host_params = calloc(s->max_rows, sizeof *f->host_params);
    f->host_draws = calloc(s->max_rows, sizeof *f->host_draws);
    if (!f->host_params || !f->host_draws)
        return fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for a sampler of max_rows %zu", s->max_rows);
    s->memory.host_bytes += s->max_rows * (sizeof *f->host_params + sizeof *f->host_draws);
    cl_int code = CL_SUCCESS;
    f->tops = make_buffer(s, CL_MEM_READ_WRITE, s->max_rows, s->slots * sizeof(u32), &code);
    f->sums = make_buffer(s, CL_MEM_READ_WRITE, s->max_rows, s->slots * sizeof(u64), &code);
    f->draws = make_buffer(s, CL_MEM_WRITE_ONLY, s->max_rows, sizeof(struct row_draw), &code);
    if (!s->in_place) {
        f->params = make_buffer(s, CL_MEM_READ_ONLY, s->max_rows, sizeof(struct row_params), &code);
        f->logits = make_buffer(s, CL_MEM_READ_ONLY, s->max_rows, sampler_row_bytes(s), &code);
        f->staging =
            make_buffer(s, CL_MEM_READ_ONLY | CL_MEM_ALLOC_HOST_PTR, SLOTS * s->slot_rows, sampler_row_bytes(s), &code);
    }
    if (code == CL_INVALID_BUFFER_SIZE || code == CL_MEM_OBJECT_ALLOCATION_FAILURE)
        return fail(error, TOMBOLA_OUT_OF_MEMORY, "%s has no room for max_rows %zu x vocabulary %zu logits (%d)",
                    s->context->device.info.name, s->max_rows, s->vocabulary, (int)code);
    if (code != CL_SUCCESS)
        return fail_cl(error, "clCreateBuffer", code);
    return s->in_place ? TOMBOLA_OK : map_staging(s, f, error);
}

void flight_release(tombola_sampler *s, struct flight *f)
{
    if (f->number)
        flight_land(s, f, TOMBOLA_OK, NULL);
    if (f->staged) {
        clEnqueueUnmapMemObject(s->queue, f->staging, f->staged, 0, NULL, NULL);
        clFinish(s->queue);
    }
    cl_mem buffers[] = {f->tops, f->sums, f->draws, f->params, f->logits, f->staging};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        if (buffers[i])
            clReleaseMemObject(buffers[i]);
}

tombola_status flight_take(tombola_sampler *s, struct flight **flight, tombola_error *error)
{
    struct flight *oldest = NULL;
    for (int i = 0; i < FLIGHTS; i++) {
        struct flight *f = &s->flights[i];
        if (!f->number) {
            *flight = f;
            return TOMBOLA_OK;
        }
        if (!f->is_awaited && (!oldest || f->number < oldest->number))
            oldest = f;
    }
    if (!oldest)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "%d batches are in flight: wait for one of them first", FLIGHTS);
    flight_land(s, oldest, TOMBOLA_OK, NULL); /* how it went is for its event to tell */
    *flight = oldest;
    return TOMBOLA_OK;
}

void flight_start(tombola_sampler *s, struct flight *f, size_t rows, cl_command_queue queue)
{
    f->number = ++s->batches;
    f->is_awaited = 0;
    f->rows = rows;
    f->queue = queue;
    f->is_chained = 0;
    f->wait_count = 0;
    f->wait_list = NULL;
    s->times.calls++;
}

cl_event *flight_event(struct flight *f)
{
    return &f->events[f->event_count];
}

void flight_enqueued(struct flight *f, enum work work)
{
    f->works[f->event_count] = work;
    if (f->is_chained) {
        f->wait_count = 1;
        f->wait_list = &f->events[f->event_count];
    }
    f->event_count++;
}

static void settle_events(tombola_sampler *s, struct flight *f)
{
    double *seconds[] = {&s->times.upload_seconds, &s->times.kernel_seconds, &s->times.read_seconds};
    for (int i = 0; i < f->event_count; i++) {
        cl_ulong start = 0, end = 0;
        if (s->options.timed) { /* a caller's queue need not be able to tell */
            clGetEventProfilingInfo(f->events[i], CL_PROFILING_COMMAND_START, sizeof start, &start, NULL);
            clGetEventProfilingInfo(f->events[i], CL_PROFILING_COMMAND_END, sizeof end, &end, NULL);
        }
        if (end > start)
            *seconds[f->works[i]] += (double)(end - start) * 1e-9;
        clReleaseEvent(f->events[i]);
    }
    f->event_count = 0;
}

static void release_wrapping(cl_mem *wrapped)
{
    if (*wrapped)
        clReleaseMemObject(*wrapped);
    *wrapped = NULL;
}

tombola_status flight_land(tombola_sampler *s, struct flight *f, tombola_status status, tombola_error *error)
{
    cl_int code = CL_SUCCESS;
    if (f->event_count > 0) {
        /* The last one comes last; waiting for each would wake this thread as often. */
        int first = status ? 0 : f->event_count - 1;
        code = clWaitForEvents((cl_uint)(f->event_count - first), f->events + first);
    }
    settle_events(s, f);
    release_wrapping(&f->wrapped_logits);
    release_wrapping(&f->wrapped_params);
    f->number = 0;
    if (!status && code != CL_SUCCESS)
        return fail_cl(error, "clWaitForEvents", code);
    return status;
}
