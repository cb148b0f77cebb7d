/* Dynamic temperature: what it comes to, and what filters before and behind it make of it. */
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
#include "known.h"
#include "oracle.h"
#include "rows.h"

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

static const float shares[] = {.2f, .5f, .9f, .95f, .99999f, 0.0f, 1e-4f};
static const float cutoffs[] = {.3f, .1f, .02f, .003f, 3e-4f, 1e-6f, 1.0f, 1e-30f};

/* A dynamic temperature, sometimes beside filters that go by the entropy. */
static void set_filters(tombola_params *params, size_t number)
{
    static const float ranges[] = {.5f, 1.0f, .05f, 3.0f, 1e-6f, 1e30f}, exponents[] = {1.0f, 2.5f, 0.0f, .3f, 40.0f};
    params->dynatemp_range = ranges[number % COUNT_OF(ranges)];
    params->dynatemp_exponent = exponents[number % COUNT_OF(exponents)];
    params->typical_p = number / 2 % 4 == 1 ? shares[number % COUNT_OF(shares)] : 1.0f;
    params->eta_cutoff = number / 2 % 4 == 2 ? cutoffs[number % COUNT_OF(cutoffs)] : 0.0f;
    params->top_h = number / 2 % 4 == 3 ? shares[number / 3 % COUNT_OF(shares)] : 0.0f;
}

static void check_rows(const struct make *make, enum row_kind kind, uint32_t seed, tombola_dispatch dispatch)
{
    enum { QUESTIONS = 12 };
    tombola_params params[QUESTIONS];
    struct draw draws[QUESTIONS];
    const struct row_recipe recipe = {kind, seed, make->vocabulary, make->type, make->input};
    const size_t size = make->type == TOMBOLA_FLOAT32 ? 4 : 2;
    unsigned char *rows = allocate((size_t)QUESTIONS * make->vocabulary, size);
    float *values = allocate(make->vocabulary, sizeof *values);
    row_fill(&recipe, NULL, values);
    struct oracle_row *oracle = oracle_row_create(values, make->vocabulary, make->input);
    for (uint32_t i = 0; i < QUESTIONS; i++) {
        row_fill(&recipe, rows + i * make->vocabulary * size, NULL);
        params[i] = params_at(1.0f);
        set_filters(&params[i], seed * 5 + i);
        params[i].temperature = (float[]){1.0f, .7f, 1.4f, 100.0f, INFINITY, .1f}[i % 6];
        params[i].top_k = i % 5 == 3 ? 40 : 0;
        params[i].top_p = i % 4 == 3 ? .9f : 1.0f;
        params[i].min_p = i % 3 == 2 ? .01f : 0.0f;
        params[i].xtc_probability = i % 7 == 3 ? 1.0f : 0.0f;
        params[i].seed = seed + i;
        params[i].method = i % 2;
        if (i % 3 == 1) {
            tombola_filters_temperature_last(&params[i]);
        }
    }
    tombola_sampler *sampler = make_sampler(context, make, QUESTIONS, dispatch);
    call_sample(sampler, make, rows, QUESTIONS, params, draws);
    for (size_t i = 0; i < QUESTIONS; i++) {
        const struct draw expected = oracle_draw(oracle, &params[i]);
        expect_draw("dynamic temperature", &recipe, &params[i], &expected, &draws[i]);
    }
    tombola_sampler_release(sampler);
    oracle_row_release(oracle);
    free(values);
    free(rows);
}

static void rows_of_every_kind_agree_with_the_oracle(void **state)
{
    (void)state;
    static const uint32_t vocabularies[] = {1, 2, 255, 256, 257, 4000, 20000};
    uint32_t seed = 0;
    for (size_t v = 0; v < COUNT_OF(vocabularies); v++) {
        for (enum row_kind kind = 0; kind < ROW_KINDS; kind++, seed++) {
            const struct make make = {(tombola_type)(seed % 3), (tombola_input)(seed / 3 % 2), vocabularies[v]};
            check_rows(&make, kind, seed, seed / 6 % 2 ? TOMBOLA_DISPATCH_SPREAD : TOMBOLA_DISPATCH_ROW);
        }
    }
}

/* Every other filter before it and behind it. */
static void other_filters_before_and_behind_it_agree_with_the_oracle(void **state)
{
    (void)state;
    enum { V = 9001, K = TOMBOLA_FILTER_TOP_K, P = TOMBOLA_FILTER_TOP_P, M = TOMBOLA_FILTER_MIN_P };
    enum { S = TOMBOLA_FILTER_TOP_N_SIGMA, T = TOMBOLA_FILTER_TEMPERATURE, X = TOMBOLA_FILTER_XTC };
    enum { Y = TOMBOLA_FILTER_TYPICAL_P, E = TOMBOLA_FILTER_ETA, H = TOMBOLA_FILTER_TOP_H };
    static const uint8_t orders[][TOMBOLA_MAX_FILTERS] = {
        {T, E, Y, H, X, K, P, M, S}, {E, Y, X, K, T, H, P, M, S}, {H, Y, P, X, E, T, K, M, S},
        {X, Y, H, M, T, P, E, K, S}, {X, S, E, Y, T, M, P, K, H}, {K, E, Y, X, T, P, M, S, H},
        {P, E, Y, X, H, T, K, M, S}, {M, Y, T, E, P, K, H, X, S}, {S, Y, H, T, X, E, M, P, K},
        {K, P, M, S, X, Y, E, H, T},
    };
    static const uint32_t numbers[] = {0, 2, 40, 1500, 4500, V - 1};
    static const float steps[] = {-0x1p-8f, -0x1p-11f, -0x1p-3f};
    static const uint32_t levels[] = {5000, 5000, 40};
    float *row = allocate(V, sizeof *row);
    for (size_t which = 0; which < COUNT_OF(steps); which++) {
        const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, V};
        for (uint32_t id = 0; id < V; id++) {
            row[id] = (float)((id * 2654435761u >> 12) % levels[which]) * steps[which];
        }
        struct oracle_row *oracle = oracle_row_create(row, V, TOMBOLA_LOGITS);
        tombola_sampler *sampler = make_sampler(context, &make, 1, TOMBOLA_DISPATCH_AUTO);
        for (size_t i = 0; i < 400; i++) {
            tombola_params params = params_at(1.0f);
            set_filters(&params, i);
            memcpy(params.filters, orders[i / 2 % COUNT_OF(orders)], sizeof params.filters);
            params.temperature = i / 7 % 2 ? 1.3f : 0.6f;
            params.top_k = numbers[i / 3 % COUNT_OF(numbers)];
            params.top_p = i / 5 % 3 == 1 ? .9f : 1.0f;
            params.min_p = i / 11 % 3 == 1 ? .02f : 0.0f;
            params.top_n_sigma = i / 13 % 3 == 1 ? 1.5f : 0.0f;
            params.xtc_probability = i / 4 % 3 == 1 ? 1.0f : 0.0f;
            params.xtc_threshold = i % 8 ? .001f : 1e-5f;
            params.method = i % 2;
            params.seed = i;
            const struct draw expected = oracle_draw(oracle, &params);
            struct draw draw;
            call_sample(sampler, &make, row, 1, &params, &draw);
            if (draw.token != expected.token || draw.kept != expected.kept) {
                fail_msg("question %zu of row %zu: token %d and kept %u, not %d and %u", i, which, (int)draw.token,
                         (unsigned)draw.kept, (int)expected.token, (unsigned)expected.kept);
            }
        }
        tombola_sampler_release(sampler);
        oracle_row_release(oracle);
    }
    free(row);
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
