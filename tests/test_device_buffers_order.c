/* Logits that lie in OpenCL buffers: what batches wait for, and what they need not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "device_batch.h"
#include "entries.h"
#include "expect.h"

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
        tombola_rows batch = probe_batch();
        struct columns columns;
        cl_event begin = entry_event(context), written, done;
        batch.logits.buffer = logits;
        assert_int_equal(
            clEnqueueWriteBuffer(writer, logits, CL_FALSE, 0, sizeof probe.logits, probe.logits, 1, &begin, &written),
            CL_SUCCESS);
        clFlush(writer);
        enqueue(sampler, queues[i % 2], &batch, columns_results(&columns), &written, &done);
        assert_less(CL_COMPLETE, status_of(done));
        assert_int_equal(clSetUserEventStatus(begin, CL_COMPLETE), CL_SUCCESS);
        settle(done);
        expect_probe(&columns);
        clReleaseEvent(begin);
        clReleaseEvent(written);
        clReleaseCommandQueue(writer);
        clReleaseMemObject(logits);
        tombola_sampler_release(sampler);
    }
}

/* Each takes the place of the one before the last, which has completed by then: nothing waits, and nothing is BUSY. */
static void a_batch_takes_the_place_of_one_that_has_completed(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(transfers) * COUNT_OF(queues); i++) {
        tombola_sampler *sampler = probe_sampler(transfers[i / 2]);
        static struct columns columns[12];
        cl_event events[12];
        memset(columns, 0xFF, sizeof columns);
        for (size_t turn = 0; turn < COUNT_OF(columns); turn++) {
            tombola_rows batch = probe_batch();
            if (turn >= 2)
                settle(events[turn - 2]);
            enqueue(sampler, queues[i % 2], &batch, columns_results(&columns[turn]), NULL, &events[turn]);
        }
        settle(events[10]);
        settle(events[11]);
        for (size_t turn = 0; turn < COUNT_OF(columns); turn++)
            expect_probe(&columns[turn]);
        tombola_sampler_release(sampler);
    }
}

/* The first two wait for an event that this thread has yet to set: a third call that waited would do so for ever. */
static void a_third_batch_is_busy_until_one_has_completed(void **state)
{
    (void)state;
    if (!entry_can_wait(context))
        skip();
    for (size_t i = 0; i < COUNT_OF(transfers) * COUNT_OF(queues); i++) {
        tombola_sampler *sampler = probe_sampler(transfers[i / 2]);
        static struct columns columns[3];
        const tombola_rows batch = probe_batch();
        const tombola_results third = columns_results(&columns[2]);
        cl_event begin = entry_event(context), events[2], late = NULL;
        memset(columns, 0xFF, sizeof columns);
        for (int turn = 0; turn < 2; turn++)
            enqueue(sampler, queues[i % 2], &batch, columns_results(&columns[turn]), &begin, &events[turn]);
        assert_int_equal(tombola_sampler_enqueue(sampler, queues[i % 2], &batch, &third, 0, NULL, &late, &error),
                         TOMBOLA_BUSY);
        assert_string_equal(error.message, "2 batches are in flight: wait for one of them first");
        assert_null(late);
        assert_less(CL_COMPLETE, status_of(events[0]));
        assert_less(CL_COMPLETE, status_of(events[1]));
        clSetUserEventStatus(begin, CL_COMPLETE);
        settle(events[0]);
        enqueue(sampler, queues[i % 2], &batch, third, NULL, &late);
        settle(events[1]);
        settle(late);
        for (int turn = 0; turn < 3; turn++)
            expect_probe(&columns[turn]);
        clReleaseEvent(begin);
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
    tombola_rows batch = probe_batch();
    struct columns held_up, columns;
    cl_event begin = entry_event(context), late, done;
    enqueue(sampler, queues[0], &batch, columns_results(&held_up), &begin, &late);
    enqueue(sampler, other, &batch, columns_results(&columns), NULL, &done);
    settle(done);
    expect_probe(&columns);
    assert_less(CL_COMPLETE, status_of(late));
    clSetUserEventStatus(begin, CL_COMPLETE);
    settle(late);
    expect_probe(&held_up);
    clReleaseEvent(begin);
    clReleaseCommandQueue(other);
    tombola_sampler_release(sampler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_waits_for_its_events),
        cmocka_unit_test(a_batch_takes_the_place_of_one_that_has_completed),
        cmocka_unit_test(a_third_batch_is_busy_until_one_has_completed),
        cmocka_unit_test(one_batch_need_not_wait_for_another_queue_s),
    };
    return cmocka_run_group_tests(tests, open_queues, close_queues);
}
