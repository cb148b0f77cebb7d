/* Devices that lack what the kernels need, or take smaller work-groups: told by name, or fitted to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <CL/cl.h>
#include <stdio.h>
#include <string.h>

#include "expect.h"
#include "faults.h"
#include "two_devices.h"

static const cl_bool no = CL_FALSE;
static const cl_device_fp_config no_rounding = CL_FP_INF_NAN, no_infinities = CL_FP_ROUND_TO_NEAREST,
                                 no_subnormals = CL_FP_INF_NAN | CL_FP_ROUND_TO_NEAREST;
static const cl_ulong little_memory = 16384, plain_memory = 32768;

static const struct lack {
    cl_device_info property;
    const void *value;
    size_t size;
    const char *message; /* after the device's name */
} lacks[] = {
    {CL_DEVICE_AVAILABLE, &no, sizeof no, "its CL_DEVICE_AVAILABLE is CL_FALSE, and CL_TRUE is needed"},
    {CL_DEVICE_COMPILER_AVAILABLE, &no, sizeof no,
     "its CL_DEVICE_COMPILER_AVAILABLE is CL_FALSE, and CL_TRUE is needed"},
    {CL_DEVICE_ENDIAN_LITTLE, &no, sizeof no, "its CL_DEVICE_ENDIAN_LITTLE is CL_FALSE, and CL_TRUE is needed"},
    {CL_DEVICE_PROFILE, "EMBEDDED_PROFILE", 17,
     "its CL_DEVICE_PROFILE is EMBEDDED_PROFILE, and FULL_PROFILE is needed"},
    {CL_DEVICE_VERSION, "OpenCL 1.1 old", 15,
     "its CL_DEVICE_VERSION is OpenCL 1.1 old, and OpenCL 1.2 or later is needed"},
    {CL_DEVICE_VERSION, "OpenGL 4.6", 11, "its CL_DEVICE_VERSION is OpenGL 4.6, and OpenCL 1.2 or later is needed"},
    {CL_DEVICE_SINGLE_FP_CONFIG, &no_rounding, sizeof no_rounding,
     "its CL_DEVICE_SINGLE_FP_CONFIG is 0x2, and CL_FP_ROUND_TO_NEAREST is needed"},
    {CL_DEVICE_SINGLE_FP_CONFIG, &no_infinities, sizeof no_infinities,
     "its CL_DEVICE_SINGLE_FP_CONFIG is 0x4, and CL_FP_INF_NAN is needed"},
    {CL_DEVICE_LOCAL_MEM_SIZE, &little_memory, sizeof little_memory,
     "its CL_DEVICE_LOCAL_MEM_SIZE is 16384, and 32768 or more is needed"},
};

static void a_device_that_lacks_something_is_told_by_its_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lacks); i++) {
        tombola_context *opened = NULL;
        tombola_error error = tombola_error_default();
        char message[600];
        faults_begin();
        faults_answer(lacks[i].property, lacks[i].value, lacks[i].size);
        assert_int_equal(tombola_context_open("0", NULL, &opened, &error), TOMBOLA_NO_DEVICE);
        snprintf(message, sizeof message, "%s can't serve: %s", devices[0].name, lacks[i].message);
        assert_string_equal(error.message, message);
        assert_int_equal(tombola_context_open(NULL, NULL, &opened, &error), TOMBOLA_NO_DEVICE);
        expect_text(error.message, message);
        assert_null(opened);
        assert_int_equal(faults_seen().created, 0);
    }
}

/* Whatever the device has told of its memory, it is given the lists that it has otherwise: shorter ones are another
 * test's, and take a while to compile. */
static void keep_lists(void)
{
    static char usual[32];
    static const char *const sizes[] = {"CANDIDATES=4096", "CANDIDATES=1024", "CANDIDATES=512"};
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        if (!usual[0] && strstr(faults_options(), sizes[i]))
            snprintf(usual, sizeof usual, "%s", sizes[i]);
    if (usual[0])
        faults_edit_options("CANDIDATES=512", usual);
}

static void a_device_that_does_not_answer_is_told_too(void **state)
{
    (void)state;
    struct faults_seen before = faults_seen();
    tombola_context *opened = NULL;
    assert_int_equal(tombola_context_open("0", NULL, &opened, NULL), TOMBOLA_OK);
    tombola_context_close(opened);
    assert_less(before.calls, faults_seen().calls);
    size_t told = 0;
    for (size_t nth = 0; nth < 60; nth++) {
        tombola_error error = tombola_error_default();
        faults_begin();
        faults_fail("clGetDeviceInfo", nth, CL_OUT_OF_RESOURCES);
        keep_lists();
        if (tombola_context_open("0", NULL, &opened, &error) == TOMBOLA_OK)
            tombola_context_close(opened);
        else if (strstr(error.message, "clGetDeviceInfo for CL_DEVICE_"))
            told++;
    }
    assert_int_equal(told, 7); /* as many as are asked for */
}

static void what_decides_no_token_may_be_lacking(void **state)
{
    (void)state;
    tombola_context *opened;
    faults_answer(CL_DEVICE_SINGLE_FP_CONFIG, &no_subnormals, sizeof no_subnormals);
    faults_answer(CL_DEVICE_LOCAL_MEM_SIZE, &plain_memory, sizeof plain_memory);
    faults_answer(CL_DEVICE_VERSION, "OpenCL 1.2", 11);
    keep_lists();
    assert_int_equal(tombola_context_open("0", NULL, &opened, NULL), TOMBOLA_OK);
    expect_text(faults_options(), "CANDIDATES=512 ");
    tombola_context_close(opened);
}

/* The shape that a GPU with groups of `largest` gets; the library thinks that the device is one. Kernels that are not
 * compiled for it, which takes seconds, are asked for all the same. */
static void expect_shape(size_t largest, size_t along, uint32_t lanes, uint32_t teams, int is_compiled)
{
    const cl_device_type gpu = CL_DEVICE_TYPE_GPU;
    const size_t sizes[3] = {along, along, along};
    tombola_context *opened;
    tombola_error error = tombola_error_default();
    uint32_t got_lanes, got_teams;
    char options[80];
    faults_begin();
    faults_answer(CL_DEVICE_TYPE, &gpu, sizeof gpu);
    faults_answer(CL_DEVICE_MAX_WORK_GROUP_SIZE, &largest, sizeof largest);
    faults_answer(CL_DEVICE_MAX_WORK_ITEM_SIZES, sizes, sizeof sizes);
    if (!is_compiled)
        faults_edit_source("kernel void", "no kernel");
    tombola_status status = tombola_context_open("0", NULL, &opened, &error);
    snprintf(options, sizeof options, " LANES=%u -D WIDTH=4 -D TEAMS=%u ", (unsigned)lanes, (unsigned)teams);
    expect_text(faults_options(), options);
    if (!is_compiled) {
        assert_int_equal(status, TOMBOLA_BUILD_FAILED);
        return;
    }
    if (status)
        fail_msg("groups of %zu: %s", largest, error.message);
    tombola_context_shape(opened, &got_lanes, NULL, &got_teams);
    assert_int_equal(got_lanes, lanes);
    assert_int_equal(got_teams, teams);
    assert_true(probe_passes_on(&probe, opened));
    tombola_context_close(opened);
}

static void a_shape_is_narrowed_to_the_largest_work_group(void **state)
{
    (void)state;
    const int all = test_level() == TEST_ALL;
    expect_shape(256, 256, 32, 8, 1);
    expect_shape(64, 1024, 32, 2, all);
    expect_shape(8, 8, 8, 1, all);
    expect_shape(256, 1, 1, 1, 1);
}

static void a_shape_of_the_callers_that_does_not_fit_is_told(void **state)
{
    (void)state;
    const size_t largest = 16;
    tombola_context_options options = tombola_context_options_default();
    tombola_context *opened = NULL;
    tombola_error error = tombola_error_default();
    options.lanes = 32;
    options.width = 4;
    options.teams = 2;
    faults_answer(CL_DEVICE_MAX_WORK_GROUP_SIZE, &largest, sizeof largest);
    assert_int_equal(tombola_context_open("0", &options, &opened, &error), TOMBOLA_INVALID_ARGUMENT);
    expect_text(error.message, "options.lanes 32 and options.teams 2 make 64 work-items, but ");
    expect_text(error.message, " takes 16 in a work-group");
    assert_null(opened);
}

int main(int argc, char **argv)
{
    (void)argc;
    offer_two_devices(argv);
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)
    const struct CMUnitTest tests[] = {
        TEST(a_device_that_lacks_something_is_told_by_its_name),
        TEST(a_device_that_does_not_answer_is_told_too),
        TEST(what_decides_no_token_may_be_lacking),
        TEST(a_shape_is_narrowed_to_the_largest_work_group),
        TEST(a_shape_of_the_callers_that_does_not_fit_is_told),
    };
    return cmocka_run_group_tests(tests, list_devices, NULL);
}
