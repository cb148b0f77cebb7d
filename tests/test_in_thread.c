/* The device that works in the calling thread, beside one that has threads of its own: which batches it takes, and
 * that nothing but the time tells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fenv.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arrays.h"
#include "entries.h"
#include "flights.h"
#include "refused.h"
#include "restart.h"
#include "rows.h"

enum { ROWS = 24, VOCABULARY = 3000, CANDIDATES = 5, THREADS = 4, TURNS = 50 };

static float logits[ROWS * VOCABULARY];
static tombola_params params[ROWS];

static tombola_sampler *make_drawing(tombola_in_thread in_thread, size_t vocabulary, size_t rows)
{
    tombola_sampler *sampler;
    tombola_sampler_options options = tombola_sampler_options_default();
    options.in_thread = in_thread;
    if (tombola_sampler_create(context, vocabulary, rows, &options, &sampler, &error))
        die("%s", error.message);
    return sampler;
}

static tombola_times times_of(const tombola_sampler *sampler)
{
    tombola_times times = tombola_times_default();
    tombola_sampler_times(sampler, &times);
    return times;
}

/* Rows of every kind, each drawn from in another way. */
static void fill_rows(void)
{
    for (uint32_t row = 0; row < ROWS; row++) {
        const struct row_recipe recipe = {(enum row_kind)(row % ROW_KINDS), row, VOCABULARY, TOMBOLA_FLOAT32,
                                          TOMBOLA_LOGITS};
        row_fill(&recipe, &logits[row * VOCABULARY], NULL);
        params[row] = tombola_params_default();
        params[row].seed = row;
        params[row].temperature = row % 5 ? 0.8f : 0;
        params[row].top_k = row % 5 == 1 ? 40 : 0;
        params[row].top_p = row % 5 == 2 ? 0.9f : 1;
        params[row].min_p = row % 5 == 3 ? 0.01f : 0;
    }
}

/* All that the first rows give, array after array. Returns words. */
static size_t draw_all(tombola_sampler *sampler, size_t count, uint32_t *words)
{
    tombola_rows rows = tombola_rows_default();
    tombola_results results = tombola_results_default();
    size_t used = 0;
    rows.count = count;
    rows.logits.host = logits;
    rows.params = params;
    results.candidate_count = CANDIDATES;
    for (enum array array = 0; array < ARRAYS; array++) {
        array_set(&results, array, words + used, NULL, 0);
        used += count * array_width(array, VOCABULARY, CANDIDATES);
    }
    memset(words, 0x55, used * sizeof *words);
    if (tombola_sampler_sample(sampler, &rows, &results, &error))
        fail_msg("%zu rows: %s", count, error.message);
    return used;
}

/* Whether the one that may draw in this thread has done so; what it gives is what the other gives, to the bit. */
static int draws_the_same(tombola_sampler *may, tombola_sampler *may_not, size_t count)
{
    const uint64_t before = times_of(may).in_thread_calls;
    uint32_t *here = allocate(ROWS * (5 * VOCABULARY + 100), sizeof *here);
    uint32_t *there = allocate(ROWS * (5 * VOCABULARY + 100), sizeof *there);
    const size_t words = draw_all(may, count, here);
    assert_int_equal(draw_all(may_not, count, there), words);
    assert_memory_equal(here, there, words * sizeof *here);
    free(here);
    free(there);
    return times_of(may).in_thread_calls != before;
}

static void few_rows_are_drawn_in_this_thread_and_give_the_same(void **state)
{
    (void)state;
    tombola_sampler *may = make_drawing(TOMBOLA_IN_THREAD_AUTO, VOCABULARY, ROWS);
    tombola_sampler *may_not = make_drawing(TOMBOLA_IN_THREAD_OFF, VOCABULARY, ROWS);
    int is_few = 1;
    assert_true(draws_the_same(may, may_not, 1));
    for (size_t count = 2; count <= ROWS; count++) {
        const int was_few = is_few;
        is_few = draws_the_same(may, may_not, count);
        assert_true(was_few || !is_few);
    }
    assert_int_equal(is_few, device_of(context).compute_units == 1);
    assert_int_equal(times_of(may).calls, ROWS);
    assert_int_equal(times_of(may).parts, ROWS);
    assert_int_equal(times_of(may_not).in_thread_calls, 0);
    tombola_sampler_release(may);
    tombola_sampler_release(may_not);
}

/* What a caller has set for itself is not what kernels compute by, and is there afterwards. */
static void the_threads_rounding_stays_its_own(void **state)
{
    (void)state;
    tombola_sampler *may = make_drawing(TOMBOLA_IN_THREAD_AUTO, VOCABULARY, ROWS);
    tombola_sampler *may_not = make_drawing(TOMBOLA_IN_THREAD_OFF, VOCABULARY, ROWS);
    assert_int_equal(fesetround(FE_UPWARD), 0);
    const int drew = draws_the_same(may, may_not, 4), mode = fegetround();
    fesetround(FE_TONEAREST);
    assert_true(drew);
    assert_int_equal(mode, FE_UPWARD);
    tombola_sampler_release(may);
    tombola_sampler_release(may_not);
}

static void only_calls_that_wait_for_host_memory_are_drawn_here(void **state)
{
    (void)state;
    tombola_sampler *sampler = make_drawing(TOMBOLA_IN_THREAD_AUTO, PROBE_VOCABULARY, PROBE_ROWS);
    for (enum entry entry = 0; entry < ENTRIES; entry++) {
        struct draw draws[PROBE_ROWS];
        const uint64_t before = times_of(sampler).in_thread_calls;
        entry_draw(entry, context, sampler, TOMBOLA_FLOAT32, probe.logits, PROBE_ROWS, PROBE_STRIDE, probe.params,
                   draws);
        assert_memory_equal(draws, probe.draws, sizeof draws);
        assert_int_equal(times_of(sampler).in_thread_calls != before, entry == ENTRY_SAMPLE);
    }
    int steps = 0;
    const uint64_t before = times_of(sampler).in_thread_calls;
    assert_int_equal(flight_generate(sampler, &steps), TOMBOLA_OK);
    assert_int_equal(times_of(sampler).in_thread_calls, before + (uint64_t)steps);
    tombola_sampler_release(sampler);
}

static void batches_in_flight_leave_no_room_and_keep_their_memory(void **state)
{
    (void)state;
    for (uint32_t room = 1; room <= 2; room++) {
        tombola_sampler *sampler = make_flying(room, TOMBOLA_TRANSFER_AUTO);
        flight_submit(sampler, 0);
        if (room == 1) {
            expect_full(sampler, room);
        } else { /* rows that another batch is reading are copied, as two buffers must not lie over them */
            assert_true(probe_passes(&probe, sampler));
            const tombola_times times = times_of(sampler);
            assert_int_equal(times.in_thread_calls, 1);
            assert_int_equal(times.staged_calls, 1);
        }
        flight_land(sampler, 0);
        assert_true(probe_passes(&probe, sampler));
        tombola_sampler_release(sampler);
    }
}

static void what_both_hold_is_told(void **state)
{
    (void)state;
    tombola_sampler *may = make_drawing(TOMBOLA_IN_THREAD_AUTO, VOCABULARY, ROWS);
    tombola_sampler *may_not = make_drawing(TOMBOLA_IN_THREAD_OFF, VOCABULARY, ROWS);
    tombola_memory more = tombola_memory_default(), less = more, before = more;
    tombola_sampler_memory(may, &more);
    tombola_sampler_memory(may_not, &less);
    assert_int_equal(tombola_sampler_memory_before(context, VOCABULARY, ROWS, NULL, &before, NULL), TOMBOLA_OK);
    assert_true(more.host_bytes > less.host_bytes);
    assert_int_equal(more.host_bytes, before.host_bytes);
    assert_int_equal(more.device_bytes, before.device_bytes);
    tombola_sampler_release(may);
    tombola_sampler_release(may_not);
}

static void *draw_often(void *passes)
{
    tombola_sampler *sampler = make_drawing(TOMBOLA_IN_THREAD_AUTO, PROBE_VOCABULARY, PROBE_ROWS);
    int *right = passes;
    for (*right = 0; *right < TURNS && probe_passes(&probe, sampler); ++*right) {
    }
    tombola_sampler_release(sampler);
    return NULL;
}

static void threads_draw_beside_each_other(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    int right[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, draw_often, &right[i]), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(right[i], TURNS);
}

static void the_device_is_told(void **state)
{
    (void)state;
    tombola_device here = tombola_device_default();
    tombola_context *alone;
    assert_int_equal(tombola_context_in_thread(context, &here, &error), TOMBOLA_OK);
    assert_int_equal(here.is_in_thread, 1);
    assert_int_equal(device_of(context).is_in_thread, 0);
    assert_true(here.index > device_of(context).index);
    assert_string_equal(here.platform, device_of(context).platform);
    assert_int_equal(tombola_context_in_thread(context, NULL, NULL), TOMBOLA_OK);
    expect_refusal(tombola_context_in_thread(NULL, &here, &error), &error, "context is NULL");
    assert_int_equal(tombola_context_open_cl(tombola_context_cl_context(context), tombola_context_cl_device(context),
                                             NULL, &alone, &error),
                     TOMBOLA_OK);
    assert_int_equal(tombola_context_in_thread(alone, &here, &error), TOMBOLA_NO_DEVICE);
    tombola_context_close(alone);
}

int main(int argc, char **argv)
{
    (void)argc;
    restart_with(argv, "POCL_DEVICES", "pthread basic");
    if (open_queues(NULL))
        return 1;
    const int is_there = tombola_context_in_thread(context, NULL, &error) == TOMBOLA_OK;
    close_queues(NULL);
    if (!is_there) {
        printf("skipped: %s\n", error.message);
        return 0;
    }
    fill_rows();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_rows_are_drawn_in_this_thread_and_give_the_same),
        cmocka_unit_test(the_threads_rounding_stays_its_own),
        cmocka_unit_test(only_calls_that_wait_for_host_memory_are_drawn_here),
        cmocka_unit_test(batches_in_flight_leave_no_room_and_keep_their_memory),
        cmocka_unit_test(what_both_hold_is_told),
        cmocka_unit_test(threads_draw_beside_each_other),
        cmocka_unit_test(the_device_is_told),
    };
    return cmocka_run_group_tests(tests, open_queues, close_queues);
}
