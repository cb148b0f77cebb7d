/* What llama.cpp's own tests, tests/test-sampling.cpp, say that is left of small distributions, as one call of the
 * library has it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "calls.h"
#include "expect.h"
#include "group.h"
#include "harness.h"

enum { MOST = 5 };

/* A row and the tokens before it. */
struct given {
    float p[MOST];
    uint32_t vocabulary;
    int32_t history[MOST + 1];
    size_t length;
};

static const struct given rising = {.p = {.1f, .2f, .3f, .4f}, .vocabulary = 4};

static void expect_left(const struct given *g, tombola_params params, const double *shares, double within)
{
    float logits[MOST], got[MOST];
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, g->vocabulary};
    tombola_sampler *sampler = make_sampler(context, &make, 1, TOMBOLA_DISPATCH_AUTO);
    for (uint32_t id = 0; id < g->vocabulary; id++)
        logits[id] = logf(g->p[id]);
    tombola_rows rows = host_rows(logits, 1, 0, &params);
    tombola_results results = tombola_results_default();
    tombola_error error = tombola_error_default();
    rows.history = g->length ? g->history : NULL;
    rows.history_ends = g->length ? &g->length : NULL;
    results.kept_probabilities.host = got;
    assert_int_equal(tombola_sampler_sample(sampler, &rows, &results, &error), TOMBOLA_OK);
    for (uint32_t id = 0; id < g->vocabulary; id++) {
        assert_near(got[id], shares[id], within);
        assert_int_equal(got[id] > 0.0f, shares[id] > 0.0);
    }
    tombola_sampler_release(sampler);
}

static void temperatures_give_the_published_shares(void **state)
{
    (void)state;
    static const struct {
        float temperature, exponent;
        double shares[4];
    } cases[] = {{1.0f, 1.0f, {.1, .2, .3, .4}}, {0.0f, 1.0f, {0, 0, 0, 1}}, {1.0f, 2.0f, {.1, .2, .3, .4}}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        tombola_params params = params_at(cases[i].temperature);
        params.dynatemp_exponent = cases[i].exponent;
        expect_left(&rising, params, cases[i].shares, 1e-6);
    }
}

static void top_k_top_p_min_p_and_top_n_sigma_leave_the_published_shares(void **state)
{
    (void)state;
    static const struct {
        uint32_t top_k;
        float top_p, min_p, sigmas;
        double shares[4];
    } cases[] = {
        {1, 1, 0, 0, {0, 0, 0, 1}},
        {3, 1, 0, 0, {0, .222222, .333333, .444444}},
        {4, 1, 0, 0, {.1, .2, .3, .4}},
        {0, 1, 0, 0, {.1, .2, .3, .4}},
        {0, 0, 0, 0, {0, 0, 0, 1}},
        {0, .7f, 0, 0, {0, 0, .428571, .571429}},
        {0, .8f, 0, 0, {0, .2 / .9, .3 / .9, .4 / .9}},
        {0, 1, .24f, 0, {.1, .2, .3, .4}},
        {0, 1, .26f, 0, {0, .2 / .9, .3 / .9, .4 / .9}},
        {0, 1, .49f, 0, {0, .2 / .9, .3 / .9, .4 / .9}},
        {0, 1, .51f, 0, {0, 0, .3 / .7, .4 / .7}},
        {0, 1, .74f, 0, {0, 0, .3 / .7, .4 / .7}},
        {0, 1, .76f, 0, {0, 0, 0, 1}},
        {0, 1, 1, 0, {0, 0, 0, 1}},
        {0, 1, 0, 1, {0, 0, .428571, .571429}},
        {0, 1, 0, 3, {.1, .2, .3, .4}},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        tombola_params params = params_at(1.0f);
        params.top_k = cases[i].top_k;
        params.top_p = cases[i].top_p;
        params.min_p = cases[i].min_p;
        params.top_n_sigma = cases[i].sigmas;
        expect_left(&rising, params, cases[i].shares, 1e-6);
    }
}

static void typical_p_leaves_the_published_shares(void **state)
{
    (void)state;
    static const struct {
        struct given given;
        double shares[4];
    } cases[] = {{{.p = {.97f, .01f, .01f, .01f}, .vocabulary = 4}, {1, 0, 0, 0}},
                 {{.p = {.4f, .2f, .2f, .2f}, .vocabulary = 4}, {0, 1 / 3.0, 1 / 3.0, 1 / 3.0}}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        tombola_params params = params_at(1.0f);
        params.typical_p = .5f;
        expect_left(&cases[i].given, params, cases[i].shares, 1e-6);
    }
}

static void xtc_leaves_the_published_shares(void **state)
{
    (void)state;
    static const struct {
        float threshold;
        double shares[4];
    } cases[] = {{.09f, {1, 0, 0, 0}},
                 {.19f, {.1 / .3, .2 / .3, 0, 0}},
                 {.29f, {.1 / .6, .2 / .6, .3 / .6, 0}},
                 {.39f, {.1, .2, .3, .4}}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        tombola_params params = params_at(1.0f);
        params.xtc_probability = 1.0f;
        params.xtc_threshold = cases[i].threshold;
        expect_left(&rising, params, cases[i].shares, 1e-6);
    }
}

static void penalties_leave_the_published_shares(void **state)
{
    (void)state;
    static const struct {
        size_t length; /* of 0 1 2 0 0 */
        float repetition, others;
        double shares[5];
    } cases[] = {{1, 50, 0, {0, .25, .25, .25, .25}},
                 {3, 50, 0, {0, 0, 0, .5, .5}},
                 {5, 50, 0, {0, 0, 0, .5, .5}},
                 {1, 1, 5, {.000011, .249997, .249997, .249997, .249997}},
                 {3, 1, 5, {.000023, .000023, .000023, .499966, .499966}},
                 {5, 1, 5, {.000000001, .000023, .000023, .499977, .499977}}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct given given = {{.2f, .2f, .2f, .2f, .2f}, 5, {0, 1, 2, 0, 0}, cases[i].length};
        tombola_params params = params_at(1.0f);
        double shares[MOST];
        params.repetition_penalty = cases[i].repetition;
        params.frequency_penalty = params.presence_penalty = cases[i].others;
        for (size_t id = 0; id < MOST; id++)
            shares[id] = cases[i].shares[id] > 0 ? cases[i].shares[id] : 1e-12; /* unlikely, not ruled out */
        expect_left(&given, params, shares, 1e-6);
    }
}

static void dry_leaves_the_published_shares(void **state)
{
    (void)state;
    static const struct {
        struct given given;
        float multiplier;
        double shares[5];
    } cases[] = {
        {{{.25f, .25f, .25f, .25f}, 4, {0, 1}, 2}, 1, {.25, .25, .25, .25}},
        {{{.25f, .25f, .25f, .25f}, 4, {0, 1, 2, 0, 1}, 5}, 1, {.296923, .296923, .109232, .296923}},
        {{{.2f, .2f, .2f, .2f, .2f}, 5, {0, 1, 2, 0, 1}, 5}, 2, {.241818, .241818, .032727, .241818, .241818}}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        tombola_params params = params_at(1.0f);
        params.dry_multiplier = cases[i].multiplier;
        params.dry_base = 1.1f;
        params.dry_window = (uint32_t)cases[i].given.length;
        expect_left(&cases[i].given, params, cases[i].shares, 1e-6);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(temperatures_give_the_published_shares),
        cmocka_unit_test(top_k_top_p_min_p_and_top_n_sigma_leave_the_published_shares),
        cmocka_unit_test(typical_p_leaves_the_published_shares),
        cmocka_unit_test(xtc_leaves_the_published_shares),
        cmocka_unit_test(penalties_leave_the_published_shares),
        cmocka_unit_test(dry_leaves_the_published_shares),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
