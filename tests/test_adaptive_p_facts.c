/* Adaptive-p beside the formulas in binary64 and by hand; and with targets that move, greedy rows and watermarks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "device_batch.h"
#include "expect.h"
#include "kinds.h"

/* The probabilities that llama.cpp's formulas give, in binary64 by libm, of a row whose filters keep all. */
static void reshape_exactly(const double *p, size_t count, double target, double *reshaped)
{
    double sum = 0.0;
    for (size_t id = 0; id < count; id++) {
        const double distance = fabs(p[id] - target) / .3;
        reshaped[id] = exp(5.0 - 10.0 * distance * distance / (1.0 + distance));
        sum += reshaped[id];
    }
    for (size_t id = 0; id < count; id++)
        reshaped[id] /= sum;
}

/* The probabilities of one row. */
static void ask(const struct make *make, const float *row, const tombola_params *params, float *probabilities)
{
    tombola_sampler *sampler = make_sampler(context, make, 1, TOMBOLA_DISPATCH_AUTO);
    const tombola_rows rows = host_rows(row, 1, 0, params);
    tombola_results results = tombola_results_default();
    results.kept_probabilities.host = probabilities;
    assert_int_equal(tombola_sampler_sample(sampler, &rows, &results, &error), TOMBOLA_OK);
    tombola_sampler_release(sampler);
}

static void probabilities_are_those_of_the_formulas_in_binary64(void **state)
{
    (void)state;
    enum { V = 700 };
    static const float targets[] = {0.0f, .01f, .2f, .5f, 1.0f}, temperatures[] = {1.0f, .4f, 3.0f};
    static const uint32_t vocabularies[] = {1, 2, 5, 40, V};
    for (size_t i = 0; i < COUNT_OF(targets) * COUNT_OF(temperatures) * COUNT_OF(vocabularies); i++) {
        float row[V], got[V];
        double p[V], right[V], sum = 0.0;
        const uint32_t vocabulary = vocabularies[i % COUNT_OF(vocabularies)];
        for (int input = TOMBOLA_LOGITS; input <= TOMBOLA_PROBABILITIES; input++) {
            const struct make make = {TOMBOLA_FLOAT32, (tombola_input)input, vocabulary};
            tombola_params params = params_at(temperatures[i / COUNT_OF(vocabularies) % COUNT_OF(temperatures)]);
            params.adaptive_target = targets[i / COUNT_OF(vocabularies) / COUNT_OF(temperatures)];
            sum = 0.0;
            for (uint32_t id = 0; id < vocabulary; id++) {
                row[id] = (float)((id * 2654435761u + i) % 1000u) * 0.01f;
                row[id] = input == TOMBOLA_PROBABILITIES ? expf(row[id]) : row[id];
                const double z = input == TOMBOLA_PROBABILITIES ? log((double)row[id]) : (double)row[id];
                p[id] = exp((z - 10.0) / (double)params.temperature);
                sum += p[id];
            }
            for (uint32_t id = 0; id < vocabulary; id++)
                p[id] /= sum;
            reshape_exactly(p, vocabulary, (double)params.adaptive_target, right);
            ask(&make, row, &params, got);
            for (uint32_t id = 0; id < vocabulary; id++)
                assert_near(got[id], right[id], 1e-5 * (0.1 + right[id]));
        }
    }
}

/* Of .5 .3 .15 .05 the target .3: distances 2/3, 0, 1/2 and 5/6. */
static void the_nearest_to_the_target_is_the_most_likely(void **state)
{
    (void)state;
    static const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_PROBABILITIES, 4};
    static const float row[] = {.5f, .3f, .15f, .05f};
    static const double z[] = {5.0 - 10.0 * 4 / 9 * 3 / 5, 5.0, 5.0 - 10.0 * 1 / 4 * 2 / 3,
                               5.0 - 10.0 * 25 / 36 * 6 / 11};
    const double sum = exp(z[0]) + exp(z[1]) + exp(z[2]) + exp(z[3]);
    float got[4];
    tombola_params params = params_at(1.0f);
    params.adaptive_target = .3f;
    ask(&make, row, &params, got);
    for (size_t id = 0; id < 4; id++)
        assert_near(got[id], exp(z[id]) / sum, 1e-6);
    params.top_k = 2; /* .625 and .375: it counts what is kept */
    params.adaptive_target = .625f;
    ask(&make, row, &params, got);
    assert_true(got[0] > got[1] && got[1] > 0.0f && got[2] == 0.0f && got[3] == 0.0f);
}

/* The target is moved by what was drawn so far: twice it less the average, from 0 to 1. */
static void the_target_moves_against_the_average(void **state)
{
    (void)state;
    static const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_PROBABILITIES, 4};
    static const float row[] = {.4f, .3f, .2f, .1f};
    static const struct {
        float target, sum, weight, same;
    } cases[] = {{.3f, 0, 0, .3f}, {.3f, 7, 0, .3f}, {.25f, 1, 8, .375f},
                 {.25f, 5, 8, 0},  {.75f, 1, 8, 1},  {1, 8, 8, 1}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        float moved[4], same[4];
        tombola_params params = params_at(1.0f);
        params.adaptive_target = cases[i].target;
        params.adaptive_sum = cases[i].sum;
        params.adaptive_weight = cases[i].weight;
        ask(&make, row, &params, moved);
        params = params_at(1.0f);
        params.adaptive_target = cases[i].same;
        ask(&make, row, &params, same);
        assert_memory_equal(moved, same, sizeof same);
    }
}

static void greedy_rows_and_negative_targets_do_not_mind(void **state)
{
    (void)state;
    enum { V = 300 };
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, V};
    float row[V], with[V], without[V];
    row_fill(&(struct row_recipe){ROW_GAUSSIAN, 3, V, TOMBOLA_FLOAT32, TOMBOLA_LOGITS}, row, NULL);
    for (int turn = 0; turn < 3; turn++) {
        tombola_params params = params_at(turn ? 1.0f : 0.0f);
        ask(&make, row, &params, without);
        params.adaptive_target = turn == 0 ? .1f : turn == 1 ? -1.0f : -.5f;
        params.adaptive_sum = 1.0f;
        params.adaptive_weight = 2.0f;
        ask(&make, row, &params, with);
        assert_memory_equal(with, without, sizeof with);
    }
}

/* A watermark's seed draws what it would draw by any parameters. */
static void a_watermark_draws_by_the_new_logits(void **state)
{
    (void)state;
    enum { V = 2000, WIDTH = 3 };
    static const int32_t history[] = {4, 17, 1999, 0, 5};
    static const size_t end = COUNT_OF(history);
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, V};
    float row[V];
    int has_changed = 0;
    row_fill(&(struct row_recipe){ROW_GAUSSIAN, 8, V, TOMBOLA_FLOAT32, TOMBOLA_LOGITS}, row, NULL);
    for (uint64_t key = 0; key < (test_level() == TEST_SMALL ? 1 : 10); key++) {
        tombola_params params = params_at(1.0f);
        params.min_p = .01f;
        params.adaptive_target = .2f;
        params.seed = tombola_watermark_seed(key, history + end - WIDTH, WIDTH);
        const struct draw expected = draw_once(context, &make, row, &params);
        params.seed = key;
        params.stream = 3;
        params.watermark = WIDTH;
        tombola_sampler *sampler = make_sampler(context, &make, 1, TOMBOLA_DISPATCH_AUTO);
        tombola_rows rows = host_rows(row, 1, 0, &params);
        tombola_results results = tombola_results_default();
        int32_t tokens[2];
        rows.history = history;
        rows.history_ends = &end;
        results.tokens.host = &tokens[0];
        assert_int_equal(tombola_sampler_sample(sampler, &rows, &results, &error), TOMBOLA_OK);
        assert_int_equal(tokens[0], expected.token);
        params.adaptive_target = -1.0f;
        results.tokens.host = &tokens[1];
        assert_int_equal(tombola_sampler_sample(sampler, &rows, &results, &error), TOMBOLA_OK);
        has_changed |= tokens[0] != tokens[1];
        tombola_sampler_release(sampler);
    }
    assert_true(has_changed || test_level() == TEST_SMALL);
}

static void mistakes_are_named(void **state)
{
    (void)state;
    static const struct {
        size_t offset;
        float value;
        const char *message;
    } cases[] = {
        {offsetof(tombola_params, adaptive_target), 1.5f, "params[1].adaptive_target is 1.5, not from -1 to 1"},
        {offsetof(tombola_params, adaptive_target), NAN, "params[1].adaptive_target is nan, not from -1 to 1"},
        {offsetof(tombola_params, adaptive_decay), 1.0f, "params[1].adaptive_decay is 1, not from 0 to 0.99"},
        {offsetof(tombola_params, adaptive_sum), -1.0f, "params[1].adaptive_sum is -1, not from 0 to 3.40282e+38"},
        {offsetof(tombola_params, adaptive_weight), INFINITY,
         "params[1].adaptive_weight is inf, not from 0 to 3.40282e+38"},
    };
    static const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, 4};
    static const float logits[8];
    tombola_sampler *sampler = make_sampler(context, &make, 2, TOMBOLA_DISPATCH_AUTO);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        tombola_params params[2] = {params_at(1.0f), params_at(1.0f)};
        struct draw draws[2];
        memcpy((char *)&params[1] + cases[i].offset, &cases[i].value, sizeof cases[i].value);
        assert_int_equal(draw_rows(sampler, logits, 2, 0, params, draws, &error), TOMBOLA_INVALID_ARGUMENT);
        assert_string_equal(error.message, cases[i].message);
    }
    tombola_sampler_release(sampler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probabilities_are_those_of_the_formulas_in_binary64),
        cmocka_unit_test(the_nearest_to_the_target_is_the_most_likely),
        cmocka_unit_test(the_target_moves_against_the_average),
        cmocka_unit_test(greedy_rows_and_negative_targets_do_not_mind),
        cmocka_unit_test(a_watermark_draws_by_the_new_logits),
        cmocka_unit_test(mistakes_are_named),
    };
    return cmocka_run_group_tests(tests, open_queues, close_queues);
}
