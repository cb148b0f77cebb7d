/* Dynamic temperature: what it comes to, and what filters before and behind it make of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "calls.h"
#include "filter_draws.h"
#include "group.h"

/* The entropy of .5 .25 .125 .125 is 7/8 of ln 4. What comes of it shows by min-p: the second token is 1/2^(1/T)
 * times as likely as the first. */
static void the_temperature_rises_with_the_entropy(void **state)
{
    (void)state;
    static const float p[] = {.125f, .5f, .125f, .25f}, even[] = {1, 1, 1, 1}, sure[] = {0, 1, 0, 0};
    static const struct {
        float temperature, range, exponent;
        double comes_to;
    } cases[] = {{1, .5f, 1, 1.375},   {1, .5f, 2, 1.265625},       {1, .5f, 0, 1.5},
                 {1, 1, 1, 1.75},      {.3f, .5f, 1, .7},           {.3f, .5f, 3, .8 * .669921875},
                 {2, .25f, 1, 2.1875}, {.5f, .5f, 4, .586181640625}};
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_PROBABILITIES, 4};
    tombola_sampler *sampler = make_sampler(context, &make, 1, TOMBOLA_DISPATCH_AUTO);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct draw draw;
        const double ratio = exp2(-1.0 / cases[i].comes_to);
        tombola_params params = params_at(cases[i].temperature);
        params.dynatemp_range = cases[i].range;
        params.dynatemp_exponent = cases[i].exponent;
        params.min_p = (float)(ratio * (1 - 1e-4));
        call_sample(sampler, &make, p, 1, &params, &draw);
        assert_int_equal(draw.kept, 2);
        params.min_p = (float)(ratio * (1 + 1e-4));
        call_sample(sampler, &make, p, 1, &params, &draw);
        assert_int_equal(draw.kept, 1);
        params.min_p = .99f;
        call_sample(sampler, &make, even, 1, &params, &draw);
        assert_int_equal(draw.kept, 4);
        call_sample(sampler, &make, sure, 1, &params, &draw);
        assert_int_equal(draw.kept, 1);
        assert_int_equal(draw.token, 1);
    }
    tombola_sampler_release(sampler);
}

static void next_to_temperature_0_the_first_token_alone_stays(void **state)
{
    (void)state;
    enum { V = 600 };
    static float row[V];
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, V};
    for (uint32_t id = 0; id < V; id++) {
        row[id] = id == 300 ? 40.0f : 0.0f;
    }
    row[301] = 40.0f;
    tombola_params params = params_at(.5f);
    params.dynatemp_range = .5f;
    params.dynatemp_exponent = 100.0f; /* the entropy is about a ninth of the highest */
    tombola_sampler *sampler = make_sampler(context, &make, 1, TOMBOLA_DISPATCH_AUTO);
    for (params.method = 0; params.method < 2; params.method++) {
        struct draw draw;
        call_sample(sampler, &make, row, 1, &params, &draw);
        assert_int_equal(draw.kept, 1);
        assert_int_equal(draw.token, 300);
    }
    tombola_sampler_release(sampler);
}

/* A dynamic temperature, sometimes beside a filter that goes by the entropy. */
static void set_dynatemp(tombola_params *params, size_t number)
{
    static const float ranges[] = {.5f, 1.0f, .05f, 3.0f, 1e-6f, 1e30f}, exponents[] = {1.0f, 2.5f, 0.0f, .3f, 40.0f};
    static const unsigned beside[] = {0, HAS_TYPICAL_P, HAS_ETA, HAS_TOP_H};
    params->dynatemp_range = ranges[number % COUNT_OF(ranges)];
    params->dynatemp_exponent = exponents[number % COUNT_OF(exponents)];
    set_entropy_filters(params, beside[number / 2 % COUNT_OF(beside)], number);
}

static void rows_of_every_kind_agree_with_the_oracle(void **state)
{
    (void)state;
    expect_rows_of_every_kind("dynamic temperature", set_dynatemp);
}

static void other_filters_before_and_behind_it_agree_with_the_oracle(void **state)
{
    (void)state;
    expect_filters_in_orders("dynamic temperature", entropy_orders, 400, set_dynatemp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_temperature_rises_with_the_entropy),
        cmocka_unit_test(next_to_temperature_0_the_first_token_alone_stays),
        cmocka_unit_test(rows_of_every_kind_agree_with_the_oracle),
        cmocka_unit_test(other_filters_before_and_behind_it_agree_with_the_oracle),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
