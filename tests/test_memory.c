/* What a sampler holds: little beside the logits, in proportion to its rows, and the same whatever it is called for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "calls.h"
#include "expect.h"
#include "group.h"

static tombola_memory memory_of(size_t rows, size_t vocabulary, tombola_transfer transfer)
{
    tombola_sampler_options options = tombola_sampler_options_default();
    options.transfer = transfer;
    tombola_sampler *sampler;
    tombola_memory memory = tombola_memory_default();
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
        assert_at_most(2 * 16 * rows, memory.device_bytes);
        assert_at_most(memory.device_bytes + memory.host_bytes, rows * (vocabulary / 10 + 1000));
    }
}

static void it_is_in_proportion_to_the_rows(void **state)
{
    (void)state;
    tombola_memory one = memory_of(1, 128256, TOMBOLA_TRANSFER_IN_PLACE);
    tombola_memory many = memory_of(200, 128256, TOMBOLA_TRANSFER_IN_PLACE);
    assert_int_equal(many.device_bytes, 200 * one.device_bytes);
    assert_int_equal(many.host_bytes, 200 * one.host_bytes);
}

static void staged_it_has_room_for_the_logits_of_two_batches_and_pins(void **state)
{
    (void)state;
    enum { ROWS = 3, VOCABULARY = 5000 };
    uint64_t logits = (uint64_t)ROWS * VOCABULARY * sizeof(float);
    tombola_memory in_place = memory_of(ROWS, VOCABULARY, TOMBOLA_TRANSFER_IN_PLACE);
    tombola_memory staged = memory_of(ROWS, VOCABULARY, TOMBOLA_TRANSFER_STAGED);
    assert_at_most(in_place.device_bytes + 2 * logits, staged.device_bytes);
    assert_at_most(staged.device_bytes, in_place.device_bytes + 2 * logits + 1000 * ROWS);
    assert_at_most(in_place.host_bytes + 2 * logits, staged.host_bytes);
}

enum { ROWS = 2, VOCABULARY = 600, K = 7 };

/* One call of each kind; `results` says which: without candidates and probabilities, or with them. */
static void call_each(tombola_sampler *sampler, int with_large_results)
{
    static const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, VOCABULARY};
    static const float logits[ROWS * VOCABULARY];
    static float output[ROWS * VOCABULARY];
    const tombola_params params[ROWS] = {params_at(1.0f), params_at(0.0f)};
    struct candidate candidates[ROWS * K];
    struct draw draws[ROWS];
    static struct columns columns;
    tombola_ticket ticket;
    call_sample(sampler, &make, logits, ROWS, params, draws);
    assert_int_equal(submit_rows(sampler, logits, ROWS, VOCABULARY, params, &columns, &ticket, NULL), TOMBOLA_OK);
    assert_int_equal(wait_rows(sampler, ticket, &columns, ROWS, draws, NULL), TOMBOLA_OK);
    if (!with_large_results)
        return;
    call_softmax(sampler, &make, logits, ROWS, params, 0, output, NULL);
    call_softmax(sampler, &make, logits, ROWS, params, 1, output, NULL);
    call_top_k(sampler, &make, logits, ROWS, params, K, candidates, NULL);
}

static tombola_memory memory_after(tombola_sampler *sampler, int with_large_results)
{
    tombola_memory memory = tombola_memory_default();
    for (int turn = 0; turn < 3; turn++) /* each place in flight gets its turn */
        call_each(sampler, with_large_results);
    tombola_sampler_memory(sampler, &memory);
    return memory;
}

static void expect_same_memory(tombola_memory a, tombola_memory b)
{
    assert_int_equal(a.device_bytes, b.device_bytes);
    assert_int_equal(a.host_bytes, b.host_bytes);
}

static void no_call_adds_to_it_but_the_first_that_wants_candidates_or_probabilities(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        tombola_sampler_options options = tombola_sampler_options_default();
        tombola_memory before = tombola_memory_default();
        tombola_sampler *sampler;
        options.transfer = (tombola_transfer)i;
        assert_int_equal(tombola_sampler_create(context, VOCABULARY, ROWS, &options, &sampler, NULL), TOMBOLA_OK);
        tombola_sampler_memory(sampler, &before);
        expect_same_memory(memory_after(sampler, 0), before);
        tombola_memory with = memory_after(sampler, 1);
        assert_at_most(before.device_bytes, with.device_bytes);
        assert_at_most(before.host_bytes, with.host_bytes);
        expect_same_memory(memory_after(sampler, 1), with);
        tombola_sampler_release(sampler);
    }
}

static void no_call_adds_to_it_where_the_options_tell_of_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        tombola_sampler_options options = tombola_sampler_options_default();
        tombola_memory before = tombola_memory_default();
        tombola_sampler *sampler;
        options.transfer = (tombola_transfer)i;
        options.max_candidates = K;
        options.probabilities = 1;
        assert_int_equal(tombola_sampler_create(context, VOCABULARY, ROWS, &options, &sampler, NULL), TOMBOLA_OK);
        tombola_sampler_memory(sampler, &before);
        expect_same_memory(memory_after(sampler, 1), before);
        tombola_sampler_release(sampler);
    }
}

static void it_can_be_told_before_there_is_a_sampler(void **state)
{
    (void)state;
    for (size_t i = 0; i < 24; i++) {
        tombola_sampler_options options = tombola_sampler_options_default();
        tombola_memory told = tombola_memory_default(), held = tombola_memory_default();
        tombola_sampler *sampler;
        options.transfer = (tombola_transfer)(i % 3);
        options.in_flight = i / 12 ? 5 : 0;
        options.max_candidates = i / 3 % 2 ? K : 0;
        options.probabilities = i / 6 % 2;
        assert_int_equal(tombola_sampler_memory_before(context, 70001, 9, &options, &told, NULL), TOMBOLA_OK);
        assert_int_equal(tombola_sampler_create(context, 70001, 9, &options, &sampler, NULL), TOMBOLA_OK);
        tombola_sampler_memory(sampler, &held);
        expect_same_memory(told, held);
        assert_int_not_equal(told.device_bytes, 0);
        assert_int_not_equal(told.host_bytes, 0);
        tombola_sampler_release(sampler);
    }
    tombola_memory told = tombola_memory_default();
    tombola_error error = tombola_error_default();
    assert_int_equal(tombola_sampler_memory_before(context, 0, 9, NULL, &told, &error), TOMBOLA_INVALID_ARGUMENT);
    assert_string_equal(error.message, "vocabulary is 0, not from 1 to 8388608");
    assert_int_equal(tombola_sampler_memory_before(context, 9, 9, NULL, NULL, &error), TOMBOLA_INVALID_ARGUMENT);
    assert_string_equal(error.message, "memory is NULL");
    assert_int_equal(tombola_sampler_memory_before(NULL, 9, 9, NULL, &told, &error), TOMBOLA_INVALID_ARGUMENT);
    assert_string_equal(error.message, "context is NULL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_place_it_is_a_fortieth_of_the_logits),
        cmocka_unit_test(it_is_in_proportion_to_the_rows),
        cmocka_unit_test(staged_it_has_room_for_the_logits_of_two_batches_and_pins),
        cmocka_unit_test(no_call_adds_to_it_but_the_first_that_wants_candidates_or_probabilities),
        cmocka_unit_test(no_call_adds_to_it_where_the_options_tell_of_them),
        cmocka_unit_test(it_can_be_told_before_there_is_a_sampler),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
