/* Rows, results and parameters that are refused, each with its message; the next call works. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "calls.h"
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

/* The probe's rows with other parameters. */
static tombola_status sample(const tombola_params *params)
{
    struct draw draws[PROBE_ROWS];
    tombola_times before = tombola_times_default(), after = tombola_times_default();
    tombola_sampler_times(sampler, &before);
    tombola_status status = draw_rows(sampler, probe.logits, PROBE_ROWS, PROBE_STRIDE, params, draws, &error);
    tombola_sampler_times(sampler, &after);
    if (status)
        assert_memory_equal(&before, &after, sizeof before);
    return status;
}

/* Rows and results to be spoilt, and the call that is to refuse them. */
static tombola_rows rows;
static tombola_results results;
static struct columns columns;
static float output[PROBE_ROWS * PROBE_VOCABULARY];

static tombola_status call(void)
{
    return tombola_sampler_sample(sampler, &rows, &results, &error);
}

static void begin_anew(void)
{
    rows = host_rows(probe.logits, 1, PROBE_VOCABULARY, probe.params);
    results = columns_results(&columns);
}

#define REFUSED(field, value, text)                                                                                    \
    do {                                                                                                               \
        begin_anew();                                                                                                  \
        field = value;                                                                                                 \
        expect_refused(call(), text);                                                                                  \
        assert_int_equal(tombola_sampler_sample(sampler, &rows, &results, NULL), TOMBOLA_INVALID_ARGUMENT);            \
    } while (0)

static void sample_refuses_bad_rows(void **state)
{
    (void)state;
    char message[160];
    begin_anew();
    expect_refused(tombola_sampler_sample(NULL, &rows, &results, &error), "sampler is NULL");
    expect_refused(tombola_sampler_sample(sampler, NULL, &results, &error), "rows is NULL");
    REFUSED(rows.logits.host, NULL, "rows.logits is NULL: neither host memory nor a buffer");
    REFUSED(rows.params, NULL, "rows.params is NULL");
    REFUSED(rows.count, 0, "rows.count is 0, not from 1 to the sampler's max_rows 4");
    REFUSED(rows.count, 5, "rows.count is 5, not from 1 to the sampler's max_rows 4");
    snprintf(message, sizeof message, "rows.count is %zu, not from 1 to the sampler's max_rows 4", SIZE_MAX);
    REFUSED(rows.count, SIZE_MAX, message);
    REFUSED(rows.stride, 599, "rows.stride is 599, less than the vocabulary 600");
    REFUSED(rows.stride, 1, "rows.stride is 1, less than the vocabulary 600");
    REFUSED(rows.logits.host, (const char *)probe.logits + 2, "rows.logits.host is not aligned to its type of 4 bytes");
    REFUSED(rows.logits.offset, 8, "rows.logits.offset is 8, but the logits are in host memory");
    snprintf(message, sizeof message, "rows.stride is %zu: 2 such rows do not fit in memory", SIZE_MAX / 4);
    begin_anew();
    rows.count = 2;
    rows.stride = SIZE_MAX / 4;
    expect_refused(call(), message);
    static const uint32_t far[] = {0, UINT32_MAX};
    snprintf(message, sizeof message, "rows.stride is %zu: 4294967296 such rows do not fit in memory", SIZE_MAX / 8);
    begin_anew();
    rows.count = 2;
    rows.indices = far;
    rows.stride = SIZE_MAX / 8;
    expect_refused(call(), message);
    REFUSED(rows.struct_size, 0, "rows.struct_size is 0: start from tombola_rows_default()");
    assert_int_equal(tombola_sampler_sample(NULL, NULL, NULL, NULL), TOMBOLA_INVALID_ARGUMENT);
}

static void sample_refuses_bad_results(void **state)
{
    (void)state;
    char message[160];
    begin_anew();
    expect_refused(tombola_sampler_sample(sampler, &rows, NULL, &error), "results is NULL");
    REFUSED(results, tombola_results_default(), "results asks for nothing: all of its arrays are NULL");
    REFUSED(results.struct_size, 0, "results.struct_size is 0: start from tombola_results_default()");
    REFUSED(results.tokens.offset, 1, "results.tokens.offset is 1, but there is no buffer");
    REFUSED(results.kept.host, (uint32_t *)(void *)((char *)columns.kept + 1),
            "results.kept.host is not aligned to its type of 4 bytes");
    begin_anew();
    results.probabilities.host = output;
    results.probability_stride = 599;
    expect_refused(call(), "results.probability_stride is 599, less than the vocabulary 600");
    results.probability_stride = SIZE_MAX;
    snprintf(message, sizeof message, "results.probability_stride is %zu, which is too large", SIZE_MAX);
    expect_refused(call(), message);
    begin_anew();
    results.candidate_tokens.host = columns.tokens;
    results.tokens.host = NULL;
    expect_refused(call(), "results.candidate_count is 0, but there is an array for them");
    results.candidate_count = 1025;
    expect_refused(call(), "results.candidate_count is 1025, not from 0 to 1024");
}
#undef REFUSED

/* As for tokens, whatever is asked for. */
static void softmax_and_top_k_refuse_bad_arguments(void **state)
{
    (void)state;
    struct candidate candidates[PROBE_ROWS];
    const float *logits = probe.logits;
    const tombola_params *params = probe.params;
    tombola_params bad = tombola_params_default();
    expect_refused(softmax_rows(NULL, logits, 1, 600, params, 0, output, 600, NULL, &error), "sampler is NULL");
    expect_refused(softmax_rows(sampler, logits, 1, 600, params, 0, NULL, 600, NULL, &error),
                   "results asks for nothing: all of its arrays are NULL");
    expect_refused(softmax_rows(sampler, logits, 9, 600, params, 0, output, 600, NULL, &error),
                   "rows.count is 9, not from 1 to the sampler's max_rows 4");
    expect_refused(softmax_rows(sampler, logits, 1, 10, params, 1, output, 600, NULL, &error),
                   "rows.stride is 10, less than the vocabulary 600");
    bad.top_p = 7.0f;
    expect_refused(softmax_rows(sampler, logits, 1, 600, &bad, 1, output, 600, NULL, &error),
                   "params[0].top_p is 7, not from 0 to 1");
    expect_refused(top_k_rows(NULL, logits, 1, 600, params, 1, candidates, NULL, &error), "sampler is NULL");
    expect_refused(top_k_rows(sampler, logits, 1, 600, params, 0, candidates, NULL, &error),
                   "results.candidate_count is 0, but there is an array for them");
    expect_refused(top_k_rows(sampler, logits, 0, 600, params, 1, candidates, NULL, &error),
                   "rows.count is 0, not from 1 to the sampler's max_rows 4");
    bad = tombola_params_default();
    bad.min_p = NAN;
    expect_refused(top_k_rows(sampler, logits, 1, 600, &bad, 1, candidates, NULL, &error),
                   "params[0].min_p is nan, not from 0 to 1");
    assert_int_equal(top_k_rows(sampler, logits, 1, 600, params, 0, candidates, NULL, NULL), TOMBOLA_INVALID_ARGUMENT);
}

/* What nobody has given a meaning must stay free for one. */
static void reserved_fields_are_to_be_0(void **state)
{
    (void)state;
    int32_t token;
    tombola_params params = tombola_params_default();
    tombola_rows rows = host_rows(probe.logits, 1, 0, &params);
    tombola_results results = tombola_results_default();
    tombola_sequence sequence = tombola_sequence_default();
    tombola_model model = tombola_model_default();
    results.tokens.host = &token;
    sequence.tokens = &token;
    sequence.max_new_tokens = 1;
    rows.reserved = 5;
    model.reserved = 3;
    expect_refused(tombola_sampler_sample(sampler, &rows, &results, &error), "rows.reserved is 5, not 0");
    expect_refused(tombola_sampler_generate(sampler, &sequence, 1, &model, NULL, NULL, &error),
                   "model.reserved is 3, not 0");
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
    snprintf(message, sizeof message,
             "params[3].struct_size is 12, but that of params[0] is %zu: start each from tombola_params_default()",
             sizeof *params);
    expect_refused(sample(params), message);
    params[0].struct_size = 3;
    expect_refused(sample(params), "params[0].struct_size is 3: start from tombola_params_default()");
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
        cmocka_unit_test(sample_refuses_bad_rows),
        cmocka_unit_test(sample_refuses_bad_results),
        cmocka_unit_test(softmax_and_top_k_refuse_bad_arguments),
        cmocka_unit_test(reserved_fields_are_to_be_0),
        cmocka_unit_test(parameters_out_of_range_are_named_with_their_row_and_value),
    };
    return cmocka_run_group_tests(tests, make_all, release_all);
}
