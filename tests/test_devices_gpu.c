/* What the library does on a GPU, on a device that only says to be one: the shape of blocks, which batches are spread,
 * how logits get there; and that tokens are those of the same device as what it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <CL/cl.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "faults.h"
#include "group.h"
#include "rows.h"

#define UNITS 20u
#define FIRST_ROW_UNSPREAD (2 * UNITS)
#define MOST_ROWS (FIRST_ROW_UNSPREAD + 8)
/* Eight blocks, the last one not full. So few that no batch is cut in two, each part of which would be spread alone. */
#define VOCABULARY 2000u
#define STRIDE (VOCABULARY + 5)

static tombola_context *gpu; /* beside `context`, the same device as itself */
static const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, VOCABULARY};
static float *logits; /* MOST_ROWS x STRIDE, aligned so that a device with the host's memory would use them in place */
static tombola_params params[MOST_ROWS];
static struct draw expected[MOST_ROWS]; /* what `context` draws */

static int open_both(void **state)
{
    const cl_device_type type = CL_DEVICE_TYPE_GPU;
    const cl_bool is_unified = CL_FALSE;
    const cl_uint alignment_bits = 1024, units = UNITS;
    open_and_probe(state);
    faults_begin();
    faults_answer(CL_DEVICE_TYPE, &type, sizeof type);
    faults_answer(CL_DEVICE_HOST_UNIFIED_MEMORY, &is_unified, sizeof is_unified);
    faults_answer(CL_DEVICE_MEM_BASE_ADDR_ALIGN, &alignment_bits, sizeof alignment_bits);
    faults_answer(CL_DEVICE_MAX_COMPUTE_UNITS, &units, sizeof units);
    gpu = test_context_open(0, 0);
    faults_begin(); /* the context knows its device by now */

    logits = aligned_alloc(4096, (MOST_ROWS * STRIDE * sizeof *logits + 4095) / 4096 * 4096);
    if (!logits)
        die("no memory for the logits");
    for (uint32_t row = 0; row < MOST_ROWS; row++) {
        static const float shares[] = {1.0f, 0.9f, 0.5f};
        static const uint32_t numbers[] = {0, 40};
        const struct row_recipe recipe = {(enum row_kind)(row % ROW_KINDS), row, VOCABULARY, make.type, make.input};
        memset(logits + row * STRIDE, 0xFF, STRIDE * sizeof *logits); /* between the rows, NaN */
        row_fill(&recipe, logits + row * STRIDE, NULL);
        params[row] = params_at((float)(row % 4) * 0.5f);
        params[row].top_p = shares[row % COUNT_OF(shares)];
        params[row].top_k = numbers[row % COUNT_OF(numbers)];
        params[row].min_p = row % 5 == 0 ? 0.01f : 0.0f;
        params[row].seed = 7;
        params[row].stream = row;
    }
    tombola_sampler *plain = make_sampler(context, &make, MOST_ROWS, TOMBOLA_DISPATCH_AUTO);
    int failed = draw_rows(plain, logits, MOST_ROWS, STRIDE, params, expected, NULL) != TOMBOLA_OK;
    tombola_sampler_release(plain);
    return failed;
}

static int close_both(void **state)
{
    free(logits);
    tombola_context_close(gpu);
    return close_context(state);
}

/* Draws the first `count` rows, as expected, and returns what the sampler has counted for that. */
static tombola_times draw_some(tombola_dispatch dispatch, size_t count)
{
    tombola_times times = tombola_times_default();
    tombola_error error = tombola_error_default();
    struct draw draws[MOST_ROWS];
    tombola_sampler *sampler = make_sampler(gpu, &make, MOST_ROWS, dispatch);
    if (draw_rows(sampler, logits, count, STRIDE, params, draws, &error) != TOMBOLA_OK)
        fail_msg("%zu rows: %s", count, error.message);
    tombola_sampler_times(sampler, &times);
    tombola_sampler_release(sampler);
    for (size_t row = 0; row < count; row++) {
        assert_int_equal(draws[row].token, expected[row].token);
        assert_int_equal(draws[row].status, expected[row].status);
        assert_int_equal(draws[row].kept, expected[row].kept);
    }
    return times;
}

static void the_device_is_taken_for_a_gpu(void **state)
{
    (void)state;
    assert_int_equal(device_of(gpu).type, TOMBOLA_DEVICE_GPU);
    assert_int_equal(device_of(gpu).compute_units, UNITS);
}

static void blocks_are_32_lanes_of_4_and_8_are_taken_at_a_time(void **state)
{
    (void)state;
    uint32_t lanes, width, teams;
    tombola_context_shape(gpu, &lanes, &width, &teams);
    assert_int_equal(lanes, 32);
    assert_int_equal(width, 4);
    assert_int_equal(teams, 8);
}

static void few_rows_are_spread_and_many_are_not(void **state)
{
    (void)state;
    static const struct {
        size_t rows;
        int is_spread;
    } batches[] = {{1, 1}, {2, 1}, {FIRST_ROW_UNSPREAD - 1, 1}, {FIRST_ROW_UNSPREAD, 0}, {MOST_ROWS, 0}};
    for (size_t i = 0; i < COUNT_OF(batches); i++) {
        tombola_times times = draw_some(TOMBOLA_DISPATCH_AUTO, batches[i].rows);
        assert_int_equal(times.parts, 1);
        assert_int_equal(times.spread_dispatches, batches[i].is_spread);
        assert_int_equal(times.row_dispatches, !batches[i].is_spread);
    }
}

static void logits_are_staged_though_they_are_aligned(void **state)
{
    (void)state;
    faults_begin();
    tombola_times times = draw_some(TOMBOLA_DISPATCH_AUTO, MOST_ROWS);
    assert_int_equal(times.staged_calls, 1);
    assert_int_equal(times.in_place_calls, 0);
    assert_in_range(times.bytes_uploaded, MOST_ROWS * VOCABULARY * sizeof *logits, SIZE_MAX);
    assert_int_equal(faults_seen().wrapped, 0);
}

static void either_dispatch_draws_the_tokens_of_the_plain_device(void **state)
{
    (void)state;
    static const tombola_dispatch dispatches[] = {TOMBOLA_DISPATCH_ROW, TOMBOLA_DISPATCH_SPREAD};
    for (size_t i = 0; i < COUNT_OF(dispatches); i++) {
        tombola_times times = draw_some(dispatches[i], MOST_ROWS);
        assert_int_equal(times.spread_dispatches, dispatches[i] == TOMBOLA_DISPATCH_SPREAD);
    }
}

static void probabilities_and_candidates_are_staged_and_the_same(void **state)
{
    (void)state;
    enum { ROWS = 4, K = 5 };
    static float output[2][ROWS * VOCABULARY];
    struct candidate candidates[2][ROWS * K];
    tombola_context *contexts[] = {context, gpu};
    faults_begin();
    for (size_t i = 0; i < COUNT_OF(contexts); i++) {
        tombola_sampler *sampler = make_sampler(contexts[i], &make, MOST_ROWS, TOMBOLA_DISPATCH_AUTO);
        size_t wrapped = faults_seen().wrapped;
        memset(candidates[i], 0, sizeof candidates[i]);
        assert_int_equal(softmax_rows(sampler, logits, ROWS, STRIDE, params, 0, output[i], VOCABULARY, NULL, NULL),
                         TOMBOLA_OK);
        assert_int_equal(top_k_rows(sampler, logits, ROWS, STRIDE, params, K, candidates[i], NULL, NULL), TOMBOLA_OK);
        if (contexts[i] == gpu)
            assert_int_equal(faults_seen().wrapped, wrapped);
        tombola_sampler_release(sampler);
    }
    assert_memory_equal(output[0], output[1], sizeof output[0]);
    assert_memory_equal(candidates[0], candidates[1], sizeof candidates[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_device_is_taken_for_a_gpu),
        cmocka_unit_test(blocks_are_32_lanes_of_4_and_8_are_taken_at_a_time),
        cmocka_unit_test(few_rows_are_spread_and_many_are_not),
        cmocka_unit_test(logits_are_staged_though_they_are_aligned),
        cmocka_unit_test(either_dispatch_draws_the_tokens_of_the_plain_device),
        cmocka_unit_test(probabilities_and_candidates_are_staged_and_the_same),
    };
    return cmocka_run_group_tests(tests, open_both, close_both);
}
