/* Filters that go by the entropy, typical-p, eta and top-H: what they keep, and what others make of what they leave. */
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
#include "known_batch.h"
#include "oracle.h"
#include "rows.h"

static tombola_params at_share(float share)
{
    tombola_params params = params_at(1.0f);
    params.typical_p = share;
    return params;
}

/* As llama.cpp's own tests have them, and with shares that Transformers' rule was worked out for by hand. */
static void tokens_nearest_to_the_entropy_stay(void **state)
{
    (void)state;
    static const struct {
        float p[4], share;
        uint32_t kept, first, last; /* tokens that may come */
    } cases[] = {{{.97f, .01f, .01f, .01f}, .5f, 1, 0, 0},   {{.4f, .2f, .2f, .2f}, .5f, 3, 1, 3},
                 {{.4f, .2f, .2f, .2f}, .6f, 3, 1, 3},       {{.4f, .2f, .2f, .2f}, .61f, 4, 0, 3},
                 {{.97f, .01f, .01f, .01f}, .97f, 1, 0, 0},  {{.97f, .01f, .01f, .01f}, .98f, 4, 0, 3},
                 {{.25f, .25f, .25f, .25f}, .01f, 4, 0, 3},  {{.4f, .2f, .2f, .2f}, 0.0f, 3, 1, 3},
                 {{.5f, .25f, .125f, .125f}, .2f, 1, 1, 1},  {{.5f, .25f, .125f, .125f}, .25f, 1, 1, 1},
                 {{.5f, .25f, .125f, .125f}, .26f, 2, 0, 1}, {{.5f, .25f, .125f, .125f}, .76f, 4, 0, 3}};
    for (int input = TOMBOLA_LOGITS; input <= TOMBOLA_PROBABILITIES; input++) {
        const struct make make = {TOMBOLA_FLOAT32, (tombola_input)input, 4};
        for (size_t i = 0; i < 2 * COUNT_OF(cases); i++) {
            float row[4];
            tombola_params params = at_share(cases[i / 2].share);
            params.method = i % 2;
            for (size_t id = 0; id < 4; id++) {
                row[id] = input == TOMBOLA_PROBABILITIES ? cases[i / 2].p[id] : logf(cases[i / 2].p[id]);
            }
            const struct draw draw = draw_once(context, &make, row, &params);
            assert_int_equal(draw.kept, cases[i / 2].kept);
            assert_in_range(draw.token, cases[i / 2].first, cases[i / 2].last);
        }
    }
}

/* .5 .25 .125 .125 have an entropy of 1.21, so that exp(-H) is .297. */
static void eta_keeps_shares_and_less_where_all_is_uncertain(void **state)
{
    (void)state;
    static const struct {
        float cutoff;
        uint32_t kept;
    } cases[] = {{0.0f, 4}, {1e-30f, 4}, {.12f, 4}, {.17f, 4}, {.178f, 2}, {.5f, 2}, {.7f, 2}, {.72f, 1}, {1.0f, 1}};
    static const float p[] = {.125f, .5f, .125f, .25f};
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_PROBABILITIES, 4};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        tombola_params params = params_at(1.0f);
        params.eta_cutoff = cases[i].cutoff;
        assert_int_equal(draw_once(context, &make, p, &params).kept, cases[i].kept);
    }
}

/* The terms of the entropy of .5 .25 .125 .125 are 2/7, 2/7, 3/14 and 3/14 of it; a token behind the first hundred has
 * none. */
static void top_h_keeps_tokens_that_make_the_share_of_the_entropy(void **state)
{
    (void)state;
    enum { V = 300 };
    static const struct {
        float share;
        uint32_t kept, of_equals;
    } cases[] = {{0.0f, 4, V}, {1e-9f, 1, 1},  {.3f, 1, 30},    {.571f, 1, 57}, {.5715f, 2, 57},
                 {.7f, 2, 70}, {.785f, 2, 78}, {.7858f, 3, 78}, {.99f, 3, 99},  {1.0f, 4, 100}};
    static const float p[] = {.125f, .5f, .125f, .25f};
    static float equals[V];
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_PROBABILITIES, 4}, wide = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, V};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        tombola_params params = params_at(1.0f);
        params.top_h = cases[i].share;
        assert_int_equal(draw_once(context, &make, p, &params).kept, cases[i].kept);
        assert_int_equal(draw_once(context, &wide, equals, &params).kept, cases[i].of_equals);
    }
}

/* Of tokens that weigh nothing beside the first, each would make no more than a share of no entropy. */
static void top_h_keeps_the_first_alone_where_it_is_certain(void **state)
{
    (void)state;
    enum { V = 300 };
    static const float shares_of_it[] = {1e-9f, .4f, 1.0f};
    static const struct {
        float gap; /* from the first logit to all others: their terms round to 0 from 23 on */
        int certain;
    } cases[] = {{17.0f, 0}, {25.0f, 1}, {700.0f, 1}, {1e30f, 1}};
    static float row[V];
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, V};
    for (size_t i = 0; i < COUNT_OF(cases) * COUNT_OF(shares_of_it); i++) {
        const float gap = cases[i / COUNT_OF(shares_of_it)].gap;
        tombola_params params = params_at(1.0f);
        params.top_h = shares_of_it[i % COUNT_OF(shares_of_it)];
        for (uint32_t id = 0; id < V; id++)
            row[id] = id == 123 ? 0.0f : -gap;
        const struct draw draw = draw_once(context, &make, row, &params);
        assert_int_equal(draw.token, 123);
        if (cases[i / COUNT_OF(shares_of_it)].certain)
            assert_int_equal(draw.kept, 1);
        else if (params.top_h == 1.0f)
            assert_int_equal(draw.kept, 100);
    }
}

static const float shares[] = {.2f, .5f, .9f, .95f, .99999f, 0.0f, 1e-4f};
static const float cutoffs[] = {.3f, .1f, .02f, .003f, 3e-4f, 1e-6f, 1.0f, 1e-30f};

/* One of the filters in force, or several, by `number`. */
static void set_filters(tombola_params *params, size_t number)
{
    const unsigned which = 1 + (unsigned)(number / 2 % 7);
    params->typical_p = which & 1 ? shares[number % COUNT_OF(shares)] : 1.0f;
    params->eta_cutoff = which & 2 ? cutoffs[number % COUNT_OF(cutoffs)] : 0.0f;
    params->top_h = which & 4 ? shares[number / 3 % COUNT_OF(shares)] : 0.0f;
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
        expect_draw("entropy", &recipe, &params[i], &expected, &draws[i]);
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

static void every_known_answer_comes_out(void **state)
{
    (void)state;
    size_t count;
    struct known_answer *answers = known_file_read("known_entropy.txt", &count);
    assert_true(count >= 1000);
    known_answers_run(answers, count);
    free(answers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_nearest_to_the_entropy_stay),
        cmocka_unit_test(eta_keeps_shares_and_less_where_all_is_uncertain),
        cmocka_unit_test(top_h_keeps_tokens_that_make_the_share_of_the_entropy),
        cmocka_unit_test(top_h_keeps_the_first_alone_where_it_is_certain),
        cmocka_unit_test(every_known_answer_comes_out),
        cmocka_unit_test(rows_of_every_kind_agree_with_the_oracle),
        cmocka_unit_test(other_filters_before_and_behind_it_agree_with_the_oracle),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
