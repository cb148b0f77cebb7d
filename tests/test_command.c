/* The command `tombola`: its help, its errors, and the list of devices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "harness.h"

static const char *const NO_OPENCL[] = {"OCL_ICD_VENDORS", "/nonexistent-dir", "TOMBOLA_DEVICE", "", NULL};

static void help_explains_every_option(void **state)
{
    (void)state;
    static const char *const EXPECTED[][24] = {
        {"--help", "bench", "devices", "sample", "show", "detect", "--version"},
        {"detect", "--key", "--width", "--vocabulary", "--prompt-length", "--json", "TOKENS"},
        {"bench",    "--shapes",    "--configs",    "--workloads",   "--types",    "--where",   "--logits",
         "--dtype",  "--real-rows", "--vocabulary", "--save-logits", "--seconds",  "--repeats", "--seed",
         "--device", "--lanes",     "--width",      "--teams",       "--dispatch", "--threads", "--json"},
        {"devices", "--json"},
        {"sample", "--device", "--probabilities", "--params", "--dtype", "--vocabulary", "--json", "LOGITS.npy"},
        {"show", "--device", "--probabilities", "--logits", "--labels", "--draws", "--json"},
    };
    for (size_t i = 0; i < COUNT_OF(EXPECTED); i++) {
        process got = RUN(EXPECTED[i][0], "--help");
        assert_int_equal(got.status, 0);
        assert_string_equal(got.err, "");
        for (size_t j = 1; EXPECTED[i][j]; j++)
            if (!strstr(got.out, EXPECTED[i][j]))
                fail_msg("the help of %s should mention %s", EXPECTED[i][0], EXPECTED[i][j]);
        process_release(&got);
    }
}

static void expect_option(const char *help, const tombola_field *field, const char *command)
{
    char option[80] = "--";
    for (size_t i = 0; field->name[i] && i + 4 < sizeof option; i++) {
        option[i + 2] = field->name[i] == '_' ? '-' : field->name[i];
    }
    strcat(option, "=");
    if (!strstr(help, option)) {
        fail_msg("the help of %s should have %s", command, option);
    }
}

static void help_has_an_option_for_every_parameter(void **state)
{
    (void)state;
    static const char *const COMMANDS[] = {"sample", "show"};
    for (size_t i = 0; i < COUNT_OF(COMMANDS); i++) {
        process got = RUN(COMMANDS[i], "--help");
        const tombola_field *field;
        for (size_t n = 0; (field = tombola_params_field(n)); n++) {
            expect_option(got.out, field, COMMANDS[i]);
        }
        process_release(&got);
    }
}

/* As one line, since help is broken into lines by the width of the terminal. */
static void expect_explained(const char *command, const char *words)
{
    process got = RUN(command, "--help");
    char *end = got.out;
    for (const char *c = got.out; *c; c++)
        if (*c != ' ' && *c != '\n')
            *end++ = *c;
        else if (end > got.out && end[-1] != ' ')
            *end++ = ' ';
    *end = '\0';
    if (!strstr(got.out, words))
        fail_msg("the help of %s should say '%s'", command, words);
    process_release(&got);
}

static void help_tells_in_which_order_filters_come_and_when_a_share_is_reached(void **state)
{
    (void)state;
    static const char *const COMMANDS[] = {"sample", "show"};
    for (size_t i = 0; i < COUNT_OF(COMMANDS); i++) {
        expect_explained(
            COMMANDS[i],
            "Logits are divided by the temperature first; then come the filters, in the order temperature-first unless "
            "--filters gives another.");
        expect_explained(COMMANDS[i], "temperature-first is temperature,top_n_sigma,top_h,top_k,");
        expect_explained(COMMANDS[i], "race (an exponential race, the same law as Gumbel-max;");
        expect_explained(COMMANDS[i], "a share counts as reached within 2^-20 of the mass");
    }
    expect_explained("sample",
                     "With a column of seeds and none of streams all rows have the same stream (0, or --stream)");
}

static void help_has_words_for_every_column(void **state)
{
    (void)state;
    expect_explained("sample", "the logarithm of its probability among what passed the filters, and in the row as "
                               "given at temperature 1; its place among all tokens, 1 the most likely; how clearly its "
                               "race was won; the entropy, in nats, of what it was drawn from; and what mirostat and "
                               "adaptive-p go on from, the first of these before adaptive-p");
}

static void version_is_that_of_the_library(void **state)
{
    (void)state;
    char expected[64];
    snprintf(expected, sizeof expected, "tombola %s, contract %d\n", tombola_version_string(), tombola_contract());
    expect_output(RUN("--version"), expected);
}

static void an_unknown_command_names_the_known_ones(void **state)
{
    (void)state;
    expect_usage_error(RUN("sampel"), "tombola",
                       "no command is called 'sampel'; there are bench, devices, sample, show and detect");
    expect_usage_error(command_run((const char *const[]){NULL}, NULL, "", 0), "tombola",
                       "which command? There are bench, devices, sample, show and detect");
}

static void a_full_disk_is_a_failure(void **state)
{
    (void)state;
    static const char *const COMMANDS[] = {"show --logits 1,2", "show --logits 1,2 --json", "devices", "--help"};
    for (size_t i = 0; i < COUNT_OF(COMMANDS); i++) {
        char script[256];
        snprintf(script, sizeof script, "exec \"$0\" %s >/dev/full", COMMANDS[i]);
        process got = process_run((const char *const[]){"/bin/sh", "-c", script, TOMBOLA_COMMAND, NULL}, NULL, "", 0);
        expect_failure(got, "cannot write to standard output");
    }
}

/* ---------------------------------------------------------------- devices */

static void devices_lists_what_the_library_lists(void **state)
{
    (void)state;
    tombola_device devices[16];
    size_t count, defaults = 0;
    for (size_t i = 0; i < COUNT_OF(devices); i++)
        devices[i] = tombola_device_default();
    assert_int_equal(tombola_device_list(devices, COUNT_OF(devices), &count, NULL), TOMBOLA_OK);
    json_t *lines = parse_lines(RUN("devices", "--json"));
    assert_int_equal(json_array_size(lines), count);
    for (size_t i = 0; i < count; i++) {
        const json_t *object = json_array_get(lines, i);
        assert_int_equal(json_integer_value(json_object_get(object, "index")), i);
        assert_string_equal(json_string_value(json_object_get(object, "device")), devices[i].name);
        assert_string_equal(json_string_value(json_object_get(object, "platform")), devices[i].platform);
        assert_string_equal(json_string_value(json_object_get(object, "version")), devices[i].version);
        assert_int_equal(json_integer_value(json_object_get(object, "memory")), devices[i].memory);
        assert_int_equal(json_integer_value(json_object_get(object, "contract")), tombola_contract());
        assert_int_equal(json_is_true(json_object_get(object, "in_thread")), devices[i].is_in_thread);
        defaults += json_is_true(json_object_get(object, "default"));
    }
    assert_int_equal(defaults, 1);
    json_decref(lines);

    process got = RUN("devices");
    assert_int_equal(got.status, 0);
    assert_non_null(strstr(got.out, "index"));
    assert_non_null(strstr(got.out, "\n*")); /* marks the default */
    for (size_t i = 0; i < count; i++)
        assert_non_null(strstr(got.out, devices[i].name));
    process_release(&got);
}

/* Nothing of PoCL's is opened, so that this costs no kernels. */
static void devices_marks_the_one_that_works_in_the_calling_thread(void **state)
{
    (void)state;
    static const char *const ENVIRONMENT[] = {"POCL_DEVICES", "basic pthread", NULL};
    process got = command_run((const char *const[]){"devices", NULL}, ENVIRONMENT, "", 0);
    assert_int_equal(got.status, 0);
    const char *pool = strstr(got.out, "pthread-"), *in_thread = strstr(got.out, "basic-");
    if (pool) {
        assert_true(in_thread > pool); /* who asks for no device by name gets all cores */
        assert_non_null(strstr(got.out, "\n+"));
    }
    process_release(&got);
}

static void without_opencl_there_is_a_message(void **state)
{
    (void)state;
    process got = command_run((const char *const[]){"devices", NULL}, NO_OPENCL, "", 0);
    expect_failure(got, "tombola devices: there is no OpenCL device, since the ICD loader finds no platform");
    got = command_run((const char *const[]){"devices", "--json", NULL}, NO_OPENCL, "", 0);
    expect_failure(got, "apt-get install pocl-opencl-icd");
    got = command_run((const char *const[]){"show", "--logits", "1,2", NULL}, NO_OPENCL, "", 0);
    expect_failure(got, "apt-get install pocl-opencl-icd");
}

static void a_named_device_that_is_not_there_is_a_failure(void **state)
{
    (void)state;
    expect_failure(RUN("show", "--logits", "1,2", "--device", "no such thing"), "no such thing");
    static const char *const ENVIRONMENT[] = {"TOMBOLA_DEVICE", "no such thing", NULL};
    process got = command_run((const char *const[]){"show", "--logits", "1,2", NULL}, ENVIRONMENT, "", 0);
    expect_failure(got, "no such thing");
}

static void verbose_tells_which_device_was_taken(void **state)
{
    (void)state;
    process got = RUN("show", "--logits", "1,2", "--verbose");
    assert_int_equal(got.status, 0);
    assert_int_not_equal(strlen(got.err), 0);
    process_release(&got);
}

int main(void)
{
    setenv("LC_ALL", "C", 1); /* messages in plain ASCII */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_explains_every_option),
        cmocka_unit_test(help_has_an_option_for_every_parameter),
        cmocka_unit_test(help_tells_in_which_order_filters_come_and_when_a_share_is_reached),
        cmocka_unit_test(help_has_words_for_every_column),
        cmocka_unit_test(version_is_that_of_the_library),
        cmocka_unit_test(an_unknown_command_names_the_known_ones),
        cmocka_unit_test(a_full_disk_is_a_failure),
        cmocka_unit_test(devices_lists_what_the_library_lists),
        cmocka_unit_test(devices_marks_the_one_that_works_in_the_calling_thread),
        cmocka_unit_test(without_opencl_there_is_a_message),
        cmocka_unit_test(a_named_device_that_is_not_there_is_a_failure),
        cmocka_unit_test(verbose_tells_which_device_was_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
