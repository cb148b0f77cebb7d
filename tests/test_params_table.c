/* The table of parameters: what it says of each is what the library does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "calls.h"
#include "expect.h"
#include "group.h"

static size_t size_of(const tombola_field *field)
{
    return field->kind == TOMBOLA_KIND_UINT64 ? sizeof(uint64_t) : sizeof(uint32_t);
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
    case TOMBOLA_KIND_UINT32:
        memcpy(&narrow, at, sizeof narrow);
        return narrow;
    default:
        memcpy(&wide, at, sizeof wide);
        return (double)wide;
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

static tombola_status draw_with(tombola_sampler *sampler, const tombola_field *field, float value, tombola_error *error)
{
    tombola_params params[PROBE_ROWS];
    struct draw draws[PROBE_ROWS];
    tombola_params_fill(params, PROBE_ROWS, tombola_params_default());
    memcpy((char *)&params[2] + field->offset, &value, sizeof value);
    return draw_rows(sampler, probe.logits, PROBE_ROWS, PROBE_STRIDE, params, draws, error);
}

static void ranges_include_their_ends_and_no_more(void **state)
{
    (void)state;
    static const struct make like = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, PROBE_VOCABULARY};
    tombola_sampler *sampler = make_sampler(context, &like, PROBE_ROWS, TOMBOLA_DISPATCH_AUTO);
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
        cmocka_unit_test(defaults_are_the_neutral_values),
        cmocka_unit_test(ranges_include_their_ends_and_no_more),
        cmocka_unit_test(filling_sets_each_to_the_same),
    };
    return cmocka_run_group_tests(tests, open_and_probe, close_context);
}
