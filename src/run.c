#include "run.h"

#include "error.h"
#include "logits.h"
#include "results.h"

static void count(struct batch *b)
{
    tombola_times *times = &b->engine->times;
    *(b->way == WAY_BUFFER     ? &times->device_calls
      : b->way == WAY_IN_PLACE ? &times->in_place_calls
                               : &times->staged_calls) += 1;
    times->parts += (uint64_t)b->part_count;
}

tombola_status run_bring(struct batch *b, cl_mem *params, tombola_error *error)
{
    tombola_status status = masks_bring(b, error);
    if (!status)
        status = adjustments_bring(b, error);
    if (!status)
        status = scores_bring(b, error);
    if (!status)
        status = upload_send(b, &b->params, b->rows.count * sizeof(struct row_params), "parameters", params, error);
    return status;
}

tombola_status run_flush(struct batch *b, tombola_error *error)
{
    cl_int code = clFlush(b->queue);
    return code == CL_SUCCESS ? TOMBOLA_OK : fail_cl(error, "clFlush", code);
}

tombola_status run_prepare(struct batch *b, tombola_error *error)
{
    tombola_status status = results_begin(b, error);
    for (int is_ready = 0; !status && !is_ready;) {
        status = logits_prepare(b, results_most_rows(b), error);
        if (!status)
            status = results_prepare(b, &is_ready, error);
    }
    if (!status)
        status = masks_prepare(b, error);
    if (!status)
        count(b);
    return status;
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

tombola_status run_batch(struct batch *b, cl_uint wait_count, const cl_event *wait_list, tombola_error *error)
{
    cl_mem params, logits;
    const cl_event *after;
    tombola_status status = run_prepare(b, error);
    if (!status)
        status = wait_for(b, wait_count, wait_list, error);
    if (!status)
        status = run_bring(b, &params, error);
    if (status)
        return status;
    struct dispatch dispatch = launch_dispatch(b->engine, b->parts[0].rows);
    for (int part = 0; part < b->part_count && !status; part++) {
        status = logits_bring(b, part, &logits, &after, error);
        if (!status)
            status = results_run_part(b, part, logits, params, dispatch, after, error);
        if (!status && part + 1 < b->part_count) /* the next part may be long in coming */
            status = run_flush(b, error);
    }
    if (!status)
        status = results_collect(b, error);
    return status ? status : run_flush(b, error);
}
