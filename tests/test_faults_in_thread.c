/* What goes wrong with the device that works in the calling thread leaves all batches to the other one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <CL/cl.h>

#include "calls.h"
#include "faults.h"
#include "two_devices.h"

static tombola_error error;

static tombola_context *open_first(void)
{
    tombola_context *context;
    error = tombola_error_default();
    if (tombola_context_open("0", NULL, &context, &error))
        fail_msg("%s", error.message);
    return context;
}

static uint64_t drawn_here(const tombola_sampler *sampler)
{
    tombola_times times = tombola_times_default();
    tombola_sampler_times(sampler, &times);
    return times.in_thread_calls;
}

/* The sampler is made all the same, and the error stays to be told. */
static void expect_left_alone(tombola_context *context, tombola_status status, const char *message)
{
    tombola_sampler *sampler;
    for (int turn = 0; turn < 2; turn++) {
        assert_int_equal(tombola_sampler_create(context, PROBE_VOCABULARY, PROBE_ROWS, NULL, &sampler, &error),
                         TOMBOLA_OK);
        faults_begin();
        assert_true(probe_passes(&probe, sampler));
        assert_int_equal(drawn_here(sampler), 0);
        tombola_sampler_release(sampler);
        assert_int_equal(tombola_context_in_thread(context, NULL, &error), status);
        expect_text(error.message, message);
    }
    tombola_context_close(context);
}

static void one_that_does_not_open_is_left_alone(void **state)
{
    (void)state;
    need_two_devices();
    tombola_context *context = open_first();
    faults_fail("clCreateContext", 0, CL_DEVICE_NOT_AVAILABLE);
    expect_left_alone(context, TOMBOLA_DEVICE_FAILED, "clCreateContext failed: CL_DEVICE_NOT_AVAILABLE (-2)");
}

static void one_that_does_not_build_is_left_alone(void **state)
{
    (void)state;
    need_two_devices();
    tombola_context *context = open_first();
    faults_edit_source("0xD2511F53u", "this is no OpenCL C");
    expect_left_alone(context, TOMBOLA_BUILD_FAILED, "did not compile the kernels");
}

static void one_without_memory_for_its_sampler_is_left_alone(void **state)
{
    (void)state;
    need_two_devices();
    tombola_context *context = open_first();
    assert_int_equal(tombola_context_in_thread(context, NULL, &error), TOMBOLA_OK);
    const long held = faults_seen().held;
    int left_alone = 0, made = 0;
    for (size_t nth = 0; !made; nth++) {
        tombola_sampler *sampler = NULL;
        faults_begin();
        faults_fail_memory(nth);
        if (tombola_sampler_create(context, PROBE_VOCABULARY, PROBE_ROWS, NULL, &sampler, &error) == TOMBOLA_OK) {
            made = !faults_seen().failed;
            faults_begin();
            assert_true(probe_passes(&probe, sampler));
            left_alone += drawn_here(sampler) == 0;
        }
        tombola_sampler_release(sampler);
        assert_int_equal(faults_seen().held, held);
    }
    assert_true(left_alone > 1);
    tombola_context_close(context);
}

static void a_call_that_fails_here_fails_and_the_next_does_not(void **state)
{
    (void)state;
    need_two_devices();
    tombola_context *context = open_first();
    tombola_sampler *sampler;
    struct columns columns;
    assert_int_equal(tombola_sampler_create(context, PROBE_VOCABULARY, PROBE_ROWS, NULL, &sampler, &error), TOMBOLA_OK);
    const long held = faults_seen().held;
    int failed = 1;
    for (size_t nth = 0; failed; nth++) {
        const tombola_rows rows = host_rows(probe.logits, PROBE_ROWS, PROBE_STRIDE, probe.params);
        const tombola_results results = columns_results(&columns);
        faults_begin();
        faults_fail(NULL, nth, CL_OUT_OF_RESOURCES);
        const tombola_status status = tombola_sampler_sample(sampler, &rows, &results, &error);
        failed = faults_seen().failed != NULL;
        if (failed && status == TOMBOLA_OK) /* a call for what need not be known */
            expect_text(faults_seen().failed, "Info");
        faults_begin();
        assert_int_equal(faults_seen().held, held);
        assert_true(probe_passes(&probe, sampler));
    }
    assert_true(drawn_here(sampler) > 10);
    tombola_sampler_release(sampler);
    tombola_context_close(context);
}

int main(int argc, char **argv)
{
    (void)argc;
    offer_devices(argv, "pthread basic");
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)
    const struct CMUnitTest tests[] = {
        TEST(one_that_does_not_open_is_left_alone),
        TEST(one_that_does_not_build_is_left_alone),
        TEST(one_without_memory_for_its_sampler_is_left_alone),
        TEST(a_call_that_fails_here_fails_and_the_next_does_not),
    };
    return cmocka_run_group_tests(tests, list_devices, NULL);
}
