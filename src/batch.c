/* The course of a call: check, take a flight, bring the logits, launch, read. */
#include "sampler.h"

#include "context.h"
#include "error.h"
#include "params.h"

#define GROUPS_PER_UNIT 4 /* work-groups for each compute unit, where rows are spread */

size_t batch_bytes(const tombola_sampler *s, size_t rows, size_t row_stride)
{
    return ((rows - 1) * row_stride + s->vocabulary) * tombola_type_size(s->options.type);
}

static tombola_status check(const tombola_sampler *s, const struct row_batch *batch, tombola_error *error)
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
    return TOMBOLA_OK;
}

tombola_status batch_begin(tombola_sampler *s, const struct row_batch *batch, struct flight **flight,
                           tombola_error *error)
{
    tombola_status status = check(s, batch, error);
    if (!status)
        status = flight_take(s, flight, error);
    if (!status)
        status = params_convert(batch->params, batch->rows, (*flight)->host_params, error);
    if (!status)
        flight_start(s, *flight, batch->rows, s->queue);
    return status;
}

/* In place for the parameters as for logits: wrapping host memory costs less than a command. */
static tombola_status upload_params(tombola_sampler *s, struct flight *f, cl_mem *params, tombola_error *error)
{
    size_t bytes = f->rows * sizeof(struct row_params);
    cl_int code;
    if (s->in_place) {
        f->wrapped_params =
            clCreateBuffer(s->context->cl, CL_MEM_READ_ONLY | CL_MEM_USE_HOST_PTR, bytes, f->host_params, &code);
        *params = f->wrapped_params;
        return code == CL_SUCCESS ? TOMBOLA_OK : fail_cl(error, "clCreateBuffer for the parameters", code);
    }
    *params = f->params;
    s->times.bytes_uploaded += bytes;
    code = clEnqueueWriteBuffer(f->queue, f->params, CL_FALSE, 0, bytes, f->host_params, f->wait_count, f->wait_list,
                                flight_event(f));
    if (code != CL_SUCCESS)
        return fail_cl(error, "clEnqueueWriteBuffer for the parameters", code);
    flight_enqueued(f, WORK_UPLOAD);
    return TOMBOLA_OK;
}

tombola_status batch_arguments(tombola_sampler *s, struct flight *f, cl_kernel kernel, cl_mem logits, cl_mem draws,
                               cl_ulong draws_place, tombola_error *error)
{
    cl_mem params;
    tombola_status status = upload_params(s, f, &params, error);
    if (status)
        return status;
    const cl_uint vocabulary = (cl_uint)s->vocabulary;
    cl_int code = clSetKernelArg(kernel, 0, sizeof(cl_mem), &logits);
    code |= clSetKernelArg(kernel, 2, sizeof vocabulary, &vocabulary);
    code |= clSetKernelArg(kernel, 3, sizeof(cl_mem), &params);
    code |= clSetKernelArg(kernel, 4, sizeof(cl_mem), &f->tops);
    code |= clSetKernelArg(kernel, 5, sizeof(cl_mem), &f->sums);
    code |= clSetKernelArg(kernel, 8, sizeof(cl_mem), &draws);
    code |= clSetKernelArg(kernel, 9, sizeof draws_place, &draws_place);
    return code == CL_SUCCESS ? TOMBOLA_OK : fail_cl(error, "clSetKernelArg", code);
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

/* One launch saves what a second one costs; only a device with far more units than the launch has rows
 * gains by a spread, and a CPU's few cores never did. */
static int spreads(const tombola_sampler *s, size_t rows)
{
    if (s->options.dispatch != TOMBOLA_DISPATCH_AUTO)
        return s->options.dispatch == TOMBOLA_DISPATCH_SPREAD;
    return s->context->device.info.type == TOMBOLA_DEVICE_GPU &&
           rows < 2 * (size_t)s->context->device.info.compute_units;
}

struct dispatch batch_dispatch(tombola_sampler *s, size_t rows)
{
    struct dispatch dispatch = {.is_spread = spreads(s, rows)};
    dispatch.parts = dispatch.is_spread ? choose_parts(s, rows) : 1;
    if (dispatch.is_spread)
        s->times.spread_dispatches++;
    else
        s->times.row_dispatches++;
    return dispatch;
}

static tombola_status launch(tombola_sampler *s, struct flight *f, cl_kernel kernel, size_t rows, cl_uint parts,
                             cl_uint phases, tombola_error *error)
{
    cl_int code = clSetKernelArg(kernel, 6, sizeof parts, &parts);
    code |= clSetKernelArg(kernel, 7, sizeof phases, &phases);
    if (code != CL_SUCCESS)
        return fail_cl(error, "clSetKernelArg", code);
    size_t local = (size_t)s->context->lanes * s->context->teams;
    size_t global = rows * parts * local;
    code = clEnqueueNDRangeKernel(f->queue, kernel, 1, NULL, &global, &local, f->wait_count, f->wait_list,
                                  flight_event(f));
    if (code != CL_SUCCESS)
        return fail_cl(error, "clEnqueueNDRangeKernel", code);
    flight_enqueued(f, WORK_KERNEL);
    return TOMBOLA_OK;
}

tombola_status batch_launch(tombola_sampler *s, struct flight *f, cl_kernel kernel, struct dispatch dispatch,
                            size_t first_row, size_t rows, tombola_error *error)
{
    const cl_uint first = (cl_uint)first_row;
    cl_int code = clSetKernelArg(kernel, 1, sizeof first, &first);
    if (code != CL_SUCCESS)
        return fail_cl(error, "clSetKernelArg", code);
    if (!dispatch.is_spread)
        return launch(s, f, kernel, rows, 1, PHASE_WEIGH | PHASE_FINISH, error);
    tombola_status status = launch(s, f, kernel, rows, dispatch.parts, PHASE_WEIGH, error);
    if (status)
        return status;
    /* softmax alone has work for many groups after weighing: it writes as much as it read */
    return launch(s, f, kernel, rows, kernel == s->softmax ? dispatch.parts : 1, PHASE_FINISH, error);
}

tombola_status batch_read_draws(tombola_sampler *s, struct flight *f, void *draws, tombola_error *error)
{
    size_t bytes = f->rows * sizeof(struct row_draw);
    s->times.bytes_read += bytes;
    cl_int code = clEnqueueReadBuffer(f->queue, f->draws, CL_FALSE, 0, bytes, draws, f->wait_count, f->wait_list,
                                      flight_event(f));
    if (code != CL_SUCCESS)
        return fail_cl(error, "clEnqueueReadBuffer", code);
    flight_enqueued(f, WORK_READ);
    return TOMBOLA_OK;
}

tombola_status batch_flush(struct flight *f, tombola_error *error)
{
    cl_int code = clFlush(f->queue);
    return code == CL_SUCCESS ? TOMBOLA_OK : fail_cl(error, "clFlush", code);
}

tombola_status batch_run(tombola_sampler *s, struct flight *f, const struct row_batch *batch, cl_kernel kernel,
                         tombola_error *error)
{
    tombola_status status =
        s->in_place ? transfer_in_place(s, f, batch, kernel, error) : transfer_staged(s, f, batch, kernel, error);
    if (!status)
        status = batch_read_draws(s, f, f->host_draws, error);
    return status ? status : batch_flush(f, error);
}
