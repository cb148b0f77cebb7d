/* Compiler options that would change tokens are refused, wherever they come from; others reach the compiler. */
#define _DEFAULT_SOURCE /* setenv */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "faults.h"
#include "two_devices.h"

static const char *const relaxing[] = {
    "-cl-fast-relaxed-math", "-cl-unsafe-math-optimizations", "-cl-finite-math-only", "-cl-mad-enable",
    "-cl-no-signed-zeros",   "-cl-single-precision-constant", "-ffast-math",          "-Ofast",
};

static tombola_status open_with(const char *build_options, tombola_error *error)
{
    tombola_context_options options = tombola_context_options_default();
    tombola_context *opened = NULL;
    options.build_options = build_options;
    tombola_status status = tombola_context_open("0", &options, &opened, error);
    if (!status) {
        assert_true(probe_passes_on(&probe, opened));
        tombola_context_close(opened);
    }
    return status;
}

static void options_that_change_tokens_are_refused_by_name(void **state)
{
    (void)state;
    static const char *const formats[] = {"%s", "  -w %s", "%s -D X=1", "-D X\t%s", "-w \"%s\""};
    for (size_t i = 0; i < COUNT_OF(relaxing); i++)
        for (size_t f = 0; f < COUNT_OF(formats); f++) {
            char options[120], message[200];
            tombola_error error = tombola_error_default();
            snprintf(options, sizeof options, formats[f], relaxing[i]);
            snprintf(message, sizeof message,
                     "options.build_options has %s, which lets the compiler change tokens: leave it out", relaxing[i]);
            assert_int_equal(open_with(options, &error), TOMBOLA_INVALID_ARGUMENT);
            assert_string_equal(error.message, message);
            assert_int_equal(faults_seen().created, 0);
        }
}

/* Opens with options that get as far as the compiler, which is not told of them. */
static void expect_handed_on(const char *build_options)
{
    static char behind_others[4096];
    tombola_error error = tombola_error_default();
    snprintf(behind_others, sizeof behind_others, " %s", build_options);
    faults_edit_options(behind_others, " ");
    if (open_with(build_options, &error))
        fail_msg("\"%s\": %s", build_options, error.message);
    const size_t length = strlen(faults_options()), behind = strlen(behind_others);
    assert_less(behind, length);
    assert_string_equal(faults_options() + length - behind, behind_others);
}

static void options_that_change_none_are_handed_on(void **state)
{
    (void)state;
    static const char *const harmless[] = {"", " ", "-cl-denorms-are-zero", "-D X=-cl-mad-enable -w",
                                           "-D MAD=cl-mad-enable"};
    for (size_t i = 0; i < COUNT_OF(harmless); i++)
        expect_handed_on(harmless[i]);
    assert_int_equal(open_with(NULL, NULL), TOMBOLA_OK);
}

static void the_compiler_takes_options_that_change_no_token(void **state)
{
    (void)state;
    tombola_error error = tombola_error_default();
    setenv("POCL_EXTRA_BUILD_FLAGS", "-w", 1);
    if (open_with(" -cl-denorms-are-zero -D X=-cl-mad-enable -w -D MAD=cl-mad-enable", &error))
        fail_msg("%s", error.message);
    unsetenv("POCL_EXTRA_BUILD_FLAGS");
}

static void the_environments_options_are_refused_too(void **state)
{
    (void)state;
    if (strcmp(devices[0].platform, "Portable Computing Language") != 0)
        skip();
    tombola_error error = tombola_error_default();
    setenv("POCL_EXTRA_BUILD_FLAGS", "-w -cl-fast-relaxed-math", 1);
    assert_int_equal(open_with(NULL, &error), TOMBOLA_BUILD_FAILED);
    expect_text(error.message, "POCL_EXTRA_BUILD_FLAGS in the environment has -cl-fast-relaxed-math");
    unsetenv("POCL_EXTRA_BUILD_FLAGS");
}

static void the_longest_options_are_told_and_taken(void **state)
{
    (void)state;
    static char spaces[4096];
    size_t length = 0, most = 0;
    tombola_error error = tombola_error_default();
    memset(spaces, ' ', sizeof spaces - 1);
    assert_int_equal(open_with(spaces, &error), TOMBOLA_INVALID_ARGUMENT);
    assert_int_equal(sscanf(error.message, "options.build_options has %zu bytes, but at most %zu fit", &length, &most),
                     2);
    assert_int_equal(length, sizeof spaces - 1);
    assert_less(512, most);
    spaces[most + 1] = '\0';
    assert_int_equal(open_with(spaces, &error), TOMBOLA_INVALID_ARGUMENT);
    spaces[most] = '\0';
    expect_handed_on(spaces);
}

int main(int argc, char **argv)
{
    (void)argc;
    offer_two_devices(argv);
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)
    const struct CMUnitTest tests[] = {
        TEST(options_that_change_tokens_are_refused_by_name),
        TEST(options_that_change_none_are_handed_on),
        TEST(the_environments_options_are_refused_too),
        TEST(the_longest_options_are_told_and_taken),
        /* last: PoCL remembers what the variable was */
        TEST(the_compiler_takes_options_that_change_no_token),
    };
    return cmocka_run_group_tests(tests, list_devices, NULL);
}
