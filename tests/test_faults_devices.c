/* Which device is taken, and what becomes of devices that fail to open, to build the kernels or
 * to give the right tokens. Runs itself again where PoCL offers two devices. */
#define _DEFAULT_SOURCE /* unsetenv, setenv */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <CL/cl.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "faults.h"
#include "probe.h"
#include "process.h"

#define TWO_DEVICES "basic pthread"
#define MOST_DEVICES 16
#define NO_PLATFORM (-1001) /* CL_PLATFORM_NOT_FOUND_KHR */

/* What makes a device compute other tokens: one of Philox's multipliers. */
#define MULTIPLIER "0xD2511F53u"
#define ANOTHER_MULTIPLIER "0xD2511F57u"
/* What no compiler takes. */
#define NONSENSE "this is no OpenCL C"

static struct probe probe;
static tombola_device devices[MOST_DEVICES];
static size_t device_count;
static size_t order[MOST_DEVICES]; /* in which they are tried: GPUs, CPUs, others */

static int list_devices(void **state)
{
    (void)state;
    static const tombola_device_type ranks[] = {TOMBOLA_DEVICE_GPU, TOMBOLA_DEVICE_CPU, TOMBOLA_DEVICE_OTHER};
    size_t placed = 0;
    probe_make(&probe, TOMBOLA_FLOAT32);
    if (tombola_device_list(devices, MOST_DEVICES, &device_count, NULL) != TOMBOLA_OK)
        return 1;
    for (size_t rank = 0; rank < COUNT_OF(ranks); rank++)
        for (size_t i = 0; i < device_count; i++)
            if (devices[i].type == ranks[rank])
                order[placed++] = i;
    return placed != device_count || device_count == 0;
}

static int start(void **state)
{
    (void)state;
    unsetenv("TOMBOLA_DEVICE");
    faults_begin();
    return 0;
}

/* Also after an open that failed, nothing is held. */
static int end(void **state)
{
    (void)state;
    faults_begin();
    return faults_seen().held != 0;
}

static void expect_text(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in: %s", part, text);
}

static void need_two_devices(void)
{
    if (device_count < 2)
        skip();
}

/* Opens without a name while the first device fails: the second one is taken, and works. */
static void expect_passed_over(const char *reason)
{
    const tombola_device *first = &devices[order[0]], *second = &devices[order[1]];
    tombola_context *context = NULL;
    tombola_error error = {""};
    char line[1024];
    if (tombola_context_open(NULL, NULL, &context, &error) != TOMBOLA_OK)
        fail_msg("no device was taken: %s", error.message);
    assert_true(tombola_context_device(context)->index == second->index);
    const char *choice = tombola_context_choice(context);
    snprintf(line, sizeof line, "Device %u (%s) was passed over: ", (unsigned)first->index, first->name);
    expect_text(choice, line);
    expect_text(choice, reason);
    snprintf(line, sizeof line, "Device %u (%s) was taken", (unsigned)second->index, second->name);
    expect_text(choice, line);
    faults_begin();
    assert_true(probe_passes_on(&probe, context));
    tombola_context_close(context);
}

static void a_default_device_that_does_not_open_is_passed_over(void **state)
{
    (void)state;
    need_two_devices();
    faults_fail("clCreateContext", 0, CL_DEVICE_NOT_AVAILABLE);
    expect_passed_over("clCreateContext failed: CL_DEVICE_NOT_AVAILABLE (-2)");
}

static void a_default_device_that_does_not_build_is_passed_over(void **state)
{
    (void)state;
    need_two_devices();
    faults_edit_source(MULTIPLIER, NONSENSE);
    expect_passed_over("did not compile the kernels");
}

static void a_default_device_that_draws_other_tokens_is_passed_over(void **state)
{
    (void)state;
    need_two_devices();
    faults_edit_source(MULTIPLIER, ANOTHER_MULTIPLIER);
    expect_passed_over("the device fails known answer 0");
}

static void a_default_device_that_fails_to_run_is_passed_over(void **state)
{
    (void)state;
    need_two_devices();
    faults_fail("clEnqueueNDRangeKernel", 0, CL_INVALID_WORK_GROUP_SIZE);
    expect_passed_over("clEnqueueNDRangeKernel failed: CL_INVALID_WORK_GROUP_SIZE (-54)");
}

static void no_device_is_left_when_all_fail_and_each_reason_is_told(void **state)
{
    (void)state;
    tombola_context *context = NULL;
    tombola_error error = {""};
    faults_fail_always("clCreateContext", CL_OUT_OF_RESOURCES);
    assert_int_equal(tombola_context_open(NULL, NULL, &context, &error), TOMBOLA_NO_DEVICE);
    assert_null(context);
    for (size_t i = 0; i < device_count && i < 2; i++)
        expect_text(error.message, devices[order[i]].name);
    expect_text(error.message, "clCreateContext failed: CL_OUT_OF_RESOURCES (-5)");
    faults_begin();
    assert_int_equal(tombola_context_open("", NULL, &context, &error), TOMBOLA_OK);
    assert_true(probe_passes_on(&probe, context));
    tombola_context_close(context);
}

static void expect_named_fails(tombola_status expected, const char *reason)
{
    tombola_context *context = NULL;
    tombola_error error = {""};
    char name[16];
    snprintf(name, sizeof name, "%zu", order[0]);
    assert_int_equal(tombola_context_open(name, NULL, &context, &error), expected);
    assert_null(context);
    expect_text(error.message, reason);
    faults_begin();
    assert_true(faults_seen().held == 0);
    assert_int_equal(tombola_context_open(name, NULL, &context, &error), TOMBOLA_OK);
    assert_true(tombola_context_device(context)->index == order[0]);
    assert_true(probe_passes_on(&probe, context));
    tombola_context_close(context);
}

static void a_named_device_never_falls_back(void **state)
{
    (void)state;
    faults_fail("clCreateContext", 0, CL_DEVICE_NOT_AVAILABLE);
    expect_named_fails(TOMBOLA_DEVICE_FAILED, "clCreateContext failed: CL_DEVICE_NOT_AVAILABLE (-2)");
    faults_fail("clBuildProgram", 0, CL_BUILD_PROGRAM_FAILURE);
    expect_named_fails(TOMBOLA_BUILD_FAILED, "did not compile the kernels");
    faults_edit_source(MULTIPLIER, NONSENSE);
    expect_named_fails(TOMBOLA_BUILD_FAILED, "did not compile the kernels");
    faults_edit_source(MULTIPLIER, ANOTHER_MULTIPLIER);
    expect_named_fails(TOMBOLA_SELF_TEST_FAILED, "the device fails known answer 0 (a row per work-group)");
}

static void a_device_named_by_the_variable_never_falls_back(void **state)
{
    (void)state;
    tombola_context *context = NULL;
    setenv("TOMBOLA_DEVICE", "0", 1);
    faults_fail("clBuildProgram", 0, CL_BUILD_PROGRAM_FAILURE);
    assert_int_equal(tombola_context_open(NULL, NULL, &context, NULL), TOMBOLA_BUILD_FAILED);
    assert_null(context);
}

static void options_that_the_compiler_refuses_fail_the_build(void **state)
{
    (void)state;
    tombola_context *context = NULL;
    tombola_error error = {""};
    tombola_context_options options = tombola_context_options_default();
    options.build_options = "-D u64=float";
    assert_int_equal(tombola_context_open("0", &options, &context, &error), TOMBOLA_BUILD_FAILED);
    expect_text(error.message, devices[0].name);
    assert_null(context);
    static char endless[4096];
    memset(endless, ' ', sizeof endless - 1);
    options.build_options = endless;
    assert_int_equal(tombola_context_open("0", &options, &context, &error), TOMBOLA_INVALID_ARGUMENT);
    expect_text(error.message, "options.build_options");
}

/* The kernels for another type of logits come later, and may fail later. */
static void kernels_for_another_type_are_checked_when_they_are_first_asked_for(void **state)
{
    (void)state;
    static struct probe narrow;
    tombola_context *context;
    tombola_sampler *sampler = NULL;
    tombola_error error = {""};
    tombola_sampler_options options = tombola_sampler_options_default();
    options.type = TOMBOLA_BFLOAT16;
    probe_make(&narrow, TOMBOLA_BFLOAT16);
    assert_int_equal(tombola_context_open("0", NULL, &context, &error), TOMBOLA_OK);
    faults_begin();
    long held = faults_seen().held;
    faults_edit_source(MULTIPLIER, NONSENSE);
    assert_int_equal(tombola_sampler_create(context, 600, 4, &options, &sampler, &error), TOMBOLA_BUILD_FAILED);
    assert_null(sampler);
    expect_text(error.message, "did not compile the kernels");
    assert_true(faults_seen().held == held);
    faults_begin();
    faults_fail("clBuildProgram", 0, CL_OUT_OF_HOST_MEMORY);
    assert_int_equal(tombola_sampler_create(context, 600, 4, &options, &sampler, &error), TOMBOLA_OUT_OF_MEMORY);
    assert_true(faults_seen().held == held);
    faults_begin();
    assert_true(probe_passes_on(&narrow, context));
    assert_true(probe_passes_on(&probe, context));
    tombola_context_close(context);
}

static void expect_taken(const char *argument, size_t index, const char *source)
{
    tombola_context *context = NULL;
    tombola_error error = {""};
    if (tombola_context_open(argument, NULL, &context, &error) != TOMBOLA_OK)
        fail_msg("no device was taken for %s: %s", argument ? argument : "NULL", error.message);
    assert_true(tombola_context_device(context)->index == index);
    assert_string_equal(tombola_context_device(context)->name, devices[index].name);
    expect_text(tombola_context_choice(context), source);
    tombola_context_close(context);
}

/* The first device that has this in its name or its platform's, as the header says. */
static size_t first_match(const char *lower)
{
    for (size_t i = 0; i < device_count; i++) {
        char text[sizeof devices[i].name + sizeof devices[i].platform];
        snprintf(text, sizeof text, "%s\n%s", devices[i].name, devices[i].platform);
        for (char *c = text; *c; c++)
            *c = (char)tolower((unsigned char)*c);
        if (strstr(text, lower))
            return i;
    }
    die("no device has %s in its name", lower);
}

static void devices_are_named_by_index_or_part_of_a_name_in_any_case(void **state)
{
    (void)state;
    need_two_devices();
    expect_taken("1", 1, "the argument device");
    expect_taken("0", 0, "the argument device");
    expect_taken("PTHread", first_match("pthread"), "the argument device");
    expect_taken("basic", first_match("basic"), "the argument device");
    expect_taken("COMPUTING lang", first_match("computing lang"), "the argument device");
}

static void the_variable_names_a_device_and_the_argument_beats_it(void **state)
{
    (void)state;
    need_two_devices();
    expect_taken(NULL, order[0], "was taken");
    setenv("TOMBOLA_DEVICE", "1", 1);
    expect_taken(NULL, 1, "TOMBOLA_DEVICE");
    expect_taken("", 1, "TOMBOLA_DEVICE");
    expect_taken("0", 0, "the argument device");
    setenv("TOMBOLA_DEVICE", "Pthread", 1);
    expect_taken(NULL, first_match("pthread"), "TOMBOLA_DEVICE");
    setenv("TOMBOLA_DEVICE", "", 1);
    expect_taken(NULL, order[0], "was taken");
}

static void a_name_that_no_device_has_is_told(void **state)
{
    (void)state;
    static const char *const names[] = {"99", "no such device", "00000000000000000000000099", "18446744073709551616",
                                        "-1"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        tombola_context *context = NULL;
        tombola_error error = {""};
        assert_int_equal(tombola_context_open(names[i], NULL, &context, &error), TOMBOLA_NO_DEVICE);
        assert_null(context);
        expect_text(error.message, names[i]);
        expect_text(error.message, "the argument device");
        setenv("TOMBOLA_DEVICE", names[i], 1);
        assert_int_equal(tombola_context_open(NULL, NULL, &context, &error), TOMBOLA_NO_DEVICE);
        expect_text(error.message, "TOMBOLA_DEVICE");
        unsetenv("TOMBOLA_DEVICE");
    }
}

static void the_list_is_cut_to_its_room_and_has_one_default(void **state)
{
    (void)state;
    tombola_device one[2] = {{.index = 77}, {.index = 77}};
    size_t count = 0, defaults = 0;
    assert_int_equal(tombola_device_list(NULL, 0, &count, NULL), TOMBOLA_OK);
    assert_true(count == device_count);
    assert_int_equal(tombola_device_list(one, 1, &count, NULL), TOMBOLA_OK);
    assert_true(count == device_count && one[0].index == 0 && one[1].index == 77);
    for (size_t i = 0; i < device_count; i++) {
        defaults += devices[i].is_default == 1;
        assert_true(devices[i].index == i && devices[i].compute_units > 0 && devices[i].memory > 0);
        assert_true(devices[i].name[0] && devices[i].platform[0] && devices[i].version[0] && devices[i].driver[0]);
    }
    assert_true(defaults == 1 && devices[order[0]].is_default == 1);
}

static void a_platform_without_devices_adds_none(void **state)
{
    (void)state;
    size_t count = 77;
    faults_fail_always("clGetDeviceIDs", CL_DEVICE_NOT_FOUND);
    assert_int_equal(tombola_device_list(NULL, 0, &count, NULL), TOMBOLA_OK);
    assert_true(count == 0);
}

/* Of this process, in which the loader finds no platform. */
static void expect_no_platform(void)
{
    size_t count = 77;
    tombola_device device;
    tombola_context *context = NULL;
    tombola_error error = {""};
    assert_int_equal(tombola_device_list(&device, 1, &count, &error), TOMBOLA_OK);
    assert_true(count == 0);
    assert_int_equal(tombola_context_open(NULL, NULL, &context, &error), TOMBOLA_NO_DEVICE);
    expect_text(error.message, "no OpenCL device");
    assert_int_equal(tombola_context_open("0", NULL, &context, &error), TOMBOLA_NO_DEVICE);
    assert_null(context);
}

static void a_loader_without_platforms_is_no_error_but_no_device(void **state)
{
    (void)state;
    faults_fail_always("clGetPlatformIDs", NO_PLATFORM);
    expect_no_platform();
}

static void there_is_no_platform_here(void **state)
{
    (void)state;
    expect_no_platform();
}

static void a_machine_without_opencl_has_no_device(void **state)
{
    (void)state;
    if (getenv("LD_PRELOAD")) /* Oclgrind's way to be there for every program */
        skip();
    static const char *const argv[] = {"/proc/self/exe", "no-platform", NULL};
    static const char *const environment[] = {"OCL_ICD_VENDORS", "/nonexistent", "OCL_ICD_FILENAMES", "", NULL};
    process child = process_run(argv, environment, "", 0);
    if (child.status != 0)
        fail_msg("%s%s", child.out, child.err);
    process_release(&child);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "no-platform") == 0) {
        const struct CMUnitTest tests[] = {cmocka_unit_test(there_is_no_platform_here)};
        return cmocka_run_group_tests(tests, NULL, NULL);
    }
    const char *offered = getenv("POCL_DEVICES");
    if (!offered || strcmp(offered, TWO_DEVICES) != 0) { /* PoCL reads it once, before there are any devices */
        setenv("POCL_DEVICES", TWO_DEVICES, 1);
        execv("/proc/self/exe", argv);
        die("cannot start again");
    }
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)
    const struct CMUnitTest tests[] = {
        TEST(the_list_is_cut_to_its_room_and_has_one_default),
        TEST(a_platform_without_devices_adds_none),
        TEST(a_loader_without_platforms_is_no_error_but_no_device),
        TEST(a_machine_without_opencl_has_no_device),
        TEST(devices_are_named_by_index_or_part_of_a_name_in_any_case),
        TEST(the_variable_names_a_device_and_the_argument_beats_it),
        TEST(a_name_that_no_device_has_is_told),
        TEST(a_default_device_that_does_not_open_is_passed_over),
        TEST(a_default_device_that_does_not_build_is_passed_over),
        TEST(a_default_device_that_draws_other_tokens_is_passed_over),
        TEST(a_default_device_that_fails_to_run_is_passed_over),
        TEST(no_device_is_left_when_all_fail_and_each_reason_is_told),
        TEST(a_named_device_never_falls_back),
        TEST(a_device_named_by_the_variable_never_falls_back),
        TEST(options_that_the_compiler_refuses_fail_the_build),
        TEST(kernels_for_another_type_are_checked_when_they_are_first_asked_for),
    };
    return cmocka_run_group_tests(tests, list_devices, NULL);
}
