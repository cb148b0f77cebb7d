#include "entries.h"

#include <stdlib.h>
#include <string.h>

#include "harness.h"

#define BEFORE 3 /* elements, and words, that lie before what is asked for */

void entry_succeed(cl_int code, const char *what)
{
    if (code != CL_SUCCESS)
        die("%s: OpenCL error %d", what, (int)code);
}

cl_command_queue entry_queue(tombola_context *context, int out_of_order)
{
    cl_device_id device = tombola_context_cl_device(context);
    cl_command_queue_properties able = 0;
    cl_int code;
    clGetDeviceInfo(device, CL_DEVICE_QUEUE_PROPERTIES, sizeof able, &able, NULL);
    cl_command_queue queue =
        clCreateCommandQueue(tombola_context_cl_context(context), device,
                             out_of_order ? able & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE : 0, &code);
    entry_succeed(code, "clCreateCommandQueue");
    return queue;
}

int entry_can_wait(tombola_context *context)
{
    return !strstr(tombola_context_device(context)->name, "Oclgrind");
}

cl_event entry_event(tombola_context *context)
{
    cl_int code;
    cl_event event = clCreateUserEvent(tombola_context_cl_context(context), &code);
    entry_succeed(code, "clCreateUserEvent");
    if (!entry_can_wait(context))
        entry_succeed(clSetUserEventStatus(event, CL_COMPLETE), "clSetUserEventStatus");
    return event;
}

cl_mem entry_buffer(tombola_context *context, size_t bytes, const void *from)
{
    cl_int code;
    cl_mem buffer =
        clCreateBuffer(tombola_context_cl_context(context), CL_MEM_READ_WRITE | (from ? CL_MEM_COPY_HOST_PTR : 0),
                       bytes, (void *)(uintptr_t)from, &code);
    entry_succeed(code, "clCreateBuffer");
    return buffer;
}

static void expect_ok(tombola_status status, const char *what, const tombola_error *error)
{
    if (status != TOMBOLA_OK)
        die("%s: %s", what, error->message);
}

static void submit(tombola_sampler *sampler, size_t row_bytes, const void *logits, size_t rows, size_t row_stride,
                   const tombola_params *params, tombola_draw *draws)
{
    tombola_error error;
    tombola_ticket first, second = 0;
    size_t half = (rows + 1) / 2;
    expect_ok(tombola_sampler_submit(sampler, logits, half, row_stride, params, &first, &error), "submit", &error);
    if (rows > half) {
        const char *rest = (const char *)logits + half * row_bytes;
        expect_ok(tombola_sampler_submit(sampler, rest, rows - half, row_stride, params + half, &second, &error),
                  "submit beside another", &error);
        expect_ok(tombola_sampler_wait(sampler, second, draws + half, &error), "wait for the second", &error);
    }
    expect_ok(tombola_sampler_wait(sampler, first, draws, &error), "wait", &error);
}

/* A buffer with BEFORE elements of NaN, then the rows, the last one first. */
static cl_mem reversed(tombola_context *context, size_t size, const void *logits, size_t rows, size_t row_bytes)
{
    char *copy = allocate(BEFORE * size + rows * row_bytes, 1);
    memset(copy, 0xFF, BEFORE * size);
    for (size_t row = 0; row < rows; row++)
        memcpy(copy + BEFORE * size + (rows - 1 - row) * row_bytes, (const char *)logits + row * row_bytes, row_bytes);
    cl_mem buffer = entry_buffer(context, BEFORE * size + rows * row_bytes, copy);
    free(copy);
    return buffer;
}

static void enqueue(tombola_context *context, tombola_sampler *sampler, int out_of_order, cl_mem logits, size_t rows,
                    size_t row_stride, const tombola_params *params, tombola_draw *draws)
{
    tombola_error error;
    tombola_cl_batch batch = tombola_cl_batch_default();
    tombola_cl_draws to = tombola_cl_draws_default();
    cl_command_queue queue = entry_queue(context, out_of_order);
    uint32_t *indices = allocate(rows, sizeof *indices);
    cl_mem buffer = entry_buffer(context, (BEFORE + 4 * rows) * sizeof(cl_uint), NULL);
    cl_event begun = entry_event(context), done;
    cl_int code;
    for (size_t row = 0; row < rows; row++)
        indices[row] = (uint32_t)(rows - 1 - row);
    batch.logits = logits;
    batch.offset = BEFORE;
    batch.row_stride = row_stride;
    batch.rows = rows;
    batch.row_indices = indices;
    batch.params = params;
    if (out_of_order) {
        to.buffer = buffer;
        to.offset = BEFORE * sizeof(cl_uint);
    } else {
        to.host = draws;
    }
    expect_ok(tombola_sampler_enqueue(sampler, queue, &batch, &to, out_of_order ? 1 : 0, out_of_order ? &begun : NULL,
                                      &done, &error),
              "enqueue", &error);
    memset(indices, 0xFF, rows * sizeof *indices); /* theirs no more */
    clSetUserEventStatus(begun, CL_COMPLETE);
    if (out_of_order)
        code = clEnqueueReadBuffer(queue, buffer, CL_TRUE, to.offset, rows * sizeof *draws, draws, 1, &done, NULL);
    else
        code = clWaitForEvents(1, &done);
    entry_succeed(code, "waiting for the draws");
    clReleaseEvent(begun);
    clReleaseEvent(done);
    clReleaseMemObject(buffer);
    clReleaseCommandQueue(queue);
    free(indices);
}

void entry_draw(enum entry entry, tombola_context *context, tombola_sampler *sampler, tombola_type type,
                const void *logits, size_t rows, size_t row_stride, const tombola_params *params, tombola_draw *draws)
{
    size_t size = tombola_type_size(type), row_bytes = row_stride * size;
    tombola_error error;
    cl_mem buffer;
    switch (entry) {
    case ENTRY_SUBMIT:
        submit(sampler, row_bytes, logits, rows, row_stride, params, draws);
        break;
    case ENTRY_BUFFER:
    case ENTRY_OUT_OF_ORDER:
        buffer = reversed(context, size, logits, rows, row_bytes);
        enqueue(context, sampler, entry == ENTRY_OUT_OF_ORDER, buffer, rows, row_stride, params, draws);
        clReleaseMemObject(buffer);
        break;
    default:
        expect_ok(tombola_sampler_sample(sampler, logits, rows, row_stride, params, draws, &error), "sample", &error);
    }
}
