/* Names, defaults, and arguments that are refused, each with its message; the next call works. */
#include "tombola.h" /* first: it needs no other header */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "expect.h"
#include "group.h"
#include "refused.h"

static tombola_sampler *sampler; /* of the probe's shape */
static tombola_error error = {.struct_size = sizeof(tombola_error)};

/* The last call was refused with just this message, and the next one works. */
static void expect_refused(tombola_status status, const char *message)
{
    expect_refusal(status, &error, message);
    error = tombola_error_default();
    if (sampler)
        assert_true(probe_passes(&probe, sampler));
}

static void versions_and_names_are_told(void **state)
{
    (void)state;
    char text[32];
    snprintf(text, sizeof text, "%d.%d.%d", TOMBOLA_VERSION_MAJOR, TOMBOLA_VERSION_MINOR, TOMBOLA_VERSION_PATCH);
    assert_int_equal(tombola_version(), TOMBOLA_VERSION);
    assert_string_equal(tombola_version_string(), text);
    static const char *const statuses[] = {"ok",
                                           "invalid argument",
                                           "no device",
                                           "build failed",
                                           "self-test failed",
                                           "device failed",
                                           "out of memory",
                                           "model failed",
                                           "busy",
                                           "forked",
                                           "transport failed"};
    for (size_t i = 0; i < COUNT_OF(statuses); i++)
        assert_string_equal(tombola_status_string((tombola_status)i), statuses[i]);
    static const char *const rows[] = {"ok", "invalid", "empty"};
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_string_equal(tombola_row_status_string((tombola_row_status)i), rows[i]);
    static const char *const finishes[] = {"not finished", "end token", "limit", "stopped", "invalid row", "empty row"};
    for (size_t i = 0; i < COUNT_OF(finishes); i++)
        assert_string_equal(tombola_finish_string((tombola_finish)i), finishes[i]);
    assert_non_null(tombola_status_string((tombola_status)99));
    assert_non_null(tombola_row_status_string((tombola_row_status)99));
    assert_non_null(tombola_finish_string((tombola_finish)99));
    assert_int_equal(tombola_type_size(TOMBOLA_FLOAT32), 4);
    assert_int_equal(tombola_type_size(TOMBOLA_FLOAT16), 2);
    assert_int_equal(tombola_type_size(TOMBOLA_BFLOAT16), 2);
    assert_int_equal(tombola_type_size((tombola_type)3), 0);
}

static void defaults_are_neutral(void **state)
{
    (void)state;
    tombola_params params = tombola_params_default();
    assert_int_equal(params.struct_size, sizeof params);
    assert_real_equal(params.temperature, 1.0f);
    assert_int_equal(params.top_k, 0);
    assert_real_equal(params.top_p, 1.0f);
    assert_real_equal(params.min_p, 0.0f);
    assert_int_equal(params.stream, 0);
    assert_int_equal(params.seed, 0);
    assert_int_equal(params.offset, 0);
    tombola_sampler_options options = tombola_sampler_options_default();
    assert_int_equal(options.struct_size, sizeof options);
    assert_int_equal(options.type, TOMBOLA_FLOAT32);
    assert_int_equal(options.input, TOMBOLA_LOGITS);
    assert_int_equal(options.dispatch, TOMBOLA_DISPATCH_AUTO);
    assert_int_equal(options.transfer, TOMBOLA_TRANSFER_AUTO);
    assert_int_equal(options.timed, 0);
    assert_int_equal(options.in_flight, 0);
    assert_int_equal(options.max_candidates, 0);
    assert_int_equal(options.probabilities, 0);
    assert_int_equal(options.in_thread, TOMBOLA_IN_THREAD_AUTO);
    tombola_context_options shape = tombola_context_options_default();
    assert_int_equal(shape.struct_size, sizeof shape);
    assert_int_equal(shape.lanes, 0);
    assert_int_equal(shape.width, 0);
    assert_int_equal(shape.teams, 0);
    assert_null(shape.build_options);
    tombola_sequence sequence = tombola_sequence_default();
    assert_int_equal(sequence.struct_size, sizeof sequence);
    assert_int_equal(sequence.finish, TOMBOLA_FINISH_NONE);
    assert_null(sequence.tokens);
    assert_int_equal(sequence.length, 0);
    assert_int_equal(sequence.max_new_tokens, 0);
    assert_null(sequence.end_tokens);
    assert_null(sequence.params);
    tombola_rows rows = tombola_rows_default();
    assert_int_equal(rows.struct_size, sizeof rows);
    assert_int_equal(rows.count, 0);
    assert_null(rows.logits.host);
    assert_null(rows.logits.buffer);
    assert_int_equal(rows.logits.offset, 0);
    assert_int_equal(rows.stride, 0);
    assert_null(rows.indices);
    assert_null(rows.params);
    tombola_results results = tombola_results_default();
    assert_int_equal(results.struct_size, sizeof results);
    assert_int_equal(results.candidate_count, 0);
    assert_null(results.tokens.host);
    assert_null(results.status.host);
    assert_null(results.kept.host);
    assert_null(results.probabilities.host);
    assert_null(results.log_probabilities.host);
    assert_int_equal(results.probability_stride, 0);
    assert_null(results.candidate_tokens.host);
    assert_null(results.candidate_logits.host);
    assert_null(results.candidate_probabilities.host);
    tombola_model model = tombola_model_default();
    assert_int_equal(model.struct_size, sizeof model);
    assert_null(model.user);
    assert_null(model.forward);
    assert_null(model.begin);
    assert_null(model.end);
    tombola_error untold = tombola_error_default();
    assert_int_equal(untold.struct_size, sizeof untold);
    assert_int_equal(untold.status, TOMBOLA_OK);
    assert_int_equal(untold.message[0], '\0');
    assert_int_equal(tombola_times_default().struct_size, sizeof(tombola_times));
    assert_int_equal(tombola_times_default().calls, 0);
    assert_int_equal(tombola_memory_default().struct_size, sizeof(tombola_memory));
    assert_int_equal(tombola_memory_default().device_bytes, 0);
    assert_int_equal(tombola_device_default().struct_size, sizeof(tombola_device));
    assert_int_equal(tombola_device_default().name[0], '\0');
}

static void releasing_nothing_is_allowed(void **state)
{
    (void)state;
    tombola_sampler_release(NULL);
    tombola_context_close(NULL);
    assert_true(probe_passes(&probe, sampler));
}

static void each_number_of_the_shape_may_be_asked_for_alone(void **state)
{
    (void)state;
    uint32_t all[3] = {0}, one[3] = {0};
    tombola_context_shape(context, &all[0], &all[1], &all[2]);
    tombola_context_shape(context, NULL, NULL, NULL);
    tombola_context_shape(context, &one[0], NULL, NULL);
    tombola_context_shape(context, NULL, &one[1], NULL);
    tombola_context_shape(context, NULL, NULL, &one[2]);
    assert_int_not_equal(all[0], 0);
    assert_memory_equal(one, all, sizeof all);
}

static void device_list_refuses_bad_arguments(void **state)
{
    (void)state;
    tombola_device one = tombola_device_default();
    size_t count;
    expect_refused(tombola_device_list(&one, 1, NULL, &error), "count is NULL");
    expect_refused(tombola_device_list(NULL, 3, &count, &error), "devices is NULL, but capacity is 3");
    assert_int_equal(tombola_device_list(NULL, 0, NULL, NULL), TOMBOLA_INVALID_ARGUMENT);
}

static void context_open_refuses_bad_arguments(void **state)
{
    (void)state;
    tombola_context *opened = NULL;
    tombola_context_options options = tombola_context_options_default();
    expect_refused(tombola_context_open(NULL, NULL, NULL, &error), "context is NULL");
    options.struct_size = 7;
    expect_refused(tombola_context_open(NULL, &options, &opened, &error),
                   "options.struct_size is 7: start from tombola_context_options_default()");
    static const struct {
        uint32_t lanes, width, teams;
        const char *message;
    } shapes[] = {
        {1, 2, 0, "options.width is 2, not 4, 8 or 16"},
        {1, 0, 0, "options.width is 0, not 4, 8 or 16"},
        {1, 32, 0, "options.width is 32, not 4, 8 or 16"},
        {0, 16, 0, "options.lanes is 0, not a power of two up to 256 / width"},
        {3, 16, 0, "options.lanes is 3, not a power of two up to 256 / width"},
        {32, 16, 0, "options.lanes is 32, not a power of two up to 256 / width"},
        {128, 4, 0, "options.lanes is 128, not a power of two up to 256 / width"},
        {1, 16, 3, "options.teams is 3, not a power of two up to 256 / lanes with lanes given"},
        {16, 16, 32, "options.teams is 32, not a power of two up to 256 / lanes with lanes given"},
        {0, 0, 2, "options.teams is 2, not a power of two up to 256 / lanes with lanes given"},
    };
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        options = tombola_context_options_default();
        options.lanes = shapes[i].lanes;
        options.width = shapes[i].width;
        options.teams = shapes[i].teams;
        expect_refused(tombola_context_open(NULL, &options, &opened, &error), shapes[i].message);
        assert_int_equal(tombola_context_open(NULL, &options, &opened, NULL), TOMBOLA_INVALID_ARGUMENT);
    }
    assert_null(opened);
}

static void sampler_create_refuses_bad_arguments(void **state)
{
    (void)state;
    tombola_sampler *made = NULL;
    char message[160];
    expect_refused(tombola_sampler_create(NULL, 10, 1, NULL, &made, &error), "context is NULL");
    expect_refused(tombola_sampler_create(context, 10, 1, NULL, NULL, &error), "sampler is NULL");
    expect_refused(tombola_sampler_create(context, 0, 1, NULL, &made, &error),
                   "vocabulary is 0, not from 1 to 8388608");
    expect_refused(tombola_sampler_create(context, TOMBOLA_MAX_VOCABULARY + 1, 1, NULL, &made, &error),
                   "vocabulary is 8388609, not from 1 to 8388608");
    snprintf(message, sizeof message, "vocabulary is %zu, not from 1 to 8388608", SIZE_MAX);
    expect_refused(tombola_sampler_create(context, SIZE_MAX, 1, NULL, &made, &error), message);
    expect_refused(tombola_sampler_create(context, 10, 0, NULL, &made, &error),
                   "max_rows is 0, not from 1 to 2147483647");
    snprintf(message, sizeof message, "max_rows is %zu, not from 1 to 2147483647", SIZE_MAX);
    expect_refused(tombola_sampler_create(context, 10, SIZE_MAX, NULL, &made, &error), message);
    static const struct {
        int type, input, dispatch, transfer, in_thread;
        const char *message;
    } options_refused[] = {{3, 0, 0, 0, 0, "options.type is 3, which is no tombola_type"},
                           {-1, 0, 0, 0, 0, "options.type is -1, which is no tombola_type"},
                           {0, 2, 0, 0, 0, "options.input is 2, which is no tombola_input"},
                           {0, -1, 0, 0, 0, "options.input is -1, which is no tombola_input"},
                           {0, 0, 3, 0, 0, "options.dispatch is 3, which is no tombola_dispatch"},
                           {0, 0, -1, 0, 0, "options.dispatch is -1, which is no tombola_dispatch"},
                           {0, 0, 0, 3, 0, "options.transfer is 3, which is no tombola_transfer"},
                           {0, 0, 0, -1, 0, "options.transfer is -1, which is no tombola_transfer"},
                           {0, 0, 0, 0, 2, "options.in_thread is 2, which is no tombola_in_thread"},
                           {0, 0, 0, 0, -1, "options.in_thread is -1, which is no tombola_in_thread"}};
    tombola_sampler_options options;
    for (size_t i = 0; i < COUNT_OF(options_refused); i++) {
        options = tombola_sampler_options_default();
        options.type = (tombola_type)options_refused[i].type;
        options.input = (tombola_input)options_refused[i].input;
        options.dispatch = (tombola_dispatch)options_refused[i].dispatch;
        options.transfer = (tombola_transfer)options_refused[i].transfer;
        options.in_thread = (tombola_in_thread)options_refused[i].in_thread;
        expect_refused(tombola_sampler_create(context, 10, 1, &options, &made, &error), options_refused[i].message);
    }
    options = tombola_sampler_options_default();
    options.struct_size = 0;
    expect_refused(tombola_sampler_create(context, 10, 1, &options, &made, &error),
                   "options.struct_size is 0: start from tombola_sampler_options_default()");
    options = tombola_sampler_options_default();
    options.in_flight = TOMBOLA_MAX_IN_FLIGHT + 1;
    expect_refused(tombola_sampler_create(context, 10, 1, &options, &made, &error),
                   "options.in_flight is 17, not from 0 to 16");
    options = tombola_sampler_options_default();
    options.max_candidates = TOMBOLA_MAX_CANDIDATES + 1;
    expect_refused(tombola_sampler_create(context, 10, 1, &options, &made, &error),
                   "options.max_candidates is 1025, not from 0 to 1024");
    assert_null(made);
}

/* 32 TiB, which no device gives in one piece. Oclgrind dies of it. */
static void a_sampler_that_does_not_fit_is_out_of_memory(void **state)
{
    (void)state;
    if (test_level() == TEST_SMALL)
        skip();
    tombola_sampler *made = NULL;
    assert_int_equal(tombola_sampler_create(context, TOMBOLA_MAX_VOCABULARY, 1u << 20, NULL, &made, &error),
                     TOMBOLA_OUT_OF_MEMORY);
    assert_null(made);
    assert_int_not_equal(error.message[0], '\0');
    assert_true(probe_passes(&probe, sampler));
    error = tombola_error_default();
}

static int make_all(void **state)
{
    open_and_probe(state);
    return (int)tombola_sampler_create(context, PROBE_VOCABULARY, PROBE_ROWS, NULL, &sampler, NULL);
}

static int release_all(void **state)
{
    tombola_sampler_release(sampler);
    return close_context(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_and_names_are_told),
        cmocka_unit_test(defaults_are_neutral),
        cmocka_unit_test(releasing_nothing_is_allowed),
        cmocka_unit_test(each_number_of_the_shape_may_be_asked_for_alone),
        cmocka_unit_test(device_list_refuses_bad_arguments),
        cmocka_unit_test(context_open_refuses_bad_arguments),
        cmocka_unit_test(sampler_create_refuses_bad_arguments),
        cmocka_unit_test(a_sampler_that_does_not_fit_is_out_of_memory),
    };
    return cmocka_run_group_tests(tests, make_all, release_all);
}
