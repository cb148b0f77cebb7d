/* The course of a call: check, upload, launch, read, wait once. */
#include "sampler.h"

#include "context.h"
#include "error.h"
#include "params.h"

#define GROUPS_PER_UNIT 4 /* work-groups for each compute unit, where rows are spread */

tombola_status batch_check(tombola_sampler *s, const struct row_batch *batch, tombola_error *error)
{
    size_t size = tombola_type_size(s->options.type);
    if (!batch->logits)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "logits is NULL");
    if ((uintptr_t)batch->logits % size)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "logits is not aligned to its type of %zu bytes", size);
    if (!batch->params)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "params is NULL");
    if (batch->rows < 1 || batch->rows > s->max_rows)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows is %zu, not from 1 to the sampler's max_rows %zu",
                    batch->rows, s->max_rows);
    if (batch->row_stride < s->vocabulary)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "row_stride is %zu, less than the vocabulary %zu",
                    batch->row_stride, s->vocabulary);
    if (batch->row_stride > SIZE_MAX / size / batch->rows)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "row_stride is %zu: %zu such rows do not fit in memory",
                    batch->row_stride, batch->rows);
    return params_convert(batch->params, batch->rows, s->host_params, error);
}

cl_event *batch_event(tombola_sampler *s, enum work work)
{
    if (!s->options.timed || s->event_count == MAX_EVENTS)
        return NULL;
    s->works[s->event_count] = work;
    s->events[s->event_count] = NULL;
    return &s->events[s->event_count++];
}

static tombola_status upload_logits(tombola_sampler *s, const struct row_batch *batch, tombola_error *error)
{
    size_t size = tombola_type_size(s->options.type);
    size_t row = s->vocabulary * size;
    cl_int code;
    s->times.bytes_uploaded += row * batch->rows;
    if (batch->row_stride == s->vocabulary || batch->rows == 1) {
        code = clEnqueueWriteBuffer(s->queue, s->logits, CL_FALSE, 0, row * batch->rows, batch->logits, 0, NULL,
                                    batch_event(s, WORK_UPLOAD));
        return code == CL_SUCCESS ? TOMBOLA_OK : fail_cl(error, "clEnqueueWriteBuffer for the logits", code);
    }
    const size_t origin[3] = {0, 0, 0}, region[3] = {row, batch->rows, 1};
    code = clEnqueueWriteBufferRect(s->queue, s->logits, CL_FALSE, origin, origin, region, row, 0,
                                    batch->row_stride * size, 0, batch->logits, 0, NULL, batch_event(s, WORK_UPLOAD));
    return code == CL_SUCCESS ? TOMBOLA_OK : fail_cl(error, "clEnqueueWriteBufferRect for the logits", code);
}

tombola_status batch_begin(tombola_sampler *s, const struct row_batch *batch, cl_kernel kernel, tombola_error *error)
{
    s->times.calls++;
    tombola_status status = upload_logits(s, batch, error);
    if (status)
        return status;
    size_t bytes = batch->rows * sizeof(struct row_params);
    s->times.bytes_uploaded += bytes;
    cl_int code = clEnqueueWriteBuffer(s->queue, s->params, CL_FALSE, 0, bytes, s->host_params, 0, NULL,
                                       batch_event(s, WORK_UPLOAD));
    if (code != CL_SUCCESS)
        return fail_cl(error, "clEnqueueWriteBuffer for the parameters", code);

    const cl_ulong stride = s->vocabulary;
    const cl_uint vocabulary = (cl_uint)s->vocabulary;
    code = clSetKernelArg(kernel, 0, sizeof(cl_mem), &s->logits);
    code |= clSetKernelArg(kernel, 1, sizeof stride, &stride);
    code |= clSetKernelArg(kernel, 2, sizeof vocabulary, &vocabulary);
    code |= clSetKernelArg(kernel, 3, sizeof(cl_mem), &s->params);
    code |= clSetKernelArg(kernel, 4, sizeof(cl_mem), &s->tops);
    code |= clSetKernelArg(kernel, 5, sizeof(cl_mem), &s->sums);
    code |= clSetKernelArg(kernel, 8, sizeof(cl_mem), &s->draws);
    return code == CL_SUCCESS ? TOMBOLA_OK : fail_cl(error, "clSetKernelArg", code);
}

static tombola_status launch(tombola_sampler *s, cl_kernel kernel, size_t rows, cl_uint parts, cl_uint phases,
                             tombola_error *error)
{
    cl_int code = clSetKernelArg(kernel, 6, sizeof parts, &parts);
    code |= clSetKernelArg(kernel, 7, sizeof phases, &phases);
    if (code != CL_SUCCESS)
        return fail_cl(error, "clSetKernelArg", code);
    size_t local = (size_t)s->context->lanes * s->context->teams;
    size_t global = rows * parts * local;
    code = clEnqueueNDRangeKernel(s->queue, kernel, 1, NULL, &global, &local, 0, NULL, batch_event(s, WORK_KERNEL));
    return code == CL_SUCCESS ? TOMBOLA_OK : fail_cl(error, "clEnqueueNDRangeKernel", code);
}

/* Work-groups that share a row. A forced spread takes some even where it does not pay. */
static cl_uint choose_parts(const tombola_sampler *s, size_t rows)
{
    size_t most = (s->blocks + s->context->teams - 1) / s->context->teams;
    size_t parts = s->context->device.info.compute_units * (size_t)GROUPS_PER_UNIT / rows;
    if (parts < 3)
        parts = 3;
    return (cl_uint)(parts < most ? parts : most);
}

/* One launch saves what a second one costs; only a device with far more units than the batch has rows
 * gains by a spread, and a CPU's few cores never did. */
static int spreads(const tombola_sampler *s, size_t rows)
{
    if (s->options.dispatch != TOMBOLA_DISPATCH_AUTO)
        return s->options.dispatch == TOMBOLA_DISPATCH_SPREAD;
    return s->context->device.info.type == TOMBOLA_DEVICE_GPU &&
           rows < 2 * (size_t)s->context->device.info.compute_units;
}

tombola_status batch_launch(tombola_sampler *s, const struct row_batch *batch, cl_kernel kernel, tombola_error *error)
{
    if (!spreads(s, batch->rows)) {
        s->times.row_dispatches++;
        return launch(s, kernel, batch->rows, 1, PHASE_WEIGH | PHASE_FINISH, error);
    }
    s->times.spread_dispatches++;
    cl_uint parts = choose_parts(s, batch->rows);
    tombola_status status = launch(s, kernel, batch->rows, parts, PHASE_WEIGH, error);
    if (status)
        return status;
    /* softmax alone has work for many groups after weighing: it writes as much as it read */
    return launch(s, kernel, batch->rows, kernel == s->softmax ? parts : 1, PHASE_FINISH, error);
}

tombola_status batch_read_draws(tombola_sampler *s, const struct row_batch *batch, tombola_error *error)
{
    size_t bytes = batch->rows * sizeof(struct row_draw);
    s->times.bytes_read += bytes;
    cl_int code =
        clEnqueueReadBuffer(s->queue, s->draws, CL_FALSE, 0, bytes, s->host_draws, 0, NULL, batch_event(s, WORK_READ));
    return code == CL_SUCCESS ? TOMBOLA_OK : fail_cl(error, "clEnqueueReadBuffer", code);
}

static void settle_events(tombola_sampler *s)
{
    double *seconds[] = {&s->times.upload_seconds, &s->times.kernel_seconds, &s->times.read_seconds};
    for (int i = 0; i < s->event_count; i++) {
        cl_ulong start = 0, end = 0;
        if (!s->events[i])
            continue;
        clGetEventProfilingInfo(s->events[i], CL_PROFILING_COMMAND_START, sizeof start, &start, NULL);
        clGetEventProfilingInfo(s->events[i], CL_PROFILING_COMMAND_END, sizeof end, &end, NULL);
        if (end > start)
            *seconds[s->works[i]] += (double)(end - start) * 1e-9;
        clReleaseEvent(s->events[i]);
    }
    s->event_count = 0;
}

tombola_status batch_end(tombola_sampler *s, tombola_status status, tombola_error *error)
{
    cl_int code = clFinish(s->queue); /* also after a failure: the caller's memory may be in use */
    settle_events(s);
    if (!status && code != CL_SUCCESS)
        return fail_cl(error, "clFinish", code);
    return status;
}
