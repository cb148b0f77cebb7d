/* Names, defaults, and arguments that are refused, each with its message; the next call works. */
#include "tombola.h" /* first: it needs no other header */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "group.h"

#define UNTOUCHED 0x5A /* what no call that fails may write over */

static tombola_sampler *sampler; /* of the probe's shape */
static tombola_error error;

/* The last call was refused with just this message, and the next one works. */
static void expect_refused(tombola_status status, const char *message)
{
    if (status != TOMBOLA_INVALID_ARGUMENT || strcmp(error.message, message) != 0)
        fail_msg("status %d, \"%s\", where \"%s\" was to be refused", (int)status, error.message, message);
    memset(&error, 0, sizeof error);
    if (sampler)
        assert_true(probe_passes(&probe, sampler));
}

static tombola_status sample(const tombola_params *params)
{
    tombola_draw draws[PROBE_ROWS], untouched[PROBE_ROWS];
    tombola_times before, after;
    memset(untouched, UNTOUCHED, sizeof untouched);
    memset(draws, UNTOUCHED, sizeof draws);
    tombola_sampler_times(sampler, &before);
    tombola_status status =
        tombola_sampler_sample(sampler, probe.logits, PROBE_ROWS, PROBE_STRIDE, params, draws, &error);
    tombola_sampler_times(sampler, &after);
    if (status)
        assert_true(memcmp(draws, untouched, sizeof draws) == 0 && memcmp(&before, &after, sizeof before) == 0);
    return status;
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
                options.transfer == TOMBOLA_TRANSFER_AUTO && !options.timed);
    tombola_context_options shape = tombola_context_options_default();
    assert_true(shape.struct_size == sizeof shape && !shape.lanes && !shape.width && !shape.teams &&
                !shape.build_options);
    tombola_sequence sequence = tombola_sequence_default();
    assert_true(sequence.struct_size == sizeof sequence && sequence.finish == TOMBOLA_FINISH_NONE && !sequence.tokens &&
                sequence.params.temperature == 1.0f);
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
    tombola_device one;
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
    char message[160];
    snprintf(message, sizeof message, "options.struct_size is 7, not %zu: start from tombola_context_options_default()",
             sizeof options);
    expect_refused(tombola_context_open(NULL, &options, &opened, &error), message);
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
    snprintf(message, sizeof message, "options.struct_size is 0, not %zu: start from tombola_sampler_options_default()",
             sizeof options);
    expect_refused(tombola_sampler_create(context, 10, 1, &options, &made, &error), message);
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
    memset(&error, 0, sizeof error);
}

static void sample_refuses_bad_arguments(void **state)
{
    (void)state;
    tombola_draw draws[PROBE_ROWS];
    const void *logits = probe.logits;
    const tombola_params *params = probe.params;
    expect_refused(tombola_sampler_sample(NULL, logits, 1, 600, params, draws, &error), "sampler is NULL");
    expect_refused(tombola_sampler_sample(sampler, NULL, 1, 600, params, draws, &error), "logits is NULL");
    expect_refused(tombola_sampler_sample(sampler, logits, 1, 600, NULL, draws, &error), "params is NULL");
    expect_refused(tombola_sampler_sample(sampler, logits, 1, 600, params, NULL, &error), "draws is NULL");
    expect_refused(tombola_sampler_sample(sampler, logits, 0, 600, params, draws, &error),
                   "rows is 0, not from 1 to the sampler's max_rows 4");
    expect_refused(tombola_sampler_sample(sampler, logits, 5, 600, params, draws, &error),
                   "rows is 5, not from 1 to the sampler's max_rows 4");
    expect_refused(tombola_sampler_sample(sampler, logits, 1, 599, params, draws, &error),
                   "row_stride is 599, less than the vocabulary 600");
    expect_refused(tombola_sampler_sample(sampler, (const char *)logits + 2, 1, 600, params, draws, &error),
                   "logits is not aligned to its type of 4 bytes");
    char message[160];
    snprintf(message, sizeof message, "row_stride is %zu: 2 such rows do not fit in memory", SIZE_MAX / 4);
    expect_refused(tombola_sampler_sample(sampler, logits, 2, SIZE_MAX / 4, params, draws, &error), message);
    assert_true(tombola_sampler_sample(sampler, logits, 5, 600, params, draws, NULL) == TOMBOLA_INVALID_ARGUMENT);
    assert_true(tombola_sampler_sample(NULL, NULL, 0, 0, NULL, NULL, NULL) == TOMBOLA_INVALID_ARGUMENT);
}

static void parameters_out_of_range_are_named_with_their_row_and_value(void **state)
{
    (void)state;
    static const struct {
        size_t row;
        float temperature, top_p, min_p;
        const char *message;
    } cases[] = {
        {0, -1.0f, 1.0f, 0.0f, "params[0].temperature is -1, not 0 or more"},
        {2, -1e-30f, 1.0f, 0.0f, "params[2].temperature is -1e-30, not 0 or more"},
        {3, -INFINITY, 1.0f, 0.0f, "params[3].temperature is -inf, not 0 or more"},
        {1, NAN, 1.0f, 0.0f, "params[1].temperature is nan, not 0 or more"},
        {1, 1.0f, -0.5f, 0.0f, "params[1].top_p is -0.5, not from 0 to 1"},
        {3, 1.0f, 1.5f, 0.0f, "params[3].top_p is 1.5, not from 0 to 1"},
        {0, 1.0f, NAN, 0.0f, "params[0].top_p is nan, not from 0 to 1"},
        {2, 1.0f, INFINITY, 0.0f, "params[2].top_p is inf, not from 0 to 1"},
        {2, 1.0f, 1.0f, -0.25f, "params[2].min_p is -0.25, not from 0 to 1"},
        {3, 0.0f, 1.0f, 2.0f, "params[3].min_p is 2, not from 0 to 1"},
        {0, 1.0f, 1.0f, NAN, "params[0].min_p is nan, not from 0 to 1"},
        {1, 1.0f, 1.0f, INFINITY, "params[1].min_p is inf, not from 0 to 1"},
    };
    tombola_params params[PROBE_ROWS];
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        memcpy(params, probe.params, sizeof params);
        params[cases[i].row].temperature = cases[i].temperature;
        params[cases[i].row].top_p = cases[i].top_p;
        params[cases[i].row].min_p = cases[i].min_p;
        expect_refused(sample(params), cases[i].message);
    }
    char message[160];
    memcpy(params, probe.params, sizeof params);
    params[3].struct_size = 12;
    snprintf(message, sizeof message, "params[3].struct_size is 12, not %zu: start from tombola_params_default()",
             sizeof *params);
    expect_refused(sample(params), message);
}

static void softmax_refuses_bad_arguments(void **state)
{
    (void)state;
    static float output[PROBE_ROWS * PROBE_VOCABULARY];
    const float *logits = probe.logits;
    const tombola_params *params = probe.params;
#define SOFTMAX(sampler, logits, rows, stride, params, output, output_stride)                                          \
    tombola_sampler_softmax(sampler, logits, rows, stride, params, 0, output, output_stride, NULL, &error)
    expect_refused(SOFTMAX(NULL, logits, 1, 600, params, output, 600), "sampler is NULL");
    expect_refused(SOFTMAX(sampler, NULL, 1, 600, params, output, 600), "logits is NULL");
    expect_refused(SOFTMAX(sampler, logits, 1, 600, NULL, output, 600), "params is NULL");
    expect_refused(SOFTMAX(sampler, logits, 1, 600, params, NULL, 600), "output is NULL");
    expect_refused(SOFTMAX(sampler, logits, 0, 600, params, output, 600),
                   "rows is 0, not from 1 to the sampler's max_rows 4");
    expect_refused(SOFTMAX(sampler, logits, 9, 600, params, output, 600),
                   "rows is 9, not from 1 to the sampler's max_rows 4");
    expect_refused(SOFTMAX(sampler, logits, 1, 0, params, output, 600),
                   "row_stride is 0, less than the vocabulary 600");
    expect_refused(SOFTMAX(sampler, logits, 1, 600, params, output, 599),
                   "output_stride is 599, less than the vocabulary 600");
    char message[160];
    snprintf(message, sizeof message, "output_stride is %zu, which is too large", SIZE_MAX);
    expect_refused(SOFTMAX(sampler, logits, 1, 600, params, output, SIZE_MAX), message);
#undef SOFTMAX
    tombola_params bad = tombola_params_default();
    bad.top_p = 7.0f;
    expect_refused(tombola_sampler_softmax(sampler, logits, 1, 600, &bad, 1, output, 600, NULL, &error),
                   "params[0].top_p is 7, not from 0 to 1");
    assert_true(tombola_sampler_softmax(sampler, logits, 0, 600, params, 0, output, 600, NULL, NULL) ==
                TOMBOLA_INVALID_ARGUMENT);
}

static void top_k_refuses_bad_arguments(void **state)
{
    (void)state;
    static tombola_candidate candidates[PROBE_ROWS];
    const float *logits = probe.logits;
    const tombola_params *params = probe.params;
#define TOP_K(sampler, logits, rows, stride, params, k, candidates)                                                    \
    tombola_sampler_top_k(sampler, logits, rows, stride, params, k, candidates, NULL, &error)
    expect_refused(TOP_K(NULL, logits, 1, 600, params, 1, candidates), "sampler is NULL");
    expect_refused(TOP_K(sampler, NULL, 1, 600, params, 1, candidates), "logits is NULL");
    expect_refused(TOP_K(sampler, logits, 1, 600, NULL, 1, candidates), "params is NULL");
    expect_refused(TOP_K(sampler, logits, 1, 600, params, 1, NULL), "candidates is NULL");
    expect_refused(TOP_K(sampler, logits, 1, 600, params, 0, candidates), "k is 0, not from 1 to 1024");
    expect_refused(TOP_K(sampler, logits, 1, 600, params, 1025, candidates), "k is 1025, not from 1 to 1024");
    expect_refused(TOP_K(sampler, logits, 0, 600, params, 1, candidates),
                   "rows is 0, not from 1 to the sampler's max_rows 4");
    expect_refused(TOP_K(sampler, logits, 1, 10, params, 1, candidates),
                   "row_stride is 10, less than the vocabulary 600");
#undef TOP_K
    tombola_params bad = tombola_params_default();
    bad.min_p = NAN;
    expect_refused(tombola_sampler_top_k(sampler, logits, 1, 600, &bad, 1, candidates, NULL, &error),
                   "params[0].min_p is nan, not from 0 to 1");
    assert_true(tombola_sampler_top_k(sampler, logits, 1, 600, params, 0, candidates, NULL, NULL) ==
                TOMBOLA_INVALID_ARGUMENT);
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
        cmocka_unit_test(sample_refuses_bad_arguments),
        cmocka_unit_test(parameters_out_of_range_are_named_with_their_row_and_value),
        cmocka_unit_test(softmax_refuses_bad_arguments),
        cmocka_unit_test(top_k_refuses_bad_arguments),
    };
    return cmocka_run_group_tests(tests, make_all, release_all);
}
