/* Rows that hold what no row should, the largest vocabularies, and what a sampler tells of its work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "expect.h"
#include "group.h"
#include "harness.h"
#include "oracle.h"
#include "philox.h"

static void store(void *elements, size_t place, float value, tombola_type type)
{
    if (type == TOMBOLA_FLOAT32)
        ((float *)elements)[place] = value;
    else
        ((uint16_t *)elements)[place] = type == TOMBOLA_FLOAT16 ? narrow_to_half(value) : narrow_to_bfloat(value);
}

/* Puts `bad` into the second of three rows, and expects that one to tell and the others to stay. */
static void expect_bad_row(const struct make *make, float bad, size_t first, size_t last, tombola_row_status expected)
{
    enum { ROWS = 3, K = 5 };
    size_t vocabulary = make->vocabulary;
    tombola_params params[ROWS] = {params_at(0.8f), params_at(0.8f), params_at(0.8f)};
    struct draw right[ROWS], draws[ROWS];
    tombola_row_status status[ROWS];
    struct candidate candidates[ROWS * K];
    char *elements = allocate(ROWS * vocabulary, tombola_type_size(make->type));
    float *output = allocate(ROWS * vocabulary, sizeof *output);
    tombola_sampler *wide = make_sampler(context, make, ROWS, TOMBOLA_DISPATCH_AUTO);
    for (size_t place = 0; place < ROWS * vocabulary; place++)
        store(elements, place, (float)(place * 7 % 64) * 0.125f, make->type);
    call_sample(wide, make, elements, ROWS, params, right);
    for (size_t row = 0; row < ROWS; row++)
        assert_int_equal(right[row].status, TOMBOLA_ROW_OK);
    for (size_t place = first; place <= last; place++)
        store(elements, vocabulary + place, bad, make->type);
    static const struct {
        float temperature, top_p;
    } ways[] = {{0.8f, 1.0f}, {0.0f, 1.0f}, {0.8f, 0.9f}};
    for (size_t way = 0; way < COUNT_OF(ways); way++) {
        params[1].temperature = ways[way].temperature;
        params[1].top_p = ways[way].top_p;
        call_sample(wide, make, elements, ROWS, params, draws);
        assert_memory_equal(&draws[0], &right[0], sizeof draws[0]);
        assert_memory_equal(&draws[2], &right[2], sizeof draws[2]);
        assert_int_equal(draws[1].token, -1);
        assert_int_equal(draws[1].kept, 0);
        assert_int_equal(draws[1].status, (int32_t)expected);
    }
    call_softmax(wide, make, elements, ROWS, params, 0, output, status);
    assert_int_equal(status[0], TOMBOLA_ROW_OK);
    assert_int_equal(status[1], expected);
    assert_int_equal(status[2], TOMBOLA_ROW_OK);
    for (size_t id = 0; id < vocabulary; id++)
        assert_real_equal(output[vocabulary + id], 0.0f);
    call_softmax(wide, make, elements, ROWS, params, 1, output, status);
    assert_int_equal(status[1], expected);
    assert_real_equal(output[vocabulary], -INFINITY);
    assert_true(isfinite(output[0]));
    call_top_k(wide, make, elements, ROWS, params, K, candidates, status);
    assert_int_equal(status[0], TOMBOLA_ROW_OK);
    assert_int_equal(status[1], expected);
    assert_int_equal(status[2], TOMBOLA_ROW_OK);
    for (size_t i = 0; i < K; i++) {
        assert_int_equal(candidates[K + i].token, -1);
        assert_real_equal(candidates[K + i].probability, 0.0f);
        assert_real_equal(candidates[K + i].logit, 0.0f);
        assert_at_most(0, candidates[i].token);
    }
    tombola_sampler_release(wide);
    free(elements);
    free(output);
}

static void a_bad_logit_anywhere_spoils_its_own_row_alone(void **state)
{
    (void)state;
    static const float bad[] = {NAN, -NAN, INFINITY};
    int types = test_level() == TEST_SMALL ? 1 : 3;
    for (int type = 0; type < types; type++) {
        const struct make make = {(tombola_type)type, TOMBOLA_LOGITS, 777};
        for (size_t i = 0; i < COUNT_OF(bad); i++) {
            const size_t places[] = {0, make.vocabulary / 2, make.vocabulary - 1};
            for (size_t p = 0; p < COUNT_OF(places); p++)
                expect_bad_row(&make, bad[i], places[p], places[p], TOMBOLA_ROW_INVALID);
            expect_bad_row(&make, bad[i], 0, make.vocabulary - 1, TOMBOLA_ROW_INVALID);
        }
        expect_bad_row(&make, -INFINITY, 0, make.vocabulary - 1, TOMBOLA_ROW_EMPTY);
    }
}

static void a_masked_logit_anywhere_is_never_drawn(void **state)
{
    (void)state;
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, 3};
    tombola_sampler *small = make_sampler(context, &make, 1, TOMBOLA_DISPATCH_AUTO);
    for (int32_t masked = 0; masked < 3; masked++) {
        float logits[3] = {1.0f, 1.0f, 1.0f};
        logits[masked] = -INFINITY;
        tombola_params params = tombola_params_default();
        struct draw draw;
        for (params.offset = 0; params.offset < 20; params.offset++) {
            call_sample(small, &make, logits, 1, &params, &draw);
            assert_int_equal(draw.status, TOMBOLA_ROW_OK);
            assert_int_not_equal(draw.token, masked);
            assert_int_equal(draw.kept, 2);
        }
    }
    tombola_sampler_release(small);
}

/* Equal logits have equal weights, 2^39 of mass each: the draw by inverse CDF is floor(u * V / 2^64). The race of all
 * blocks is the oracle's. */
static void expect_even_draws(uint32_t vocabulary, tombola_type type)
{
    const struct make make = {type, TOMBOLA_LOGITS, vocabulary};
    char *elements = allocate(vocabulary, tombola_type_size(type));
    float *zeros = allocate(vocabulary, sizeof *zeros);
    memset(zeros, 0, vocabulary * sizeof *zeros);
    struct oracle_row *row = oracle_row_create(zeros, vocabulary, TOMBOLA_LOGITS);
    for (int dispatch = TOMBOLA_DISPATCH_ROW; dispatch <= TOMBOLA_DISPATCH_SPREAD; dispatch++) {
        tombola_sampler *large = make_sampler(context, &make, 1, (tombola_dispatch)dispatch);
        tombola_params params = tombola_params_default();
        struct draw draw;
        params.method = TOMBOLA_INVERSE_CDF;
        memset(elements, 0, vocabulary * tombola_type_size(type));
        for (params.seed = 1; params.seed <= 3; params.seed++) {
            call_sample(large, &make, elements, 1, &params, &draw);
            assert_int_equal(draw.status, TOMBOLA_ROW_OK);
            assert_int_equal(draw.kept, vocabulary);
            uint64_t bits = draw_bits(params.seed, params.offset, params.stream);
            assert_int_equal((uint64_t)draw.token, multiply_high(bits, vocabulary));
        }
        params.method = TOMBOLA_RACE;
        for (params.seed = 1; params.seed <= 3; params.seed++) {
            const struct draw expected = oracle_draw(row, &params);
            call_sample(large, &make, elements, 1, &params, &draw);
            assert_memory_equal(&draw, &expected, sizeof draw);
        }
        store(elements, vocabulary - 1, 30.0f, type);
        call_sample(large, &make, elements, 1, &params, &draw);
        assert_int_equal((uint32_t)draw.token, vocabulary - 1);
        params.top_p = 0.5f;
        call_sample(large, &make, elements, 1, &params, &draw);
        assert_int_equal((uint32_t)draw.token, vocabulary - 1);
        assert_int_equal(draw.kept, 1);
        tombola_sampler_release(large);
    }
    oracle_row_release(row);
    free(zeros);
    free(elements);
}

static void the_largest_vocabularies_work(void **state)
{
    (void)state;
    if (test_level() == TEST_SMALL)
        skip();
    expect_even_draws(1u << 20, TOMBOLA_FLOAT16);
    expect_even_draws(1u << 20, TOMBOLA_FLOAT32);
    expect_even_draws(TOMBOLA_MAX_VOCABULARY, TOMBOLA_FLOAT32);
    expect_even_draws(TOMBOLA_MAX_VOCABULARY - 1, TOMBOLA_FLOAT32);
}

/* Logits whose scaled maxima overflow at temperature 1, where top-p takes its mass, but not at the row's own. */
static void a_row_without_mass_before_its_temperature_keeps_its_first_token(void **state)
{
    (void)state;
    enum { VOCABULARY = 600, FIRST = 300 };
    static const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, VOCABULARY};
    static float logits[VOCABULARY];
    for (size_t id = 0; id < VOCABULARY; id++)
        logits[id] = id == FIRST ? -2.9e38f : -3e38f;
    struct oracle_row *row = oracle_row_create(logits, VOCABULARY, TOMBOLA_LOGITS);
    for (int dispatch = TOMBOLA_DISPATCH_ROW; dispatch <= TOMBOLA_DISPATCH_SPREAD; dispatch++) {
        tombola_sampler *small = make_sampler(context, &make, 1, (tombola_dispatch)dispatch);
        for (uint32_t method = TOMBOLA_RACE; method <= TOMBOLA_INVERSE_CDF; method++) {
            tombola_params params = params_at(2.0f);
            params.top_p = 0.5f;
            params.method = method;
            tombola_filters_temperature_last(&params);
            struct draw draw, expected = oracle_draw(row, &params);
            call_sample(small, &make, logits, 1, &params, &draw);
            assert_int_equal(draw.status, TOMBOLA_ROW_OK);
            assert_int_equal(draw.token, FIRST);
            assert_int_equal(draw.kept, 1);
            assert_memory_equal(&draw, &expected, sizeof draw);
        }
        tombola_sampler_release(small);
    }
    oracle_row_release(row);
}

/* Logits near 2^21 orders of two, where estimates of weights end: the first blocks lie beyond, the row's top does
 * not. */
static void blocks_beyond_all_estimates_are_weighed(void **state)
{
    (void)state;
    enum { VOCABULARY = 8192, TOP = 4352 };
    static const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, VOCABULARY};
    static const struct {
        float first, bias, top;
    } sides[] = {{-1453643.75f, 0.0f, -1453633.0f}, {1453644.5f, -20.0f, 1453630.0f}};
    static float logits[VOCABULARY];
    tombola_sampler *sampler = make_sampler(context, &make, 1, TOMBOLA_DISPATCH_AUTO);
    for (size_t side = 0; side < COUNT_OF(sides); side++) {
        for (size_t id = 0; id < VOCABULARY; id++)
            logits[id] = -INFINITY;
        for (int i = 0; i < 3; i++)
            logits[TOP + i] = sides[side].top - 2.0f * (float)i;
        logits[0] = sides[side].first + sides[side].bias;
        struct oracle_row *row = oracle_row_create(logits, VOCABULARY, TOMBOLA_LOGITS);
        logits[0] = sides[side].first;
        for (int percent = 80; percent <= 99; percent++) {
            tombola_params params = params_at(1.0f);
            params.top_p = (float)percent * 0.01f;
            const struct draw expected = oracle_draw(row, &params);
            const tombola_bias bias = {0, sides[side].bias};
            const size_t bias_end = 1;
            tombola_rows rows = host_rows(logits, 1, 0, &params);
            struct columns columns;
            const tombola_results results = columns_results(&columns);
            struct draw draw;
            rows.biases = &bias;
            rows.bias_ends = &bias_end;
            call_rows(sampler, &rows, &results);
            columns_draws(&columns, 1, &draw);
            assert_memory_equal(&draw, &expected, sizeof draw);
        }
        oracle_row_release(row);
    }
    tombola_sampler_release(sampler);
}

static void times_count_calls_dispatches_and_bytes(void **state)
{
    (void)state;
    enum { VOCABULARY = 600 };
    static const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, VOCABULARY};
    static const float logits[2 * VOCABULARY];
    static float output[2 * VOCABULARY];
    const tombola_params params[2] = {params_at(1.0f), params_at(0.5f)};
    struct candidate candidates[2 * 3];
    struct draw draws[2];
    for (int timed = 0; timed < 2; timed++) {
        tombola_sampler_options options = tombola_sampler_options_default();
        options.dispatch = TOMBOLA_DISPATCH_SPREAD;
        options.timed = timed;
        options.transfer = TOMBOLA_TRANSFER_STAGED;
        tombola_sampler *counted;
        tombola_times times = tombola_times_default();
        assert_int_equal(tombola_sampler_create(context, make.vocabulary, 2, &options, &counted, NULL), TOMBOLA_OK);
        tombola_sampler_times(counted, &times);
        assert_int_equal(times.calls, 0);
        assert_int_equal(times.bytes_uploaded, 0);
        assert_int_equal(times.bytes_read, 0);
        call_sample(counted, &make, logits, 2, params, draws);
        call_sample(counted, &make, logits, 1, params, draws);
        call_softmax(counted, &make, logits, 2, params, 0, output, NULL);
        call_top_k(counted, &make, logits, 2, params, 3, candidates, NULL);
        tombola_sampler_times(counted, &times);
        assert_int_equal(times.calls, 4);
        assert_int_equal(times.spread_dispatches, 4);
        assert_int_equal(times.row_dispatches, 0);
        assert_int_equal(times.staged_calls, 4);
        assert_int_equal(times.in_place_calls, 0);
        assert_int_equal(times.device_calls, 0);
        assert_at_most(7 * sizeof(float) * VOCABULARY, times.bytes_uploaded);
        assert_at_most(sizeof output + sizeof candidates, times.bytes_read);
        int seconds = times.upload_seconds > 0 && times.kernel_seconds > 0 && times.read_seconds > 0;
        if (timed)
            assert_int_equal(seconds, 1);
        else
            assert_real_equal(times.upload_seconds + times.kernel_seconds + times.read_seconds, 0);
        tombola_sampler_release(counted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_logit_anywhere_spoils_its_own_row_alone),
        cmocka_unit_test(a_masked_logit_anywhere_is_never_drawn),
        cmocka_unit_test(the_largest_vocabularies_work),
        cmocka_unit_test(a_row_without_mass_before_its_temperature_keeps_its_first_token),
        cmocka_unit_test(blocks_beyond_all_estimates_are_weighed),
        cmocka_unit_test(times_count_calls_dispatches_and_bytes),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
