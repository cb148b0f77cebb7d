/* The table of parameters: what it says of each is what the library does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "expect.h"
#include "calls.h"
#include "group.h"

static size_t size_of(const tombola_field *field)
{
    switch (field->kind) {
    case TOMBOLA_KIND_UINT64:
        return sizeof(uint64_t);
    case TOMBOLA_KIND_ORDER:
        return TOMBOLA_MAX_FILTERS;
    default:
        return sizeof(uint32_t);
    }
}

/* Every byte of the struct behind struct_size is a field's, and no two have the same. */
static void the_table_covers_the_struct(void **state)
{
    (void)state;
    unsigned char owners[sizeof(tombola_params)] = {0};
    const tombola_field *field;
    for (size_t i = 0; (field = tombola_params_field(i)); i++) {
        assert_int_equal(field->struct_size, sizeof *field);
        assert_in_range(field->offset, sizeof(uint32_t), sizeof(tombola_params) - size_of(field));
        for (size_t byte = 0; byte < size_of(field); byte++) {
            owners[field->offset + byte]++;
        }
        assert_string_not_equal(field->name, "");
        assert_string_not_equal(field->help, "");
        assert_int_equal(field->values != NULL,
                         field->kind == TOMBOLA_KIND_CHOICE || field->kind == TOMBOLA_KIND_ORDER);
        assert_int_equal(field->presets != NULL, field->kind == TOMBOLA_KIND_ORDER);
    }
    for (size_t byte = sizeof(uint32_t); byte < sizeof owners; byte++) {
        if (owners[byte] != 1) {
            fail_msg("byte %zu of tombola_params has %d lines in the table", byte, owners[byte]);
        }
    }
    assert_null(tombola_params_field(SIZE_MAX));
}

static double value_of(const tombola_params *params, const tombola_field *field)
{
    float real;
    uint32_t narrow;
    uint64_t wide;
    const char *at = (const char *)params + field->offset;
    switch (field->kind) {
    case TOMBOLA_KIND_FLOAT:
        memcpy(&real, at, sizeof real);
        return (double)real;
    case TOMBOLA_KIND_ORDER:
        return at[0];
    case TOMBOLA_KIND_UINT32:
    case TOMBOLA_KIND_CHOICE:
        memcpy(&narrow, at, sizeof narrow);
        return narrow;
    default:
        memcpy(&wide, at, sizeof wide);
        return (double)wide;
    }
}

/* Every filter is switched on by one parameter, and stands once in the default order and in the named ones. */
static void every_filter_has_a_parameter_and_a_place(void **state)
{
    (void)state;
    const tombola_field *field, *order = NULL;
    size_t switches[256] = {0};
    for (size_t i = 0; (field = tombola_params_field(i)); i++) {
        switches[field->filter & 255u]++;
        order = field->kind == TOMBOLA_KIND_ORDER ? field : order;
    }
    assert_non_null(order);
    for (size_t filter = 1; order->values[filter]; filter++) {
        assert_int_equal(switches[filter] > 0, *order->values[filter] != '\0');
        for (size_t n = 1; order->presets[n].name && *order->values[filter]; n++) {
            assert_non_null(memchr(order->presets[n].filters, (int)filter, TOMBOLA_MAX_FILTERS));
        }
    }
}

static void defaults_are_the_neutral_values(void **state)
{
    (void)state;
    const tombola_params params = tombola_params_default();
    const tombola_field *field;
    for (size_t i = 0; (field = tombola_params_field(i)); i++) {
        if (value_of(&params, field) != field->neutral) {
            fail_msg("%s is %g by default, and %g in the table", field->name, value_of(&params, field), field->neutral);
        }
    }
}

/* Draws from the probe's rows, the one in the middle with other parameters. There is all that any of them needs. */
static tombola_status draw_by(tombola_sampler *sampler, const tombola_params *third, tombola_error *error)
{
    static const size_t none[PROBE_ROWS];
    static const int32_t thought = 1;
    tombola_params params[PROBE_ROWS];
    struct columns columns;
    tombola_params_fill(params, PROBE_ROWS, tombola_params_default());
    params[2] = *third;
    tombola_rows rows = host_rows(probe.logits, PROBE_ROWS, PROBE_STRIDE, params);
    rows.history_ends = rows.end_token_ends = rows.forced_ends = none;
    rows.thinking_start = rows.thinking_end = &thought;
    rows.thinking_start_count = rows.thinking_end_count = 1;
    const tombola_results results = columns_results(&columns);
    return tombola_sampler_sample(sampler, &rows, &results, error);
}

static tombola_status draw_with(tombola_sampler *sampler, const tombola_field *field, float value, tombola_error *error)
{
    tombola_params params = tombola_params_default();
    memcpy((char *)&params + field->offset, &value, sizeof value);
    return draw_by(sampler, &params, error);
}

static void ranges_include_their_ends_and_no_more(void **state)
{
    (void)state;
    tombola_sampler *sampler = probe_sampler(TOMBOLA_TRANSFER_AUTO);
    const tombola_field *field;
    for (size_t i = 0; (field = tombola_params_field(i)); i++) {
        if (field->kind != TOMBOLA_KIND_FLOAT) {
            continue;
        }
        const float low = (float)field->low, high = (float)field->high;
        const float outside[] = {nextafterf(low, -INFINITY), nextafterf(high, INFINITY), NAN, -INFINITY};
        assert_int_equal(draw_with(sampler, field, low, NULL), TOMBOLA_OK);
        assert_int_equal(draw_with(sampler, field, high, NULL), TOMBOLA_OK);
        for (size_t n = 0; n < COUNT_OF(outside); n++) {
            tombola_error error = tombola_error_default();
            char name[64];
            if (outside[n] == high) { /* nothing lies above infinity */
                continue;
            }
            snprintf(name, sizeof name, "params[2].%s is ", field->name);
            assert_int_equal(draw_with(sampler, field, outside[n], &error), TOMBOLA_INVALID_ARGUMENT);
            assert_int_equal(strncmp(error.message, name, strlen(name)), 0);
        }
    }
    tombola_sampler_release(sampler);
}

static void names_of_values_are_those_of_the_header(void **state)
{
    (void)state;
    static const char *const methods[] = {[TOMBOLA_RACE] = "race", [TOMBOLA_INVERSE_CDF] = "inverse-cdf"};
    static const char *const filters[] = {[TOMBOLA_FILTER_END] = "end",
                                          [TOMBOLA_FILTER_TEMPERATURE] = "temperature",
                                          [TOMBOLA_FILTER_TOP_K] = "top_k",
                                          [TOMBOLA_FILTER_TOP_P] = "top_p",
                                          [TOMBOLA_FILTER_MIN_P] = "min_p",
                                          [TOMBOLA_FILTER_TOP_N_SIGMA] = "top_n_sigma",
                                          [TOMBOLA_FILTER_XTC] = "xtc",
                                          [TOMBOLA_FILTER_EPSILON] = "epsilon",
                                          [TOMBOLA_FILTER_TOP_A] = "top_a",
                                          [TOMBOLA_FILTER_P_LESS] = "p_less",
                                          [TOMBOLA_FILTER_MIN_K] = "min_k",
                                          [TOMBOLA_FILTER_ETA] = "eta",
                                          [TOMBOLA_FILTER_TYPICAL_P] = "typical_p",
                                          [TOMBOLA_FILTER_TOP_H] = "top_h",
                                          [TOMBOLA_FILTER_MIROSTAT] = "mirostat"};
    static const char *const p_less[] = {
        [TOMBOLA_P_LESS_OFF] = "off", [TOMBOLA_P_LESS] = "p-less", [TOMBOLA_P_LESS_NORM] = "p-less-norm"};
    static const char *const prompts[] = {
        [TOMBOLA_PROMPT_REPETITION] = "repetition", [TOMBOLA_PROMPT_ALL] = "all", [TOMBOLA_PROMPT_NONE] = "none"};
    static const char *const mirostat[] = {"0", "1", "2"};
    const tombola_field *field;
    tombola_params params = tombola_params_default();
    for (size_t i = 0; (field = tombola_params_field(i)); i++) {
        const int is_p_less = field->filter == TOMBOLA_FILTER_P_LESS, is_order = field->kind == TOMBOLA_KIND_ORDER;
        const int is_prompt = strcmp(field->name, "penalty_prompt") == 0;
        const int is_mirostat = field->filter == TOMBOLA_FILTER_MIROSTAT;
        const char *const *expected = is_prompt     ? prompts
                                      : is_p_less   ? p_less
                                      : is_mirostat ? mirostat
                                      : is_order    ? filters
                                                    : methods;
        const size_t count = is_prompt     ? COUNT_OF(prompts)
                             : is_p_less   ? COUNT_OF(p_less)
                             : is_mirostat ? COUNT_OF(mirostat)
                             : is_order    ? COUNT_OF(filters)
                                           : COUNT_OF(methods);
        if (!field->values) {
            continue;
        }
        for (size_t value = 0; value < count; value++) {
            assert_string_equal(field->values[value], expected[value] ? expected[value] : "");
        }
        assert_null(field->values[count]);
        if (field->presets) {
            assert_string_equal(field->presets[0].name, "default");
            assert_memory_equal(field->presets[0].filters, params.filters, sizeof params.filters);
            tombola_filters_temperature_first(&params);
            assert_string_equal(field->presets[1].name, "temperature-first");
            assert_memory_equal(field->presets[1].filters, params.filters, sizeof params.filters);
            tombola_filters_temperature_last(&params);
            assert_string_equal(field->presets[2].name, "temperature-last");
            assert_memory_equal(field->presets[2].filters, params.filters, sizeof params.filters);
            assert_null(field->presets[3].name);
        }
    }
}

#define HIGHEST_FILTER "14"

static void methods_and_orders_that_there_are_none_of_are_refused(void **state)
{
    (void)state;
    enum {
        T = TOMBOLA_FILTER_TEMPERATURE,
        K = TOMBOLA_FILTER_TOP_K,
        P = TOMBOLA_FILTER_TOP_P,
        M = TOMBOLA_FILTER_MIN_P
    };
    static const struct {
        const char *message; /* NULL: not refused */
        float temperature;
        uint32_t top_k;
        float top_p, min_p;
        uint32_t method;
        float top_n_sigma, xtc_probability;
        uint8_t filters[TOMBOLA_MAX_FILTERS];
    } cases[] = {
        {NULL, 0.5f, 5, 0.5f, 0.1f, TOMBOLA_INVERSE_CDF, 0, 0, {0}},
        {NULL, 0.5f, 5, 0.5f, 0.1f, TOMBOLA_RACE, 0, 0, {M, P, K, T}},
        {NULL, 1.0f, 0, 0.5f, 0.0f, TOMBOLA_RACE, 0, 0, {P}},
        {NULL, 0.5f, 5, 1.0f, 0.0f, TOMBOLA_RACE, 0, 0, {K, T}},
        {"params[2].method is 2, not from 0 to 1", 1.0f, 0, 1.0f, 0.0f, 2, 0, 0, {0}},
        {"params[2].method is 4294967295, not from 0 to 1", 1.0f, 0, 1.0f, 0.0f, UINT32_MAX, 0, 0, {0}},
        {"params[2].filters[1] is 99, not from 0 to " HIGHEST_FILTER, 1.0f, 0, 1.0f, 0.0f, 0, 0, 0, {K, 99}},
        {"params[2].filters[0] is 255, not from 0 to " HIGHEST_FILTER, 1.0f, 0, 1.0f, 0.0f, 0, 0, 0, {255}},
        {"params[2].filters[2] is 2, top_k, for the second time", 1.0f, 0, 1.0f, 0.0f, 0, 0, 0, {K, P, K}},
        {"params[2].filters[2] is 3, top_p, behind the end of the order", 1.0f, 0, 1.0f, 0.0f, 0, 0, 0, {K, 0, P}},
        {"params[2].filters[15] is 1, temperature, behind the end of the order",
         1.0f,
         0,
         1.0f,
         0.0f,
         0,
         0,
         0,
         {[15] = TOMBOLA_FILTER_TEMPERATURE}},
        {"params[2].temperature is 0.5, but params[2].filters has no place for it", 0.5f, 0, 1.0f, 0.0f, 0, 0, 0, {K}},
        {"params[2].top_k is 7, but params[2].filters has no place for it", 1.0f, 7, 1.0f, 0.0f, 0, 0, 0, {T, P}},
        {"params[2].top_p is 0.5, but params[2].filters has no place for it", 1.0f, 0, 0.5f, 0.0f, 0, 0, 0, {T, K}},
        {"params[2].min_p is 0.25, but params[2].filters has no place for it", 1.0f, 0, 1.0f, 0.25f, 0, 0, 0, {T, P}},
        {"params[2].top_n_sigma is 2, but params[2].filters has no place for it", 1.0f, 0, 1.0f, 0.0f, 0, 2, 0, {T, P}},
        {"params[2].xtc_probability is 0.5, but params[2].filters has no place for it",
         1.0f,
         0,
         1.0f,
         0.0f,
         0,
         0,
         0.5f,
         {T, P}},
    };
    tombola_sampler *sampler = probe_sampler(TOMBOLA_TRANSFER_AUTO);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        tombola_error error = tombola_error_default();
        tombola_params params = tombola_params_default();
        params.temperature = cases[i].temperature;
        params.top_k = cases[i].top_k;
        params.top_p = cases[i].top_p;
        params.min_p = cases[i].min_p;
        params.method = cases[i].method;
        params.top_n_sigma = cases[i].top_n_sigma;
        params.xtc_probability = cases[i].xtc_probability;
        memcpy(params.filters, cases[i].filters, sizeof params.filters);
        const tombola_status status = draw_by(sampler, &params, &error);
        assert_string_equal(error.message, cases[i].message ? cases[i].message : "");
        assert_int_equal(status, cases[i].message ? TOMBOLA_INVALID_ARGUMENT : TOMBOLA_OK);
    }
    tombola_sampler_release(sampler);
}

static void filling_sets_each_to_the_same(void **state)
{
    (void)state;
    tombola_params params[4], value = params_at(0.7f);
    value.seed = 0x123456789ABCDEF0u;
    params[3] = params_at(3.0f);
    tombola_params_fill(params, 3, value);
    for (size_t i = 0; i < 3; i++) {
        assert_memory_equal(&params[i], &value, sizeof value);
    }
    assert_real_equal(params[3].temperature, 3.0f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_covers_the_struct),
        cmocka_unit_test(every_filter_has_a_parameter_and_a_place),
        cmocka_unit_test(defaults_are_the_neutral_values),
        cmocka_unit_test(ranges_include_their_ends_and_no_more),
        cmocka_unit_test(names_of_values_are_those_of_the_header),
        cmocka_unit_test(methods_and_orders_that_there_are_none_of_are_refused),
        cmocka_unit_test(filling_sets_each_to_the_same),
    };
    return cmocka_run_group_tests(tests, open_and_probe, close_context);
}
