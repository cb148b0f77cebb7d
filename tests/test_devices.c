/* Which devices there are, and how they are named. */
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

#include "faults.h"
#include "process.h"
#include "two_devices.h"

#define NO_PLATFORM (-1001) /* CL_PLATFORM_NOT_FOUND_KHR */

static void the_list_is_cut_to_its_room_and_has_one_default(void **state)
{
    (void)state;
    tombola_device one[2] = {{.struct_size = sizeof *one, .index = 77}, {.struct_size = sizeof *one, .index = 77}};
    size_t count = 0, defaults = 0;
    assert_int_equal(tombola_device_list(NULL, 0, &count, NULL), TOMBOLA_OK);
    assert_int_equal(count, device_count);
    assert_int_equal(tombola_device_list(one, 1, &count, NULL), TOMBOLA_OK);
    assert_int_equal(count, device_count);
    assert_int_equal(one[0].index, 0);
    assert_int_equal(one[1].index, 77);
    for (size_t i = 0; i < device_count; i++) {
        defaults += devices[i].is_default == 1;
        assert_int_equal(devices[i].index, i);
        assert_int_not_equal(devices[i].compute_units, 0);
        assert_int_not_equal(devices[i].memory, 0);
        assert_string_not_equal(devices[i].name, "");
        assert_string_not_equal(devices[i].platform, "");
        assert_string_not_equal(devices[i].version, "");
        assert_string_not_equal(devices[i].driver, "");
    }
    assert_int_equal(defaults, 1);
    assert_int_equal(devices[order[0]].is_default, 1);
}

static void a_platform_without_devices_adds_none(void **state)
{
    (void)state;
    size_t count = 77;
    faults_fail_always("clGetDeviceIDs", CL_DEVICE_NOT_FOUND);
    assert_int_equal(tombola_device_list(NULL, 0, &count, NULL), TOMBOLA_OK);
    assert_int_equal(count, 0);
}

/* Of this process, in which the loader finds no platform. */
static void expect_no_platform(void)
{
    size_t count = 77;
    tombola_device device = tombola_device_default();
    tombola_context *context = NULL;
    tombola_error error = tombola_error_default();
    assert_int_equal(tombola_device_list(&device, 1, &count, &error), TOMBOLA_OK);
    assert_int_equal(count, 0);
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

static void expect_taken(const char *argument, size_t index, const char *source)
{
    tombola_context *context = NULL;
    tombola_error error = tombola_error_default();
    if (tombola_context_open(argument, NULL, &context, &error) != TOMBOLA_OK)
        fail_msg("no device was taken for %s: %s", argument ? argument : "NULL", error.message);
    assert_int_equal(device_of(context).index, index);
    assert_string_equal(device_of(context).name, devices[index].name);
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
    expect_taken("name:basic", first_match("basic"), "the argument device");
    if (strcmp(devices[0].platform, "Portable Computing Language") == 0) {
        expect_taken("pocl", 0, "the argument device");
        expect_taken("CPU", 0, "the argument device");
    }
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
        tombola_error error = tombola_error_default();
        assert_int_equal(tombola_context_open(names[i], NULL, &context, &error), TOMBOLA_NO_DEVICE);
        assert_null(context);
        expect_text(error.message, names[i]);
        expect_text(error.message, "the argument device");
        assert_int_equal(strstr(error.message, "by its index") != NULL,
                         names[i][strspn(names[i], "0123456789")] == '\0');
        for (size_t d = 0; d < device_count && d < 3; d++) {
            char label[600];
            snprintf(label, sizeof label, "%zu: %s (%s, ", d, devices[d].name, devices[d].platform);
            expect_text(error.message, label);
        }
        setenv("TOMBOLA_DEVICE", names[i], 1);
        assert_int_equal(tombola_context_open(NULL, NULL, &context, &error), TOMBOLA_NO_DEVICE);
        expect_text(error.message, "TOMBOLA_DEVICE");
        unsetenv("TOMBOLA_DEVICE");
    }
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "no-platform") == 0) {
        const struct CMUnitTest tests[] = {cmocka_unit_test(there_is_no_platform_here)};
        return cmocka_run_group_tests(tests, NULL, NULL);
    }
    offer_devices(argv, "basic pthread");
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)
    const struct CMUnitTest tests[] = {
        TEST(the_list_is_cut_to_its_room_and_has_one_default),
        TEST(a_platform_without_devices_adds_none),
        TEST(a_loader_without_platforms_is_no_error_but_no_device),
        TEST(a_machine_without_opencl_has_no_device),
        TEST(devices_are_named_by_index_or_part_of_a_name_in_any_case),
        TEST(the_variable_names_a_device_and_the_argument_beats_it),
        TEST(a_name_that_no_device_has_is_told),
    };
    return cmocka_run_group_tests(tests, list_devices, NULL);
}
