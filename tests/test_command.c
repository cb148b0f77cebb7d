/* The command `tombola`: its help, its errors, the list of devices, and `show`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "process.h"

#define RUN(...) process_run((const char *const[]){TOMBOLA_COMMAND, __VA_ARGS__, NULL}, NULL, "", 0)

static const char *const NO_OPENCL[] = {"OCL_ICD_VENDORS", "/nonexistent-dir", "TOMBOLA_DEVICE", "", NULL};

static void expect_output(process got, const char *out)
{
    assert_null(strstr(got.err, "tombola show: ")); /* drivers may talk there as they like */
    assert_string_equal(got.out, out);
    assert_int_equal(got.status, 0);
    process_release(&got);
}

/* The first line is the message; argp adds where help is to be had. */
static void expect_usage_error(process got, const char *command, const char *message)
{
    char expected[1024];
    snprintf(expected, sizeof expected, "%s: %s\nTry `%s --help' or `%s --usage' for more information.\n", command,
             message, command, command);
    assert_string_equal(got.err, expected);
    assert_string_equal(got.out, "");
    assert_int_equal(got.status, 2);
    process_release(&got);
}

static void expect_failure(process got, const char *part_of_message)
{
    if (!strstr(got.err, part_of_message))
        fail_msg("'%s' should hold '%s'", got.err, part_of_message);
    assert_string_equal(got.out, "");
    assert_int_equal(got.status, 1);
    process_release(&got);
}

/* ------------------------------------------------------------ the command */

static void help_explains_every_option(void **state)
{
    (void)state;
    static const char *const EXPECTED[][20] = {
        {"--help", "bench", "devices", "sample", "show", "generate", "--version"},
        {"bench", "--shapes", "--configs", "--workloads", "--types", "--where", "--logits", "--save-logits",
         "--seconds", "--repeats", "--seed", "--device", "--lanes", "--width", "--teams", "--dispatch", "--threads",
         "--json"},
        {"devices", "--json"},
        {"sample", "--temperature", "--top-k", "--top-p", "--min-p", "--seed", "--offset", "--device",
         "--probabilities", "--params", "--dtype", "--json", "LOGITS.npy"},
        {"show", "--temperature", "--top-k", "--top-p", "--min-p", "--seed", "--device", "--probabilities", "--logits",
         "--labels", "--draws", "--json"},
        {"generate", "--text", "--prompt", "--prompts", "--output", "--batch", "--max-tokens", "--temperature",
         "--top-k", "--top-p", "--min-p", "--seed", "--greedy", "--preset", "--json"},
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

static void version_is_that_of_the_library(void **state)
{
    (void)state;
    char expected[64];
    snprintf(expected, sizeof expected, "tombola %s\n", tombola_version_string());
    expect_output(RUN("--version"), expected);
}

static void an_unknown_command_names_the_known_ones(void **state)
{
    (void)state;
    expect_usage_error(RUN("sampel"), "tombola",
                       "no command is called 'sampel'; there are bench, devices, sample, show and generate");
    expect_usage_error(process_run((const char *const[]){TOMBOLA_COMMAND, NULL}, NULL, "", 0), "tombola",
                       "which command? There are bench, devices, sample, show and generate");
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
    assert_int_equal(tombola_device_list(devices, COUNT_OF(devices), &count, NULL), TOMBOLA_OK);
    process got = RUN("devices", "--json");
    assert_int_equal(got.status, 0);
    char *line = got.out;
    for (size_t i = 0; i < count; i++) {
        json_error_t error;
        json_t *object = json_loads(line, JSON_DISABLE_EOF_CHECK, &error);
        assert_non_null(object);
        assert_int_equal(json_integer_value(json_object_get(object, "index")), i);
        assert_string_equal(json_string_value(json_object_get(object, "device")), devices[i].name);
        assert_string_equal(json_string_value(json_object_get(object, "platform")), devices[i].platform);
        assert_string_equal(json_string_value(json_object_get(object, "version")), devices[i].version);
        assert_int_equal(json_integer_value(json_object_get(object, "memory")), devices[i].memory);
        defaults += json_is_true(json_object_get(object, "default"));
        json_decref(object);
        line = strchr(line, '\n') + 1;
    }
    assert_int_equal(*line, '\0');
    assert_int_equal(defaults, 1);
    process_release(&got);

    got = RUN("devices");
    assert_int_equal(got.status, 0);
    assert_non_null(strstr(got.out, "index"));
    assert_non_null(strstr(got.out, "\n*")); /* marks the default */
    for (size_t i = 0; i < count; i++)
        assert_non_null(strstr(got.out, devices[i].name));
    process_release(&got);
}

static void without_opencl_there_is_a_message(void **state)
{
    (void)state;
    process got = process_run((const char *const[]){TOMBOLA_COMMAND, "devices", NULL}, NO_OPENCL, "", 0);
    expect_failure(got, "tombola devices: no OpenCL device");
    got = process_run((const char *const[]){TOMBOLA_COMMAND, "devices", "--json", NULL}, NO_OPENCL, "", 0);
    expect_failure(got, "tombola devices: no OpenCL device");
    got = process_run((const char *const[]){TOMBOLA_COMMAND, "show", "--logits", "1,2", NULL}, NO_OPENCL, "", 0);
    expect_failure(got, "tombola show: ");
}

static void a_named_device_that_is_not_there_is_a_failure(void **state)
{
    (void)state;
    expect_failure(RUN("show", "--logits", "1,2", "--device", "no such thing"), "no such thing");
    static const char *const ENVIRONMENT[] = {"TOMBOLA_DEVICE", "no such thing", NULL};
    process got =
        process_run((const char *const[]){TOMBOLA_COMMAND, "show", "--logits", "1,2", NULL}, ENVIRONMENT, "", 0);
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

/* ------------------------------------------------------------------- show */

static void show_gives_the_temperature_table(void **state)
{
    (void)state;
    expect_output(
        RUN("show", "--probabilities", "0.5,0.3,0.15,0.05", "--temperature", "0.5,1,2,inf", "--labels", "A,B,C,D"),
        "token     T=0.5             T=1               T=2               T=inf\n"
        "A         0.685  ########   0.500  ######     0.379  ####       0.250  ###\n"
        "B         0.247  ###        0.300  ####       0.294  ###        0.250  ###\n"
        "C         0.062  #          0.150  ##         0.208  ##         0.250  ###\n"
        "D         0.007             0.050  #          0.120  #          0.250  ###\n"
        "entropy   1.169 bits        1.648 bits        1.887 bits        2.000 bits\n");
}

static void show_takes_logits_too(void **state)
{
    (void)state;
    expect_output(RUN("show", "--logits", "2,1,-inf,0"), "token     T=1\n"
                                                         "0         0.665  ########################################\n"
                                                         "1         0.245  ###############\n"
                                                         "2         0.000\n"
                                                         "3         0.090  #####\n"
                                                         "entropy   1.201 bits\n");
}

static void show_marks_what_filters_drop_and_renormalises_the_rest(void **state)
{
    (void)state;
    expect_output(RUN("show", "--probabilities", "0.1,0.4,0.2,0.3", "--top-p", "0.7"),
                  "token     T=1\n"
                  "0         -\n"
                  "1         0.571  ########################################\n"
                  "2         -\n"
                  "3         0.429  ##############################\n"
                  "entropy   0.985 bits\n"
                  "kept      2 of 4\n"
                  "\n"
                  "- is dropped; the kept ones share the whole among them\n");
    process got = RUN("show", "--probabilities", "0.4,0.3,0.2,0.1", "--top-k", "3");
    assert_non_null(strstr(got.out, "\n0         0.444  "));
    assert_non_null(strstr(got.out, "\n1         0.333  "));
    assert_non_null(strstr(got.out, "\n2         0.222  "));
    assert_non_null(strstr(got.out, "\n3         -\n"));
    process_release(&got);
    got = RUN("show", "--probabilities", "0.4,0.3,0.2,0.1", "--min-p", "0.6");
    assert_non_null(strstr(got.out, "kept      2 of 4\n"));
    process_release(&got);
}

static void show_fits_the_page_whatever_it_shows(void **state)
{
    (void)state;
    process got =
        RUN("show", "--logits", "1,0.5,-2", "--temperature", "0,0.1,0.333333,0.5,1,2,3,4,5,6,7,inf", "--draws",
            "100000", "--top-k", "2", "--labels", "a label that is much longer than any column,b,c");
    assert_int_equal(got.status, 0);
    assert_non_null(strstr(got.out, "a label that is much lo~ "));
    for (const char *line = got.out; *line; line += strcspn(line, "\n") + 1)
        assert_true(strcspn(line, "\n") <= 80);
    process_release(&got);
}

static void show_draws_bars_of_blocks_where_the_terminal_has_them(void **state)
{
    (void)state;
    static const char *const UTF8[] = {"LC_ALL", "C.UTF-8", NULL};
    process got = process_run(
        (const char *const[]){TOMBOLA_COMMAND, "show", "--probabilities", "0.8,0.2", "--labels", "日本,b", NULL}, UTF8,
        "", 0);
    expect_output(got, "token     T=1\n"
                       "日本      0.800  ████████████████████████████████████████\n"
                       "b         0.200  ██████████\n"
                       "entropy   0.722 bits\n");
}

/* An object for each temperature; the caller releases the array. */
static json_t *show_json(process got)
{
    assert_int_equal(got.status, 0);
    json_t *all = json_array();
    for (char *line = got.out; *line; line = strchr(line, '\n') + 1)
        assert_int_equal(json_array_append_new(all, json_loads(line, JSON_DISABLE_EOF_CHECK, NULL)), 0);
    process_release(&got);
    return all;
}

static void entropy_rises_with_the_temperature(void **state)
{
    (void)state;
    json_t *all = show_json(RUN("show", "--probabilities", "0.5,0.3,0.15,0.05", "--json", "--temperature",
                                "0,0.1,0.25,0.5,0.75,1,1.5,2,4,10,100,inf"));
    assert_int_equal(json_array_size(all), 12);
    double before = -1;
    for (size_t i = 0; i < json_array_size(all); i++) {
        double entropy = json_real_value(json_object_get(json_array_get(all, i), "entropy"));
        assert_true(entropy > before);
        before = entropy;
    }
    assert_true(before == 2.0);
    assert_string_equal(json_string_value(json_object_get(json_array_get(all, 11), "temperature")), "inf");
    json_decref(all);
}

static void draws_are_those_of_the_sampler_and_follow_the_probabilities(void **state)
{
    (void)state;
    json_t *all = show_json(RUN("show", "--logits", "1,3,2,0", "--top-k", "3", "--draws", "10000", "--seed", "5",
                                "--offset", "7", "--json"));
    json_t *tokens = json_object_get(json_array_get(all, 0), "tokens");
    assert_int_equal(json_array_size(tokens), 4);

    tombola_context *context = test_context_open(0, 0);
    tombola_sampler *sampler;
    assert_int_equal(tombola_sampler_create(context, 4, 1, NULL, &sampler, NULL), TOMBOLA_OK);
    tombola_params params = tombola_params_default();
    params.top_k = 3;
    params.seed = 5;
    json_int_t counts[4] = {0};
    for (params.offset = 7; params.offset < 7 + 10000; params.offset++) {
        tombola_draw draw;
        assert_int_equal(tombola_sampler_sample(sampler, (float[]){1, 3, 2, 0}, 1, 4, &params, &draw, NULL),
                         TOMBOLA_OK);
        counts[draw.token]++;
    }
    tombola_sampler_release(sampler);
    tombola_context_close(context);
    for (size_t i = 0; i < 4; i++) {
        json_t *token = json_array_get(tokens, i);
        json_int_t drawn = json_integer_value(json_object_get(token, "drawn"));
        double expected = 10000 * json_real_value(json_object_get(token, "probability"));
        assert_int_equal(drawn, counts[i]);
        /* Five standard deviations of at most 50 draws. */
        assert_true((double)drawn > expected - 250 && (double)drawn < expected + 250);
        assert_int_equal(json_is_true(json_object_get(token, "kept")), i != 3);
    }
    assert_int_equal(counts[3], 0);
    json_decref(all);
}

static void show_refuses_what_it_cannot_show(void **state)
{
    (void)state;
    static const struct {
        const char *arguments[6];
        const char *message;
    } CASES[] = {
        {{NULL}, "which distribution? Give --probabilities or --logits"},
        {{"--probabilities", "1", "--logits", "1"}, "takes one of --probabilities and --logits, once"},
        {{"--probabilities", "1,x"}, "--probabilities: 'x' is not a number of 0 or more"},
        {{"--probabilities", "1,,2"}, "--probabilities: '' is not a number of 0 or more"},
        {{"--probabilities", "-0.1,1"}, "--probabilities: '-0.1' is not a number of 0 or more"},
        {{"--probabilities", "inf"}, "--probabilities: 'inf' is not a number of 0 or more"},
        {{"--logits", "nan"}, "--logits: 'nan' is not a number or -inf"},
        {{"--logits", "inf,1"}, "--logits: 'inf' is not a number or -inf"},
        {{"--logits", "1e99"}, "--logits: '1e99' is not a number or -inf"},
        {{"--logits", "1,2", "--labels", "a"}, "--labels: 1 labels for 2 tokens"},
        {{"--logits", "1,2", "--draws", "-1"}, "--draws: '-1' is not a whole number from 0 to 1000000000"},
        {{"--logits", "1,2", "--temperature", "1,nan"}, "--temperature: 'nan' is not a number from 0 to inf"},
        {{"--logits", "1,2", "--temperature", "-1"}, "--temperature: '-1' is not a number from 0 to inf"},
        {{"--logits", "1,2", "--temperature", "1e99"}, "--temperature: '1e99' is not a number from 0 to inf"},
        {{"--logits", "1,2", "--top-p", "1.5"}, "--top-p: '1.5' is not a number from 0 to 1"},
        {{"--logits", "1,2", "--top-p", "0.5x"}, "--top-p: '0.5x' is not a number from 0 to 1"},
        {{"--logits", "1,2", "--min-p", " 1"}, "--min-p: ' 1' is not a number from 0 to 1"},
        {{"--logits", "1,2", "--top-k", "-1"}, "--top-k: '-1' is not a whole number from 0 to 4294967295"},
        {{"--logits", "1,2", "--top-k", "4294967296"},
         "--top-k: '4294967296' is not a whole number from 0 to 4294967295"},
        {{"--logits", "1,2", "--seed", "18446744073709551616"},
         "--seed: '18446744073709551616' is not a whole number from 0 to 18446744073709551615"},
        {{"--logits", "1,2", "more"}, "takes no argument, but got 'more'"},
        {{"--logits", "1,2", "--nonsense"}, "unrecognized option '--nonsense'"},
    };
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        const char *argv[9] = {TOMBOLA_COMMAND, "show"};
        memcpy(argv + 2, CASES[i].arguments, sizeof CASES[i].arguments);
        expect_usage_error(process_run(argv, NULL, "", 0), "tombola show", CASES[i].message);
    }
    expect_failure(RUN("show", "--probabilities", "0,0"), "tombola show: at temperature 1 the distribution is empty");
    expect_failure(RUN("show", "--logits", "-inf,-inf"), "tombola show: at temperature 1 the distribution is empty");
    expect_failure(RUN("show", "--logits", "1e38,1", "--temperature", "1,0.01"),
                   "tombola show: at temperature 0.01 the distribution is invalid");
    expect_failure(RUN("show", "--logits", "1,2", "--labels", "a,\xff", "--json"), "UTF-8");
}

int main(void)
{
    setenv("LC_ALL", "C", 1); /* the bars below are made of # */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_explains_every_option),
        cmocka_unit_test(version_is_that_of_the_library),
        cmocka_unit_test(an_unknown_command_names_the_known_ones),
        cmocka_unit_test(a_full_disk_is_a_failure),
        cmocka_unit_test(devices_lists_what_the_library_lists),
        cmocka_unit_test(without_opencl_there_is_a_message),
        cmocka_unit_test(a_named_device_that_is_not_there_is_a_failure),
        cmocka_unit_test(verbose_tells_which_device_was_taken),
        cmocka_unit_test(show_gives_the_temperature_table),
        cmocka_unit_test(show_takes_logits_too),
        cmocka_unit_test(show_marks_what_filters_drop_and_renormalises_the_rest),
        cmocka_unit_test(show_fits_the_page_whatever_it_shows),
        cmocka_unit_test(show_draws_bars_of_blocks_where_the_terminal_has_them),
        cmocka_unit_test(entropy_rises_with_the_temperature),
        cmocka_unit_test(draws_are_those_of_the_sampler_and_follow_the_probabilities),
        cmocka_unit_test(show_refuses_what_it_cannot_show),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
