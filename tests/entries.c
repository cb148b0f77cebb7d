#include "entries.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "expect.h"
#include "harness.h"

#define BEFORE 3 /* elements, and words, that lie before what is asked for */

void entry_succeed(cl_int code, const char *what)
{
    if (code != CL_SUCCESS)
        fail_msg("%s: OpenCL error %d", what, (int)code);
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
    return !strstr(device_of(context).name, "Oclgrind");
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
        fail_msg("%s: %s", what, error->message);
}

static void submit(tombola_sampler *sampler, size_t row_bytes, const tombola_rows *rows, const tombola_results *results)
{
    tombola_error error = tombola_error_default();
    tombola_ticket first, second = 0;
    tombola_rows half = *rows;
    half.count = (rows->count + 1) / 2;
    expect_ok(tombola_sampler_submit(sampler, &half, results, &first, &error), "submit", &error);
    if (rows->count > half.count) {
        tombola_rows rest = *rows;
        tombola_results behind = *results;
        rest.count = rows->count - half.count;
        rest.logits.host = (const char *)rows->logits.host + half.count * row_bytes;
        rest.params = rows->params + half.count;
        behind.tokens.host += half.count;
        behind.status.host += half.count;
        behind.kept.host += half.count;
        expect_ok(tombola_sampler_submit(sampler, &rest, &behind, &second, &error), "submit beside another", &error);
        expect_ok(tombola_sampler_wait(sampler, second, &error), "wait for the second", &error);
    }
    expect_ok(tombola_sampler_wait(sampler, first, &error), "wait", &error);
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

/* As columns in a buffer, one after another with a gap between them; read back once the event has completed. */
static void enqueue_to_buffer(tombola_context *context, tombola_sampler *sampler, cl_command_queue queue,
                              tombola_rows rows, uint32_t *indices, const tombola_results *results)
{
    tombola_error error = tombola_error_default();
    size_t bytes = rows.count * sizeof(cl_uint);
    cl_mem buffer = entry_buffer(context, 3 * (BEFORE * sizeof(cl_uint) + bytes), NULL);
    cl_event begun = entry_event(context), done;
    rows.indices = indices;
    tombola_results to = tombola_results_default();
    to.tokens.buffer = to.status.buffer = to.kept.buffer = buffer;
    to.tokens.offset = BEFORE;
    to.status.offset = to.tokens.offset + rows.count + BEFORE;
    to.kept.offset = to.status.offset + rows.count + BEFORE;
    expect_ok(tombola_sampler_enqueue(sampler, queue, &rows, &to, 1, &begun, &done, &error), "enqueue", &error);
    memset(indices, 0xFF, rows.count * sizeof *indices); /* theirs no more */
    clSetUserEventStatus(begun, CL_COMPLETE);
    const struct {
        size_t offset;
        void *host;
    } columns[] = {{to.tokens.offset, results->tokens.host},
                   {to.status.offset, results->status.host},
                   {to.kept.offset, results->kept.host}};
    for (size_t i = 0; i < COUNT_OF(columns); i++)
        entry_succeed(clEnqueueReadBuffer(queue, buffer, CL_TRUE, columns[i].offset * sizeof(cl_uint), bytes,
                                          columns[i].host, 1, &done, NULL),
                      "reading a column");
    clReleaseEvent(begun);
    clReleaseEvent(done);
    clReleaseMemObject(buffer);
}

static void enqueue_to_host(tombola_sampler *sampler, cl_command_queue queue, tombola_rows rows, uint32_t *indices,
                            const tombola_results *results)
{
    tombola_error error = tombola_error_default();
    cl_event done;
    rows.indices = indices;
    expect_ok(tombola_sampler_enqueue(sampler, queue, &rows, results, 0, NULL, &done, &error), "enqueue", &error);
    memset(indices, 0xFF, rows.count * sizeof *indices);
    entry_succeed(clWaitForEvents(1, &done), "waiting for the draws");
    clReleaseEvent(done);
}

static void enqueue(tombola_context *context, tombola_sampler *sampler, int out_of_order, cl_mem logits,
                    const tombola_rows *rows, const tombola_results *results)
{
    cl_command_queue queue = entry_queue(context, out_of_order);
    uint32_t *indices = allocate(rows->count, sizeof *indices);
    tombola_rows from = *rows;
    for (size_t row = 0; row < rows->count; row++)
        indices[row] = (uint32_t)(rows->count - 1 - row);
    from.logits.host = NULL;
    from.logits.buffer = logits;
    from.logits.offset = BEFORE;
    if (out_of_order)
        enqueue_to_buffer(context, sampler, queue, from, indices, results);
    else
        enqueue_to_host(sampler, queue, from, indices, results);
    clReleaseCommandQueue(queue);
    free(indices);
}

void entry_draw(enum entry entry, tombola_context *context, tombola_sampler *sampler, tombola_type type,
                const void *logits, size_t rows, size_t row_stride, const tombola_params *params, struct draw *draws)
{
    size_t size = tombola_type_size(type), row_bytes = row_stride * size;
    tombola_error error = tombola_error_default();
    const tombola_rows from = host_rows(logits, rows, row_stride, params);
    tombola_results to = tombola_results_default();
    to.tokens.host = allocate(rows, sizeof(int32_t));
    to.status.host = allocate(rows, sizeof(int32_t));
    to.kept.host = allocate(rows, sizeof(uint32_t));
    cl_mem buffer;
    switch (entry) {
    case ENTRY_SUBMIT:
        submit(sampler, row_bytes, &from, &to);
        break;
    case ENTRY_BUFFER:
    case ENTRY_OUT_OF_ORDER:
        buffer = reversed(context, size, logits, rows, row_bytes);
        enqueue(context, sampler, entry == ENTRY_OUT_OF_ORDER, buffer, &from, &to);
        clReleaseMemObject(buffer);
        break;
    default:
        expect_ok(tombola_sampler_sample(sampler, &from, &to, &error), "sample", &error);
    }
    for (size_t row = 0; row < rows; row++)
        draws[row] = (struct draw){to.tokens.host[row], to.status.host[row], to.kept.host[row]};
    free(to.tokens.host);
    free(to.status.host);
    free(to.kept.host);
}
