#include "run.h"

#include "context.h"
#include "error.h"
#include "logits.h"
#include "results.h"

/* Ways of rows and results, and parts that suit both. */
static tombola_status prepare(struct batch *b, tombola_error *error)
{
    tombola_times *times = &b->engine->times;
    tombola_status status = results_begin(b, error);
    for (int is_ready = 0; !status && !is_ready;) {
        status = logits_prepare(b, results_most_rows(b), error);
        if (!status)
            status = results_prepare(b, &is_ready, error);
    }
    if (!status)
        status = masks_prepare(b, error);
    if (status)
        return status;
    *(b->way == WAY_BUFFER     ? &times->device_calls
      : b->way == WAY_IN_PLACE ? &times->in_place_calls
                               : &times->staged_calls) += 1;
    times->parts += (uint64_t)b->part_count;
    return TOMBOLA_OK;
}

/* In place for the parameters where that can be: wrapping host memory costs less than a command. */
static tombola_status bring_params(struct batch *b, cl_mem *params, tombola_error *error)
{
    size_t bytes = b->rows.count * sizeof(struct row_params);
    cl_int code;
    if (!b->params) {
        b->wrapped_params = clCreateBuffer(b->engine->context->cl, CL_MEM_READ_ONLY | CL_MEM_USE_HOST_PTR, bytes,
                                           b->host_params, &code);
        *params = b->wrapped_params;
        if (code == CL_SUCCESS)
            return TOMBOLA_OK;
        b->wrapped_params = NULL;
        return fail_cl(error, "clCreateBuffer for the parameters", code);
    }
    *params = b->params;
    cl_uint waits = batch_waits(b, NULL);
    code = clEnqueueWriteBuffer(b->queue, b->params, CL_FALSE, 0, bytes, b->host_params, waits, waits ? b->waits : NULL,
                                batch_event(b));
    if (code != CL_SUCCESS)
        return fail_cl(error, "clEnqueueWriteBuffer for the parameters", code);
    b->engine->times.bytes_uploaded += bytes;
    batch_enqueued(b, WORK_UPLOAD, 1);
    return TOMBOLA_OK;
}

/* The first command of the batch, which waits for all that the caller's events stand for. */
static tombola_status wait_for(struct batch *b, cl_uint wait_count, const cl_event *wait_list, tombola_error *error)
{
    if (wait_count == 0)
        return TOMBOLA_OK;
    cl_int code = clEnqueueMarkerWithWaitList(b->queue, wait_count, wait_list, batch_event(b));
    if (code != CL_SUCCESS)
        return fail_cl(error, "clEnqueueMarkerWithWaitList", code);
    batch_enqueued(b, WORK_NONE, 1);
    return TOMBOLA_OK;
}

static tombola_status flush(struct batch *b, tombola_error *error)
{
    cl_int code = clFlush(b->queue);
    return code == CL_SUCCESS ? TOMBOLA_OK : fail_cl(error, "clFlush", code);
}

tombola_status run_batch(struct batch *b, cl_uint wait_count, const cl_event *wait_list, tombola_error *error)
{
    cl_mem params, logits;
    const cl_event *after;
    tombola_status status = prepare(b, error);
    if (!status)
        status = wait_for(b, wait_count, wait_list, error);
    if (!status)
        status = masks_bring(b, error);
    if (!status)
        status = biases_bring(b, error);
    if (!status)
        status = bring_params(b, &params, error);
    if (status)
        return status;
    struct dispatch dispatch = launch_dispatch(b->engine, b->parts[0].rows);
    for (int part = 0; part < b->part_count && !status; part++) {
        status = logits_bring(b, part, &logits, &after, error);
        if (!status)
            status = results_run_part(b, part, logits, params, dispatch, after, error);
        if (!status && part + 1 < b->part_count) /* the next part may be long in coming */
            status = flush(b, error);
    }
    if (!status)
        status = results_collect(b, error);
    return status ? status : flush(b, error);
}
