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
#include <unistd.h>

#include "entries.h"
#include "faults.h"
#include "probe.h"

static struct probe probe;
static char device[16]; /* the index of the one under test: a named device, which never falls back */
static tombola_context *context;
static tombola_sampler *plain, *timed, *staged;

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

static tombola_status open_on_opencl_context(tombola_error *error)
{
    tombola_context *opened;
    tombola_status status = tombola_context_open_cl(tombola_context_cl_context(context),
                                                    tombola_context_cl_device(context), NULL, &opened, error);
    if (!status)
        tombola_context_close(opened);
    return status;
}

static tombola_status make_sampler_that(tombola_transfer transfer, tombola_sampler **sampler, tombola_error *error)
{
    tombola_sampler_options options = tombola_sampler_options_default();
    options.transfer = transfer;
    return tombola_sampler_create(context, PROBE_VOCABULARY, PROBE_ROWS, &options, sampler, error);
}

static tombola_status create_sampler_that(tombola_transfer transfer, tombola_error *error)
{
    tombola_sampler *sampler;
    tombola_status status = make_sampler_that(transfer, &sampler, error);
    if (!status)
        tombola_sampler_release(sampler);
    return status;
}

static tombola_status create_sampler(tombola_error *error)
{
    return create_sampler_that(TOMBOLA_TRANSFER_IN_PLACE, error);
}

static tombola_status create_staged(tombola_error *error)
{
    return create_sampler_that(TOMBOLA_TRANSFER_STAGED, error);
}

static tombola_status sample_by(tombola_sampler *sampler, tombola_error *error)
{
    tombola_draw draws[PROBE_ROWS];
    return tombola_sampler_sample(sampler, probe.logits, PROBE_ROWS, PROBE_STRIDE, probe.params, draws, error);
}

static tombola_status sample(tombola_error *error)
{
    return sample_by(plain, error);
}

static tombola_status sample_staged(tombola_error *error)
{
    return sample_by(staged, error);
}

/* Four parts of so many bytes each that cutting pays, and more parts than slots. */
static tombola_status sample_parts(tombola_error *error)
{
    enum { ROWS = 4, VOCABULARY = 1200000 };
    static float *logits;
    if (!logits)
        logits = allocate(ROWS * (size_t)VOCABULARY, sizeof *logits);
    tombola_sampler_options options = tombola_sampler_options_default();
    tombola_sampler *sampler;
    tombola_draw draws[ROWS];
    options.transfer = TOMBOLA_TRANSFER_STAGED;
    tombola_status status = tombola_sampler_create(context, VOCABULARY, ROWS, &options, &sampler, error);
    if (status)
        return status;
    status = tombola_sampler_sample(sampler, logits, ROWS, VOCABULARY, probe.params, draws, error);
    tombola_sampler_release(sampler);
    return status;
}

/* Two batches in flight; where the second is refused, the first is waited for all the same. */
static tombola_status submit_twice(tombola_error *error)
{
    tombola_draw draws[PROBE_ROWS];
    tombola_ticket first, second;
    tombola_status status =
        tombola_sampler_submit(plain, probe.logits, PROBE_ROWS, PROBE_STRIDE, probe.params, &first, error);
    if (status)
        return status;
    status = tombola_sampler_submit(plain, probe.logits, 1, PROBE_STRIDE, probe.params, &second, error);
    if (!status)
        status = tombola_sampler_wait(plain, second, draws, error);
    tombola_status other = tombola_sampler_wait(plain, first, draws, status ? NULL : error);
    return status ? status : other;
}

static cl_mem device_logits, device_draws;
static cl_command_queue queue;

/* A sampler's own batches in buffers, three of them, with draws to host memory and to a buffer by turns. */
static tombola_status enqueue_thrice(tombola_transfer transfer, tombola_error *error)
{
    tombola_sampler *sampler;
    tombola_draw host[PROBE_ROWS];
    cl_event event = NULL;
    tombola_status status = make_sampler_that(transfer, &sampler, error);
    if (status)
        return status;
    for (int turn = 0; turn < 3 && !status; turn++) {
        tombola_cl_batch batch = tombola_cl_batch_default();
        tombola_cl_draws draws = tombola_cl_draws_default();
        batch.logits = device_logits;
        batch.row_stride = PROBE_STRIDE;
        batch.rows = PROBE_ROWS;
        batch.params = probe.params;
        if (turn == 1)
            draws.buffer = device_draws;
        else
            draws.host = host;
        status = tombola_sampler_enqueue(sampler, queue, &batch, &draws, event ? 1 : 0, event ? &event : NULL,
                                         turn == 0 ? &event : NULL, error);
    }
    if (event)
        clReleaseEvent(event);
    tombola_sampler_release(sampler);
    return status;
}

static tombola_status enqueue_in_place(tombola_error *error)
{
    return enqueue_thrice(TOMBOLA_TRANSFER_IN_PLACE, error);
}

static tombola_status enqueue_staged(tombola_error *error)
{
    return enqueue_thrice(TOMBOLA_TRANSFER_STAGED, error);
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
static const struct action opening_on_opencl_context = {
    open_on_opencl_context, "clGetPlatformInfo clGetDeviceIDs clGetDeviceInfo clFinish", ""};
static const struct action creating[] = {{create_sampler, "", ""},
                                         {create_staged, "clFinish clEnqueueUnmapMemObject", ""}};
static const struct action working[] = {
    {sample, "", ""},
    {sample_timed, "clGetEventProfilingInfo", ""},
    {softmax, "", ""},
    {softmax_timed, "clGetEventProfilingInfo", ""},
    {top_k, "", ""},
    {generate, "", ""},
    {sample_staged, "", ""},
    {sample_parts, "clFinish clEnqueueUnmapMemObject", ""},
    {submit_twice, "", ""},
    {enqueue_in_place, "clWaitForEvents", ""},
    {enqueue_staged, "clWaitForEvents clFinish clEnqueueUnmapMemObject", ""},
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
        assert_true(probe_passes(&probe, plain) && probe_passes(&probe, staged));
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

static void opening_on_an_opencl_context_tells_which_call_failed_and_leaks_nothing(void **state)
{
    (void)state;
    if (test_level() == TEST_SMALL)
        skip();
    fail_each_call(&opening_on_opencl_context, 17);
}

static void making_a_sampler_tells_which_call_failed_and_leaks_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(creating); i++)
        fail_each_call(&creating[i], 1);
}

static void work_tells_which_call_failed_and_the_next_call_works(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(working); i += test_level() == TEST_SMALL ? 2 : 1)
        fail_each_call(&working[i], 1);
}

/* Its first command waits for an event that comes after the failure: waiting for it would take for ever. */
static void a_batch_that_fails_half_way_does_not_hold_up_its_caller(void **state)
{
    (void)state;
    tombola_sampler *sampler;
    tombola_draw host[PROBE_ROWS];
    tombola_cl_batch batch = tombola_cl_batch_default();
    tombola_cl_draws draws = tombola_cl_draws_default();
    batch.logits = device_logits;
    batch.row_stride = PROBE_STRIDE;
    batch.rows = PROBE_ROWS;
    batch.params = probe.params;
    draws.host = host;
    faults_begin();
    long held = faults_seen().held;
    cl_event begin = entry_event(context);
    assert_int_equal(make_sampler_that(TOMBOLA_TRANSFER_STAGED, &sampler, NULL), TOMBOLA_OK);
    faults_fail("clEnqueueNDRangeKernel", 0, CL_OUT_OF_RESOURCES);
    alarm(60);
    assert_int_equal(tombola_sampler_enqueue(sampler, queue, &batch, &draws, 1, &begin, NULL, NULL),
                     TOMBOLA_DEVICE_FAILED);
    alarm(0);
    faults_begin();
    assert_true(probe_passes(&probe, sampler)); /* in the other batch's memory */
    clSetUserEventStatus(begin, CL_COMPLETE);
    clReleaseEvent(begin);
    tombola_sampler_release(sampler);
    assert_true(faults_seen().held == held);
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
    fail_each_allocation(create_staged);
    fail_each_allocation(generate);
    if (test_level() != TEST_SMALL)
        fail_each_allocation(open_named);
    assert_true(probe_passes(&probe, plain));
}

static void sampling_makes_wrappings_and_events_alone_and_reads_back_32_bytes_a_row(void **state)
{
    (void)state;
    tombola_sampler *samplers[] = {plain, staged};
    const size_t wrappings[] = {2, 0}; /* of the logits and the parameters */
    for (size_t i = 0; i < COUNT_OF(samplers); i++) {
        for (int again = 0; again < 3; again++) {
            faults_begin();
            long held = faults_seen().held;
            assert_int_equal(sample_by(samplers[i], NULL), TOMBOLA_OK);
            assert_true(faults_seen().wrapped == wrappings[i]);
            assert_true(faults_seen().created <= 4); /* and an event for each command */
            assert_true(faults_seen().held == held);
            assert_true(faults_seen().buffer_bytes == 0 && faults_seen().allocations == 0);
            assert_true(faults_seen().bytes_read > 0 && faults_seen().bytes_read <= 32 * PROBE_ROWS);
        }
    }
}

static void softmax_and_top_k_make_no_more_than_one_wrapping_besides(void **state)
{
    (void)state;
    tombola_status (*const runs[])(tombola_error *) = {softmax, top_k};
    for (size_t i = 0; i < COUNT_OF(runs); i++) {
        faults_begin();
        long held = faults_seen().held;
        assert_int_equal(runs[i](NULL), TOMBOLA_OK);
        assert_true(faults_seen().wrapped == 3);
        assert_true(faults_seen().created <= 3 + 5); /* its mapping, and events */
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
    assert_true(tombola_sampler_submit(plain, probe.logits, 1, 1, probe.params, &(tombola_ticket){0}, NULL) != 0);
    assert_true(tombola_sampler_wait(plain, 0, draws, NULL) != 0);
    assert_true(faults_seen().calls == 0 && faults_seen().allocations == 0);
    assert_true(probe_passes(&probe, plain));
}

/* For each of the two batches in flight at most 3% of its logits, 256 bytes a row and 64 KiB a compute unit; where
 * logits are staged, also the logits themselves and two slots of 4 MiB, or of a 32nd of the rows. */
static void a_sampler_needs_little_memory_beside_its_logits(void **state)
{
    (void)state;
    static const size_t vocabularies[] = {1, 255, 257, 1000, 32000, 128256, 151936, 1u << 20};
    static const size_t rows[] = {1, 7, 64};
    static const tombola_type types[] = {TOMBOLA_FLOAT32, TOMBOLA_BFLOAT16};
    size_t units = tombola_context_device(context)->compute_units;
    for (size_t t = 0; t < COUNT_OF(types) * 2; t++) {
        tombola_sampler_options options = tombola_sampler_options_default();
        options.type = types[t / 2];
        options.transfer = t % 2 ? TOMBOLA_TRANSFER_STAGED : TOMBOLA_TRANSFER_IN_PLACE;
        for (size_t v = 0; v < COUNT_OF(vocabularies) * COUNT_OF(rows); v++) {
            tombola_sampler *sampler;
            size_t vocabulary = vocabularies[v / COUNT_OF(rows)], most = rows[v % COUNT_OF(rows)];
            size_t row = vocabulary * tombola_type_size(options.type), logits = row * most;
            size_t slot = logits < (4u << 20) ? logits : (most + 31) / 32 * row;
            if (v == 0) { /* makes the type's kernels, and a sampler to test them */
                assert_int_equal(tombola_sampler_create(context, 1, 1, &options, &sampler, NULL), TOMBOLA_OK);
                tombola_sampler_release(sampler);
            }
            faults_begin();
            if (tombola_sampler_create(context, vocabulary, most, &options, &sampler, NULL) != TOMBOLA_OK)
                continue; /* the device has not got that much at all */
            size_t allowed = 2 * (logits / 100 * 3 + 256 * most + 65536 * units);
            if (options.transfer == TOMBOLA_TRANSFER_STAGED)
                allowed += 2 * (logits + 2 * (slot > (4u << 20) ? slot : 4u << 20));
            if (faults_seen().buffer_bytes > allowed)
                fail_msg("%zu x %zu logits: %zu bytes, but %zu should do", most, vocabulary, faults_seen().buffer_bytes,
                         allowed);
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
    cl_context opencl = tombola_context_cl_context(context);
    cl_int code[3];
    queue = clCreateCommandQueue(opencl, tombola_context_cl_device(context), 0, &code[0]);
    device_logits =
        clCreateBuffer(opencl, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR, sizeof probe.logits, probe.logits, &code[1]);
    device_draws = clCreateBuffer(opencl, CL_MEM_READ_WRITE, sizeof probe.draws, NULL, &code[2]);
    return code[0] || code[1] || code[2] || make_sampler_that(TOMBOLA_TRANSFER_IN_PLACE, &plain, NULL) ||
           make_sampler_that(TOMBOLA_TRANSFER_STAGED, &staged, NULL) ||
           tombola_sampler_create(context, PROBE_VOCABULARY, PROBE_ROWS, &options, &timed, NULL);
}

static int close_context(void **state)
{
    (void)state;
    tombola_sampler_release(plain);
    tombola_sampler_release(timed);
    tombola_sampler_release(staged);
    clReleaseMemObject(device_logits);
    clReleaseMemObject(device_draws);
    clReleaseCommandQueue(queue);
    tombola_context_close(context);
    return faults_seen().held != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listing_devices_tells_which_call_failed),
        cmocka_unit_test(opening_a_device_tells_which_call_failed_and_leaks_nothing),
        cmocka_unit_test(opening_on_an_opencl_context_tells_which_call_failed_and_leaks_nothing),
        cmocka_unit_test(making_a_sampler_tells_which_call_failed_and_leaks_nothing),
        cmocka_unit_test(work_tells_which_call_failed_and_the_next_call_works),
        cmocka_unit_test(a_batch_that_fails_half_way_does_not_hold_up_its_caller),
        cmocka_unit_test(a_device_without_room_is_out_of_memory),
        cmocka_unit_test(host_memory_that_runs_out_is_told_and_leaks_nothing),
        cmocka_unit_test(sampling_makes_wrappings_and_events_alone_and_reads_back_32_bytes_a_row),
        cmocka_unit_test(softmax_and_top_k_make_no_more_than_one_wrapping_besides),
        cmocka_unit_test(refused_arguments_reach_no_opencl_call),
        cmocka_unit_test(a_sampler_needs_little_memory_beside_its_logits),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
