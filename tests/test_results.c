/* Results together: whatever is asked for in one call, and wherever it is to go, each is what it is alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "calls.h"
#include "device_batch.h"
#include "refused.h"
#include "results_case.h"

#define SEED UINT64_C(20251125)
enum { ALL = (1u << ARRAYS) - 1, TRANSFERS = 3 };

/* Picks one in so many cases where each takes long. */
static size_t step_of(size_t small)
{
    return test_level() == TEST_SMALL ? small : 1;
}

/* All combinations would take hours. This step meets any three arrays with and without each other. */
enum { NEIGHBOURS = 1531 };

static void each_combination_gives_what_each_result_gives_alone(void **state)
{
    (void)state;
    size_t turn = 0;
    for (unsigned wanted = 1; wanted <= ALL; wanted += NEIGHBOURS)
        for (int call = 0; call < CALLS; call++)
            for (int transfer = 0; transfer < TRANSFERS; transfer++) {
                struct results_case c = usual_case();
                c.wanted = wanted;
                c.call = (enum call)call;
                c.transfer = (tombola_transfer)transfer;
                c.dispatch = turn++ % 2 ? TOMBOLA_DISPATCH_SPREAD : TOMBOLA_DISPATCH_ROW;
                if (turn % step_of(61) == 0)
                    expect_results(&c);
            }
}

static void each_array_goes_where_it_says(void **state)
{
    (void)state;
    for (unsigned in_buffer = 0; in_buffer <= ALL; in_buffer += NEIGHBOURS)
        for (int call = 0; call < CALLS; call++) {
            struct results_case c = usual_case();
            c.call = (enum call)call;
            c.in_buffer = in_buffer;
            c.transfer = (tombola_transfer)(in_buffer % TRANSFERS);
            c.logits_in_buffer = in_buffer / 2 % 2 == 0;
            c.offset = in_buffer % 11;
            if (in_buffer % step_of(23) == 0)
                expect_results(&c);
        }
}

static void any_subset_may_be_mixed_at_any_offset_and_stride(void **state)
{
    (void)state;
    uint64_t random = SEED;
    printf("seed %" PRIu64 "\n", random);
    for (size_t turn = 0; turn < (test_level() == TEST_SMALL ? 20 : 3000); turn++) {
        uint32_t indices[CASE_MOST_ROWS];
        struct results_case c = usual_case();
        c.call = (enum call)random_below(&random, CALLS);
        c.transfer = (tombola_transfer)random_below(&random, TRANSFERS);
        c.dispatch = random_below(&random, 2) ? TOMBOLA_DISPATCH_ROW : TOMBOLA_DISPATCH_SPREAD;
        c.wanted = 1 + random_below(&random, ALL);
        c.in_buffer = random_below(&random, ALL + 1);
        c.one_buffer = (int)random_below(&random, 2);
        c.logits_in_buffer = (int)random_below(&random, 2);
        c.is_wide = (int)random_below(&random, 2);
        c.rows = 1 + random_below(&random, CASE_MOST_ROWS);
        c.probability_padding = random_below(&random, 2) ? random_below(&random, 40) : 0;
        c.offset = random_below(&random, 70);
        c.candidate_count = 1 + random_below(&random, random_below(&random, 2) ? CASE_MOST_CANDIDATES : 8);
        for (size_t row = 0; row < CASE_MOST_ROWS; row++)
            indices[row] = random_below(&random, SOURCE_ROWS);
        c.indices = random_below(&random, 2) ? indices : NULL;
        expect_results(&c);
    }
}

/* Reversed, one row again and again, far apart, and all of these by every entry from host memory and from a buffer. */
static void rows_are_taken_by_their_indices(void **state)
{
    (void)state;
    static const uint32_t indices[][CASE_MOST_ROWS] = {{8, 7, 6, 5, 4, 3, 2, 1, 0},
                                                       {4, 4, 4, 4, 4, 4, 4, 4, 4},
                                                       {999, 0, 998, 1, 500, 499, 999, 0, 2},
                                                       {6, 5, 1, 3, 6, 0, 1, 3, 2},
                                                       {995, 996, 997, 998, 999, 995, 996, 997, 998}};
    for (size_t i = 0; i < COUNT_OF(indices); i++)
        for (size_t turn = 0; turn < (size_t)CALLS * TRANSFERS * 2; turn += step_of(5)) {
            struct results_case c = usual_case();
            c.rows = CASE_MOST_ROWS;
            c.indices = indices[i];
            c.call = (enum call)(turn % CALLS);
            c.transfer = (tombola_transfer)(turn / CALLS % TRANSFERS);
            c.logits_in_buffer = turn / CALLS / TRANSFERS != 0;
            c.is_wide = (int)(turn % 2);
            expect_results(&c);
        }
}

/* Down to one and up to more than there are tokens. */
static void any_number_of_candidates_begins_with_the_same_ones(void **state)
{
    (void)state;
    static const uint32_t numbers[] = {1, 2, 255, 256, 257, 599, 600, 601, CASE_MOST_CANDIDATES};
    for (size_t i = 0; i < COUNT_OF(numbers) * CALLS; i += step_of(7)) {
        struct results_case c = usual_case();
        c.call = (enum call)(i % CALLS);
        c.candidate_count = numbers[i / CALLS];
        c.in_buffer = i % 3 ? 0 : 1u << ARRAY_CANDIDATE_LOGITS;
        expect_results(&c);
    }
}

static void a_row_without_a_token_is_told_in_every_array(void **state)
{
    (void)state;
    const uint32_t none = (uint32_t)-1;
    const float zero = 0.0f, lowest = -INFINITY;
    uint32_t zero_bits, lowest_bits;
    size_t found = 0;
    memcpy(&zero_bits, &zero, sizeof zero_bits);
    memcpy(&lowest_bits, &lowest, sizeof lowest_bits);
    const uint32_t words[ARRAYS] = {[ARRAY_TOKENS] = none,
                                    [ARRAY_KEPT] = 0,
                                    [ARRAY_LOGPROBS] = lowest_bits,
                                    [ARRAY_RAW_LOGPROBS] = lowest_bits,
                                    [ARRAY_RANKS] = 0,
                                    [ARRAY_MARGINS] = zero_bits,
                                    [ARRAY_ENTROPIES] = zero_bits,
                                    [ARRAY_OBSERVED] = lowest_bits,
                                    [ARRAY_PROBABILITIES] = zero_bits,
                                    [ARRAY_LOG_PROBABILITIES] = lowest_bits,
                                    [ARRAY_KEPT_PROBABILITIES] = zero_bits,
                                    [ARRAY_PROCESSED_LOGITS] = lowest_bits,
                                    [ARRAY_CANDIDATE_TOKENS] = none,
                                    [ARRAY_CANDIDATE_LOGITS] = zero_bits,
                                    [ARRAY_CANDIDATE_PROBABILITIES] = zero_bits,
                                    [ARRAY_CANDIDATE_LOGPROBS] = lowest_bits,
                                    [ARRAY_CANDIDATE_RAW_LOGPROBS] = lowest_bits};
    for (size_t row = 0; row < SOURCE_KINDS; row++) {
        if (status_expected(row) == TOMBOLA_ROW_OK)
            continue;
        found++;
        for (enum array array = 0; array < ARRAYS; array++)
            for (size_t i = 0; i < array_width(array, CASE_VOCABULARY, CASE_MOST_CANDIDATES); i++)
                if (array == ARRAY_BOUNDARY) /* its logit, and its token */
                    assert_int_equal(expected_of(array, row)[i], i ? none : lowest_bits);
                else if (array != ARRAY_STATUS)
                    assert_int_equal(expected_of(array, row)[i], words[array]);
    }
    assert_int_equal(found, 2); /* one that is invalid, and one that is empty */
}

static void asking_for_nothing_is_refused(void **state)
{
    (void)state;
    static const char *const message = "results asks for nothing: all of its arrays are NULL";
    tombola_sampler *sampler = probe_sampler(TOMBOLA_TRANSFER_AUTO);
    const tombola_rows rows = host_rows(probe.logits, PROBE_ROWS, PROBE_STRIDE, probe.params), device = probe_batch();
    tombola_results nothing = tombola_results_default();
    tombola_ticket ticket = 77;
    for (uint32_t count = 0; count < 2; count++) {
        nothing.candidate_count = count; /* a number of candidates alone asks for none */
        expect_refusal(tombola_sampler_sample(sampler, &rows, &nothing, &error), &error, message);
        expect_refusal(tombola_sampler_submit(sampler, &rows, &nothing, &ticket, &error), &error, message);
        expect_refusal(tombola_sampler_enqueue(sampler, queues[0], &device, &nothing, 0, NULL, NULL, &error), &error,
                       message);
    }
    assert_int_equal(ticket, 77);
    assert_true(probe_passes(&probe, sampler));
    tombola_sampler_release(sampler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_combination_gives_what_each_result_gives_alone),
        cmocka_unit_test(each_array_goes_where_it_says),
        cmocka_unit_test(any_subset_may_be_mixed_at_any_offset_and_stride),
        cmocka_unit_test(rows_are_taken_by_their_indices),
        cmocka_unit_test(any_number_of_candidates_begins_with_the_same_ones),
        cmocka_unit_test(a_row_without_a_token_is_told_in_every_array),
        cmocka_unit_test(asking_for_nothing_is_refused),
    };
    return cmocka_run_group_tests(tests, open_source, close_source);
}
