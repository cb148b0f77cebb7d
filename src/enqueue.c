/* Batches that lie in OpenCL buffers, on the caller's queue.
 *
 * The caller's objects are kept alive by the commands that use them: OpenCL deletes a buffer, a queue or an event only
 * when the commands enqueued with it have completed, whoever has released it. So nothing here has to be let go of
 * later. The events that the sampler itself keeps of a batch hold on to its queue until it lands: see tombola_cl.h. */
#include "tombola_cl.h"

#include "context.h"
#include "error.h"
#include "params.h"
#include "process.h"
#include "sampler.h"

tombola_cl_batch tombola_cl_batch_default(void)
{
    return (tombola_cl_batch){.struct_size = sizeof(tombola_cl_batch)};
}

tombola_cl_draws tombola_cl_draws_default(void)
{
    return (tombola_cl_draws){.struct_size = sizeof(tombola_cl_draws)};
}

/* That a queue can be used with the sampler. */
static tombola_status check_queue(const tombola_sampler *s, cl_command_queue queue, tombola_error *error)
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
    if (context != s->context->cl)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "queue is of another OpenCL context than the sampler");
    if (device != s->context->device.id)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "queue is of another device than the sampler's, %s",
                    s->context->device.info.name);
    return TOMBOLA_OK;
}

/* That a buffer can be used with the sampler, and its size in bytes. */
static tombola_status check_buffer(const tombola_sampler *s, const char *field, cl_mem buffer, cl_mem_flags refused,
                                   size_t *size, tombola_error *error)
{
    cl_context context = NULL;
    cl_mem_flags flags = 0;
    cl_mem_object_type type = 0;
    cl_int code = clGetMemObjectInfo(buffer, CL_MEM_CONTEXT, sizeof context, &context, NULL);
    if (code == CL_SUCCESS)
        code = clGetMemObjectInfo(buffer, CL_MEM_TYPE, sizeof type, &type, NULL);
    if (code == CL_SUCCESS)
        code = clGetMemObjectInfo(buffer, CL_MEM_FLAGS, sizeof flags, &flags, NULL);
    if (code == CL_SUCCESS)
        code = clGetMemObjectInfo(buffer, CL_MEM_SIZE, sizeof *size, size, NULL);
    if (code != CL_SUCCESS)
        return fail_cl(error, "clGetMemObjectInfo", code);
    if (context != s->context->cl)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "%s is of another OpenCL context than the sampler", field);
    if (type != CL_MEM_OBJECT_BUFFER)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "%s is a memory object of type %#x, not a buffer", field,
                    (unsigned)type);
    if (flags & refused)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "%s is a buffer that kernels may not %s", field,
                    refused == CL_MEM_READ_ONLY ? "write" : "read");
    return TOMBOLA_OK;
}

/* That every row lies in a buffer of so many elements. */
static tombola_status check_rows(const tombola_sampler *s, const tombola_cl_batch *batch, size_t elements,
                                 tombola_error *error)
{
    if (batch->offset > elements || s->vocabulary > elements - batch->offset)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "batch.offset is %zu: no row of %zu fits behind it into %zu",
                    batch->offset, s->vocabulary, elements);
    size_t last = (elements - batch->offset - s->vocabulary) / batch->row_stride;
    if (!batch->row_indices && batch->rows - 1 > last)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "batch.rows is %zu: row %zu lies beyond the buffer's %zu elements",
                    batch->rows, last + 1, elements);
    for (size_t row = 0; batch->row_indices && row < batch->rows; row++)
        if (batch->row_indices[row] > last)
            return fail(error, TOMBOLA_INVALID_ARGUMENT,
                        "batch.row_indices[%zu] is %lu: that row lies beyond the buffer's %zu elements", row,
                        (unsigned long)batch->row_indices[row], elements);
    return TOMBOLA_OK;
}

static tombola_status check_batch(const tombola_sampler *s, const tombola_cl_batch *batch, tombola_error *error)
{
    if (!batch)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "batch is NULL");
    if (batch->struct_size != sizeof *batch)
        return fail(error, TOMBOLA_INVALID_ARGUMENT,
                    "batch.struct_size is %lu, not %zu: start from tombola_cl_batch_default()",
                    (unsigned long)batch->struct_size, sizeof *batch);
    if (!batch->logits)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "batch.logits is NULL");
    if (!batch->params)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "batch.params is NULL");
    if (batch->rows < 1 || batch->rows > s->max_rows)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "batch.rows is %zu, not from 1 to the sampler's max_rows %zu",
                    batch->rows, s->max_rows);
    if (batch->row_stride < s->vocabulary)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "batch.row_stride is %zu, less than the vocabulary %zu",
                    batch->row_stride, s->vocabulary);
    size_t bytes;
    tombola_status status = check_buffer(s, "batch.logits", batch->logits, CL_MEM_WRITE_ONLY, &bytes, error);
    return status ? status : check_rows(s, batch, bytes / tombola_type_size(s->options.type), error);
}

static tombola_status check_draws(const tombola_sampler *s, const tombola_cl_draws *draws, size_t rows,
                                  tombola_error *error)
{
    if (!draws)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "draws is NULL");
    if (draws->struct_size != sizeof *draws)
        return fail(error, TOMBOLA_INVALID_ARGUMENT,
                    "draws.struct_size is %lu, not %zu: start from tombola_cl_draws_default()",
                    (unsigned long)draws->struct_size, sizeof *draws);
    if (!draws->host == !draws->buffer)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "draws.host and draws.buffer are %s: one is to be set",
                    draws->host ? "both set" : "both NULL");
    if (!draws->buffer)
        return TOMBOLA_OK;
    if (draws->offset % sizeof(cl_uint))
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "draws.offset is %zu, not a multiple of %zu", draws->offset,
                    sizeof(cl_uint));
    size_t bytes;
    tombola_status status = check_buffer(s, "draws.buffer", draws->buffer, CL_MEM_READ_ONLY, &bytes, error);
    if (status)
        return status;
    if (draws->offset > bytes || rows > (bytes - draws->offset) / sizeof(tombola_draw))
        return fail(error, TOMBOLA_INVALID_ARGUMENT,
                    "draws.buffer holds %zu bytes: %zu draws do not fit behind draws.offset %zu", bytes, rows,
                    draws->offset);
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

static tombola_status run(tombola_sampler *s, struct flight *f, const tombola_cl_batch *batch,
                          const tombola_cl_draws *draws, tombola_error *error)
{
    for (size_t row = 0; row < batch->rows; row++)
        f->host_params[row].place =
            batch->offset + (batch->row_indices ? batch->row_indices[row] : row) * (u64)batch->row_stride;
    s->times.device_calls++;
    tombola_status status = batch_arguments(s, f, s->sample, batch->logits, draws->buffer ? draws->buffer : f->draws,
                                            draws->buffer ? draws->offset / sizeof(cl_uint) : 0, error);
    if (!status)
        status = batch_launch(s, f, s->sample, batch_dispatch(s, batch->rows), 0, batch->rows, error);
    if (!status && draws->host)
        status = batch_read_draws(s, f, draws->host, error);
    return status ? status : batch_flush(f, error); /* the event may be waited for in another queue */
}

tombola_status tombola_sampler_enqueue(tombola_sampler *sampler, cl_command_queue queue, const tombola_cl_batch *batch,
                                       const tombola_cl_draws *draws, cl_uint wait_count, const cl_event *wait_list,
                                       cl_event *event, tombola_error *error)
{
    if (!sampler)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "sampler is NULL");
    if (process_check(error))
        return TOMBOLA_FORKED;
    struct flight *f;
    tombola_status status = check_queue(sampler, queue, error);
    if (!status)
        status = check_batch(sampler, batch, error);
    if (!status)
        status = check_draws(sampler, draws, batch->rows, error);
    if (!status)
        status = check_waits(wait_count, wait_list, error);
    if (!status)
        status = flight_take(sampler, &f, error);
    if (!status)
        status = params_convert(batch->params, batch->rows, f->host_params, error);
    if (status)
        return status;

    flight_start(sampler, f, batch->rows, queue);
    f->is_chained = 1;
    f->wait_count = wait_count;
    f->wait_list = wait_list;
    status = run(sampler, f, batch, draws, error);
    if (!status && event) {
        cl_int code = clRetainEvent(f->events[f->event_count - 1]);
        if (code == CL_SUCCESS)
            *event = f->events[f->event_count - 1];
        else
            status = fail_cl(error, "clRetainEvent", code);
    }
    /* What has been enqueued before a failure runs on, in memory of the flight, and may wait for events of the
     * caller's: so the flight stays taken until then, instead of this thread. */
    if (status && f->event_count == 0)
        flight_land(sampler, f, TOMBOLA_OK, NULL);
    return status;
}
