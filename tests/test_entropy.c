/* Filters that go by the entropy, typical-p, eta and top-H: what they keep, and what others make of what they leave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "calls.h"
#include "expect.h"
#include "filter_draws.h"
#include "group.h"
#include "known_batch.h"

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

/* One of the filters in force, or several. */
static void set_some(tombola_params *params, size_t number)
{
    set_entropy_filters(params, 1 + (unsigned)(number / 2 % 7), number);
}

static void rows_of_every_kind_agree_with_the_oracle(void **state)
{
    (void)state;
    expect_rows_of_every_kind("entropy", set_some);
}

static void other_filters_before_and_behind_it_agree_with_the_oracle(void **state)
{
    (void)state;
    expect_filters_in_orders("entropy", entropy_orders, 400, set_some);
}

static void every_known_answer_comes_out(void **state)
{
    (void)state;
    assert_less(999, known_file_run("known_entropy.txt"));
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
