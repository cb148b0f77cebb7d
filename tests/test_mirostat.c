/* Mirostat: what it keeps, beside the oracle, the numpy statement and llama.cpp's formulas, and the state that it makes
 * of each token. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>

#include "calls.h"
#include "expect.h"
#include "filter_draws.h"
#include "group.h"
#include "harness.h"
#include "known_batch.h"
#include "refused.h"

static tombola_params with_mirostat(uint32_t version, float mu)
{
    tombola_params params = params_at(1.0f);
    params.mirostat = version;
    params.mirostat_mu = mu;
    return params;
}

/* ---------------------------------------------------------------------- what stays */

/* .5 .25 .125 .125 have surprises of 1, 2, 3 and 3 bits. */
static void tokens_of_no_more_than_the_surprise_stay(void **state)
{
    (void)state;
    static const float p[4] = {.125f, .5f, .125f, .25f};
    static const struct {
        float mu;
        uint32_t kept;
    } cases[] = {{1.0f, 1}, {1.999f, 1}, {2.0f, 2},  {2.999f, 2}, {3.0f, 4},     {80.0f, 4},  {80.5f, 4},
                 {0.5f, 1}, {0.0f, 1},   {-0.0f, 1}, {-5.0f, 1},  {-FLT_MAX, 1}, {1e-30f, 1}, {FLT_MAX, 4}};
    for (int input = TOMBOLA_LOGITS; input <= TOMBOLA_PROBABILITIES; input++) {
        const struct make make = {TOMBOLA_FLOAT32, (tombola_input)input, 4};
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
            float row[4];
            const tombola_params params = with_mirostat(2, cases[i].mu);
            for (size_t id = 0; id < 4; id++) {
                row[id] = input == TOMBOLA_PROBABILITIES ? p[id] : logf(p[id]);
            }
            const struct draw draw = draw_once(context, &make, row, &params);
            assert_int_equal(draw.kept, cases[i].kept);
            assert_true(draw.kept > 1 || draw.token == 1);
        }
    }
}

/* At temperature 1/2 they are .727 .182 .0455 .0455; what top-k 2 leaves of them has 2/3 and 1/3. */
static void surprise_is_that_of_what_was_left_at_the_temperature_in_force(void **state)
{
    (void)state;
    static const float row[4] = {-2, 0, -2, -1};
    const float ln2 = logf(2.0f);
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, 4};
    float scaled[4];
    for (size_t id = 0; id < 4; id++) {
        scaled[id] = row[id] * ln2;
    }
    tombola_params params = with_mirostat(2, 2.0f);
    params.temperature = 0.5f;
    assert_int_equal(draw_once(context, &make, scaled, &params).kept, 1);
    params.mirostat_mu = 2.5f;
    assert_int_equal(draw_once(context, &make, scaled, &params).kept, 2);
    params.temperature = 1.0f;
    params.top_k = 2;
    params.mirostat_mu = 1.58f;
    assert_int_equal(draw_once(context, &make, scaled, &params).kept, 1);
    params.mirostat_mu = 1.59f;
    assert_int_equal(draw_once(context, &make, scaled, &params).kept, 2);
}

/* ---------------------------------------------------------------------- by Zipf's law */

/* How many tokens llama_sampler_mirostat_apply keeps of sorted logits, by its formula in binary64. */
static double llama_number(const float *z, uint32_t count, double vocabulary, double temperature, double mu)
{
    double sum = 0, squares = 0;
    for (uint32_t i = 0; i + 1 < count && i < 99; i++) {
        const double t = log((i + 2.0) / (i + 1.0));
        sum += t * ((double)z[i] - (double)z[i + 1]) / temperature;
        squares += t * t;
    }
    const double s = sum / squares, e = s - 1;
    const double k = pow(e * exp2(mu) / (1 - pow(vocabulary, -e)), 1 / s);
    return fmin(fmax(k, 1), count);
}

static uint32_t kept_of(tombola_sampler *sampler, const struct make *make, const float *row, tombola_params params)
{
    struct draw draw;
    call_sample(sampler, make, row, 1, &params, &draw);
    assert_int_equal(draw.status, TOMBOLA_ROW_OK);
    return draw.kept;
}

/* Sorted rows of p = rank^-s, and what top-k leaves of them. */
static void as_many_stay_as_llama_cpp_keeps(void **state)
{
    (void)state;
    enum { V = 3000 };
    static const float exponents[] = {1.1f, .99f, 1.001f, 1.5f, 3, .5f, .2f, 12};
    static const float surprises[] = {1, 3, 5, 6.5f, 8, 10, 13, -2};
    static float row[V];
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, V};
    tombola_sampler *sampler = make_sampler(context, &make, 1, TOMBOLA_DISPATCH_AUTO);
    uint32_t different = 0, last = 0;
    const size_t step = test_level() == TEST_SMALL ? 7 : 1;
    for (size_t i = 0; i < COUNT_OF(exponents) * COUNT_OF(surprises) * 6; i += step) {
        tombola_params params = with_mirostat(1, surprises[i / 6 % COUNT_OF(surprises)]);
        const float s = exponents[i / 6 / COUNT_OF(surprises)];
        const uint32_t left = (const uint32_t[]){V, 40, 250, 2, 100, 101}[i % 6];
        for (uint32_t rank = 0; rank < V; rank++) {
            row[rank] = -s * logf((float)rank + 1);
        }
        params.temperature = i % 2 ? .7f : 1.0f;
        params.top_k = left;
        const uint32_t kept = kept_of(sampler, &make, row, params);
        const double k = llama_number(row, left, V, (double)params.temperature, (double)params.mirostat_mu);
        assert_in_range(kept, (uint32_t)fmax(1, k * (1 - 2e-5)), (uint32_t)(k * (1 + 2e-5)));
        different += kept != last;
        last = kept;
    }
    assert_less(100 / step, different);
    tombola_sampler_release(sampler);
}

/* Of equal logits the law knows no slope: all or one, as mu says. One token is all there is; and no fall is too far. */
static void where_there_is_no_law_all_or_one_stay(void **state)
{
    (void)state;
    enum { V = 1024 };
    float row[V] = {0};
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, V};
    tombola_sampler *sampler = make_sampler(context, &make, 1, TOMBOLA_DISPATCH_AUTO);
    assert_int_equal(kept_of(sampler, &make, row, with_mirostat(1, 9.98f)), 1); /* log2 of V - 1 is 9.9986 */
    assert_int_equal(kept_of(sampler, &make, row, with_mirostat(1, 10)), V);
    assert_int_equal(kept_of(sampler, &make, row, with_mirostat(1, FLT_MAX)), V);
    assert_int_equal(kept_of(sampler, &make, row, with_mirostat(1, -FLT_MAX)), 1);
    tombola_params far = with_mirostat(1, 60);
    far.temperature = 4.0f;
    static const float seconds[] = {0x1p-140f, -FLT_MAX, -INFINITY}; /* further off than a float tells; none */
    for (size_t i = 0; i < COUNT_OF(seconds); i++) {
        for (size_t id = 0; id < V; id++) {
            row[id] = id == 5 ? seconds[i] : id == 6 ? FLT_MAX : -INFINITY;
        }
        assert_int_equal(kept_of(sampler, &make, row, far), 1);
    }
    tombola_sampler_release(sampler);
    const struct make one = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, 1};
    const tombola_params params = with_mirostat(1, -60);
    row[0] = 3;
    assert_int_equal(draw_once(context, &one, row, &params).kept, 1);
}

/* ---------------------------------------------------------------------- beside the oracle */

static void set_mirostat(tombola_params *params, size_t number)
{
    static const float surprises[] = {5, 2.5f, 9, 1, 0.3f, 14, 3.7f, -2, 11.5f, 60, 1e20f, 6};
    params->mirostat = 1 + number % 2;
    params->mirostat_mu = surprises[number / 2 % COUNT_OF(surprises)];
    params->dynatemp_range = number % 11 == 5 ? 0.4f : 0.0f;
    params->min_keep = number % 13 == 6 ? 7 : 0;
}

static void rows_of_every_kind_agree_with_the_oracle(void **state)
{
    (void)state;
    expect_rows_of_every_kind("mirostat", set_mirostat);
}

static void any_place_in_the_order_agrees_with_the_oracle(void **state)
{
    (void)state;
    enum { K = TOMBOLA_FILTER_TOP_K, P = TOMBOLA_FILTER_TOP_P, M = TOMBOLA_FILTER_MIN_P, O = TOMBOLA_FILTER_MIROSTAT };
    enum { S = TOMBOLA_FILTER_TOP_N_SIGMA, T = TOMBOLA_FILTER_TEMPERATURE, X = TOMBOLA_FILTER_XTC };
    static const uint8_t orders[FILTER_ORDERS][TOMBOLA_MAX_FILTERS] = {
        {T, O, K, P, M, S, X}, {O, T, K, P, M, S, X}, {O, K, P, T, M, S, X}, {X, O, T, K, P, M, S},
        {K, X, T, O, P, M, S}, {S, P, X, O, T, K, M}, {P, O, X, T, M, K, S}, {T, X, O, P, K, M, S},
        {M, T, O, X, P, K, S}, {K, P, M, S, X, O, T},
    };
    expect_filters_in_orders("mirostat", orders, 120, set_mirostat);
}

static void every_known_answer_comes_out(void **state)
{
    (void)state;
    assert_less(199, known_file_run("known_mirostat.txt"));
}

static void what_is_no_mirostat_is_refused(void **state)
{
    (void)state;
    static const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, 4};
    static const float row[4];
    tombola_sampler *sampler = make_sampler(context, &make, 1, TOMBOLA_DISPATCH_AUTO);
    struct draw draw;
    for (size_t i = 0; i < 5; i++) {
        tombola_error error = tombola_error_default();
        tombola_params params = with_mirostat(i == 0 ? 3 : 1, i == 1 ? NAN : 5.0f);
        params.mirostat_entropy = i == 2 ? -1.0f : 5.0f;
        params.mirostat_rate = i == 3 ? INFINITY : 0.1f;
        params.filters[0] = i == 4 ? TOMBOLA_FILTER_TOP_K : TOMBOLA_FILTER_END;
        static const char *const messages[] = {
            "params[0].mirostat is 3, not from 0 to 2",
            "params[0].mirostat_mu is nan, not -3.40282e+38 or more",
            "params[0].mirostat_entropy is -1, not from 0 to 3.40282e+38",
            "params[0].mirostat_rate is inf, not from 0 to 3.40282e+38",
            "params[0].mirostat is 1, but params[0].filters has no place for it",
        };
        expect_refusal(draw_rows(sampler, row, 1, 4, &params, &draw, &error), &error, messages[i]);
    }
    tombola_sampler_release(sampler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_of_no_more_than_the_surprise_stay),
        cmocka_unit_test(surprise_is_that_of_what_was_left_at_the_temperature_in_force),
        cmocka_unit_test(as_many_stay_as_llama_cpp_keeps),
        cmocka_unit_test(where_there_is_no_law_all_or_one_stay),
        cmocka_unit_test(every_known_answer_comes_out),
        cmocka_unit_test(rows_of_every_kind_agree_with_the_oracle),
        cmocka_unit_test(any_place_in_the_order_agrees_with_the_oracle),
        cmocka_unit_test(what_is_no_mirostat_is_refused),
    };
    const struct CMUnitTest in_groups[] = {
        cmocka_unit_test(as_many_stay_as_llama_cpp_keeps),
        cmocka_unit_test(where_there_is_no_law_all_or_one_stay),
        cmocka_unit_test(tokens_of_no_more_than_the_surprise_stay),
        cmocka_unit_test(every_known_answer_comes_out),
        cmocka_unit_test(rows_of_every_kind_agree_with_the_oracle),
    };
    int failed = cmocka_run_group_tests(tests, open_context, close_context);
    return failed + cmocka_run_group_tests(in_groups, open_in_groups, close_context);
}
