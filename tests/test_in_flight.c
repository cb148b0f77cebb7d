/* As many batches in flight as a sampler's options say, and no more; a call that is refused has not waited. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "entries.h"
#include "expect.h"
#include "flights.h"

enum { PATIENCE = 60 }; /* seconds until the program ends that waits where it must not */

/* Number i of `count` in an order: forwards, backwards, or from both ends by turns. */
static size_t in_order(int order, size_t i, size_t count)
{
    return order == 0 ? i : order == 1 ? count - 1 - i : i % 2 ? count - 1 - i / 2 : i / 2;
}

static void as_many_submitted_batches_fly_as_the_options_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < FLIGHT_SIZES * 9; i++) {
        const uint32_t room = room_of(flight_sizes[i / 9]);
        const int order = (int)(i % 3);
        tombola_sampler *sampler = make_flying(flight_sizes[i / 9], (tombola_transfer)(i / 3 % 3));
        for (size_t n = 0; n < room; n++)
            flight_submit(sampler, n);
        expect_full(sampler, room);
        expect_refusals(sampler);
        const size_t last = in_order(order, 0, room);
        flight_land(sampler, last);
        flight_submit(sampler, last); /* in the place that has become free */
        expect_full(sampler, room);
        for (size_t n = 0; n < room; n++)
            flight_land(sampler, in_order(order, n, room));
        assert_true(probe_passes(&probe, sampler));
        tombola_sampler_release(sampler);
    }
}

/* Number `number` on a queue of the caller's, after an event. */
static void enqueue_after(tombola_sampler *sampler, size_t number, cl_event begin)
{
    struct flight *flight = flight_prepare(number);
    tombola_rows rows = probe_batch();
    rows.count = flight->rows;
    rows.params += flight->first;
    rows.logits.offset = flight->first * PROBE_STRIDE;
    enqueue(sampler, queues[number % 2], &rows, columns_results(&flight->columns), &begin, &flight->event);
}

/* Each waits for an event that this thread sets when it has seen all the others refused: nothing may wait before. */
static void enqueued_batches_are_not_waited_for(void **state)
{
    (void)state;
    if (!entry_can_wait(context))
        skip();
    for (size_t i = 0; i < FLIGHT_SIZES * 3; i++) {
        const uint32_t room = room_of(flight_sizes[i / 3]);
        tombola_sampler *sampler = make_flying(flight_sizes[i / 3], (tombola_transfer)(i % 3));
        cl_event begin = entry_event(context);
        alarm(PATIENCE);
        for (size_t n = 0; n < room; n++)
            enqueue_after(sampler, n, begin);
        expect_full(sampler, room);
        expect_refusals(sampler);
        for (size_t n = 0; n < room; n++)
            assert_less(CL_COMPLETE, status_of(flights[n].event));
        assert_int_equal(clSetUserEventStatus(begin, CL_COMPLETE), CL_SUCCESS);
        settle(flights[0].event);
        flight_submit(sampler, MOST); /* in the place of one that has completed, with nobody waiting for it */
        flight_land(sampler, MOST);
        for (size_t n = 0; n < room; n++) {
            if (n > 0)
                settle(flights[n].event);
            expect_flight(&flights[n]);
        }
        alarm(0);
        clReleaseEvent(begin);
        tombola_sampler_release(sampler);
    }
}

static void submitted_and_enqueued_batches_share_the_places(void **state)
{
    (void)state;
    if (!entry_can_wait(context))
        skip();
    for (int transfer = 0; transfer < 3; transfer++) {
        enum { ROOM = 5 };
        tombola_sampler *sampler = make_flying(ROOM, (tombola_transfer)transfer);
        cl_event begin = entry_event(context);
        alarm(PATIENCE);
        for (size_t n = 0; n < 2; n++)
            enqueue_after(sampler, n, begin);
        for (size_t n = 2; n < ROOM; n++)
            flight_submit(sampler, n);
        expect_full(sampler, ROOM);
        flight_land(sampler, 3);
        assert_true(probe_passes(&probe, sampler));
        int steps = 0;
        assert_int_equal(flight_generate(sampler, &steps), TOMBOLA_OK);
        assert_int_equal(steps, 1);
        enqueue_after(sampler, 3, begin);
        expect_full(sampler, ROOM);
        flight_land(sampler, 4);
        flight_land(sampler, 2);
        clSetUserEventStatus(begin, CL_COMPLETE);
        clReleaseEvent(begin);
        static const size_t enqueued[] = {3, 0, 1};
        for (size_t i = 0; i < COUNT_OF(enqueued); i++) {
            settle(flights[enqueued[i]].event);
            expect_flight(&flights[enqueued[i]]);
        }
        alarm(0);
        tombola_sampler_release(sampler);
    }
}

/* Batches begun and ended in random order, with whole calls between them. */
static void every_batch_is_right_whenever_it_is_waited_for(void **state)
{
    (void)state;
    enum { ROOM = 5 };
    uint64_t random = 20251126;
    printf("seed %" PRIu64 "\n", random);
    for (int transfer = 0; transfer < 3; transfer++) {
        tombola_sampler *sampler = make_flying(ROOM, (tombola_transfer)transfer);
        int flying[MOST] = {0};
        size_t count = 0;
        for (size_t turn = 0; turn < (test_level() == TEST_SMALL ? 30 : 1000); turn++) {
            const size_t n = random_below(&random, MOST);
            if (flying[n]) {
                int is_done = random_below(&random, 2) ? 77 : 0;
                if (is_done)
                    assert_int_equal(tombola_sampler_poll(sampler, flights[n].ticket, &is_done, NULL), TOMBOLA_OK);
                flight_land(sampler, n);
                flying[n] = 0;
                count--;
            } else if (count < ROOM) {
                flight_submit(sampler, n);
                flying[n] = 1;
                count++;
            } else {
                expect_full(sampler, ROOM);
            }
            if (count < ROOM && turn % 7 == 0)
                assert_true(probe_passes(&probe, sampler));
        }
        for (size_t n = 0; n < MOST; n++)
            if (flying[n])
                flight_land(sampler, n);
        tombola_sampler_release(sampler);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_submitted_batches_fly_as_the_options_say),
        cmocka_unit_test(enqueued_batches_are_not_waited_for),
        cmocka_unit_test(submitted_and_enqueued_batches_share_the_places),
        cmocka_unit_test(every_batch_is_right_whenever_it_is_waited_for),
    };
    return cmocka_run_group_tests(tests, open_queues, close_queues);
}
