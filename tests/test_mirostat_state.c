/* The state of rows with mirostat: how it goes on from token to token, beside llama.cpp's formulas, in batches of any
 * size, and in the loop that carries it by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "expect.h"
#include "group.h"
#include "harness.h"
#include "rows.h"
#include "state_carried.h"
#include "toy.h"

static tombola_params with_state(float mu, float entropy, float rate)
{
    tombola_params params = params_at(1.0f);
    params.mirostat = 2;
    params.mirostat_mu = mu;
    params.mirostat_entropy = entropy;
    params.mirostat_rate = rate;
    return params;
}

/* ---------------------------------------------------------------------- one step */

static float next_of(tombola_params params, float observed)
{
    tombola_params_observe(&params, observed);
    return params.mirostat_mu;
}

static void the_state_falls_by_the_rate_of_what_the_surprise_exceeds(void **state)
{
    (void)state;
    const float half = -0x1.62e43p-1f; /* a token of 1 bit, to the bit */
    static const struct {
        float mu, entropy, rate, halvings, next;
    } cases[] = {
        {10, 5, .5f, 1, 12},     {10, 5, .5f, 5, 10},    {10, 5, .5f, 9, 8},          {10, 5, 0, 9, 10},
        {-4, 0, 1, 3, -7},       {10, 5, .5f, 0, 12.5f}, {0, 5, FLT_MAX, 0, FLT_MAX}, {0, 0, FLT_MAX, 8, -FLT_MAX},
        {1, 3e38f, 1, 0, 3e38f},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const tombola_params params = with_state(cases[i].mu, cases[i].entropy, cases[i].rate);
        assert_real_equal(next_of(params, half * cases[i].halvings), cases[i].next);
    }
}

/* Each operation is rounded: none is fused with the next. */
static void each_operation_is_rounded(void **state)
{
    (void)state;
    uint64_t random = 5;
    for (size_t i = 0; i < 1000; i++) {
        const float mu = (float)random_below(&random, 1u << 24) * 0x1p-20f,
                    rate = (float)random_below(&random, 1000) * .001f;
        const float observed = -(float)random_below(&random, 1u << 24) * 0x1p-20f;
        const tombola_params params = with_state(mu, 3.3f, rate);
        volatile float surprise = -observed * 0x1.715476p+0f;
        volatile float excess = surprise - 3.3f;
        volatile float step = rate * excess;
        volatile float next = mu - step;
        assert_real_equal(next_of(params, observed), next);
    }
}

static void the_state_stays_where_there_is_nothing_to_learn(void **state)
{
    (void)state;
    tombola_params params = with_state(7.5f, 3, .5f);
    assert_real_equal(next_of(params, -INFINITY), 7.5f);
    assert_real_equal(next_of(params, NAN), 7.5f);
    params.mirostat = 0;
    assert_real_equal(next_of(params, -1.0f), 7.5f);
    params = with_state(7.5f, 3, .5f); /* of a caller whose struct ends before mirostat */
    params.struct_size = offsetof(tombola_params, mirostat);
    assert_real_equal(next_of(params, -1.0f), 7.5f);
}

static void it_begins_with_twice_the_entropy(void **state)
{
    (void)state;
    const float half = -0x1.62e43p-1f;
    assert_true(isinf(tombola_params_default().mirostat_mu));
    assert_real_equal(next_of(with_state(INFINITY, 3, .5f), half), next_of(with_state(6, 3, .5f), half));
    assert_real_equal(next_of(with_state(INFINITY, 3e38f, 0), half), FLT_MAX);
    assert_true(isinf(next_of(with_state(INFINITY, 3, .5f), -INFINITY)));
    enum { V = 1000 };
    tombola_error error = tombola_error_default();
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, V};
    float row[V];
    row_fill(&(struct row_recipe){ROW_GAUSSIAN, 3, V, TOMBOLA_FLOAT32, TOMBOLA_LOGITS}, row, NULL);
    for (uint32_t version = 1; version <= 2; version++) {
        tombola_sampler *sampler = make_sampler(context, &make, 1, TOMBOLA_DISPATCH_AUTO);
        uint32_t kept[3];
        for (int i = 0; i < 3; i++) {
            tombola_params params = with_state(i == 0 ? INFINITY : i == 1 ? 6 : 10, 3, .5f);
            params.mirostat = version;
            tombola_rows rows = tombola_rows_default();
            tombola_results results = tombola_results_default();
            rows.count = 1;
            rows.logits.host = row;
            rows.params = &params;
            results.kept.host = &kept[i];
            assert_int_equal(tombola_sampler_sample(sampler, &rows, &results, &error), TOMBOLA_OK);
        }
        assert_int_equal(kept[0], kept[1]);
        assert_int_not_equal(kept[0], kept[2]);
        tombola_sampler_release(sampler);
    }
}

/* ---------------------------------------------------------------------- sequences of tokens */

enum { V = 5000, SEQUENCES = 6, TOKENS = 50 };

/* Logits of one step of a sequence, of several steepnesses. */
static void fill(float *row, size_t sequence, size_t step)
{
    uint64_t random = 1000 * sequence + step + 1;
    const float slope = (float[]){.5f, 1, 2, 1.5f, 4, .1f}[sequence];
    for (size_t id = 0; id < V; id++) {
        const float uniform = ((float)random_below(&random, 1u << 20) + .5f) * 0x1p-20f;
        row[id] = -slope * logf(uniform) + 1e-3f * (float)(id % 7);
    }
}

/* What a sequence has come to: its state before each step, and its tokens. */
struct course {
    float mu[TOKENS + 1], observed[TOKENS];
    int32_t tokens[TOKENS];
    uint32_t kept[TOKENS];
};

static tombola_params course_params(size_t sequence, uint32_t version)
{
    const float entropy = 3.0f + (float)(sequence % 3);
    tombola_params params = with_state(2 * entropy, entropy, sequence % 2 ? .1f : .4f);
    params.mirostat = version;
    params.temperature = sequence == 3 ? .8f : 1.0f;
    params.seed = 10 + sequence;
    params.method = sequence % 2;
    return params;
}

/* Draws sequences side by side: those from `first` on, `count` of them. */
static void run_courses(size_t first, size_t count, uint32_t version, tombola_dispatch dispatch, struct course *courses)
{
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, V};
    tombola_sampler *sampler = make_sampler(context, &make, count, dispatch);
    float *logits = allocate(count * V, sizeof *logits), observed[SEQUENCES];
    tombola_params params[SEQUENCES];
    int32_t tokens[SEQUENCES];
    uint32_t kept[SEQUENCES];
    for (size_t i = 0; i < count; i++) {
        params[i] = course_params(first + i, version);
    }
    for (size_t step = 0; step < TOKENS; step++) {
        for (size_t i = 0; i < count; i++) {
            fill(logits + i * V, first + i, step);
        }
        const tombola_rows rows = host_rows(logits, count, V, params);
        tombola_results results = tombola_results_default();
        results.tokens.host = tokens;
        results.kept.host = kept;
        results.observed.host = observed;
        call_rows(sampler, &rows, &results);
        for (size_t i = 0; i < count; i++) {
            struct course *course = &courses[first + i];
            course->mu[step] = params[i].mirostat_mu;
            course->observed[step] = observed[i];
            course->tokens[step] = tokens[i];
            course->kept[step] = kept[i];
            params[i].mirostat_mu = course->mu[step + 1] = next_of(params[i], observed[i]);
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

/* llama_sampler_mirostat_v2_apply, in binary64, of shares in falling order: how many stay, where mu is higher by `off`.
 */
static size_t llama_kept_2(const double *shares, double mu, double off)
{
    size_t kept = 0;
    while (kept < V && -log2(shares[kept]) <= mu + off) {
        kept++;
    }
    return kept ? kept : 1;
}

/* llama_sampler_mirostat_apply, likewise. */
static size_t llama_kept_1(const double *shares, double mu, double off)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < 99; i++) {
        const double t = log(((double)i + 2) / ((double)i + 1));
        sum += t * log(shares[i] / shares[i + 1]);
        squares += t * t;
    }
    const double s = sum / squares, e = s - 1, k = pow(e * exp2(mu + off) / (1 - pow(V, -e)), 1 / s);
    return k < 1 ? 1 : k > V ? V : (size_t)k;
}

/* Shares at a temperature: by id; and sorted. */
static void share(const float *row, double temperature, double *by_id, double *sorted)
{
    double most = -INFINITY, sum = 0;
    for (size_t id = 0; id < V; id++) {
        most = fmax(most, (double)row[id]);
    }
    for (size_t id = 0; id < V; id++) {
        by_id[id] = exp(((double)row[id] - most) / temperature);
        sum += by_id[id];
    }
    for (size_t id = 0; id < V; id++) {
        sorted[id] = by_id[id] /= sum;
    }
    qsort(sorted, V, sizeof *sorted, falling);
}

/* Given the tokens drawn, kept tokens and states are those of llama.cpp's formulas, but for rounding. */
static void expect_llama(const struct course *courses, uint32_t version,
                         size_t (*kept_by)(const double *shares, double mu, double off))
{
    static double by_id[V], sorted[V];
    static float row[V];
    for (size_t sequence = 0; sequence < SEQUENCES; sequence++) {
        const tombola_params params = course_params(sequence, version);
        const struct course *course = &courses[sequence];
        double mu = (double)params.mirostat_mu, sum = 0;
        for (size_t step = 0; step < TOKENS; step++) {
            fill(row, sequence, step);
            share(row, (double)params.temperature, by_id, sorted);
            assert_near(course->mu[step], mu, 2e-4);
            assert_in_range(course->kept[step], kept_by(sorted, mu, -3e-4), kept_by(sorted, mu, 3e-4));
            double mass = 0;
            for (size_t rank = 0; rank < course->kept[step]; rank++) {
                mass += sorted[rank];
            }
            const double surprise = -log2(by_id[course->tokens[step]] / mass);
            mu -= (double)params.mirostat_rate * (surprise - (double)params.mirostat_entropy);
            sum += step < TOKENS / 2 ? 0 : surprise;
        }
        if (sequence == 0) { /* where there is as much surprise to be had, and time to find it */
            assert_near(sum / (TOKENS - TOKENS / 2), params.mirostat_entropy, 1.0);
        }
    }
}

static void states_go_the_way_of_llama_cpp(void **state)
{
    (void)state;
    static struct course courses[SEQUENCES];
    run_courses(0, SEQUENCES, 2, TOMBOLA_DISPATCH_ROW, courses);
    expect_llama(courses, 2, llama_kept_2);
    run_courses(0, SEQUENCES, 1, TOMBOLA_DISPATCH_ROW, courses);
    expect_llama(courses, 1, llama_kept_1);
}

static void a_batch_of_one_goes_as_it_does_among_others(void **state)
{
    (void)state;
    static struct course all[SEQUENCES], alone[SEQUENCES];
    for (uint32_t version = 1; version <= 2; version++) {
        run_courses(0, SEQUENCES, version, TOMBOLA_DISPATCH_SPREAD, all);
        for (size_t sequence = 0; sequence < SEQUENCES; sequence++) {
            run_courses(sequence, 1, version, sequence % 2 ? TOMBOLA_DISPATCH_SPREAD : TOMBOLA_DISPATCH_ROW, alone);
        }
        assert_memory_equal(all, alone, sizeof all);
    }
}

/* ---------------------------------------------------------------------- generate */

enum { COUNT = 6 };

/* Every other sequence has mirostat. */
static struct batch make_adaptive(void)
{
    struct batch batch = make_batch(COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        tombola_params *params = &batch.params[i];
        const tombola_params like = with_state(6, 3, .5f);
        params->temperature = 1.0f;
        params->mirostat = i % 2 ? 1 + i / 2 % 2 : 0;
        params->mirostat_mu = like.mirostat_mu;
        params->mirostat_entropy = like.mirostat_entropy;
        params->mirostat_rate = like.mirostat_rate;
    }
    return batch;
}

static int has_observed(const tombola_params *start, const tombola_params *end)
{
    return end->mirostat_mu != start->mirostat_mu;
}

static void sequences_carry_their_state_along(void **state)
{
    (void)state;
    const struct batch start = make_adaptive();
    expect_state_carried(&start, has_observed);
}

/* In two calls as in one; and where the second one finds its state in a struct that was copied meanwhile. */
static void sequences_go_on_with_the_state_that_they_have_left(void **state)
{
    (void)state;
    struct batch whole = make_adaptive(), parts = make_adaptive();
    for (size_t i = 0; i < COUNT; i++) {
        parts.sequences[i].max_new_tokens = 4;
    }
    assert_int_equal(run(&whole, ROWS, NULL), TOMBOLA_OK);
    assert_int_equal(run(&parts, ROWS, NULL), TOMBOLA_OK);
    struct batch copied = parts;
    for (size_t i = 0; i < COUNT; i++) {
        parts.params[i].mirostat_mu = 0; /* another one's affair */
        copied.sequences[i].max_new_tokens = whole.sequences[i].max_new_tokens - 4;
    }
    assert_int_equal(run(&copied, ROWS, NULL), TOMBOLA_OK);
    for (size_t i = 0; i < COUNT; i++) {
        assert_same(&copied, i, &whole, i);
        assert_real_equal(copied.params[i].mirostat_mu, whole.params[i].mirostat_mu);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_state_falls_by_the_rate_of_what_the_surprise_exceeds),
        cmocka_unit_test(each_operation_is_rounded),
        cmocka_unit_test(the_state_stays_where_there_is_nothing_to_learn),
        cmocka_unit_test(it_begins_with_twice_the_entropy),
        cmocka_unit_test(states_go_the_way_of_llama_cpp),
        cmocka_unit_test(a_batch_of_one_goes_as_it_does_among_others),
        cmocka_unit_test(sequences_carry_their_state_along),
        cmocka_unit_test(sequences_go_on_with_the_state_that_they_have_left),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
