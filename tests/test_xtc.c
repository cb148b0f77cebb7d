/* XTC: what it drops, how often, and what other filters make of what it leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "calls.h"
#include "filter_draws.h"
#include "group.h"
#include "oracle.h"

static const float p[] = {.3f, .1f, .4f, .2f};

static tombola_params always(float threshold)
{
    tombola_params params = params_at(1.0f);
    params.xtc_probability = 1.0f;
    params.xtc_threshold = threshold;
    return params;
}

static void of_the_top_choices_the_last_one_stays(void **state)
{
    (void)state;
    static const struct {
        float threshold;
        uint32_t kept;
    } cases[] = {{0.0f, 1}, {1e-35f, 1}, {.05f, 1}, {.1f, 1}, {.11f, 2}, {.2f, 2}, {.21f, 3},
                 {.29f, 3}, {.3f, 3},    {.31f, 4}, {.4f, 4}, {.41f, 4}, {.5f, 4}, {1.0f, 4}};
    for (int input = TOMBOLA_LOGITS; input <= TOMBOLA_PROBABILITIES; input++) {
        const struct make make = {TOMBOLA_FLOAT32, (tombola_input)input, 4};
        float row[4];
        for (size_t id = 0; id < 4; id++) {
            row[id] = input == TOMBOLA_PROBABILITIES ? p[id] : logf(p[id]);
        }
        for (size_t i = 0; i < 2 * COUNT_OF(cases); i++) {
            tombola_params params = always(cases[i / 2].threshold);
            params.method = i % 2;
            const struct draw draw = draw_once(context, &make, row, &params);
            assert_int_equal(draw.kept, cases[i / 2].kept);
            assert_true(draw.kept == 4 || draw.token != 2);
            assert_true(draw.kept != 1 || draw.token == 1);
        }
    }
}

/* At temperature 1/2 the shares are .533 .3 .133 .033, at 2 they are .325 .282 .230 .163. */
static void shares_are_those_of_the_temperature_where_it_stands(void **state)
{
    (void)state;
    static const struct {
        float temperature, threshold;
        uint32_t first, last; /* kept where the temperature comes first, and last */
    } cases[] = {{.5f, .29f, 3, 3},  {.5f, .13f, 2, 2},      {.5f, .14f, 3, 2},
                 {.5f, .05f, 2, 1},  {2.0f, .28f, 3, 3},     {2.0f, .16f, 1, 2},
                 {2.0f, .22f, 2, 3}, {INFINITY, .25f, 1, 3}, {INFINITY, .26f, 4, 3}};
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_PROBABILITIES, 4};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        tombola_params params = always(cases[i].threshold);
        params.temperature = cases[i].temperature;
        assert_int_equal(draw_once(context, &make, p, &params).kept, cases[i].first);
        tombola_filters_temperature_last(&params);
        assert_int_equal(draw_once(context, &make, p, &params).kept, cases[i].last);
    }
}

static void its_chance_comes_as_often_as_asked_for_whatever_is_drawn(void **state)
{
    (void)state;
    enum { ROWS = 4096 };
    static float rows[ROWS][4];
    static tombola_params params[ROWS];
    static struct draw draws[ROWS];
    static const float chances[] = {0.0f, 1e-12f, .1f, .5f, .9f, 1.0f};
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_PROBABILITIES, 4};
    struct oracle_row *oracle = oracle_row_create(p, 4, TOMBOLA_PROBABILITIES);
    tombola_sampler *sampler = make_sampler(context, &make, ROWS, TOMBOLA_DISPATCH_AUTO);
    for (size_t i = 0; i < COUNT_OF(chances); i++) {
        size_t cut = 0, seconds[2] = {0, 0};
        for (size_t row = 0; row < ROWS; row++) {
            memcpy(rows[row], p, sizeof p);
            params[row] = always(.3f);
            params[row].xtc_probability = chances[i];
            params[row].seed = row % 3;
            params[row].offset = row;
        }
        call_sample(sampler, &make, rows, ROWS, params, draws);
        for (size_t row = 0; row < ROWS; row++) {
            assert_int_equal(draws[row].kept, oracle_draw(oracle, &params[row]).kept);
            cut += draws[row].kept == 3;
            seconds[draws[row].kept == 3] += draws[row].token == 0;
        }
        const double chance = (double)chances[i], spread = sqrt(ROWS * chance * (1.0 - chance));
        assert_true(fabs((double)cut - ROWS * chance) <= 4.0 * spread + 1e-6);
        /* of the tokens drawn, .3 are the second where nothing went, and half where the first did */
        assert_true(fabs((double)seconds[0] - .3 * (double)(ROWS - cut)) <= 4.0 * sqrt(ROWS * .21));
        assert_true(fabs((double)seconds[1] - .5 * (double)cut) <= 4.0 * sqrt(ROWS * .25));
    }
    tombola_sampler_release(sampler);
    oracle_row_release(oracle);
}

static void where_nothing_kept_weighs_anything_the_first_kept_is_drawn(void **state)
{
    (void)state;
    enum { V = 700 };
    static float row[V];
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, V};
    for (uint32_t id = 0; id < V; id++) {
        row[id] = id == 300 ? 0.0f : -1e30f;
    }
    row[640] = -2e30f; /* the last in rank order, in a block with others */
    for (uint32_t method = 0; method < 2; method++) {
        tombola_params params = always(0.0f);
        params.method = method;
        struct draw draw = draw_once(context, &make, row, &params);
        assert_int_equal(draw.token, 640);
        assert_int_equal(draw.kept, 1);
        params.top_k = 250; /* the last of these is token 248 */
        draw = draw_once(context, &make, row, &params);
        assert_int_equal(draw.token, 248);
        assert_int_equal(draw.kept, 1);
    }
}

static void set_xtc(tombola_params *params, size_t number)
{
    static const float shares[] = {1.0f, .9f, .5f, .99999f},
                       thresholds[] = {0.0f, .2f, .01f, 1e-4f, 8e-4f, 1e-8f, 1e-35f};
    params->top_p = shares[number / 5 % COUNT_OF(shares)];
    params->xtc_probability = 1.0f;
    params->xtc_threshold = thresholds[number % COUNT_OF(thresholds)];
}

static void other_filters_before_and_behind_it_agree_with_the_oracle(void **state)
{
    (void)state;
    enum { K = TOMBOLA_FILTER_TOP_K, P = TOMBOLA_FILTER_TOP_P, M = TOMBOLA_FILTER_MIN_P };
    enum { S = TOMBOLA_FILTER_TOP_N_SIGMA, T = TOMBOLA_FILTER_TEMPERATURE, X = TOMBOLA_FILTER_XTC };
    static const uint8_t orders[FILTER_ORDERS][TOMBOLA_MAX_FILTERS] = {
        {T, X, K, P, M, S}, {X, K, T, P, M, S}, {X, P, T, K, M, S}, {X, M, T, P, K, S}, {X, S, T, M, P, K},
        {K, X, T, P, M, S}, {P, X, T, K, M, S}, {M, X, T, P, K, S}, {S, X, T, M, P, K}, {K, P, M, S, T, X},
    };
    expect_filters_in_orders("XTC", orders, 600, set_xtc);
}

static void the_boundary_is_still_the_last_token(void **state)
{
    (void)state;
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_PROBABILITIES, 4};
    tombola_sampler *sampler = make_sampler(context, &make, 1, TOMBOLA_DISPATCH_AUTO);
    tombola_params params = always(.3f);
    tombola_rows rows = tombola_rows_default();
    tombola_results results = tombola_results_default();
    tombola_error error = tombola_error_default();
    tombola_boundary boundary;
    uint32_t kept;
    rows.count = 1;
    rows.logits.host = p;
    rows.params = &params;
    results.kept.host = &kept;
    results.boundary.host = &boundary;
    for (params.top_k = 3; params.top_k < 5; params.top_k++) {
        assert_int_equal(tombola_sampler_sample(sampler, &rows, &results, &error), TOMBOLA_OK);
        assert_int_equal(kept, params.top_k - 1);
        assert_int_equal(boundary.token, params.top_k == 3 ? 3 : 1);
    }
    tombola_sampler_release(sampler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_the_top_choices_the_last_one_stays),
        cmocka_unit_test(shares_are_those_of_the_temperature_where_it_stands),
        cmocka_unit_test(its_chance_comes_as_often_as_asked_for_whatever_is_drawn),
        cmocka_unit_test(where_nothing_kept_weighs_anything_the_first_kept_is_drawn),
        cmocka_unit_test(other_filters_before_and_behind_it_agree_with_the_oracle),
        cmocka_unit_test(the_boundary_is_still_the_last_token),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
