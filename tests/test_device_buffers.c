/* Logits that lie in OpenCL buffers, drawn from on the caller's queue: results. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "device_batch.h"
#include "entries.h"

static void a_batch_in_a_buffer_gives_the_right_draws(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(transfers) * COUNT_OF(queues); i++) {
        tombola_sampler *sampler = probe_sampler(transfers[i / 2]);
        tombola_cl_batch batch = probe_batch();
        tombola_draw draws[PROBE_ROWS];
        cl_event event;
        enqueue(sampler, queues[i % 2], &batch, to_host(draws), NULL, &event);
        settle(event);
        expect_probe(draws);
        memset(draws, 0xFF, sizeof draws);
        enqueue(sampler, queues[i % 2], &batch, to_host(draws), NULL, NULL);
        assert_int_equal(clFinish(queues[i % 2]), CL_SUCCESS);
        expect_probe(draws);
        tombola_sampler_release(sampler);
    }
}

static void rows_are_taken_by_their_indices_in_any_order_and_twice(void **state)
{
    (void)state;
    static const uint32_t indices[][PROBE_ROWS] = {{3, 1, 2, 0}, {2, 2, 2, 2}, {0, 3, 3, 1}};
    tombola_sampler *sampler = probe_sampler(TOMBOLA_TRANSFER_AUTO);
    for (size_t i = 0; i < COUNT_OF(indices); i++) {
        tombola_cl_batch batch = probe_batch();
        tombola_params params[PROBE_ROWS];
        tombola_draw draws[PROBE_ROWS];
        cl_event event;
        for (size_t row = 0; row < PROBE_ROWS; row++)
            params[row] = probe.params[indices[i][row]];
        batch.row_indices = indices[i];
        batch.params = params;
        enqueue(sampler, queues[0], &batch, to_host(draws), NULL, &event);
        settle(event);
        for (size_t row = 0; row < PROBE_ROWS; row++)
            assert_memory_equal(&draws[row], &probe.draws[indices[i][row]], sizeof *draws);
    }
    tombola_sampler_release(sampler);
}

/* Of 16-bit elements too, where a row may begin inside a word. */
static void rows_begin_at_their_offset(void **state)
{
    (void)state;
    for (int type = 0; type < (test_level() == TEST_SMALL ? 1 : 3); type++) {
        struct probe other;
        probe_make(&other, (tombola_type)type);
        const struct make make = {(tombola_type)type, TOMBOLA_LOGITS, PROBE_VOCABULARY};
        size_t size = tombola_type_size(make.type);
        tombola_sampler *sampler = make_sampler(context, &make, PROBE_ROWS, TOMBOLA_DISPATCH_AUTO);
        for (size_t offset = 1; offset < 40; offset += 6) {
            size_t bytes = ((PROBE_ROWS - 1) * PROBE_STRIDE + PROBE_VOCABULARY) * size;
            char *copy = allocate(offset * size + bytes, 1);
            memset(copy, 0xFF, offset * size);
            memcpy(copy + offset * size, other.logits, bytes);
            tombola_cl_batch batch = probe_batch();
            tombola_draw draws[PROBE_ROWS];
            cl_event event;
            batch.logits = entry_buffer(context, offset * size + bytes, copy); /* ends with the last logit */
            batch.offset = offset;
            batch.params = other.params;
            enqueue(sampler, queues[0], &batch, to_host(draws), NULL, &event);
            settle(event);
            assert_memory_equal(draws, other.draws, sizeof draws);
            clReleaseMemObject(batch.logits);
            free(copy);
        }
        tombola_sampler_release(sampler);
    }
}

static void draws_in_a_buffer_touch_nothing_beside_them(void **state)
{
    (void)state;
    enum { ROOM = sizeof probe.draws + 64 };
    unsigned char before[ROOM], after[ROOM];
    memset(before, 0x5A, sizeof before);
    tombola_sampler *sampler = probe_sampler(TOMBOLA_TRANSFER_AUTO);
    for (size_t offset = 0; offset <= 64; offset += 4) {
        tombola_cl_batch batch = probe_batch();
        cl_mem buffer = entry_buffer(context, sizeof before, before);
        cl_command_queue queue = queues[offset / 4 % 2];
        cl_event event;
        enqueue(sampler, queue, &batch, to_buffer(buffer, offset), NULL, &event);
        assert_int_equal(clEnqueueReadBuffer(queue, buffer, CL_TRUE, 0, sizeof after, after, 1, &event, NULL),
                         CL_SUCCESS);
        assert_memory_equal(after, before, offset);
        assert_memory_equal(after + offset, probe.draws, sizeof probe.draws);
        assert_memory_equal(after + offset + sizeof probe.draws, before, 64 - offset);
        clReleaseEvent(event);
        clReleaseMemObject(buffer);
    }
    tombola_sampler_release(sampler);
}

static void batches_in_host_memory_and_in_buffers_go_side_by_side(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(transfers); i++) {
        tombola_sampler *sampler = probe_sampler(transfers[i]);
        tombola_cl_batch batch = probe_batch();
        tombola_draw first[PROBE_ROWS], second[PROBE_ROWS], draws[PROBE_ROWS];
        const tombola_cl_draws refused = to_host(draws);
        tombola_ticket tickets[2];
        enqueue(sampler, queues[0], &batch, to_host(first), NULL, NULL);
        enqueue(sampler, queues[1], &batch, to_host(second), NULL, NULL);
        assert_true(probe_passes(&probe, sampler)); /* takes the room of the first */
        for (int n = 0; n < 2; n++)
            assert_int_equal(tombola_sampler_submit(sampler, probe.logits, PROBE_ROWS, PROBE_STRIDE, probe.params,
                                                    &tickets[n], NULL),
                             TOMBOLA_OK);
        assert_int_equal(tombola_sampler_enqueue(sampler, queues[0], &batch, &refused, 0, NULL, NULL, &error),
                         TOMBOLA_INVALID_ARGUMENT);
        assert_string_equal(error.message, "2 batches are in flight: wait for one of them first");
        for (int n = 0; n < 2; n++) {
            assert_int_equal(tombola_sampler_wait(sampler, tickets[n], draws, NULL), TOMBOLA_OK);
            expect_probe(draws);
        }
        clFinish(queues[0]);
        clFinish(queues[1]);
        expect_probe(first);
        expect_probe(second);
        tombola_times times;
        tombola_sampler_times(sampler, &times);
        assert_true(times.calls == 5 && times.device_calls == 2);
        assert_true(times.in_place_calls == (i ? 0 : 3) && times.staged_calls == (i ? 3 : 0));
        tombola_sampler_release(sampler);
    }
}

static void an_enqueued_batch_has_no_ticket(void **state)
{
    (void)state;
    tombola_sampler *sampler = probe_sampler(TOMBOLA_TRANSFER_AUTO);
    tombola_cl_batch batch = probe_batch();
    tombola_draw draws[PROBE_ROWS], waited[PROBE_ROWS];
    enqueue(sampler, queues[0], &batch, to_host(draws), NULL, NULL);
    for (tombola_ticket ticket = 0; ticket < 4; ticket++)
        assert_int_equal(tombola_sampler_wait(sampler, ticket, waited, NULL), TOMBOLA_INVALID_ARGUMENT);
    tombola_sampler_release(sampler); /* waits for it */
    expect_probe(draws);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_in_a_buffer_gives_the_right_draws),
        cmocka_unit_test(rows_are_taken_by_their_indices_in_any_order_and_twice),
        cmocka_unit_test(rows_begin_at_their_offset),
        cmocka_unit_test(draws_in_a_buffer_touch_nothing_beside_them),
        cmocka_unit_test(batches_in_host_memory_and_in_buffers_go_side_by_side),
        cmocka_unit_test(an_enqueued_batch_has_no_ticket),
    };
    return cmocka_run_group_tests(tests, open_queues, close_queues);
}
