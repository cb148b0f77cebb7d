/* A batch's parameters are checked by what differs from row to row: each row, right or wrong, is as it is alone. */
#include "expect.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "calls.h"
#include "group.h"
#include "harness.h"

enum { ROWS = 8, VOCABULARY = 32 };

static float logits[ROWS * VOCABULARY];
static tombola_sampler *sampler;

static tombola_status sample(const tombola_params *params, size_t first, size_t count, int32_t *tokens,
                             tombola_error *error)
{
    static const size_t no_ends[ROWS];
    tombola_rows rows = host_rows(logits + first * VOCABULARY, count, VOCABULARY, params + first);
    tombola_results results = tombola_results_default();
    rows.history_ends = no_ends;
    rows.end_token_ends = no_ends;
    rows.forced_ends = no_ends;
    results.tokens.host = tokens;
    return tombola_sampler_sample(sampler, &rows, &results, error);
}

static void set_float(const tombola_field *field, tombola_params *params, uint64_t *random)
{
    const float values[] = {(float)field->neutral, 0.25f, 0.5f, 0.75f, 1.5f, -1.0f, NAN, INFINITY};
    const uint32_t count = random_below(random, 40) ? 4 : COUNT_OF(values); /* a wrong one now and then */
    const float value = values[random_below(random, count)];
    memcpy((char *)params + field->offset, &value, sizeof value);
}

static void set_number(const tombola_field *field, tombola_params *params, uint64_t *random)
{
    const uint32_t value = random_below(random, random_below(random, 40) ? 2 : 4);
    memcpy((char *)params + field->offset, &value, sizeof value);
}

static void set_order(const tombola_field *field, tombola_params *params, uint64_t *random)
{
    static const uint8_t orders[][TOMBOLA_MAX_FILTERS] = {
        {0},
        TOMBOLA_TEMPERATURE_FIRST,
        TOMBOLA_TEMPERATURE_LAST,
        {TOMBOLA_FILTER_TEMPERATURE},
        {TOMBOLA_FILTER_TOP_P, TOMBOLA_FILTER_TEMPERATURE, TOMBOLA_FILTER_XTC, TOMBOLA_FILTER_MIN_P},
        {TOMBOLA_FILTER_TOP_P, TOMBOLA_FILTER_TOP_P},
        {0, TOMBOLA_FILTER_TOP_P},
        {200},
        {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 14},
        {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
        {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0, 14},
    };
    const uint32_t count = random_below(random, 8) ? 3 : COUNT_OF(orders);
    memcpy((char *)params + field->offset, orders[random_below(random, count)], TOMBOLA_MAX_FILTERS);
}

/* Sets a parameter, any of those that no token forces or ends thinking by. */
static void change_one(tombola_params *params, uint64_t *random)
{
    size_t count = 0;
    const tombola_field *field;
    while (tombola_params_field(count)) {
        count++;
    }
    field = tombola_params_field(random_below(random, (uint32_t)count));
    if (field->needs & TOMBOLA_NEEDS_THINKING) {
        return;
    }
    switch (field->kind) {
    case TOMBOLA_KIND_FLOAT:
        set_float(field, params, random);
        break;
    case TOMBOLA_KIND_ORDER:
        set_order(field, params, random);
        break;
    case TOMBOLA_KIND_UINT32:
    case TOMBOLA_KIND_UINT64:
    case TOMBOLA_KIND_CHOICE:
        set_number(field, params, random);
        break;
    }
}

/* What is said of params[0] alone, said of params[row]. */
static void name_row(const char *alone, size_t row, char *message, size_t size)
{
    static const char name[] = "params[0]";
    size_t length = 0;
    while (*alone && length < size) {
        const int is_name = strncmp(alone, name, strlen(name)) == 0;
        length += (size_t)(is_name ? snprintf(message + length, size - length, "params[%zu]", row)
                                   : snprintf(message + length, size - length, "%c", *alone));
        alone += is_name ? strlen(name) : 1;
    }
}

/* Returns whether the batch is right. */
static int expect_rows_as_alone(const tombola_params *params)
{
    tombola_error all = tombola_error_default();
    int32_t tokens[ROWS];
    const tombola_status status = sample(params, 0, ROWS, tokens, &all);
    for (size_t row = 0; row < ROWS; row++) {
        tombola_error one = tombola_error_default();
        int32_t token = -1;
        if (sample(params, row, 1, &token, &one)) {
            char message[sizeof one.message + 32];
            name_row(one.message, row, message, sizeof message);
            assert_int_equal(status, one.status);
            assert_string_equal(all.message, message);
            return 0;
        }
        if (!status) {
            assert_int_equal(tokens[row], token);
        }
    }
    assert_string_equal(all.message, "");
    return 1;
}

static void rows_that_differ_a_little_are_each_as_alone(void **state)
{
    (void)state;
    uint64_t random = 20261126;
    const int turns = test_level() == TEST_SMALL ? 50 : 3000;
    static const struct make like = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, VOCABULARY};
    int right = 0;
    print_message("seed %llu\n", (unsigned long long)random);
    sampler = make_sampler(context, &like, ROWS, TOMBOLA_DISPATCH_AUTO);
    for (size_t i = 0; i < COUNT_OF(logits); i++) {
        logits[i] = (float)(random_bits(&random) % 4096) / 1024.0f;
    }
    for (int turn = 0; turn < turns; turn++) {
        tombola_params params[ROWS];
        for (size_t row = 0; row < ROWS; row++) {
            params[row] = row ? params[row - 1] : tombola_params_default();
            params[row].offset += random_below(&random, 2);
            for (uint32_t changes = random_below(&random, row ? 5 : 16); changes > 0; changes--) {
                change_one(&params[row], &random);
            }
        }
        right += expect_rows_as_alone(params);
    }
    assert_in_range(right, turns / 5, turns - turns / 5);
    tombola_sampler_release(sampler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_that_differ_a_little_are_each_as_alone),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
