/* The state of rows with adaptive-p: how it goes on from token to token, beside llama.cpp's formulas, in batches of any
 * size, and in the loop that carries it by itself. */
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
#include "state_carried.h"
#include "toy.h"

static tombola_params with_state(float target, float decay, float sum, float weight)
{
    tombola_params params = params_at(1.0f);
    params.adaptive_target = target;
    params.adaptive_decay = decay;
    params.adaptive_sum = sum;
    params.adaptive_weight = weight;
    return params;
}

/* ---------------------------------------------------------------------- one step */

static void sums_decay_and_take_in_the_probability(void **state)
{
    (void)state;
    static const struct {
        float target, decay, sum, weight, next_sum, next_weight; /* where the token's probability is 1 */
    } cases[] = {
        {.25f, .5f, 0, 0, 1.25f, 2}, /* begins with .5 and 2, which is the target on average */
        {.25f, .5f, 9, 0, 1.25f, 2}, {.25f, .5f, .5f, 2, 1.25f, 2}, {.75f, .25f, 3, 4, 1.75f, 2},
        {.25f, 0, 7, 3, 1, 1},       {1, .5f, 2, 2, 2, 2},          {0, .75f, 0, 0, 1, 4},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        tombola_params params = with_state(cases[i].target, cases[i].decay, cases[i].sum, cases[i].weight);
        tombola_params_observe(&params, 0.0f);
        assert_real_equal(params.adaptive_sum, cases[i].next_sum);
        assert_real_equal(params.adaptive_weight, cases[i].next_weight);
    }
}

/* Each operation is rounded, none is fused with the next; and the probability is near what libm has. */
static void each_operation_is_rounded(void **state)
{
    (void)state;
    uint64_t random = 5;
    for (size_t i = 0; i < 20000; i++) {
        const float sum = (float)random_below(&random, 1u << 24) * 0x1p-20f,
                    weight = (float)(1 + random_below(&random, 1u << 24)) * 0x1p-20f,
                    decay = (float)random_below(&random, 1000) * .00099f,
                    observed = -(float)random_below(&random, 1u << 24) * (i % 2 ? 0x1p-20f : 0x1p-17f);
        tombola_params alone = with_state(.3f, 0, sum, weight), params = with_state(.3f, decay, sum, weight);
        tombola_params_observe(&alone, observed);
        tombola_params_observe(&params, observed);
        const double p = exp((double)observed);
        assert_near(alone.adaptive_sum, p, 1e-6 * p * (1.0 - (double)observed) + 1e-37);
        volatile float old_sum = decay * sum, old_weight = decay * weight;
        volatile float next_sum = alone.adaptive_sum + old_sum, next_weight = 1.0f + old_weight;
        assert_real_equal(params.adaptive_sum, next_sum);
        assert_real_equal(params.adaptive_weight, next_weight);
    }
}

static void the_state_stays_where_there_is_nothing_to_learn(void **state)
{
    (void)state;
    static const struct {
        float target, observed;
    } cases[] = {{.3f, -INFINITY}, {.3f, NAN}, {-1.0f, -2.0f}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        tombola_params params = with_state(cases[i].target, .9f, 1, 2);
        const tombola_params before = params;
        tombola_params_observe(&params, cases[i].observed);
        assert_memory_equal(&params, &before, sizeof params);
    }
    tombola_params params = with_state(.3f, .9f, 1, 2); /* of a caller whose struct ends before it */
    params.struct_size = offsetof(tombola_params, adaptive_target);
    tombola_params_observe(&params, -1.0f);
    assert_real_equal(params.adaptive_sum, 1);
    assert_real_equal(params.adaptive_weight, 2);
}

/* ---------------------------------------------------------------------- sequences of tokens */

enum { V = 600, SEQUENCES = 6, TOKENS = 50 };

/* Logits of one step of a sequence, of several steepnesses. */
static void fill(float *row, size_t sequence, size_t step)
{
    uint64_t random = 1000 * sequence + step + 1;
    const float slope = (float[]){.5f, 1, 2, 1.5f, 3, .1f}[sequence];
    for (size_t id = 0; id < V; id++) {
        const float uniform = ((float)random_below(&random, 1u << 20) + .5f) * 0x1p-20f;
        row[id] = -slope * logf(uniform) + 1e-3f * (float)(id % 7);
    }
}

/* What a sequence has come to: its state before each step, and its tokens. */
struct course {
    float sum[TOKENS + 1], weight[TOKENS + 1], observed[TOKENS], logprob[TOKENS];
    int32_t tokens[TOKENS];
};

static tombola_params course_params(size_t sequence)
{
    static const float targets[SEQUENCES] = {.1f, .3f, .5f, .9f, .02f, 0},
                       decays[SEQUENCES] = {.9f, .99f, .5f, 0, .8f, .9f};
    tombola_params params = with_state(targets[sequence], decays[sequence], 0, 0);
    params.temperature = sequence == 3 ? .8f : 1.0f;
    params.top_k = 20;
    params.seed = 10 + sequence;
    params.method = sequence % 2;
    return params;
}

/* Draws sequences side by side: those from `first` on, `count` of them. */
static void run_courses(size_t first, size_t count, tombola_dispatch dispatch, struct course *courses)
{
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, V};
    tombola_sampler *sampler = make_sampler(context, &make, count, dispatch);
    float *logits = allocate(count * V, sizeof *logits), observed[SEQUENCES], logprobs[SEQUENCES];
    tombola_params params[SEQUENCES];
    int32_t tokens[SEQUENCES];
    for (size_t i = 0; i < count; i++) {
        params[i] = course_params(first + i);
    }
    for (size_t step = 0; step < TOKENS; step++) {
        for (size_t i = 0; i < count; i++) {
            fill(logits + i * V, first + i, step);
        }
        const tombola_rows rows = host_rows(logits, count, V, params);
        tombola_results results = tombola_results_default();
        results.tokens.host = tokens;
        results.observed.host = observed;
        results.logprobs.host = logprobs;
        call_rows(sampler, &rows, &results);
        for (size_t i = 0; i < count; i++) {
            struct course *course = &courses[first + i];
            course->sum[step] = params[i].adaptive_sum;
            course->weight[step] = params[i].adaptive_weight;
            course->observed[step] = observed[i];
            course->logprob[step] = logprobs[i];
            course->tokens[step] = tokens[i];
            tombola_params_observe(&params[i], observed[i]);
            course->sum[step + 1] = params[i].adaptive_sum;
            course->weight[step + 1] = params[i].adaptive_weight;
            params[i].offset++;
        }
    }
    free(logits);
    tombola_sampler_release(sampler);
}

static int falling(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* The probabilities of the top_k tokens among themselves, by id; 0 for others. */
static void share(const float *row, const tombola_params *params, double *p)
{
    double sorted[V], sum = 0;
    for (size_t id = 0; id < V; id++) {
        sorted[id] = (double)row[id];
    }
    qsort(sorted, V, sizeof *sorted, falling);
    for (size_t id = 0; id < V; id++) {
        const int stays = (double)row[id] >= sorted[params->top_k - 1];
        p[id] = stays ? exp(((double)row[id] - sorted[0]) / (double)params->temperature) : 0;
        sum += p[id];
    }
    for (size_t id = 0; id < V; id++) {
        p[id] /= sum;
    }
}

/* llama_sampler_adaptive_p_apply, in binary64: ln of the new probability of a token, of those that have one. */
static double llama_logprob(const double *p, double target, size_t token)
{
    double sum = 0, own = 0;
    for (size_t id = 0; id < V; id++) {
        const double distance = fabs(p[id] - target) / .3, z = 5 - 10 * distance * distance / (1 + distance);
        sum += p[id] > 0 ? exp(z) : 0;
        own = id == token ? z : own;
    }
    return own - log(sum);
}

/* Given the tokens drawn, states and probabilities are those of llama.cpp's formulas, but for rounding. */
static void states_go_the_way_of_llama_cpp(void **state)
{
    (void)state;
    static struct course courses[SEQUENCES];
    run_courses(0, SEQUENCES, TOMBOLA_DISPATCH_ROW, courses);
    for (size_t sequence = 0; sequence < SEQUENCES; sequence++) {
        const tombola_params params = course_params(sequence);
        const struct course *course = &courses[sequence];
        const double target = (double)params.adaptive_target, decay = (double)params.adaptive_decay;
        double sum = target / (1 - decay), weight = 1 / (1 - decay), p[V];
        float row[V];
        for (size_t step = 0; step < TOKENS; step++) {
            const double adapted = fmin(fmax(2 * target - sum / weight, 0), 1);
            const size_t token = (size_t)course->tokens[step];
            fill(row, sequence, step);
            share(row, &params, p);
            assert_near(course->observed[step], log(p[token]), 1e-5);
            assert_near(course->logprob[step], llama_logprob(p, adapted, token), 5e-5);
            sum = p[token] + decay * sum;
            weight = 1 + decay * weight;
            assert_near(course->sum[step + 1], sum, 1e-4);
            assert_near(course->weight[step + 1], weight, 1e-4);
        }
    }
}

static void a_batch_of_one_goes_as_it_does_among_others(void **state)
{
    (void)state;
    static struct course all[SEQUENCES], alone[SEQUENCES];
    run_courses(0, SEQUENCES, TOMBOLA_DISPATCH_SPREAD, all);
    for (size_t sequence = 0; sequence < SEQUENCES; sequence++) {
        run_courses(sequence, 1, sequence % 2 ? TOMBOLA_DISPATCH_SPREAD : TOMBOLA_DISPATCH_ROW, alone);
    }
    assert_memory_equal(all, alone, sizeof all);
}

/* Where tokens of all probabilities are to be had, those drawn come to the target on average. */
static void the_average_comes_to_the_target(void **state)
{
    (void)state;
    enum { FEW = 8, MANY = 600 };
    static const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_PROBABILITIES, FEW};
    static const float row[FEW] = {.4f, .25f, .15f, .1f, .05f, .03f, .015f, .005f};
    tombola_sampler *sampler = make_sampler(context, &make, 1, TOMBOLA_DISPATCH_AUTO);
    for (uint32_t turn = 0; turn < 3; turn++) {
        tombola_params params = with_state((float[]){.1f, .2f, .3f}[turn], .9f, 0, 0);
        const uint32_t steps = test_level() == TEST_SMALL ? 20 : MANY;
        double sum = 0;
        for (; params.offset < steps; params.offset++) {
            float observed;
            const tombola_rows rows = host_rows(row, 1, 0, &params);
            tombola_results results = tombola_results_default();
            results.observed.host = &observed;
            assert_int_equal(tombola_sampler_sample(sampler, &rows, &results, NULL), TOMBOLA_OK);
            sum += exp((double)observed);
            tombola_params_observe(&params, observed);
        }
        assert_near(sum / steps, params.adaptive_target, test_level() == TEST_SMALL ? .15 : .03);
    }
    tombola_sampler_release(sampler);
}

/* ---------------------------------------------------------------------- generate */

enum { COUNT = 6 };

/* Every other sequence has adaptive-p. */
static struct batch make_adaptive(void)
{
    struct batch batch = make_batch(COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        batch.params[i].temperature = 1.0f;
        batch.params[i].adaptive_target = i % 2 ? .05f : -1.0f;
    }
    return batch;
}

static int has_observed(const tombola_params *start, const tombola_params *end)
{
    (void)start;
    return end->adaptive_weight > 0.0f;
}

static void sequences_carry_their_state_along(void **state)
{
    (void)state;
    const struct batch start = make_adaptive();
    expect_state_carried(&start, has_observed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_decay_and_take_in_the_probability),
        cmocka_unit_test(each_operation_is_rounded),
        cmocka_unit_test(the_state_stays_where_there_is_nothing_to_learn),
        cmocka_unit_test(states_go_the_way_of_llama_cpp),
        cmocka_unit_test(a_batch_of_one_goes_as_it_does_among_others),
        cmocka_unit_test(the_average_comes_to_the_target),
        cmocka_unit_test(sequences_carry_their_state_along),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
