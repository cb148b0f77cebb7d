/* Names, defaults, and arguments that are refused, each with its message; the next call works. */
#include "tombola.h" /* first: it needs no other header */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

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
    assert_true(tombola_version() == TOMBOLA_VERSION);
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
                                           "forked"};
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
    assert_true(tombola_type_size(TOMBOLA_FLOAT32) == 4 && tombola_type_size(TOMBOLA_FLOAT16) == 2 &&
                tombola_type_size(TOMBOLA_BFLOAT16) == 2 && tombola_type_size((tombola_type)3) == 0);
}

static void defaults_are_neutral(void **state)
{
    (void)state;
    tombola_params params = tombola_params_default();
    assert_true(params.struct_size == sizeof params && params.temperature == 1.0f && params.top_k == 0 &&
                params.top_p == 1.0f && params.min_p == 0.0f && params.stream == 0 && params.seed == 0 &&
                params.offset == 0);
    tombola_sampler_options options = tombola_sampler_options_default();
    assert_true(options.struct_size == sizeof options && options.type == TOMBOLA_FLOAT32 &&
                options.input == TOMBOLA_LOGITS && options.dispatch == TOMBOLA_DISPATCH_AUTO &&
                options.transfer == TOMBOLA_TRANSFER_AUTO && !options.timed && options.in_flight == 0 &&
                options.max_candidates == 0 && !options.probabilities && options.reserved == 0);
    tombola_context_options shape = tombola_context_options_default();
    assert_true(shape.struct_size == sizeof shape && !shape.lanes && !shape.width && !shape.teams &&
                !shape.build_options);
    tombola_sequence sequence = tombola_sequence_default();
    assert_true(sequence.struct_size == sizeof sequence && sequence.finish == TOMBOLA_FINISH_NONE && !sequence.tokens &&
                sequence.length == 0 && sequence.max_new_tokens == 0 && !sequence.end_tokens && !sequence.params);
    tombola_rows rows = tombola_rows_default();
    assert_true(rows.struct_size == sizeof rows && rows.count == 0 && !rows.logits.host && !rows.logits.buffer &&
                rows.logits.offset == 0 && rows.stride == 0 && !rows.indices && !rows.params);
    tombola_results results = tombola_results_default();
    assert_true(results.struct_size == sizeof results && results.candidate_count == 0 && !results.tokens.host &&
                !results.status.host && !results.kept.host && !results.probabilities.host &&
                !results.log_probabilities.host && results.probability_stride == 0 && !results.candidate_tokens.host &&
                !results.candidate_logits.host && !results.candidate_probabilities.host);
    tombola_model model = tombola_model_default();
    assert_true(model.struct_size == sizeof model && !model.user && !model.forward && !model.begin && !model.end);
    tombola_error untold = tombola_error_default();
    assert_true(untold.struct_size == sizeof untold && untold.status == TOMBOLA_OK && untold.message[0] == '\0');
    assert_true(tombola_times_default().struct_size == sizeof(tombola_times) && tombola_times_default().calls == 0);
    assert_true(tombola_memory_default().struct_size == sizeof(tombola_memory) &&
                tombola_memory_default().device_bytes == 0);
    assert_true(tombola_device_default().struct_size == sizeof(tombola_device) &&
                tombola_device_default().name[0] == '\0');
}

static void releasing_nothing_is_allowed(void **state)
{
    (void)state;
    tombola_sampler_release(NULL);
    tombola_context_close(NULL);
    tombola_context_shape(context, NULL, NULL, NULL);
}

static void device_list_refuses_bad_arguments(void **state)
{
    (void)state;
    tombola_device one = tombola_device_default();
    size_t count;
    expect_refused(tombola_device_list(&one, 1, NULL, &error), "count is NULL");
    expect_refused(tombola_device_list(NULL, 3, &count, &error), "devices is NULL, but capacity is 3");
    assert_true(tombola_device_list(NULL, 0, NULL, NULL) == TOMBOLA_INVALID_ARGUMENT);
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
        assert_true(tombola_context_open(NULL, &options, &opened, NULL) == TOMBOLA_INVALID_ARGUMENT);
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
        int type, input, dispatch, transfer;
        const char *message;
    } options_refused[] = {{3, 0, 0, 0, "options.type is 3, which is no tombola_type"},
                           {-1, 0, 0, 0, "options.type is -1, which is no tombola_type"},
                           {0, 2, 0, 0, "options.input is 2, which is no tombola_input"},
                           {0, -1, 0, 0, "options.input is -1, which is no tombola_input"},
                           {0, 0, 3, 0, "options.dispatch is 3, which is no tombola_dispatch"},
                           {0, 0, -1, 0, "options.dispatch is -1, which is no tombola_dispatch"},
                           {0, 0, 0, 3, "options.transfer is 3, which is no tombola_transfer"},
                           {0, 0, 0, -1, "options.transfer is -1, which is no tombola_transfer"}};
    tombola_sampler_options options;
    for (size_t i = 0; i < COUNT_OF(options_refused); i++) {
        options = tombola_sampler_options_default();
        options.type = (tombola_type)options_refused[i].type;
        options.input = (tombola_input)options_refused[i].input;
        options.dispatch = (tombola_dispatch)options_refused[i].dispatch;
        options.transfer = (tombola_transfer)options_refused[i].transfer;
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
    assert_true(error.message[0] != '\0' && probe_passes(&probe, sampler));
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
        cmocka_unit_test(device_list_refuses_bad_arguments),
        cmocka_unit_test(context_open_refuses_bad_arguments),
        cmocka_unit_test(sampler_create_refuses_bad_arguments),
        cmocka_unit_test(a_sampler_that_does_not_fit_is_out_of_memory),
    };
    return cmocka_run_group_tests(tests, make_all, release_all);
}
