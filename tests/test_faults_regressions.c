/* What a close reading found: places for candidates that were too few, batches that held up others, memory released too
 * early, and memory wrapped where the device would not use it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "calls.h"
#include "context.h"
#include "device_batch.h"
#include "entries.h"
#include "faults.h"

enum { ROWS = 6, V = 600, K = 5, PARTS_LIMIT = 16384 };

static float logits[ROWS * V];
static tombola_params params[ROWS];

static void fill_rows(void)
{
    uint64_t random = 3;
    for (size_t i = 0; i < ROWS * V; i++) {
        logits[i] = (float)(random_bits(&random) % 1024) / 64.0f;
    }
    tombola_params_fill(params, ROWS, tombola_params_default());
}

static tombola_sampler *sampler_with(tombola_transfer transfer)
{
    static const struct make like = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, V};
    return make_sampler_that(context, &like, ROWS, TOMBOLA_DISPATCH_AUTO, transfer);
}

/* Probabilities make parts small; without them the same candidates come from larger ones. */
static void candidates_have_room_in_parts_of_any_size(void **state)
{
    (void)state;
    static int32_t first[ROWS * K], second[ROWS * K];
    static float probabilities[ROWS * V];
    const size_t largest = context->largest_buffer;
    cl_mem buffer = entry_buffer(context, sizeof logits, logits);
    context->largest_buffer = PARTS_LIMIT;
    tombola_sampler *sampler = sampler_with(TOMBOLA_TRANSFER_STAGED);
    tombola_rows rows = tombola_rows_default();
    rows.count = ROWS;
    rows.logits.buffer = buffer;
    rows.params = params;
    tombola_results results = tombola_results_default();
    results.candidate_count = K;
    results.candidate_tokens.host = first;
    results.probabilities.host = probabilities;
    for (int turn = 0; turn < 2; turn++) { /* a place in flight each */
        assert_int_equal(tombola_sampler_sample(sampler, &rows, &results, &error), TOMBOLA_OK);
    }
    results.probabilities.host = NULL;
    results.candidate_tokens.host = second;
    faults_begin();
    assert_int_equal(tombola_sampler_sample(sampler, &rows, &results, &error), TOMBOLA_OK);
    assert_in_range(faults_seen().buffer_bytes, ROWS * K * sizeof(cl_uint), SIZE_MAX);
    assert_memory_equal(first, second, sizeof first);
    tombola_sampler_release(sampler);
    context->largest_buffer = largest;
    clReleaseMemObject(buffer);
}

/* In parts, behind an event that comes later; another batch of the sampler does not wait for it. */
static void an_enqueued_batch_in_parts_holds_up_no_other(void **state)
{
    (void)state;
    if (!entry_can_wait(context)) {
        skip();
    }
    static float more[3 * ROWS * V];
    static tombola_params more_params[3 * ROWS];
    static int32_t tokens[3 * ROWS];
    static const struct make like = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, V};
    const size_t largest = context->largest_buffer;
    struct draw draws[1];
    for (size_t i = 0; i < 3; i++) {
        memcpy(more + i * ROWS * V, logits, sizeof logits);
    }
    tombola_params_fill(more_params, 3 * ROWS, tombola_params_default());
    context->largest_buffer = PARTS_LIMIT;
    tombola_sampler *sampler =
        make_sampler_that(context, &like, 3 * ROWS, TOMBOLA_DISPATCH_AUTO, TOMBOLA_TRANSFER_STAGED);
    cl_event begin = entry_event(context), done;
    const tombola_rows rows = host_rows(more, 3 * ROWS, V, more_params);
    tombola_results results = tombola_results_default();
    results.tokens.host = tokens;
    alarm(60);
    assert_int_equal(tombola_sampler_enqueue(sampler, queues[0], &rows, &results, 1, &begin, &done, &error),
                     TOMBOLA_OK);
    assert_int_equal(draw_rows(sampler, logits, 1, V, params, draws, &error), TOMBOLA_OK);
    alarm(0);
    clSetUserEventStatus(begin, CL_COMPLETE);
    settle(done);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(tokens[i * ROWS], draws[0].token);
    }
    clReleaseEvent(begin);
    tombola_sampler_release(sampler);
    context->largest_buffer = largest;
}

static atomic_int has_begun;

static void *begin_later(void *event)
{
    const struct timespec moment = {0, 200 * 1000 * 1000};
    nanosleep(&moment, NULL);
    atomic_store(&has_begun, 1);
    clSetUserEventStatus((cl_event)event, CL_COMPLETE);
    return NULL;
}

/* Its last command is done, and its first one is not. */
static void releasing_waits_for_all_of_a_batch_that_failed(void **state)
{
    (void)state;
    if (!entry_can_wait(context)) {
        skip();
    }
    enum { WIDE = 40000, FEW = 4 };
    static float wide[FEW * WIDE];
    static int32_t tokens[FEW];
    static const struct make like = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, WIDE};
    tombola_sampler *sampler = make_sampler_that(context, &like, FEW, TOMBOLA_DISPATCH_AUTO, TOMBOLA_TRANSFER_STAGED);
    cl_event begin = entry_event(context);
    pthread_t thread;
    const tombola_rows rows = host_rows(wide, FEW, WIDE, params);
    tombola_results results = tombola_results_default();
    results.tokens.host = tokens;
    faults_begin();
    faults_fail("clEnqueueNDRangeKernel", 1, CL_OUT_OF_RESOURCES);
    assert_int_equal(tombola_sampler_enqueue(sampler, queues[0], &rows, &results, 1, &begin, NULL, &error),
                     TOMBOLA_DEVICE_FAILED);
    faults_begin();
    atomic_store(&has_begun, 0);
    assert_int_equal(pthread_create(&thread, NULL, begin_later, begin), 0);
    tombola_sampler_release(sampler);
    assert_int_equal(atomic_load(&has_begun), 1);
    pthread_join(thread, NULL);
    clReleaseEvent(begin);
}

static uint64_t in_place_calls(tombola_sampler *sampler)
{
    tombola_times times = tombola_times_default();
    tombola_sampler_times(sampler, &times);
    return times.in_place_calls;
}

/* A device that has host memory at other addresses uses what begins where it likes buffers to: the rest is staged. */
static void what_the_device_would_copy_is_staged(void **state)
{
    (void)state;
    const size_t alignment = context->alignment;
    static char memory[8 * 4096 + ROWS * V * sizeof(float)];
    char *page = memory + (4096 - (uintptr_t)memory % 4096);
    static const struct {
        size_t offset; /* elements */
        uint32_t first;
        int in_place;
    } cases[] = {{0, 0, 1}, {1, 0, 0}, {32, 0, 1}, {0, 1, 0}, {31, 1, 0}, {0, 4, 1}}; /* a row is 2400 bytes */
    context->alignment = 128;
    tombola_sampler *sampler = sampler_with(TOMBOLA_TRANSFER_AUTO), *forced = sampler_with(TOMBOLA_TRANSFER_IN_PLACE);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        tombola_sampler *const samplers[] = {sampler, forced};
        int32_t tokens[1], expected[1];
        uint32_t index = cases[i].first;
        float *start = (float *)(void *)page + cases[i].offset;
        memcpy(start, logits, sizeof logits);
        for (size_t n = 0; n < COUNT_OF(samplers); n++) {
            uint64_t before = in_place_calls(samplers[n]);
            tombola_rows rows = host_rows(start, 1, V, params);
            tombola_results results = tombola_results_default();
            rows.indices = &index;
            results.tokens.host = tokens;
            assert_int_equal(tombola_sampler_sample(samplers[n], &rows, &results, &error), TOMBOLA_OK);
            assert_int_equal(in_place_calls(samplers[n]) - before, n == 1 || cases[i].in_place);
            if (n == 0) {
                expected[0] = tokens[0];
            }
            assert_int_equal(tokens[0], expected[0]);
        }
    }
    tombola_sampler_release(sampler);
    tombola_sampler_release(forced);
    context->alignment = alignment;
}

/* Which the device is asked: one that names another address is not taken to use what lies anywhere. */
static void the_device_is_asked_where_it_has_host_memory(void **state)
{
    (void)state;
    tombola_context *opened;
    if (!context->is_unified || context->alignment != 1) {
        skip();
    }
    faults_begin();
    faults_damage("address_of", 1);
    assert_int_equal(tombola_context_open_cl(opencl, context->device.id, NULL, &opened, &error), TOMBOLA_OK);
    faults_begin();
    assert_in_range(opened->alignment, 4, 4096);
    tombola_context_close(opened);
}

static int open_and_fill(void **state)
{
    fill_rows();
    error = tombola_error_default();
    return open_queues(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(candidates_have_room_in_parts_of_any_size),
        cmocka_unit_test(releasing_waits_for_all_of_a_batch_that_failed),
        cmocka_unit_test(what_the_device_would_copy_is_staged),
        cmocka_unit_test(the_device_is_asked_where_it_has_host_memory),
        cmocka_unit_test(an_enqueued_batch_in_parts_holds_up_no_other), /* last: it ends the program if it does */
    };
    return cmocka_run_group_tests(tests, open_and_fill, close_queues);
}
