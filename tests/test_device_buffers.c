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
        tombola_rows batch = probe_batch();
        struct columns columns;
        cl_event event;
        enqueue(sampler, queues[i % 2], &batch, columns_results(&columns), NULL, &event);
        settle(event);
        expect_probe(&columns);
        memset(&columns, 0xFF, sizeof columns);
        enqueue(sampler, queues[i % 2], &batch, columns_results(&columns), NULL, NULL);
        assert_int_equal(clFinish(queues[i % 2]), CL_SUCCESS);
        expect_probe(&columns);
        tombola_sampler_release(sampler);
    }
}

static void rows_are_taken_by_their_indices_in_any_order_and_twice(void **state)
{
    (void)state;
    static const uint32_t indices[][PROBE_ROWS] = {{3, 1, 2, 0}, {2, 2, 2, 2}, {0, 3, 3, 1}};
    tombola_sampler *sampler = probe_sampler(TOMBOLA_TRANSFER_AUTO);
    for (size_t i = 0; i < COUNT_OF(indices); i++) {
        tombola_rows batch = probe_batch();
        tombola_params params[PROBE_ROWS];
        struct columns columns;
        cl_event event;
        for (size_t row = 0; row < PROBE_ROWS; row++)
            params[row] = probe.params[indices[i][row]];
        batch.indices = indices[i];
        batch.params = params;
        enqueue(sampler, queues[0], &batch, columns_results(&columns), NULL, &event);
        settle(event);
        struct draw draws[PROBE_ROWS];
        columns_draws(&columns, PROBE_ROWS, draws);
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
            tombola_rows batch = probe_batch();
            struct columns columns;
            cl_event event;
            batch.logits.buffer = entry_buffer(context, offset * size + bytes, copy); /* ends with the last logit */
            batch.logits.offset = offset;
            batch.params = other.params;
            enqueue(sampler, queues[0], &batch, columns_results(&columns), NULL, &event);
            settle(event);
            struct draw draws[PROBE_ROWS];
            columns_draws(&columns, PROBE_ROWS, draws);
            assert_memory_equal(draws, other.draws, sizeof draws);
            clReleaseMemObject(batch.logits.buffer);
            free(copy);
        }
        tombola_sampler_release(sampler);
    }
}

static void columns_in_a_buffer_touch_nothing_beside_them(void **state)
{
    (void)state;
    enum { GAP = 5, MOST_OFFSET = 16, ROOM = MOST_OFFSET + 3 * (PROBE_ROWS + GAP) };
    cl_uint before[ROOM], expected[ROOM], after[ROOM];
    memset(before, 0x5A, sizeof before);
    tombola_sampler *sampler = probe_sampler(TOMBOLA_TRANSFER_AUTO);
    for (size_t offset = 0; offset <= MOST_OFFSET; offset++) {
        tombola_rows batch = probe_batch();
        tombola_results results = tombola_results_default();
        cl_mem buffer = entry_buffer(context, sizeof before, before);
        cl_command_queue queue = queues[offset % 2];
        cl_event event;
        results.tokens.buffer = results.status.buffer = results.kept.buffer = buffer;
        results.tokens.offset = offset;
        results.kept.offset = offset + PROBE_ROWS + GAP;
        results.status.offset = offset + 2 * (PROBE_ROWS + GAP);
        enqueue(sampler, queue, &batch, results, NULL, &event);
        assert_int_equal(clEnqueueReadBuffer(queue, buffer, CL_TRUE, 0, sizeof after, after, 1, &event, NULL),
                         CL_SUCCESS);
        memcpy(expected, before, sizeof expected);
        for (size_t row = 0; row < PROBE_ROWS; row++) {
            expected[results.tokens.offset + row] = (cl_uint)probe.draws[row].token;
            expected[results.kept.offset + row] = probe.draws[row].kept;
            expected[results.status.offset + row] = (cl_uint)probe.draws[row].status;
        }
        assert_memory_equal(after, expected, sizeof after);
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
        tombola_rows batch = probe_batch();
        static struct columns columns[2], submitted[2], refused;
        struct draw draws[PROBE_ROWS];
        tombola_ticket tickets[2];
        cl_event events[2];
        memset(columns, 0xFF, sizeof columns);
        memset(submitted, 0xFF, sizeof submitted);
        enqueue(sampler, queues[0], &batch, columns_results(&columns[0]), NULL, &events[0]);
        enqueue(sampler, queues[1], &batch, columns_results(&columns[1]), NULL, &events[1]);
        settle(events[0]);
        assert_true(probe_passes(&probe, sampler)); /* takes the room of the first */
        settle(events[1]);
        for (int n = 0; n < 2; n++)
            assert_int_equal(submit_rows(sampler, probe.logits, PROBE_ROWS, PROBE_STRIDE, probe.params, &submitted[n],
                                         &tickets[n], NULL),
                             TOMBOLA_OK);
        const tombola_results to = columns_results(&refused);
        assert_int_equal(tombola_sampler_enqueue(sampler, queues[0], &batch, &to, 0, NULL, NULL, &error), TOMBOLA_BUSY);
        assert_string_equal(error.message, "2 batches are in flight: wait for one of them first");
        assert_int_equal(error.status, TOMBOLA_BUSY);
        for (int n = 0; n < 2; n++) {
            assert_int_equal(wait_rows(sampler, tickets[n], &submitted[n], PROBE_ROWS, draws, NULL), TOMBOLA_OK);
            assert_memory_equal(draws, probe.draws, sizeof draws);
        }
        expect_probe(&columns[0]);
        expect_probe(&columns[1]);
        tombola_times times = tombola_times_default();
        tombola_sampler_times(sampler, &times);
        assert_int_equal(times.calls, 5);
        assert_int_equal(times.device_calls, 2);
        /* the second of two that read the same memory is staged */
        assert_int_equal(times.in_place_calls, i ? 0 : 2);
        assert_int_equal(times.staged_calls, i ? 3 : 1);
        tombola_sampler_release(sampler);
    }
}

/* Logits in a buffer and results in host memory, and the other way round, by the calls that wait. */
static void sample_and_submit_take_buffers_too(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4 * COUNT_OF(transfers); i++) {
        tombola_sampler *sampler = probe_sampler(transfers[i / 4]);
        const int in_buffer = i % 2 == 0, submits = i / 2 % 2;
        tombola_rows rows = probe_batch();
        cl_mem buffer = entry_buffer(context, 3 * PROBE_ROWS * sizeof(cl_uint), NULL);
        struct columns columns;
        tombola_results results = in_buffer ? columns_results(&columns) : to_buffer(buffer, 0);
        tombola_ticket ticket;
        if (!in_buffer)
            rows = host_rows(probe.logits, PROBE_ROWS, PROBE_STRIDE, probe.params);
        if (submits) {
            assert_int_equal(tombola_sampler_submit(sampler, &rows, &results, &ticket, &error), TOMBOLA_OK);
            assert_int_equal(tombola_sampler_wait(sampler, ticket, &error), TOMBOLA_OK);
        } else {
            assert_int_equal(tombola_sampler_sample(sampler, &rows, &results, &error), TOMBOLA_OK);
        }
        if (!in_buffer)
            read_columns(buffer, &columns);
        expect_probe(&columns);
        clReleaseMemObject(buffer);
        tombola_sampler_release(sampler);
    }
}

static void an_enqueued_batch_has_no_ticket(void **state)
{
    (void)state;
    tombola_sampler *sampler = probe_sampler(TOMBOLA_TRANSFER_AUTO);
    tombola_rows batch = probe_batch();
    struct columns columns;
    int is_done = 77;
    enqueue(sampler, queues[0], &batch, columns_results(&columns), NULL, NULL);
    for (tombola_ticket ticket = 0; ticket < 4; ticket++) {
        assert_int_equal(tombola_sampler_wait(sampler, ticket, NULL), TOMBOLA_INVALID_ARGUMENT);
        assert_int_equal(tombola_sampler_poll(sampler, ticket, &is_done, NULL), TOMBOLA_INVALID_ARGUMENT);
    }
    assert_int_equal(is_done, 77);
    tombola_sampler_release(sampler); /* waits for it */
    expect_probe(&columns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_in_a_buffer_gives_the_right_draws),
        cmocka_unit_test(rows_are_taken_by_their_indices_in_any_order_and_twice),
        cmocka_unit_test(rows_begin_at_their_offset),
        cmocka_unit_test(columns_in_a_buffer_touch_nothing_beside_them),
        cmocka_unit_test(batches_in_host_memory_and_in_buffers_go_side_by_side),
        cmocka_unit_test(sample_and_submit_take_buffers_too),
        cmocka_unit_test(an_enqueued_batch_has_no_ticket),
    };
    return cmocka_run_group_tests(tests, open_queues, close_queues);
}
