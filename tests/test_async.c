/* Batches in host memory: submitted and waited for, read where they lie and staged, at any address. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "calls.h"
#include "expect.h"
#include "group.h"
#include "refused.h"

static tombola_error error = {.struct_size = sizeof(tombola_error)};

static const tombola_transfer transfers[] = {TOMBOLA_TRANSFER_IN_PLACE, TOMBOLA_TRANSFER_STAGED};

/* Where the batches in flight put what they draw. */
static struct {
    tombola_ticket ticket;
    struct columns columns;
} flights[4];
static size_t next_flight;

/* The rows [first, first + rows) of the probe. */
static tombola_ticket submit(tombola_sampler *sampler, size_t first, size_t rows)
{
    const size_t place = next_flight++ % COUNT_OF(flights);
    tombola_ticket ticket = 0;
    memset(&flights[place], 0xFF, sizeof flights[place]);
    if (submit_rows(sampler, probe.logits + first * PROBE_STRIDE, rows, PROBE_STRIDE, probe.params + first,
                    &flights[place].columns, &ticket, &error))
        fail_msg("submit: %s", error.message);
    assert_int_not_equal(ticket, 0);
    return flights[place].ticket = ticket;
}

static void expect_draws(tombola_sampler *sampler, tombola_ticket ticket, size_t first, size_t rows)
{
    struct draw draws[PROBE_ROWS];
    size_t place = (next_flight - 1) % COUNT_OF(flights); /* the newest: other samplers have had that ticket too */
    while (flights[place].ticket != ticket)
        place = (place + COUNT_OF(flights) - 1) % COUNT_OF(flights);
    if (wait_rows(sampler, ticket, &flights[place].columns, rows, draws, &error))
        fail_msg("wait: %s", error.message);
    assert_memory_equal(draws, probe.draws + first, rows * sizeof *draws);
}

static void expect_refused(tombola_status status, const char *message)
{
    expect_refusal(status, &error, message);
}

static void two_batches_are_waited_for_in_either_order(void **state)
{
    (void)state;
    for (size_t t = 0; t < COUNT_OF(transfers); t++) {
        tombola_sampler *sampler = probe_sampler(transfers[t]);
        for (int turn = 0; turn < 6; turn++) {
            tombola_ticket first = submit(sampler, 0, 3), second = submit(sampler, 2, 2);
            assert_int_not_equal(first, second);
            expect_draws(sampler, turn % 2 ? first : second, turn % 2 ? 0 : 2, turn % 2 ? 3 : 2);
            expect_draws(sampler, turn % 2 ? second : first, turn % 2 ? 2 : 0, turn % 2 ? 2 : 3);
        }
        tombola_sampler_release(sampler);
    }
}

static void a_pipeline_keeps_one_batch_ahead(void **state)
{
    (void)state;
    for (size_t t = 0; t < COUNT_OF(transfers); t++) {
        tombola_sampler *sampler = probe_sampler(transfers[t]);
        tombola_ticket ahead = submit(sampler, 0, 1);
        for (size_t row = 1; row < 3 * PROBE_ROWS; row++) {
            tombola_ticket next = submit(sampler, row % PROBE_ROWS, 1);
            expect_draws(sampler, ahead, (row - 1) % PROBE_ROWS, 1);
            ahead = next;
        }
        expect_draws(sampler, ahead, (3 * PROBE_ROWS - 1) % PROBE_ROWS, 1);
        tombola_sampler_release(sampler);
    }
}

static int even_forward(void *user, const tombola_step *step)
{
    (void)user;
    memset(step->logits, 0, step->rows * step->stride * sizeof(float));
    return 0;
}

static void expect_busy(tombola_status status)
{
    expect_error(TOMBOLA_BUSY, status, &error, "2 batches are in flight: wait for one of them first");
}

static void a_third_batch_is_refused_and_the_two_still_come(void **state)
{
    (void)state;
    static float output[PROBE_VOCABULARY];
    static struct columns columns;
    const float *logits = probe.logits;
    const tombola_params *params = probe.params;
    tombola_sampler *sampler = probe_sampler(TOMBOLA_TRANSFER_AUTO);
    struct draw draws[PROBE_ROWS];
    struct candidate candidate;
    int32_t token;
    tombola_sequence sequence = tombola_sequence_default();
    tombola_model even = tombola_model_default();
    sequence.tokens = &token;
    sequence.max_new_tokens = 1;
    even.forward = even_forward;
    tombola_ticket first = submit(sampler, 0, 3), second = submit(sampler, 1, 3), third = 77;
    expect_busy(submit_rows(sampler, logits, 1, PROBE_STRIDE, params, &columns, &third, &error));
    expect_busy(draw_rows(sampler, logits, 1, PROBE_STRIDE, params, draws, &error));
    expect_busy(softmax_rows(sampler, logits, 1, PROBE_STRIDE, params, 0, output, PROBE_VOCABULARY, NULL, &error));
    expect_busy(top_k_rows(sampler, logits, 1, PROBE_STRIDE, params, 1, &candidate, NULL, &error));
    expect_busy(tombola_sampler_generate(sampler, &sequence, 1, &even, NULL, NULL, &error));
    assert_int_equal(third, 77);
    expect_draws(sampler, second, 1, 3);
    assert_true(probe_passes(&probe, sampler));
    third = submit(sampler, 3, 1);
    expect_draws(sampler, first, 0, 3);
    expect_draws(sampler, third, 3, 1);
    tombola_sampler_release(sampler);
}

static void every_call_works_beside_a_batch_in_flight(void **state)
{
    (void)state;
    static float output[PROBE_VOCABULARY], expected[PROBE_VOCABULARY];
    for (size_t t = 0; t < COUNT_OF(transfers); t++) {
        tombola_sampler *sampler = probe_sampler(transfers[t]);
        struct candidate candidate, best;
        call_softmax(sampler, &probe_like, probe.logits, 1, probe.params + 1, 0, expected, NULL);
        call_top_k(sampler, &probe_like, probe.logits, 1, probe.params + 1, 1, &best, NULL);
        tombola_ticket ticket = submit(sampler, 0, PROBE_ROWS);
        assert_true(probe_passes(&probe, sampler));
        call_softmax(sampler, &probe_like, probe.logits, 1, probe.params + 1, 0, output, NULL);
        call_top_k(sampler, &probe_like, probe.logits, 1, probe.params + 1, 1, &candidate, NULL);
        assert_memory_equal(output, expected, sizeof output);
        assert_memory_equal(&candidate, &best, sizeof best);
        expect_draws(sampler, ticket, 0, PROBE_ROWS);
        tombola_sampler_release(sampler);
    }
}

static void a_ticket_serves_once(void **state)
{
    (void)state;
    tombola_sampler *sampler = probe_sampler(TOMBOLA_TRANSFER_AUTO);
    tombola_ticket ticket = submit(sampler, 0, 1);
    char message[80];
    int is_done = 77;
    expect_refused(tombola_sampler_wait(sampler, 0, &error), "ticket is 0, which is not in flight");
    snprintf(message, sizeof message, "ticket is %llu, which is not in flight", (unsigned long long)ticket + 1);
    expect_refused(tombola_sampler_wait(sampler, ticket + 1, &error), message);
    expect_refused(tombola_sampler_poll(sampler, ticket + 1, &is_done, &error), message);
    expect_refused(tombola_sampler_wait(NULL, ticket, &error), "sampler is NULL");
    expect_refused(tombola_sampler_poll(NULL, ticket, &is_done, &error), "sampler is NULL");
    expect_refused(tombola_sampler_poll(sampler, ticket, NULL, &error), "is_done is NULL");
    assert_int_equal(is_done, 77);
    expect_draws(sampler, ticket, 0, 1);
    snprintf(message, sizeof message, "ticket is %llu, which is not in flight", (unsigned long long)ticket);
    expect_refused(tombola_sampler_wait(sampler, ticket, &error), message);
    expect_refused(tombola_sampler_poll(sampler, ticket, &is_done, &error), message);
    assert_int_equal(is_done, 77);
    tombola_sampler_release(sampler);
}

static void submit_refuses_what_sample_does(void **state)
{
    (void)state;
    static struct columns columns, untouched;
    memset(&columns, 0x5A, sizeof columns);
    memset(&untouched, 0x5A, sizeof untouched);
    tombola_sampler *sampler = probe_sampler(TOMBOLA_TRANSFER_AUTO);
    tombola_ticket ticket = 77;
    tombola_params bad = tombola_params_default();
    tombola_rows rows = host_rows(probe.logits, 1, PROBE_STRIDE, probe.params);
    tombola_results results = columns_results(&columns);
    bad.top_p = 2.0f;
    expect_refused(tombola_sampler_submit(NULL, &rows, &results, &ticket, &error), "sampler is NULL");
    expect_refused(tombola_sampler_submit(sampler, &rows, &results, NULL, &error), "ticket is NULL");
    expect_refused(tombola_sampler_submit(sampler, NULL, &results, &ticket, &error), "rows is NULL");
    expect_refused(tombola_sampler_submit(sampler, &rows, NULL, &ticket, &error), "results is NULL");
    rows.logits.host = NULL;
    expect_refused(tombola_sampler_submit(sampler, &rows, &results, &ticket, &error),
                   "rows.logits is NULL: neither host memory nor a buffer");
    rows = host_rows(probe.logits, 1, PROBE_STRIDE, NULL);
    expect_refused(tombola_sampler_submit(sampler, &rows, &results, &ticket, &error), "rows.params is NULL");
    rows = host_rows(probe.logits, 9, PROBE_STRIDE, probe.params);
    expect_refused(tombola_sampler_submit(sampler, &rows, &results, &ticket, &error),
                   "rows.count is 9, not from 1 to the sampler's max_rows 4");
    rows = host_rows(probe.logits, 1, PROBE_STRIDE, &bad);
    expect_refused(tombola_sampler_submit(sampler, &rows, &results, &ticket, &error),
                   "params[0].top_p is 2, not from 0 to 1");
    assert_int_equal(ticket, 77);
    assert_memory_equal(&columns, &untouched, sizeof columns);
    expect_draws(sampler, submit(sampler, 0, 4), 0, 4);
    tombola_sampler_release(sampler);
}

static void parameters_are_the_caller_s_again_at_once_and_logits_after_the_wait(void **state)
{
    (void)state;
    for (size_t t = 0; t < COUNT_OF(transfers); t++) {
        tombola_sampler *sampler = probe_sampler(transfers[t]);
        float *logits = allocate(1, sizeof probe.logits);
        tombola_params params[PROBE_ROWS];
        for (size_t row = 0; row < PROBE_ROWS; row++) { /* each time other logits at the same address */
            static struct columns columns;
            struct draw draw;
            tombola_ticket ticket;
            memcpy(params, probe.params + row, sizeof *params);
            memcpy(logits, probe.logits + row * PROBE_STRIDE, PROBE_VOCABULARY * sizeof *logits);
            assert_int_equal(submit_rows(sampler, logits, 1, 0, params, &columns, &ticket, NULL), 0);
            memset(params, 0xFF, sizeof params);
            assert_int_equal(wait_rows(sampler, ticket, &columns, 1, &draw, NULL), TOMBOLA_OK);
            assert_memory_equal(&draw, &probe.draws[row], sizeof draw);
            memset(logits, 0xFF, sizeof probe.logits);
        }
        free(logits);
        tombola_sampler_release(sampler);
    }
}

static void a_sampler_may_be_released_with_batches_in_flight(void **state)
{
    (void)state;
    for (size_t t = 0; t < COUNT_OF(transfers); t++) {
        static float output[PROBE_ROWS * PROBE_VOCABULARY], untouched[PROBE_ROWS * PROBE_VOCABULARY];
        struct columns columns, untouched_columns;
        tombola_sampler *sampler = probe_sampler(transfers[t]);
        const tombola_rows rows = host_rows(probe.logits, PROBE_ROWS, PROBE_STRIDE, probe.params);
        tombola_results results = columns_results(&columns);
        tombola_ticket ticket;
        results.probabilities.host = output;
        assert_int_equal(tombola_sampler_submit(sampler, &rows, &results, &ticket, &error), TOMBOLA_OK);
        submit(sampler, 0, 2);
        tombola_sampler_release(sampler);
        memset(output, 0x5A, sizeof output); /* the caller's again: nothing writes to it any more */
        memset(untouched, 0x5A, sizeof untouched);
        memset(&columns, 0x5A, sizeof columns);
        memset(&untouched_columns, 0x5A, sizeof untouched_columns);
        assert_true(probe_passes_on(&probe, context));
        assert_memory_equal(output, untouched, sizeof output);
        assert_memory_equal(&columns, &untouched_columns, sizeof columns);
    }
}

/* Memory of `bytes` up to a page that must not be touched, and that much before it that may be. */
struct brink {
    char *pages;
    size_t size;
};

static char *brink_make(struct brink *brink, size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    brink->size = (bytes + page - 1) / page * page + page;
    brink->pages = mmap(NULL, brink->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (brink->pages == MAP_FAILED || mprotect(brink->pages + brink->size - page, page, PROT_NONE) != 0)
        die("no memory before a forbidden page");
    return brink->pages + brink->size - page - bytes;
}

/* Rows that end where the next byte is a fault, of vocabularies that begin them at every offset from a boundary. */
static void rows_at_any_address_need_no_byte_behind_them(void **state)
{
    (void)state;
    uint32_t last = test_level() == TEST_SMALL ? 257 : 330;
    for (int type = 0; type < (test_level() == TEST_SMALL ? 1 : 3); type++) {
        size_t size = tombola_type_size((tombola_type)type);
        for (uint32_t vocabulary = 250; vocabulary <= last; vocabulary++) {
            const struct make make = {(tombola_type)type, TOMBOLA_LOGITS, vocabulary};
            enum { ROWS = 3 };
            size_t bytes = ROWS * vocabulary * size;
            tombola_params params[ROWS] = {params_at(0.7f), params_at(0.0f), params_at(1.0f)};
            struct draw draws[ROWS], expected[ROWS];
            struct candidate candidates[ROWS], best[ROWS];
            float *output = allocate(2 * ROWS * vocabulary, sizeof *output), *right = output + ROWS * vocabulary;
            char *aligned = allocate(ROWS * vocabulary, size);
            struct brink brink;
            char *elements = brink_make(&brink, bytes);
            for (size_t i = 0; i < ROWS * vocabulary; i++) {
                float value = (float)(i * 37 % 101) * 0.125f;
                uint16_t half = type == TOMBOLA_FLOAT16 ? narrow_to_half(value) : narrow_to_bfloat(value);
                memcpy(aligned + i * size, type == TOMBOLA_FLOAT32 ? (void *)&value : (void *)&half, size);
            }
            memcpy(elements, aligned, bytes);
            for (size_t t = 0; t < COUNT_OF(transfers); t++) {
                tombola_sampler *sampler = make_sampler_that(context, &make, ROWS, TOMBOLA_DISPATCH_AUTO, transfers[t]);
                call_sample(sampler, &make, aligned, ROWS, params, expected);
                call_sample(sampler, &make, elements, ROWS, params, draws);
                assert_memory_equal(draws, expected, sizeof draws);
                call_top_k(sampler, &make, aligned, ROWS, params, 1, best, NULL);
                call_top_k(sampler, &make, elements, ROWS, params, 1, candidates, NULL);
                assert_memory_equal(candidates, best, sizeof best);
                call_softmax(sampler, &make, aligned, ROWS, params, 0, right, NULL);
                call_softmax(sampler, &make, elements, ROWS, params, 0, output, NULL);
                assert_memory_equal(output, right, ROWS * vocabulary * sizeof *output);
                tombola_sampler_release(sampler);
            }
            munmap(brink.pages, brink.size);
            free(aligned);
            free(output);
        }
    }
}

/* Batches of one part, of two, and of more than there are pins of pinned memory; the last part is not full. */
static void staged_parts_give_what_one_piece_gives(void **state)
{
    (void)state;
    enum { ROWS = 131 };
    static const size_t sizes[] = {1, 2, 3, 5, 64, 130, ROWS};
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, 70001};
    size_t most = test_level() == TEST_SMALL ? 5 : ROWS, stride = make.vocabulary + 3;
    float *logits = allocate(most * stride, sizeof *logits);
    tombola_params params[ROWS];
    struct draw draws[ROWS], expected[ROWS];
    uint64_t random = 7;
    for (size_t i = 0; i < most * stride; i++)
        logits[i] = (float)(random_below(&random, 4000)) * 0.005f;
    for (size_t row = 0; row < ROWS; row++) {
        params[row] = params_at(row % 3 ? 0.8f : 0.0f);
        params[row].seed = row;
        params[row].top_k = row % 5 ? 0 : 40;
    }
    for (int dispatch = TOMBOLA_DISPATCH_ROW; dispatch <= TOMBOLA_DISPATCH_SPREAD; dispatch++) {
        tombola_sampler *in_place =
            make_sampler_that(context, &make, most, (tombola_dispatch)dispatch, TOMBOLA_TRANSFER_IN_PLACE);
        tombola_sampler *staged =
            make_sampler_that(context, &make, most, (tombola_dispatch)dispatch, TOMBOLA_TRANSFER_STAGED);
        assert_int_equal(draw_rows(in_place, logits, most, stride, params, expected, NULL), TOMBOLA_OK);
        for (size_t i = 0; i < COUNT_OF(sizes) && sizes[i] <= most; i++) {
            memset(draws, 0xFF, sizeof draws);
            assert_int_equal(draw_rows(staged, logits, sizes[i], stride, params, draws, NULL), TOMBOLA_OK);
            assert_memory_equal(draws, expected, sizes[i] * sizeof *draws);
        }
        tombola_sampler_release(in_place);
        tombola_sampler_release(staged);
    }
    free(logits);
}

static void times_tell_where_the_logits_lay_and_what_was_copied(void **state)
{
    (void)state;
    tombola_times times = tombola_times_default();
    tombola_sampler *sampler = probe_sampler(TOMBOLA_TRANSFER_IN_PLACE);
    assert_true(probe_passes(&probe, sampler));
    expect_draws(sampler, submit(sampler, 0, 2), 0, 2);
    tombola_sampler_times(sampler, &times);
    assert_int_equal(times.calls, 2);
    assert_int_equal(times.in_place_calls, 2);
    assert_int_equal(times.staged_calls, 0);
    assert_int_equal(times.device_calls, 0);
    assert_int_equal(times.bytes_uploaded, 0);
    assert_int_equal(times.bytes_read, (PROBE_ROWS + 2) * 3 * sizeof(int32_t));
    tombola_sampler_release(sampler);
    sampler = probe_sampler(TOMBOLA_TRANSFER_STAGED);
    assert_true(probe_passes(&probe, sampler));
    tombola_sampler_times(sampler, &times);
    assert_int_equal(times.calls, 1);
    assert_int_equal(times.in_place_calls, 0);
    assert_int_equal(times.staged_calls, 1);
    assert_int_equal(times.device_calls, 0);
    size_t logits = (size_t)PROBE_ROWS * PROBE_VOCABULARY * sizeof(float);
    assert_at_most(logits, times.bytes_uploaded);
    assert_less(times.bytes_uploaded, logits + PROBE_ROWS * 256);
    tombola_sampler_release(sampler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_batches_are_waited_for_in_either_order),
        cmocka_unit_test(a_pipeline_keeps_one_batch_ahead),
        cmocka_unit_test(a_third_batch_is_refused_and_the_two_still_come),
        cmocka_unit_test(every_call_works_beside_a_batch_in_flight),
        cmocka_unit_test(a_ticket_serves_once),
        cmocka_unit_test(submit_refuses_what_sample_does),
        cmocka_unit_test(parameters_are_the_caller_s_again_at_once_and_logits_after_the_wait),
        cmocka_unit_test(a_sampler_may_be_released_with_batches_in_flight),
        cmocka_unit_test(rows_at_any_address_need_no_byte_behind_them),
        cmocka_unit_test(staged_parts_give_what_one_piece_gives),
        cmocka_unit_test(times_tell_where_the_logits_lay_and_what_was_copied),
    };
    return cmocka_run_group_tests(tests, open_and_probe, close_context);
}
