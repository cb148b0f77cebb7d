/* Logits that lie in OpenCL buffers: what batches wait for, and what they need not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "device_batch.h"
#include "entries.h"

/* The logits are written only once the batch has been enqueued. */
static void a_batch_waits_for_its_events(void **state)
{
    (void)state;
    if (!entry_can_wait(context))
        skip();
    for (size_t i = 0; i < COUNT_OF(transfers) * COUNT_OF(queues); i++) {
        tombola_sampler *sampler = probe_sampler(transfers[i / 2]);
        cl_mem logits = entry_buffer(context, sizeof probe.logits, NULL);
        cl_command_queue writer = entry_queue(context, 0);
        tombola_cl_batch batch = probe_batch();
        tombola_draw draws[PROBE_ROWS];
        cl_event begin = entry_event(context), written, done;
        batch.logits = logits;
        assert_int_equal(
            clEnqueueWriteBuffer(writer, logits, CL_FALSE, 0, sizeof probe.logits, probe.logits, 1, &begin, &written),
            CL_SUCCESS);
        clFlush(writer);
        enqueue(sampler, queues[i % 2], &batch, to_host(draws), &written, &done);
        assert_true(status_of(done) > CL_COMPLETE);
        assert_int_equal(clSetUserEventStatus(begin, CL_COMPLETE), CL_SUCCESS);
        settle(done);
        expect_probe(draws);
        clReleaseEvent(begin);
        clReleaseEvent(written);
        clReleaseCommandQueue(writer);
        clReleaseMemObject(logits);
        tombola_sampler_release(sampler);
    }
}

static void a_third_batch_waits_for_the_first(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(transfers) * COUNT_OF(queues); i++) {
        tombola_sampler *sampler = probe_sampler(transfers[i / 2]);
        tombola_draw draws[12][PROBE_ROWS];
        cl_event events[12];
        for (size_t turn = 0; turn < COUNT_OF(draws); turn++) {
            tombola_cl_batch batch = probe_batch();
            enqueue(sampler, queues[i % 2], &batch, to_host(draws[turn]), NULL, &events[turn]);
            if (turn >= 2)
                assert_true(status_of(events[turn - 2]) == CL_COMPLETE);
        }
        for (size_t turn = 0; turn < COUNT_OF(draws); turn++) {
            settle(events[turn]);
            expect_probe(draws[turn]);
        }
        tombola_sampler_release(sampler);
    }
}

static void one_batch_need_not_wait_for_another_queue_s(void **state)
{
    (void)state;
    if (!entry_can_wait(context))
        skip();
    tombola_sampler *sampler = probe_sampler(TOMBOLA_TRANSFER_AUTO);
    cl_command_queue other = entry_queue(context, 0);
    tombola_cl_batch batch = probe_batch();
    tombola_draw held_up[PROBE_ROWS], draws[PROBE_ROWS];
    cl_event begin = entry_event(context), late, done;
    enqueue(sampler, queues[0], &batch, to_host(held_up), &begin, &late);
    enqueue(sampler, other, &batch, to_host(draws), NULL, &done);
    settle(done);
    expect_probe(draws);
    assert_true(status_of(late) > CL_COMPLETE);
    clSetUserEventStatus(begin, CL_COMPLETE);
    settle(late);
    expect_probe(held_up);
    clReleaseEvent(begin);
    clReleaseCommandQueue(other);
    tombola_sampler_release(sampler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_waits_for_its_events),
        cmocka_unit_test(a_third_batch_waits_for_the_first),
        cmocka_unit_test(one_batch_need_not_wait_for_another_queue_s),
    };
    return cmocka_run_group_tests(tests, open_queues, close_queues);
}
