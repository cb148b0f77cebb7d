/* How logits in host memory reach the kernels.
 *
 * In place: the caller's memory is wrapped as a buffer until the batch has landed. A wrapping is never kept for the
 * next batch: what the memory holds is settled when the buffer is made, and the caller may have written to it, or
 * given it back, since. Wrapped memory begins where the device wants buffers to, which may be before the rows; what
 * lies behind them stays out.
 *
 * Staged: parts of the batch go through slots of pinned memory, one being filled while the last is in transfer and
 * those before it decode. */
#include "sampler.h"

#include "context.h"
#include "error.h"

#include <string.h>

#define WORTH_CUTTING (512u * 1024u) /* bytes of a batch; a part less saves no more than its launch costs */

tombola_status transfer_in_place(tombola_sampler *s, struct flight *f, const struct row_batch *batch, cl_kernel kernel,
                                 tombola_error *error)
{
    size_t before = (uintptr_t)batch->logits % s->context->alignment;
    char *start = (char *)(uintptr_t)batch->logits - before; /* read only, whatever the call's type says */
    cl_int code;
    f->wrapped_logits = clCreateBuffer(s->context->cl, CL_MEM_READ_ONLY | CL_MEM_USE_HOST_PTR,
                                       before + batch_bytes(s, batch->rows, batch->row_stride), start, &code);
    if (code != CL_SUCCESS)
        return fail_cl(error, "clCreateBuffer for the logits", code);
    for (size_t row = 0; row < batch->rows; row++)
        f->host_params[row].place = before / tombola_type_size(s->options.type) + row * batch->row_stride;
    s->times.in_place_calls++;
    tombola_status status = batch_arguments(s, f, kernel, f->wrapped_logits, f->draws, 0, error);
    if (status)
        return status;
    return batch_launch(s, f, kernel, batch_dispatch(s, batch->rows), 0, batch->rows, error);
}

/* Rows of a part: what a slot holds, or half of the batch if that is less and pays. */
static size_t choose_part(const tombola_sampler *s, size_t rows)
{
    size_t half = (rows + 1) / 2;
    size_t most = rows * sampler_row_bytes(s) < WORTH_CUTTING ? rows : half;
    return most < s->slot_rows ? most : s->slot_rows;
}

/* Rows side by side. */
static void copy_rows(const tombola_sampler *s, char *to, const struct row_batch *batch, size_t first, size_t rows)
{
    size_t bytes = sampler_row_bytes(s), stride = batch->row_stride * tombola_type_size(s->options.type);
    const char *from = (const char *)batch->logits + first * stride;
    if (stride == bytes) {
        memcpy(to, from, rows * bytes);
        return;
    }
    for (size_t row = 0; row < rows; row++)
        memcpy(to + row * bytes, from + row * stride, bytes);
}

/* Through a slot, once what was in it has left. */
static tombola_status send(tombola_sampler *s, struct flight *f, const struct row_batch *batch, size_t first,
                           size_t rows, int slot, const cl_event *last_use, tombola_error *error)
{
    size_t bytes = sampler_row_bytes(s);
    char *staged = f->staged + (size_t)slot * s->slot_rows * bytes;
    cl_int code = last_use ? clWaitForEvents(1, last_use) : CL_SUCCESS;
    if (code != CL_SUCCESS)
        return fail_cl(error, "clWaitForEvents for a part of the logits", code);
    copy_rows(s, staged, batch, first, rows);
    s->times.bytes_uploaded += rows * bytes;
    code = clEnqueueWriteBuffer(s->transfers, f->logits, CL_FALSE, first * bytes, rows * bytes, staged, 0, NULL,
                                flight_event(f));
    if (code != CL_SUCCESS)
        return fail_cl(error, "clEnqueueWriteBuffer for the logits", code);
    flight_enqueued(f, WORK_UPLOAD);
    code = clFlush(s->transfers); /* a kernel in the other queue waits for it */
    return code == CL_SUCCESS ? TOMBOLA_OK : fail_cl(error, "clFlush", code);
}

tombola_status transfer_staged(tombola_sampler *s, struct flight *f, const struct row_batch *batch, cl_kernel kernel,
                               tombola_error *error)
{
    const cl_event *uses[SLOTS] = {NULL};
    for (size_t row = 0; row < batch->rows; row++)
        f->host_params[row].place = row * s->vocabulary;
    s->times.staged_calls++;
    tombola_status status = batch_arguments(s, f, kernel, f->logits, f->draws, 0, error);
    size_t part = choose_part(s, batch->rows);
    struct dispatch dispatch = batch_dispatch(s, part);
    int slot = 0;
    for (size_t first = 0; first < batch->rows && !status; first += part) {
        size_t rows = batch->rows - first < part ? batch->rows - first : part;
        cl_event *sent = flight_event(f);
        status = send(s, f, batch, first, rows, slot, uses[slot], error);
        if (status)
            break;
        uses[slot] = f->wait_list = sent;
        f->wait_count = 1;
        slot = (slot + 1) % SLOTS;
        status = batch_launch(s, f, kernel, dispatch, first, rows, error);
        cl_int code = clFlush(s->queue);
        if (!status && code != CL_SUCCESS)
            status = fail_cl(error, "clFlush", code);
    }
    return status;
}
