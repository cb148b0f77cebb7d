/* Where there is no device, the message tells which platform answered what, and what is likely to be the reason. */
#define _DEFAULT_SOURCE /* setenv */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <CL/cl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults.h"
#include "two_devices.h"

#define POCL "Portable Computing Language"
#define NO_PLATFORM (-1001) /* CL_PLATFORM_NOT_FOUND_KHR */

static char top[] = "/tmp/tombola-test-XXXXXX";
static const char *const variables[] = {"POCL_CACHE_DIR", "XDG_CACHE_HOME", "HOME", "POCL_DEVICES", "OCL_ICD_VENDORS"};
static char *kept[COUNT_OF(variables)];

static int keep_environment(void **state)
{
    for (size_t i = 0; i < COUNT_OF(variables); i++)
        kept[i] = getenv(variables[i]) ? strdup(getenv(variables[i])) : NULL;
    return list_devices(state) || !mkdtemp(top);
}

static void restore_environment(void)
{
    for (size_t i = 0; i < COUNT_OF(variables); i++)
        if (kept[i])
            setenv(variables[i], kept[i], 1);
        else
            unsetenv(variables[i]);
}

static int drop_environment(void **state)
{
    (void)state;
    restore_environment();
    for (size_t i = 0; i < COUNT_OF(variables); i++)
        free(kept[i]);
    return rmdir(top);
}

static int begin(void **state)
{
    restore_environment();
    unsetenv("POCL_CACHE_DIR");
    unsetenv("XDG_CACHE_HOME");
    return start(state);
}

static void need_pocl(void)
{
    if (strcmp(devices[0].platform, POCL) != 0)
        skip();
}

/* What opening is told. */
static const char *message_of(const char *device, tombola_status expected)
{
    static tombola_error error = {.struct_size = sizeof error};
    tombola_context *opened = NULL;
    assert_int_equal(tombola_context_open(device, NULL, &opened, &error), expected);
    assert_null(opened);
    return error.message;
}

static void the_platform_and_the_code_are_named(void **state)
{
    (void)state;
    char text[256];
    faults_fail_always("clGetDeviceIDs", CL_OUT_OF_HOST_MEMORY);
    snprintf(text, sizeof text,
             "there is no OpenCL device. The platform %s lists no device: clGetDeviceIDs gives CL_OUT_OF_HOST_MEMORY "
             "(-6)",
             devices[0].platform);
    expect_text(message_of(NULL, TOMBOLA_NO_DEVICE), text);
    expect_text(message_of("0", TOMBOLA_NO_DEVICE), text);
}

static void without_a_platform_the_package_is_named(void **state)
{
    (void)state;
    faults_fail_always("clGetPlatformIDs", NO_PLATFORM);
    unsetenv("OCL_ICD_VENDORS");
    assert_string_equal(message_of(NULL, TOMBOLA_NO_DEVICE),
                        "there is no OpenCL device, since the ICD loader finds no platform: install one; on Debian, "
                        "`apt-get install pocl-opencl-icd` brings one for every CPU");
    setenv("OCL_ICD_VENDORS", "/no/such", 1);
    expect_text(message_of(NULL, TOMBOLA_NO_DEVICE), "finds no platform (OCL_ICD_VENDORS is \"/no/such\"): install");
}

static void a_choice_of_devices_is_told(void **state)
{
    (void)state;
    need_pocl();
    faults_fail_always("clGetDeviceIDs", CL_DEVICE_NOT_FOUND);
    setenv("POCL_DEVICES", "nope", 1);
    setenv("HOME", top, 1);
    expect_text(message_of(NULL, TOMBOLA_NO_DEVICE),
                POCL " lists no device: clGetDeviceIDs gives CL_DEVICE_NOT_FOUND (-1); likely because POCL_DEVICES is "
                     "\"nope\".");
}

static void expect_folder_told(const char *variable, const char *value, const char *folder, const char *reason)
{
    char text[600];
    begin(NULL);
    faults_fail_always("clGetDeviceIDs", CL_DEVICE_NOT_FOUND);
    setenv(variable, value, 1);
    snprintf(text, sizeof text, "; likely because PoCL's cache folder %s can't be made or written (%s; see", folder,
             reason);
    expect_text(message_of(NULL, TOMBOLA_NO_DEVICE), text);
}

static void a_cache_folder_that_pocl_can_not_make_is_told(void **state)
{
    (void)state;
    need_pocl();
    expect_folder_told("HOME", "/proc", "/proc/.cache/pocl/kcache", "No such file or directory");
    expect_folder_told("XDG_CACHE_HOME", "/proc/x", "/proc/x/pocl/kcache", "No such file or directory");
    expect_folder_told("POCL_CACHE_DIR", "/proc/x/y", "/proc/x/y", "No such file or directory");
    expect_folder_told("POCL_CACHE_DIR", "/dev/null/x", "/dev/null/x", "Not a directory");
}

static void a_cache_folder_that_can_be_made_is_not_blamed_nor_made(void **state)
{
    (void)state;
    need_pocl();
    static const char *const ends[] = {"", "/", "/a", "/a/b/c"};
    struct stat status;
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        char folder[64];
        snprintf(folder, sizeof folder, "%s%s", top, ends[i]);
        setenv("POCL_CACHE_DIR", folder, 1);
        faults_fail_always("clGetDeviceIDs", CL_DEVICE_NOT_FOUND);
        assert_null(strstr(message_of(NULL, TOMBOLA_NO_DEVICE), "folder"));
        snprintf(folder, sizeof folder, "%s/a", top);
        assert_int_not_equal(stat(folder, &status), 0);
    }
}

static void too_few_files_are_told(void **state)
{
    (void)state;
    struct rlimit all, few;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &all), 0);
    int next = dup(0);
    assert_int_not_equal(next, -1);
    close(next);
    few = all;
    few.rlim_cur = (rlim_t)next;
    faults_fail_always("clGetPlatformIDs", NO_PLATFORM);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    const char *message = message_of(NULL, TOMBOLA_NO_DEVICE);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &all), 0);
    expect_text(message, "finds no platform; likely because only 0 more files can be opened (Too many open files; see");
}

static void a_later_failure_has_its_likely_reason_too(void **state)
{
    (void)state;
    need_pocl();
    setenv("POCL_CACHE_DIR", "/proc/x", 1);
    faults_fail("clCreateContext", 0, CL_OUT_OF_HOST_MEMORY);
    expect_text(message_of("0", TOMBOLA_OUT_OF_MEMORY),
                "clCreateContext failed: CL_OUT_OF_HOST_MEMORY (-6); likely because PoCL's cache folder /proc/x ");
    faults_fail("clBuildProgram", 0, CL_BUILD_PROGRAM_FAILURE);
    expect_text(message_of("0", TOMBOLA_BUILD_FAILED),
                "did not compile the kernels; likely because PoCL's cache folder /proc/x can't be made or written");
    faults_fail("clBuildProgram", 0, CL_OUT_OF_RESOURCES);
    expect_text(message_of("0", TOMBOLA_DEVICE_FAILED),
                "clBuildProgram failed: CL_OUT_OF_RESOURCES (-5); likely because PoCL's cache folder /proc/x ");
}

/* The platform's last answer fails, when a device of it has been opened already: as if it were another platform. */
static void the_choice_tells_of_platforms_that_list_nothing(void **state)
{
    (void)state;
    int told = 0;
    for (size_t nth = 0; nth < 12 && !told; nth++) {
        tombola_context *opened;
        faults_begin();
        faults_fail("clGetDeviceIDs", nth, CL_OUT_OF_RESOURCES);
        if (tombola_context_open(NULL, NULL, &opened, NULL))
            continue;
        told = strstr(tombola_context_choice(opened),
                      "lists no device: clGetDeviceIDs gives CL_OUT_OF_RESOURCES (-5)") != NULL;
        tombola_context_close(opened);
    }
    assert_true(told);
}

int main(int argc, char **argv)
{
    (void)argc;
    offer_two_devices(argv);
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(the_platform_and_the_code_are_named),
        TEST(without_a_platform_the_package_is_named),
        TEST(a_choice_of_devices_is_told),
        TEST(a_cache_folder_that_pocl_can_not_make_is_told),
        TEST(a_cache_folder_that_can_be_made_is_not_blamed_nor_made),
        TEST(too_few_files_are_told),
        TEST(a_later_failure_has_its_likely_reason_too),
        TEST(the_choice_tells_of_platforms_that_list_nothing),
    };
    return cmocka_run_group_tests(tests, keep_environment, drop_environment);
}
