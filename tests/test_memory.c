/* What a sampler holds: little beside the logits, in proportion to its rows, and the same whatever it is called for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "calls.h"
#include "group.h"

static tombola_memory memory_of(size_t rows, size_t vocabulary, tombola_transfer transfer)
{
    tombola_sampler_options options = tombola_sampler_options_default();
    options.transfer = transfer;
    tombola_sampler *sampler;
    tombola_memory memory;
    assert_int_equal(tombola_sampler_create(context, vocabulary, rows, &options, &sampler, NULL), TOMBOLA_OK);
    tombola_sampler_memory(sampler, &memory);
    tombola_sampler_release(sampler);
    return memory;
}

static void in_place_it_is_a_fortieth_of_the_logits(void **state)
{
    (void)state;
    static const size_t shapes[][2] = {{1, 32000}, {1, 128256}, {64, 151936}, {256, 32000}, {256, 262144}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        size_t rows = shapes[i][0], vocabulary = shapes[i][1];
        tombola_memory memory = memory_of(rows, vocabulary, TOMBOLA_TRANSFER_IN_PLACE);
        /* for each of two batches in flight 12 bytes a block of 256 logits or more, and less than 100 a row */
        assert_true(memory.device_bytes >= 2 * 16 * rows);
        assert_true(memory.device_bytes + memory.host_bytes <= rows * (vocabulary / 10 + 1000));
    }
}

static void it_is_in_proportion_to_the_rows(void **state)
{
    (void)state;
    tombola_memory one = memory_of(1, 128256, TOMBOLA_TRANSFER_IN_PLACE);
    tombola_memory many = memory_of(200, 128256, TOMBOLA_TRANSFER_IN_PLACE);
    assert_true(many.device_bytes == 200 * one.device_bytes);
    assert_true(many.host_bytes == 200 * one.host_bytes);
}

static void staged_it_has_room_for_the_logits_of_two_batches_and_pinned_slots(void **state)
{
    (void)state;
    enum { ROWS = 3, VOCABULARY = 5000 };
    uint64_t logits = (uint64_t)ROWS * VOCABULARY * sizeof(float);
    tombola_memory in_place = memory_of(ROWS, VOCABULARY, TOMBOLA_TRANSFER_IN_PLACE);
    tombola_memory staged = memory_of(ROWS, VOCABULARY, TOMBOLA_TRANSFER_STAGED);
    assert_true(staged.device_bytes >= in_place.device_bytes + 2 * logits);
    assert_true(staged.device_bytes <= in_place.device_bytes + 2 * logits + 1000 * ROWS);
    assert_true(staged.host_bytes >= in_place.host_bytes + 2 * logits);
}

static void no_call_adds_to_it(void **state)
{
    (void)state;
    enum { ROWS = 2, VOCABULARY = 600, K = 7 };
    static const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, VOCABULARY};
    static const float logits[ROWS * VOCABULARY];
    static float output[ROWS * VOCABULARY];
    const tombola_params params[ROWS] = {params_at(1.0f), params_at(0.0f)};
    tombola_candidate candidates[ROWS * K];
    tombola_draw draws[ROWS];
    tombola_memory before, after;
    tombola_ticket ticket;
    tombola_sampler *sampler = make_sampler(context, &make, ROWS, TOMBOLA_DISPATCH_AUTO);
    tombola_sampler_memory(sampler, &before);
    call_sample(sampler, &make, logits, ROWS, params, draws);
    call_softmax(sampler, &make, logits, ROWS, params, 0, output, NULL);
    call_top_k(sampler, &make, logits, ROWS, params, K, candidates, NULL);
    assert_int_equal(tombola_sampler_submit(sampler, logits, ROWS, VOCABULARY, params, &ticket, NULL), TOMBOLA_OK);
    assert_int_equal(tombola_sampler_wait(sampler, ticket, draws, NULL), TOMBOLA_OK);
    tombola_sampler_memory(sampler, &after);
    assert_memory_equal(&before, &after, sizeof before);
    tombola_sampler_release(sampler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_place_it_is_a_fortieth_of_the_logits),
        cmocka_unit_test(it_is_in_proportion_to_the_rows),
        cmocka_unit_test(staged_it_has_room_for_the_logits_of_two_batches_and_pinned_slots),
        cmocka_unit_test(no_call_adds_to_it),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
