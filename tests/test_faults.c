/* OpenCL calls and allocations that fail, each in its turn: an error that names the call, nothing
 * leaked, and the next call works. And what calls that work may take: objects, bytes, memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <CL/cl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "faults.h"
#include "probe.h"

static struct probe probe;
static char device[16]; /* the index of the one under test: a named device, which never falls back */
static tombola_context *context;
static tombola_sampler *plain, *timed;

/* One thing to do while calls fail. */
struct action {
    tombola_status (*run)(tombola_error *error);
    const char *tolerated; /* calls that it can do without, its status OK or as below */
    const char *unnamed;   /* calls that make its status NO_DEVICE, without a word of them */
};

static tombola_status list_devices(tombola_error *error)
{
    size_t count;
    return tombola_device_list(NULL, 0, &count, error);
}

static tombola_status open_device(const char *name, tombola_error *error)
{
    tombola_context *opened;
    tombola_status status = tombola_context_open(name, NULL, &opened, error);
    if (!status)
        tombola_context_close(opened);
    return status;
}

static tombola_status open_named(tombola_error *error)
{
    return open_device(device, error);
}

static tombola_status create_sampler(tombola_error *error)
{
    tombola_sampler *sampler;
    tombola_status status = tombola_sampler_create(context, PROBE_VOCABULARY, PROBE_ROWS, NULL, &sampler, error);
    if (!status)
        tombola_sampler_release(sampler);
    return status;
}

static tombola_status sample(tombola_error *error)
{
    tombola_draw draws[PROBE_ROWS];
    return tombola_sampler_sample(plain, probe.logits, PROBE_ROWS, PROBE_STRIDE, probe.params, draws, error);
}

static tombola_status sample_timed(tombola_error *error)
{
    tombola_draw draw;
    return tombola_sampler_sample(timed, probe.logits, 1, PROBE_VOCABULARY, probe.params, &draw, error);
}

static tombola_status softmax(tombola_error *error)
{
    static float output[PROBE_ROWS * PROBE_VOCABULARY];
    return tombola_sampler_softmax(plain, probe.logits, PROBE_ROWS, PROBE_STRIDE, probe.params, 0, output,
                                   PROBE_VOCABULARY, NULL, error);
}

static tombola_status softmax_timed(tombola_error *error)
{
    static float output[PROBE_ROWS * PROBE_VOCABULARY];
    return tombola_sampler_softmax(timed, probe.logits, PROBE_ROWS, PROBE_STRIDE, probe.params, 1, output,
                                   PROBE_VOCABULARY, NULL, error);
}

static tombola_status top_k(tombola_error *error)
{
    static tombola_candidate candidates[PROBE_ROWS * 10];
    return tombola_sampler_top_k(plain, probe.logits, PROBE_ROWS, PROBE_STRIDE, probe.params, 10, candidates, NULL,
                                 error);
}

static int fill_logits(void *user, const tombola_sequence *sequences, const size_t *live, size_t rows, void *logits,
                       size_t row_stride)
{
    (void)user, (void)sequences, (void)live;
    for (size_t row = 0; row < rows; row++)
        memcpy((float *)logits + row * row_stride, probe.logits, PROBE_VOCABULARY * sizeof(float));
    return 0;
}

static tombola_status generate(tombola_error *error)
{
    int32_t tokens[2];
    tombola_sequence sequence = tombola_sequence_default();
    sequence.tokens = tokens;
    sequence.max_new_tokens = COUNT_OF(tokens);
    return tombola_sampler_generate(plain, &sequence, 1, fill_logits, NULL, NULL, NULL, error);
}

static const struct action listing = {list_devices, "clGetPlatformInfo clGetDeviceIDs clGetDeviceInfo", ""};
/* Opening makes a sampler and releases it; that this can't wait is no reason to keep it. */
static const struct action opening = {open_named, "clGetPlatformInfo clGetDeviceIDs clGetDeviceInfo clFinish",
                                      "clGetDeviceIDs"};
static const struct action creating = {create_sampler, "clFinish", ""};
static const struct action working[] = {
    {sample, "", ""},  {sample_timed, "clGetEventProfilingInfo", ""},
    {softmax, "", ""}, {softmax_timed, "clGetEventProfilingInfo", ""},
    {top_k, "", ""},   {generate, "", ""},
};

static void expect_named(const struct action *action, const char *call, tombola_status status, const char *message)
{
    if (status == TOMBOLA_OK) {
        if (!strstr(action->tolerated, call))
            fail_msg("%s failed unnoticed", call);
        return;
    }
    if (status == TOMBOLA_NO_DEVICE && strstr(action->unnamed, call))
        return;
    if (status != TOMBOLA_DEVICE_FAILED || !strstr(message, call) || !strstr(message, "(-5)"))
        fail_msg("%s failed with -5, told as status %d: %s", call, (int)status, message);
}

/* Lets each call fail, or one in `step`, to the last. After each the sampler works as before, and after each kind
 * of call the action itself does. */
static void fail_each_call(const struct action *action, size_t step)
{
    const char *last = "";
    for (size_t nth = 0;; nth += step) {
        tombola_error error = {"no message"};
        faults_begin();
        long held = faults_seen().held;
        faults_fail(NULL, nth, CL_OUT_OF_RESOURCES);
        tombola_status status = action->run(&error);
        const char *call = faults_seen().failed;
        faults_begin();
        if (!call) { /* the call before was the last one */
            assert_true(status == TOMBOLA_OK && nth > 0);
            return;
        }
        expect_named(action, call, status, error.message);
        if (faults_seen().held != held)
            fail_msg("%s failed (call %zu), and %ld objects leaked", call, nth, faults_seen().held - held);
        if (strcmp(call, last) != 0)
            assert_true(action->run(NULL) == TOMBOLA_OK);
        last = call;
        if (plain)
            assert_true(probe_passes(&probe, plain));
    }
}

static void fail_each_allocation(tombola_status (*run)(tombola_error *error))
{
    for (size_t nth = 0;; nth++) {
        tombola_error error = {"no message"};
        faults_begin();
        long held = faults_seen().held;
        faults_fail_memory(nth);
        tombola_status status = run(&error);
        int failed = faults_seen().failed != NULL;
        faults_begin();
        assert_true(faults_seen().held == held);
        if (!failed) {
            assert_true(status == TOMBOLA_OK && nth > 0);
            break;
        }
        /* a device without a word on why it was taken is still a device */
        assert_true(status == TOMBOLA_OUT_OF_MEMORY || status == TOMBOLA_OK);
        if (status == TOMBOLA_OUT_OF_MEMORY && !strstr(error.message, "no memory"))
            fail_msg("allocation %zu failed, told as: %s", nth, error.message);
    }
    assert_true(run(NULL) == TOMBOLA_OK);
}

static void listing_devices_tells_which_call_failed(void **state)
{
    (void)state;
    fail_each_call(&listing, 1);
}

static void opening_a_device_tells_which_call_failed_and_leaks_nothing(void **state)
{
    (void)state;
    if (test_level() == TEST_SMALL)
        skip();
    struct timespec before, after;
    timespec_get(&before, TIME_UTC);
    assert_int_equal(open_named(NULL), TOMBOLA_OK);
    timespec_get(&after, TIME_UTC);
    fail_each_call(&opening, after.tv_sec - before.tv_sec > 1 ? 11 : 1); /* where each takes many seconds */
}

static void making_a_sampler_tells_which_call_failed_and_leaks_nothing(void **state)
{
    (void)state;
    fail_each_call(&creating, 1);
}

static void work_tells_which_call_failed_and_the_next_call_works(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(working); i += test_level() == TEST_SMALL ? 2 : 1)
        fail_each_call(&working[i], 1);
}

static void a_device_without_room_is_out_of_memory(void **state)
{
    (void)state;
    static const int codes[] = {CL_MEM_OBJECT_ALLOCATION_FAILURE, CL_OUT_OF_HOST_MEMORY, CL_INVALID_BUFFER_SIZE};
    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        tombola_error error = {""};
        faults_begin();
        faults_fail("clCreateBuffer", 0, codes[i]);
        assert_true(create_sampler(&error) == TOMBOLA_OUT_OF_MEMORY);
        char code[16];
        snprintf(code, sizeof code, "(%d)", codes[i]);
        assert_non_null(strstr(error.message, code));
    }
    faults_begin();
    faults_fail("clEnqueueNDRangeKernel", 0, CL_MEM_OBJECT_ALLOCATION_FAILURE);
    assert_true(sample(NULL) == TOMBOLA_OUT_OF_MEMORY);
    faults_begin();
    assert_true(probe_passes(&probe, plain));
}

static void host_memory_that_runs_out_is_told_and_leaks_nothing(void **state)
{
    (void)state;
    fail_each_allocation(list_devices);
    fail_each_allocation(create_sampler);
    fail_each_allocation(generate);
    if (test_level() != TEST_SMALL)
        fail_each_allocation(open_named);
    assert_true(probe_passes(&probe, plain));
}

static void sampling_makes_nothing_and_reads_back_32_bytes_a_row(void **state)
{
    (void)state;
    assert_int_equal(sample(NULL), TOMBOLA_OK);
    for (int again = 0; again < 3; again++) {
        faults_begin();
        assert_int_equal(sample(NULL), TOMBOLA_OK);
        assert_true(faults_seen().created == 0);
        assert_true(faults_seen().allocations == 0);
        assert_true(faults_seen().bytes_read > 0 && faults_seen().bytes_read <= 32 * PROBE_ROWS);
    }
}

static void softmax_and_top_k_make_no_more_than_a_wrapping_of_the_results(void **state)
{
    (void)state;
    tombola_status (*const runs[])(tombola_error *) = {softmax, top_k};
    for (size_t i = 0; i < COUNT_OF(runs); i++) {
        faults_begin();
        long held = faults_seen().held;
        assert_int_equal(runs[i](NULL), TOMBOLA_OK);
        assert_true(faults_seen().created <= 2); /* the buffer, and its mapping */
        assert_true(faults_seen().buffer_bytes == 0);
        assert_true(faults_seen().allocations == 0);
        assert_true(faults_seen().held == held);
    }
}

static void refused_arguments_reach_no_opencl_call(void **state)
{
    (void)state;
    tombola_draw draws[PROBE_ROWS];
    tombola_params params[PROBE_ROWS];
    float output[1];
    tombola_candidate candidates[1];
    memcpy(params, probe.params, sizeof params);
    params[PROBE_ROWS - 1].temperature = -1.0f;
    faults_begin();
    assert_true(tombola_sampler_sample(plain, probe.logits, PROBE_ROWS, PROBE_STRIDE, params, draws, NULL) != 0);
    assert_true(tombola_sampler_sample(plain, probe.logits, 0, PROBE_STRIDE, probe.params, draws, NULL) != 0);
    assert_true(tombola_sampler_sample(plain, probe.logits, 1, 1, probe.params, draws, NULL) != 0);
    assert_true(tombola_sampler_softmax(plain, probe.logits, PROBE_ROWS, PROBE_STRIDE, params, 0, output, 600, NULL,
                                        NULL) != 0);
    assert_true(
        tombola_sampler_top_k(plain, probe.logits, PROBE_ROWS, PROBE_STRIDE, params, 1, candidates, NULL, NULL) != 0);
    assert_true(tombola_sampler_softmax(plain, probe.logits, 0, PROBE_STRIDE, params, 0, output, 600, NULL, NULL) != 0);
    assert_true(tombola_sampler_top_k(plain, probe.logits, 1, PROBE_STRIDE, params, 0, candidates, NULL, NULL) != 0);
    assert_true(faults_seen().calls == 0 && faults_seen().allocations == 0);
    assert_true(probe_passes(&probe, plain));
}

/* Beside the logits: at most 3% of them, 256 bytes a row and 64 KiB a compute unit. */
static void a_sampler_needs_little_memory_beside_its_logits(void **state)
{
    (void)state;
    static const size_t vocabularies[] = {1, 255, 257, 1000, 32000, 128256, 151936, 1u << 20};
    static const size_t rows[] = {1, 7, 64};
    static const tombola_type types[] = {TOMBOLA_FLOAT32, TOMBOLA_BFLOAT16};
    size_t units = tombola_context_device(context)->compute_units;
    for (size_t t = 0; t < COUNT_OF(types); t++) {
        tombola_sampler_options options = tombola_sampler_options_default();
        options.type = types[t];
        for (size_t v = 0; v < COUNT_OF(vocabularies) * COUNT_OF(rows); v++) {
            tombola_sampler *sampler;
            size_t vocabulary = vocabularies[v / COUNT_OF(rows)], most = rows[v % COUNT_OF(rows)];
            size_t logits = vocabulary * most * tombola_type_size(types[t]);
            if (v == 0) { /* makes the type's kernels, and a sampler to test them */
                assert_int_equal(tombola_sampler_create(context, 1, 1, &options, &sampler, NULL), TOMBOLA_OK);
                tombola_sampler_release(sampler);
            }
            faults_begin();
            if (tombola_sampler_create(context, vocabulary, most, &options, &sampler, NULL) != TOMBOLA_OK)
                continue; /* the device has not got that much at all */
            size_t beside = faults_seen().buffer_bytes - logits;
            if (faults_seen().buffer_bytes < logits || beside > logits / 100 * 3 + 256 * most + 65536 * units)
                fail_msg("%zu x %zu logits: %zu bytes, %zu of them beside the logits", most, vocabulary,
                         faults_seen().buffer_bytes, beside);
            tombola_sampler_release(sampler);
        }
    }
}

static int open_context(void **state)
{
    (void)state;
    tombola_sampler_options options = tombola_sampler_options_default();
    options.timed = 1;
    context = test_context_open(0, 0);
    snprintf(device, sizeof device, "%" PRIu32, tombola_context_device(context)->index);
    probe_make(&probe, TOMBOLA_FLOAT32);
    return tombola_sampler_create(context, PROBE_VOCABULARY, PROBE_ROWS, NULL, &plain, NULL) ||
           tombola_sampler_create(context, PROBE_VOCABULARY, PROBE_ROWS, &options, &timed, NULL);
}

static int close_context(void **state)
{
    (void)state;
    tombola_sampler_release(plain);
    tombola_sampler_release(timed);
    tombola_context_close(context);
    return faults_seen().held != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listing_devices_tells_which_call_failed),
        cmocka_unit_test(opening_a_device_tells_which_call_failed_and_leaks_nothing),
        cmocka_unit_test(making_a_sampler_tells_which_call_failed_and_leaks_nothing),
        cmocka_unit_test(work_tells_which_call_failed_and_the_next_call_works),
        cmocka_unit_test(a_device_without_room_is_out_of_memory),
        cmocka_unit_test(host_memory_that_runs_out_is_told_and_leaks_nothing),
        cmocka_unit_test(sampling_makes_nothing_and_reads_back_32_bytes_a_row),
        cmocka_unit_test(softmax_and_top_k_make_no_more_than_a_wrapping_of_the_results),
        cmocka_unit_test(refused_arguments_reach_no_opencl_call),
        cmocka_unit_test(a_sampler_needs_little_memory_beside_its_logits),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
