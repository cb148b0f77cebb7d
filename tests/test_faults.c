/* OpenCL calls and allocations that fail, each in its turn: an error that names the call, nothing
 * leaked, and the next call works. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "actions.h"
#include "entries.h"
#include "faults.h"
#include "tombola_shard.h"

/* One thing to do while calls fail. */
struct action {
    tombola_status (*run)(tombola_error *error);
    const char *tolerated; /* calls that it can do without, its status OK or as below */
    const char *unnamed;   /* calls that make its status NO_DEVICE, without a word of them */
};

static const struct action listing = {try_list, "clGetPlatformInfo clGetDeviceIDs clGetDeviceInfo", ""};
/* Opening makes a sampler and releases it; that this can't wait is no reason to keep it. Once a device is open, the
 * platforms are asked again, for a word on those that have none. */
static const struct action opening = {
    try_open, "clGetPlatformIDs clGetPlatformInfo clGetDeviceIDs clGetDeviceInfo clFinish clEnqueueUnmapMemObject",
    "clGetDeviceIDs clGetDeviceInfo"};
static const struct action opening_on_opencl_context = {
    try_open_cl, "clGetPlatformInfo clGetDeviceIDs clGetDeviceInfo clFinish clEnqueueUnmapMemObject", ""};
static const struct action creating[] = {{try_create, "", ""},
                                         {try_create_staged, "clFinish clEnqueueUnmapMemObject", ""}};
static const struct action working[] = {
    {try_sample, "", ""},
    {try_sample_timed, "clGetEventProfilingInfo", ""},
    {try_softmax, "", ""},
    {try_softmax_timed, "clGetEventProfilingInfo", ""},
    {try_top_k, "", ""},
    {try_generate, "", ""},
    {try_sample_staged, "", ""},
    {try_sample_parts, "clFinish clEnqueueUnmapMemObject", ""},
    {try_submit_twice, "", ""},
    {try_enqueue, "clWaitForEvents clGetEventInfo", ""},
    {try_masked, "", ""},
    {try_masked_staged, "clFinish clEnqueueUnmapMemObject", ""},
    {try_enqueue_staged, "clWaitForEvents clGetEventInfo clFinish clEnqueueUnmapMemObject", ""},
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
    assert_int_equal(action->run(NULL), TOMBOLA_OK); /* what the first call makes room for stays */
    for (size_t nth = 0;; nth += step) {
        tombola_error error = {sizeof error, TOMBOLA_OK, "no message"};
        faults_begin();
        long held = faults_seen().held;
        faults_fail(NULL, nth, CL_OUT_OF_RESOURCES);
        tombola_status status = action->run(&error);
        const char *call = faults_seen().failed;
        faults_begin();
        if (!call) { /* the call before was the last one */
            assert_int_equal(status, TOMBOLA_OK);
            assert_int_not_equal(nth, 0);
            return;
        }
        expect_named(action, call, status, error.message);
        if (faults_seen().held != held)
            fail_msg("%s failed (call %zu), and %ld objects leaked", call, nth, faults_seen().held - held);
        if (strcmp(call, last) != 0)
            assert_int_equal(action->run(NULL), TOMBOLA_OK);
        last = call;
        assert_true(probe_passes(&probe, plain) && probe_passes(&probe, staged));
    }
}

/* Likewise of allocations. */
static void fail_each_allocation(tombola_status (*run)(tombola_error *error), size_t step)
{
    for (size_t nth = 0;; nth += step) {
        tombola_error error = {sizeof error, TOMBOLA_OK, "no message"};
        faults_begin();
        long held = faults_seen().held;
        faults_fail_memory(nth);
        tombola_status status = run(&error);
        int failed = faults_seen().failed != NULL;
        faults_begin();
        assert_int_equal(faults_seen().held, held);
        if (!failed) {
            assert_int_equal(status, TOMBOLA_OK);
            assert_int_not_equal(nth, 0);
            break;
        }
        /* a device without a word on why it was taken is still a device */
        if (status != TOMBOLA_OK)
            assert_int_equal(status, TOMBOLA_OUT_OF_MEMORY);
        if (status == TOMBOLA_OUT_OF_MEMORY && !strstr(error.message, "no memory"))
            fail_msg("allocation %zu failed, told as: %s", nth, error.message);
    }
    assert_int_equal(run(NULL), TOMBOLA_OK);
}

static void listing_devices_tells_which_call_failed(void **state)
{
    (void)state;
    fail_each_call(&listing, 1);
}

/* Most of the hundreds of calls of an opening are the self-test's, which are a sampler's. */
static size_t opening_step(void)
{
    return test_level() == TEST_ALL ? 1 : 19;
}

static void opening_a_device_tells_which_call_failed_and_leaks_nothing(void **state)
{
    (void)state;
    if (test_level() == TEST_SMALL)
        skip();
    fail_each_call(&opening, opening_step());
}

static void opening_on_an_opencl_context_tells_which_call_failed_and_leaks_nothing(void **state)
{
    (void)state;
    if (test_level() == TEST_SMALL)
        skip();
    fail_each_call(&opening_on_opencl_context, 2 * opening_step() + 3);
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
    struct columns columns;
    const tombola_rows rows = probe_batch();
    const tombola_results results = columns_results(&columns);
    faults_begin();
    long held = faults_seen().held;
    cl_event begin = entry_event(context);
    assert_int_equal(make_probe_sampler(TOMBOLA_TRANSFER_STAGED, &sampler, NULL), TOMBOLA_OK);
    faults_fail("clEnqueueNDRangeKernel", 0, CL_OUT_OF_RESOURCES);
    alarm(60);
    assert_int_equal(tombola_sampler_enqueue(sampler, queues[0], &rows, &results, 1, &begin, NULL, NULL),
                     TOMBOLA_DEVICE_FAILED);
    alarm(0);
    faults_begin();
    assert_true(probe_passes(&probe, sampler)); /* in the other batch's memory */
    clSetUserEventStatus(begin, CL_COMPLETE);
    clReleaseEvent(begin);
    tombola_sampler_release(sampler);
    assert_int_equal(faults_seen().held, held);
}

static void a_device_without_room_is_out_of_memory(void **state)
{
    (void)state;
    static const int codes[] = {CL_MEM_OBJECT_ALLOCATION_FAILURE, CL_OUT_OF_HOST_MEMORY, CL_INVALID_BUFFER_SIZE};
    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        tombola_error error = tombola_error_default();
        faults_begin();
        faults_fail("clCreateBuffer", 0, codes[i]);
        assert_int_equal(try_create(&error), TOMBOLA_OUT_OF_MEMORY);
        char code[16];
        snprintf(code, sizeof code, "(%d)", codes[i]);
        assert_non_null(strstr(error.message, code));
    }
    faults_begin();
    faults_fail("clEnqueueNDRangeKernel", 0, CL_MEM_OBJECT_ALLOCATION_FAILURE);
    assert_int_equal(try_sample(NULL), TOMBOLA_OUT_OF_MEMORY);
    faults_begin();
    assert_true(probe_passes(&probe, plain));
}

static void host_memory_that_runs_out_is_told_and_leaks_nothing(void **state)
{
    (void)state;
    fail_each_allocation(try_list, 1);
    fail_each_allocation(try_create, 1);
    fail_each_allocation(try_create_staged, 1);
    fail_each_allocation(try_generate, 1);
    fail_each_allocation(try_masked_staged, 1);
    if (test_level() != TEST_SMALL)
        fail_each_allocation(try_open, opening_step());
    assert_true(probe_passes(&probe, plain));
}

/* A transport could not go on: the other shards would not know that one has none. */
static void heads_are_checked_without_memory(void **state)
{
    (void)state;
    enum { COUNT = 1500 };
    static tombola_shard_head heads[COUNT];
    tombola_error error = tombola_error_default();
    size_t at;
    for (uint32_t i = 0; i < COUNT; i++) { /* in disorder, some without columns */
        const uint32_t place = i * 7 % COUNT, first = (place < 1000 ? place : 1000) * 256;
        heads[i] = (tombola_shard_head){.magic = TOMBOLA_SHARD_MAGIC,
                                        .layout = TOMBOLA_SHARD_LAYOUT,
                                        .contract = (uint32_t)tombola_contract(),
                                        .size = sizeof *heads,
                                        .vocabulary = 1000 * 256,
                                        .rows = 1,
                                        .first = first,
                                        .last = place < 1000 ? first + 256 : first};
    }
    faults_begin();
    faults_fail_memory(0);
    const size_t stride = sizeof *heads;
    assert_int_equal(tombola_shard_check(heads, stride, COUNT, &at, &error), TOMBOLA_OK);
    assert_int_equal(at, COUNT);
    static const struct {
        size_t head;
        uint32_t rows, first;
        const char *words;
    } cases[] = {{700, 2, 400 * 256, "the shard of columns 102400 to 102656 has another number of rows than that of 0"},
                 {700, 1, 399 * 256, "more than one shard has columns 102144 to 102400"},
                 {1, 1, 0, "more than one shard has columns 0 to 256"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const tombola_shard_head right = heads[cases[i].head];
        heads[cases[i].head].rows = cases[i].rows;
        heads[cases[i].head].first = cases[i].first;
        assert_int_equal(tombola_shard_check(heads, stride, COUNT, &at, &error), TOMBOLA_INVALID_ARGUMENT);
        assert_non_null(strstr(error.message, cases[i].words));
        assert_int_equal(at, cases[i].head);
        heads[cases[i].head] = right;
    }
    heads[700].last = heads[700].first;
    assert_int_equal(tombola_shard_check(heads, stride, COUNT, &at, &error), TOMBOLA_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "no shard has columns 102400 to 102656"));
    assert_int_equal(at, COUNT);
    faults_begin();
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
        cmocka_unit_test(heads_are_checked_without_memory),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
