#include "device_batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "entries.h"

cl_context opencl;
cl_command_queue queues[2];
const tombola_transfer transfers[2] = {TOMBOLA_TRANSFER_IN_PLACE, TOMBOLA_TRANSFER_STAGED};
tombola_error error = {.struct_size = sizeof(tombola_error)};
static cl_mem probe_logits;

tombola_rows probe_batch(void)
{
    tombola_rows rows = host_rows(NULL, PROBE_ROWS, PROBE_STRIDE, probe.params);
    rows.logits.buffer = probe_logits;
    return rows;
}

tombola_results to_buffer(cl_mem buffer, size_t offset)
{
    tombola_results results = tombola_results_default();
    results.tokens.buffer = results.status.buffer = results.kept.buffer = buffer;
    results.tokens.offset = offset;
    results.status.offset = offset + PROBE_ROWS;
    results.kept.offset = offset + 2 * PROBE_ROWS;
    return results;
}

void read_columns(cl_mem buffer, struct columns *columns)
{
    void *const to[] = {columns->tokens, columns->status, columns->kept};
    const size_t bytes = PROBE_ROWS * sizeof(cl_uint);
    for (size_t i = 0; i < COUNT_OF(to); i++)
        assert_int_equal(clEnqueueReadBuffer(queues[0], buffer, CL_TRUE, i * bytes, bytes, to[i], 0, NULL, NULL),
                         CL_SUCCESS);
}

void enqueue(tombola_sampler *sampler, cl_command_queue queue, const tombola_rows *rows, tombola_results results,
             const cl_event *wait, cl_event *event)
{
    if (tombola_sampler_enqueue(sampler, queue, rows, &results, wait ? 1 : 0, wait, event, &error))
        fail_msg("enqueue: %s", error.message);
}

tombola_status call_as(enum call call, tombola_sampler *sampler, const tombola_rows *rows,
                       const tombola_results *results)
{
    tombola_ticket ticket;
    cl_event event;
    tombola_status status = TOMBOLA_OK;
    switch (call) {
    case CALL_SUBMIT:
        status = tombola_sampler_submit(sampler, rows, results, &ticket, &error);
        return status ? status : tombola_sampler_wait(sampler, ticket, &error);
    case CALL_ENQUEUE:
    case CALL_ENQUEUE_OUT_OF_ORDER:
        status = tombola_sampler_enqueue(sampler, queues[call == CALL_ENQUEUE_OUT_OF_ORDER], rows, results, 0, NULL,
                                         &event, &error);
        if (!status)
            settle(event);
        return status;
    default:
        return tombola_sampler_sample(sampler, rows, results, &error);
    }
}

void settle(cl_event event)
{
    assert_int_equal(clWaitForEvents(1, &event), CL_SUCCESS);
    clReleaseEvent(event);
}

cl_int status_of(cl_event event)
{
    cl_int status = 0;
    assert_int_equal(clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, NULL),
                     CL_SUCCESS);
    return status;
}

void expect_probe(const struct columns *columns)
{
    struct draw draws[PROBE_ROWS];
    columns_draws(columns, PROBE_ROWS, draws);
    assert_memory_equal(draws, probe.draws, sizeof draws);
}

int open_queues(void **state)
{
    open_and_probe(state);
    opencl = tombola_context_cl_context(context);
    queues[0] = entry_queue(context, 0);
    queues[1] = entry_queue(context, 1);
    probe_logits = entry_buffer(context, sizeof probe.logits, probe.logits);
    return 0;
}

int close_queues(void **state)
{
    clReleaseMemObject(probe_logits);
    clReleaseCommandQueue(queues[0]);
    clReleaseCommandQueue(queues[1]);
    return close_context(state);
}
