/* What becomes of devices that fail to open, to build the kernels or to give the right tokens. */
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

#include "faults.h"
#include "row.h"
#include "tombola_shard.h"
#include "two_devices.h"

/* What makes a device compute other tokens: one of Philox's multipliers. */
#define MULTIPLIER "0xD2511F53u"
#define ANOTHER_MULTIPLIER "0xD2511F57u"
/* What no compiler takes. */
#define NONSENSE "this is no OpenCL C"

/* Opens without a name while the first device fails: the second one is taken, and works. */
static void expect_passed_over(const char *reason)
{
    const tombola_device *first = &devices[order[0]], *second = &devices[order[1]];
    tombola_context *context = NULL;
    tombola_error error = tombola_error_default();
    char line[1024];
    if (tombola_context_open(NULL, NULL, &context, &error) != TOMBOLA_OK)
        fail_msg("no device was taken: %s", error.message);
    assert_int_equal(device_of(context).index, second->index);
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
    tombola_error error = tombola_error_default();
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
    tombola_error error = tombola_error_default();
    char name[16];
    snprintf(name, sizeof name, "%zu", order[0]);
    assert_int_equal(tombola_context_open(name, NULL, &context, &error), expected);
    assert_null(context);
    expect_text(error.message, reason);
    faults_begin();
    assert_int_equal(faults_seen().held, 0);
    assert_int_equal(tombola_context_open(name, NULL, &context, &error), TOMBOLA_OK);
    assert_int_equal(device_of(context).index, order[0]);
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

/* Kernels besides the one that draws: what damages them, and what the self-test says then. */
static const struct late {
    const char *kernel;
    unsigned argument;
    const char *told;
} lates[] = {
    {"softmax", ARGUMENT_COLUMNS + SOFTMAX_PROBABILITIES, "the device fails the known probabilities (a row per work"},
    {"top_k", ARGUMENT_COLUMNS + TOP_K_PROBABILITIES, "the device fails the known candidates (a row per work-group)"},
    {"report", ARGUMENT_COLUMNS + REPORT_KEPT_PROBABILITIES,
     "the device fails the known report (a row per work-group)"}};

/* They are checked at once where they are compiled at once, which is not on PoCL. */
static void a_device_that_compiles_at_once_is_checked_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lates); i++) {
        faults_answer(CL_PLATFORM_NAME, "Another", sizeof "Another");
        faults_damage(lates[i].kernel, lates[i].argument);
        expect_named_fails(TOMBOLA_SELF_TEST_FAILED, lates[i].told);
    }
}

/* A call that wants something of such a kernel. */
static tombola_status want(tombola_sampler *sampler, size_t late, tombola_error *error)
{
    static float told[PROBE_ROWS * PROBE_VOCABULARY];
    tombola_rows rows = tombola_rows_default();
    tombola_results results = tombola_results_default();
    rows.count = PROBE_ROWS;
    rows.logits.host = probe.logits;
    rows.stride = PROBE_STRIDE;
    rows.params = probe.params;
    if (late == 0)
        results.log_probabilities.host = told;
    if (late == 1) {
        results.candidate_count = 5;
        results.candidate_logits.host = told;
    }
    if (late == 2)
        results.processed_logits.host = told;
    return tombola_sampler_sample(sampler, &rows, &results, error);
}

static void a_kernel_that_is_compiled_late_is_checked_when_it_is_first_wanted(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lates); i++) {
        tombola_context *context;
        tombola_sampler *sampler;
        tombola_error error = tombola_error_default();
        faults_begin();
        faults_answer(CL_PLATFORM_NAME, "Portable Computing Language", sizeof "Portable Computing Language");
        faults_damage(lates[i].kernel, lates[i].argument);
        assert_int_equal(tombola_context_open("0", NULL, &context, &error), TOMBOLA_OK);
        assert_int_equal(tombola_sampler_create(context, PROBE_VOCABULARY, PROBE_ROWS, NULL, &sampler, &error),
                         TOMBOLA_OK);
        for (int turn = 0; turn < 2; turn++) {
            const long held = faults_seen().held;
            assert_int_equal(want(sampler, i, &error), TOMBOLA_SELF_TEST_FAILED);
            expect_text(error.message, lates[i].told);
            assert_int_equal(faults_seen().held, held);
            assert_int_equal(want(sampler, (i + 1) % COUNT_OF(lates), &error), TOMBOLA_OK);
            assert_true(probe_passes(&probe, sampler));
        }
        faults_begin();
        assert_int_equal(want(sampler, i, &error), TOMBOLA_OK);
        faults_damage(lates[i].kernel, lates[i].argument); /* which has been checked by now */
        assert_int_equal(want(sampler, i, &error), TOMBOLA_OK);
        tombola_sampler_release(sampler);
        tombola_context_close(context);
    }
}

/* Whoever says beforehand what will be wanted does not wait for it in a call. */
static void what_options_declare_is_checked_with_the_sampler(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        tombola_context *context;
        tombola_sampler *sampler;
        tombola_error error = tombola_error_default();
        tombola_sampler_options options = tombola_sampler_options_default();
        options.probabilities = i == 0;
        options.max_candidates = i == 1;
        assert_int_equal(tombola_context_open("0", NULL, &context, &error), TOMBOLA_OK);
        const long held = faults_seen().held;
        faults_damage(lates[i].kernel, lates[i].argument);
        const int is_checked =
            tombola_sampler_create(context, PROBE_VOCABULARY, PROBE_ROWS, &options, &sampler, &error) == TOMBOLA_OK;
        assert_int_equal(is_checked, strcmp(device_of(context).platform, "Portable Computing Language") != 0);
        if (!is_checked) {
            assert_int_equal(error.status, TOMBOLA_SELF_TEST_FAILED);
            expect_text(error.message, lates[i].told);
            assert_null(sampler);
            assert_int_equal(faults_seen().held, held);
            faults_begin();
            assert_int_equal(tombola_sampler_create(context, PROBE_VOCABULARY, PROBE_ROWS, &options, &sampler, &error),
                             TOMBOLA_OK);
        }
        faults_begin();
        faults_damage(lates[i].kernel, lates[i].argument);
        assert_int_equal(want(sampler, i, &error), TOMBOLA_OK); /* checks nothing */
        tombola_sampler_release(sampler);
        tombola_context_close(context);
        faults_begin();
    }
}

static tombola_status make_shard(tombola_context *context, tombola_shard **shard, tombola_error *error)
{
    *shard = NULL;
    return tombola_shard_create(context, PROBE_VOCABULARY, 0, PROBE_VOCABULARY, PROBE_ROWS, NULL, shard, error);
}

/* Checked at once, where kernels are compiled at once. */
static void a_device_that_fails_on_shards_has_none(void **state)
{
    (void)state;
    static const struct late faults[] = {
        {"shard", SHARD_MESSAGES, "the device fails known answer 0 (on shards): token "},
        {"shard", SHARD_QUESTS, "the device fails the known report (on shards)"},
        {"report", REPORT_KEPT_PROBABILITIES, "the device fails the known probabilities (on shards)"},
        {"shard_last", SHARD_LAST_FINDINGS, "the device fails the known report (on shards)"}};
    tombola_context *context;
    tombola_shard *shard;
    faults_answer(CL_PLATFORM_NAME, "Another", sizeof "Another");
    assert_int_equal(tombola_context_open("0", NULL, &context, NULL), TOMBOLA_OK);
    for (size_t i = 0; i < COUNT_OF(faults); i++) {
        tombola_error error = tombola_error_default();
        faults_begin();
        faults_damage(faults[i].kernel, ARGUMENT_COLUMNS + faults[i].argument);
        assert_int_equal(make_shard(context, &shard, &error), TOMBOLA_SELF_TEST_FAILED);
        expect_text(error.message, faults[i].told);
        assert_null(shard);
    }
    faults_begin();
    assert_int_equal(make_shard(context, &shard, NULL), TOMBOLA_OK);
    tombola_shard_release(shard);
    tombola_context_close(context);
}

static void what_shards_tell_at_last_is_checked_when_it_is_first_wanted(void **state)
{
    (void)state;
    static float told[PROBE_ROWS * PROBE_VOCABULARY];
    tombola_error error = tombola_error_default();
    tombola_context *context;
    tombola_shard *shard;
    tombola_rows rows = tombola_rows_default();
    tombola_results results = tombola_results_default();
    rows.count = PROBE_ROWS;
    rows.logits.host = probe.logits;
    rows.stride = PROBE_STRIDE;
    rows.params = probe.params;
    results.processed_logits.host = told;
    faults_answer(CL_PLATFORM_NAME, "Portable Computing Language", sizeof "Portable Computing Language");
    assert_int_equal(tombola_context_open("0", NULL, &context, NULL), TOMBOLA_OK);
    faults_damage("shard_last", ARGUMENT_COLUMNS + SHARD_LAST_FINDINGS);
    assert_int_equal(make_shard(context, &shard, NULL), TOMBOLA_OK);
    assert_int_equal(tombola_shard_begin(shard, &rows, &results, &error), TOMBOLA_SELF_TEST_FAILED);
    expect_text(error.message, "the device fails the known report (on shards)");
    tombola_shard_cancel(shard);
    faults_begin();
    assert_int_equal(tombola_shard_begin(shard, &rows, &results, &error), TOMBOLA_OK);
    tombola_shard_release(shard);
    tombola_context_close(context);
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
    tombola_error error = tombola_error_default();
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

/* The compiler's complaint tells the file and the line of it, also behind the includes. */
static void a_build_log_names_the_place_in_the_sources(void **state)
{
    (void)state;
    static const struct {
        const char *file, *text;
    } places[] = {{"philox.h", MULTIPLIER}, {"tombola.cl", "local u64 ranks_memory[MAX_TOP_K];"}};
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        char path[512], line[1024], place[64];
        int number = 0;
        snprintf(path, sizeof path, "%s/../kernels/%s", TEST_DATA, places[i].file);
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        do {
            assert_non_null(fgets(line, sizeof line, file));
            number++;
        } while (!strstr(line, places[i].text));
        fclose(file);
        snprintf(place, sizeof place, "kernels/%s:%d:", places[i].file, number);
        tombola_context *opened = NULL;
        tombola_error error = tombola_error_default();
        faults_begin();
        faults_edit_source(places[i].text, NONSENSE);
        assert_int_equal(tombola_context_open("0", NULL, &opened, &error), TOMBOLA_BUILD_FAILED);
        expect_text(error.message, place);
    }
}

/* The kernels for another type of logits come later, and may fail later. */
static void kernels_for_another_type_are_checked_when_they_are_first_asked_for(void **state)
{
    (void)state;
    static struct probe narrow;
    tombola_context *context;
    tombola_sampler *sampler = NULL;
    tombola_error error = tombola_error_default();
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
    assert_int_equal(faults_seen().held, held);
    faults_begin();
    faults_fail("clBuildProgram", 0, CL_OUT_OF_HOST_MEMORY);
    assert_int_equal(tombola_sampler_create(context, 600, 4, &options, &sampler, &error), TOMBOLA_OUT_OF_MEMORY);
    assert_int_equal(faults_seen().held, held);
    faults_begin();
    assert_true(probe_passes_on(&narrow, context));
    assert_true(probe_passes_on(&probe, context));
    tombola_context_close(context);
}

static void a_context_lives_as_long_as_its_samplers_and_references(void **state)
{
    (void)state;
    tombola_context *opened;
    tombola_sampler *sampler;
    assert_int_equal(tombola_context_open("0", NULL, &opened, NULL), TOMBOLA_OK);
    tombola_context_retain(opened);
    long held = faults_seen().held;
    tombola_context_close(opened);
    assert_int_equal(faults_seen().held, held);
    assert_int_equal(tombola_sampler_create(opened, PROBE_VOCABULARY, PROBE_ROWS, NULL, &sampler, NULL), TOMBOLA_OK);
    held = faults_seen().held;
    tombola_context_close(opened);
    assert_int_equal(faults_seen().held, held);
    assert_true(probe_passes(&probe, sampler));
    tombola_sampler_release(sampler);
    assert_int_equal(faults_seen().held, 0);
}

int main(int argc, char **argv)
{
    (void)argc;
    offer_two_devices(argv);
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)
    const struct CMUnitTest tests[] = {
        TEST(a_default_device_that_does_not_open_is_passed_over),
        TEST(a_default_device_that_does_not_build_is_passed_over),
        TEST(a_default_device_that_draws_other_tokens_is_passed_over),
        TEST(a_default_device_that_fails_to_run_is_passed_over),
        TEST(no_device_is_left_when_all_fail_and_each_reason_is_told),
        TEST(a_named_device_never_falls_back),
        TEST(a_device_that_compiles_at_once_is_checked_whole),
        TEST(a_kernel_that_is_compiled_late_is_checked_when_it_is_first_wanted),
        TEST(what_options_declare_is_checked_with_the_sampler),
        TEST(a_device_that_fails_on_shards_has_none),
        TEST(what_shards_tell_at_last_is_checked_when_it_is_first_wanted),
        TEST(a_device_named_by_the_variable_never_falls_back),
        TEST(options_that_the_compiler_refuses_fail_the_build),
        TEST(a_build_log_names_the_place_in_the_sources),
        TEST(a_context_lives_as_long_as_its_samplers_and_references),
        TEST(kernels_for_another_type_are_checked_when_they_are_first_asked_for),
    };
    return cmocka_run_group_tests(tests, list_devices, NULL);
}
