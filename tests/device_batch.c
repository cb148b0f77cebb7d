#include "device_batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "calls.h"
#include "entries.h"

cl_context opencl;
cl_command_queue queues[2];
const tombola_transfer transfers[2] = {TOMBOLA_TRANSFER_IN_PLACE, TOMBOLA_TRANSFER_STAGED};
tombola_error error;
static cl_mem probe_logits;

tombola_sampler *probe_sampler(tombola_transfer transfer)
{
    static const struct make like = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, PROBE_VOCABULARY};
    return make_sampler_that(context, &like, PROBE_ROWS, TOMBOLA_DISPATCH_AUTO, transfer);
}

tombola_cl_batch probe_batch(void)
{
    tombola_cl_batch batch = tombola_cl_batch_default();
    batch.logits = probe_logits;
    batch.row_stride = PROBE_STRIDE;
    batch.rows = PROBE_ROWS;
    batch.params = probe.params;
    return batch;
}

tombola_cl_draws to_host(tombola_draw *draws)
{
    tombola_cl_draws to = tombola_cl_draws_default();
    to.host = draws;
    return to;
}

tombola_cl_draws to_buffer(cl_mem buffer, size_t offset)
{
    tombola_cl_draws to = tombola_cl_draws_default();
    to.buffer = buffer;
    to.offset = offset;
    return to;
}

void enqueue(tombola_sampler *sampler, cl_command_queue queue, const tombola_cl_batch *batch, tombola_cl_draws draws,
             const cl_event *wait, cl_event *event)
{
    if (tombola_sampler_enqueue(sampler, queue, batch, &draws, wait ? 1 : 0, wait, event, &error))
        fail_msg("enqueue: %s", error.message);
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

void expect_probe(const tombola_draw *draws)
{
    assert_memory_equal(draws, probe.draws, sizeof probe.draws);
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
