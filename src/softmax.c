/* softmax and top_k: their results are as large as the caller asks for, so the kernels write to the caller's
 * memory itself, wrapped for the length of the call. */
#include "sampler.h"

#include "context.h"
#include "error.h"
#include "process.h"

/* What differs between the two. */
struct request {
    cl_kernel kernel;
    cl_uint detail[2]; /* the kernel's arguments after the common ones */
    int detail_count;
    void *results;
    size_t bytes;
    tombola_row_status *status;
};

/* Makes what the kernel wrote to a wrapped buffer visible in the host memory under it. */
static tombola_status settle_results(tombola_sampler *s, struct flight *f, const struct request *r, cl_mem wrapped,
                                     tombola_error *error)
{
    cl_int code;
    s->times.bytes_read += r->bytes;
    void *mapped =
        clEnqueueMapBuffer(s->queue, wrapped, CL_TRUE, CL_MAP_READ, 0, r->bytes, 0, NULL, flight_event(f), &code);
    if (code != CL_SUCCESS)
        return fail_cl(error, "clEnqueueMapBuffer", code);
    flight_enqueued(f, WORK_READ);
    code = clEnqueueUnmapMemObject(s->queue, wrapped, mapped, 0, NULL, flight_event(f));
    if (code != CL_SUCCESS)
        return fail_cl(error, "clEnqueueUnmapMemObject", code);
    flight_enqueued(f, WORK_READ);
    return TOMBOLA_OK;
}

static tombola_status set_results(const struct request *r, cl_mem wrapped, tombola_error *error)
{
    cl_uint argument = BATCH_ARGUMENTS;
    cl_int code = CL_SUCCESS;
    for (int i = 0; i < r->detail_count; i++)
        code |= clSetKernelArg(r->kernel, argument++, sizeof(cl_uint), &r->detail[i]);
    code |= clSetKernelArg(r->kernel, argument, sizeof(cl_mem), &wrapped);
    return code == CL_SUCCESS ? TOMBOLA_OK : fail_cl(error, "clSetKernelArg", code);
}

static tombola_status run(tombola_sampler *s, const struct row_batch *batch, const struct request *r,
                          tombola_error *error)
{
    struct flight *f;
    tombola_status status = batch_begin(s, batch, &f, error);
    if (status)
        return status;
    cl_int code;
    cl_mem wrapped =
        clCreateBuffer(s->context->cl, CL_MEM_READ_WRITE | CL_MEM_USE_HOST_PTR, r->bytes, r->results, &code);
    if (code != CL_SUCCESS) {
        wrapped = NULL;
        status = fail_cl(error, "clCreateBuffer for the results", code);
        goto done;
    }
    status = set_results(r, wrapped, error);
    if (!status)
        status = batch_run(s, f, batch, r->kernel, error);
    if (!status)
        status = settle_results(s, f, r, wrapped, error);

done:
    status = flight_land(s, f, status, error);
    if (wrapped)
        clReleaseMemObject(wrapped);
    if (!status && r->status)
        for (size_t row = 0; row < batch->rows; row++)
            r->status[row] = (tombola_row_status)f->host_draws[row].status;
    return status;
}

tombola_status tombola_sampler_softmax(tombola_sampler *sampler, const void *logits, size_t rows, size_t row_stride,
                                       const tombola_params *params, int logarithms, float *output,
                                       size_t output_stride, tombola_row_status *status, tombola_error *error)
{
    if (!sampler)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "sampler is NULL");
    if (process_check(error))
        return TOMBOLA_FORKED;
    if (!output)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "output is NULL");
    if (output_stride < sampler->vocabulary)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "output_stride is %zu, less than the vocabulary %zu",
                    output_stride, sampler->vocabulary);
    if (output_stride > UINT32_MAX || output_stride > SIZE_MAX / sizeof(float) / sampler->max_rows)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "output_stride is %zu, which is too large", output_stride);
    const struct row_batch batch = {logits, rows, row_stride, params};
    const struct request request = {
        .kernel = sampler->softmax,
        .detail = {(cl_uint)output_stride, logarithms != 0},
        .detail_count = 2,
        .results = output,
        .bytes = ((rows - 1) * output_stride + sampler->vocabulary) * sizeof(float),
        .status = status,
    };
    return run(sampler, &batch, &request, error);
}

tombola_status tombola_sampler_top_k(tombola_sampler *sampler, const void *logits, size_t rows, size_t row_stride,
                                     const tombola_params *params, size_t k, tombola_candidate *candidates,
                                     tombola_row_status *status, tombola_error *error)
{
    if (!sampler)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "sampler is NULL");
    if (process_check(error))
        return TOMBOLA_FORKED;
    if (!candidates)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "candidates is NULL");
    if (k < 1 || k > TOMBOLA_MAX_TOP_K)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "k is %zu, not from 1 to %u", k, TOMBOLA_MAX_TOP_K);
    const struct row_batch batch = {logits, rows, row_stride, params};
    const struct request request = {
        .kernel = sampler->top_k,
        .detail = {(cl_uint)k},
        .detail_count = 1,
        .results = candidates,
        .bytes = rows * k * sizeof(tombola_candidate),
        .status = status,
    };
    return run(sampler, &batch, &request, error);
}
