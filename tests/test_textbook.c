/* What textbooks say of sampling: their tables, and the distributions that many draws have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "expect.h"
#include "group.h"
#include "harness.h"
#include "rows.h"

#define SEED UINT64_C(20250320)
#define BATCH 4096u

/* How far from its mean a test statistic may lie, in standard deviations: a chance of one in a million
 * for a right sampler. The seeds are fixed, so a test that has passed once passes always. */
#define DEVIATIONS 4.75

static const float textbook[] = {.5f, .3f, .15f, .05f};

/* The same numbers as a row of probabilities and as one of logits. */
static void row_of(const float *p, uint32_t vocabulary, tombola_input input, float *row)
{
    for (uint32_t id = 0; id < vocabulary; id++) {
        row[id] = input == TOMBOLA_PROBABILITIES ? p[id] : logf(p[id]);
    }
}

static void temperature_sharpens_and_flattens_as_the_table_says(void **state)
{
    (void)state;
    static const struct {
        float temperature, p[4];
    } table[] = {{.5f, {.685f, .247f, .062f, .007f}},  {1.0f, {.5f, .3f, .15f, .05f}},
                 {2.0f, {.379f, .294f, .208f, .120f}}, {INFINITY, {.25f, .25f, .25f, .25f}},
                 {0.0f, {1.0f, 0.0f, 0.0f, 0.0f}},     {.01f, {1.0f, 0.0f, 0.0f, 0.0f}}};
    for (int input = TOMBOLA_LOGITS; input <= TOMBOLA_PROBABILITIES; input++) {
        const struct make make = {TOMBOLA_FLOAT32, (tombola_input)input, 4};
        float row[4], p[4];
        row_of(textbook, 4, make.input, row);
        for (size_t i = 0; i < COUNT_OF(table); i++) {
            softmax_once(context, &make, row, table[i].temperature, p);
            for (size_t id = 0; id < 4; id++) {
                /* three decimals in the table; at 1 the row itself, within softmax's own bound */
                float within = table[i].temperature == 1.0f ? 2e-6f : .0005f;
                assert_float_equal(p[id], table[i].p[id], within);
            }
        }
    }
}

static void zero_stays_zero_at_any_temperature(void **state)
{
    (void)state;
    static const float temperatures[] = {0.0f, .5f, 1.0f, 100.0f, 1e30f, INFINITY};
    const float p[] = {0.0f, .5f, -0.0f, .5f, 0x1p-127f, 0.0f};
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_PROBABILITIES, COUNT_OF(p)};
    static float rows[BATCH * COUNT_OF(p)];
    static tombola_params params[BATCH];
    static struct draw draws[BATCH];
    tombola_sampler *sampler = make_sampler(context, &make, BATCH, TOMBOLA_DISPATCH_AUTO);
    for (size_t i = 0; i < COUNT_OF(temperatures); i++) {
        float got[COUNT_OF(p)];
        softmax_once(context, &make, p, temperatures[i], got);
        for (size_t row = 0; row < BATCH; row++) {
            memcpy(rows + row * COUNT_OF(p), p, sizeof p);
            params[row] = params_at(temperatures[i]);
            params[row].offset = row;
        }
        call_sample(sampler, &make, rows, BATCH, params, draws);
        for (size_t row = 0; row < BATCH; row++) {
            assert_that(draws[row].token == 1 || draws[row].token == 3, "row %zu gives token %d", row,
                        draws[row].token);
            assert_int_equal(draws[row].kept, temperatures[i] > 0.0f ? 2 : 1);
        }
        assert_real_equal(got[0], 0.0f);
        assert_real_equal(got[2], 0.0f);
        assert_real_equal(got[4], 0.0f);
        assert_real_equal(got[5], 0.0f);
    }
    tombola_sampler_release(sampler);
}

static void the_nucleus_keeps_the_token_that_crosses_p_and_no_more(void **state)
{
    (void)state;
    static const float p[] = {.4f, .3f, .2f, .1f};
    static const struct {
        float top_p;
        uint32_t kept;
    } cases[] = {{0.0f, 1}, {1e-6f, 1}, {.39f, 1}, {.4f, 1},  {.41f, 2},   {.69f, 2},
                 {.7f, 2},  {.71f, 3},  {.9f, 3},  {.91f, 4}, {.9999f, 4}, {1.0f, 4}};
    for (int input = TOMBOLA_LOGITS; input <= TOMBOLA_PROBABILITIES; input++) {
        const struct make make = {TOMBOLA_FLOAT32, (tombola_input)input, 4};
        float row[4];
        row_of(p, 4, make.input, row);
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
            tombola_params params = params_at(1.0f);
            params.top_p = cases[i].top_p;
            assert_int_equal(draw_once(context, &make, row, &params).kept, cases[i].kept);
        }
    }
}

static void top_n_sigma_keeps_what_the_deviation_reaches(void **state)
{
    (void)state;
    static const float p[] = {.1f, .2f, .3f, .4f}, temperatures[] = {.5f, 1.0f, 3.0f};
    static const struct {
        float sigmas; /* ln .4 - ln .3 is .552 of them, ln .4 - ln .2 is 1.331, ln .4 - ln .1 is 2.662 */
        uint32_t kept;
    } cases[] = {{0.0f, 4},  {1e-30f, 1}, {.55f, 1},  {.555f, 2}, {1.0f, 2},
                 {1.33f, 2}, {1.333f, 3}, {2.66f, 3}, {2.67f, 4}, {FLT_MAX, 4}};
    for (int input = TOMBOLA_LOGITS; input <= TOMBOLA_PROBABILITIES; input++) {
        const struct make make = {TOMBOLA_FLOAT32, (tombola_input)input, 4};
        float row[4];
        row_of(p, 4, make.input, row);
        for (size_t i = 0; i < COUNT_OF(cases) * COUNT_OF(temperatures); i++) {
            tombola_params params = params_at(temperatures[i % COUNT_OF(temperatures)]);
            params.top_n_sigma = cases[i / COUNT_OF(temperatures)].sigmas;
            assert_int_equal(draw_once(context, &make, row, &params).kept, cases[i / COUNT_OF(temperatures)].kept);
        }
    }
}

/* Draws `count` tokens from one row, at offsets from the given one. */
static void draw_many(const struct make *make, const float *row, const tombola_params *params, size_t count,
                      int32_t *tokens)
{
    float *rows = allocate((size_t)BATCH * make->vocabulary, sizeof *rows);
    tombola_params *batch = allocate(BATCH, sizeof *batch);
    struct draw *draws = allocate(BATCH, sizeof *draws);
    tombola_sampler *sampler = make_sampler(context, make, BATCH, TOMBOLA_DISPATCH_AUTO);
    for (size_t i = 0; i < BATCH; i++) {
        memcpy(rows + i * make->vocabulary, row, make->vocabulary * sizeof *row);
    }
    for (size_t done = 0; done < count; done += BATCH) {
        size_t size = count - done < BATCH ? count - done : BATCH;
        for (size_t i = 0; i < size; i++) {
            batch[i] = *params;
            batch[i].offset += done + i;
        }
        call_sample(sampler, make, rows, size, batch, draws);
        for (size_t i = 0; i < size; i++) {
            tokens[done + i] = draws[i].token;
        }
    }
    tombola_sampler_release(sampler);
    free(draws);
    free(batch);
    free(rows);
}

/* Few where a draw takes milliseconds. The law of the race itself is summed up in test_race_law.c, to seven digits. */
static size_t draw_count(size_t all)
{
    return test_level() == TEST_SMALL ? 4000 : test_level() == TEST_FAST ? all / 4 : all;
}

/* Wilson and Hilferty: the cube root of a chi-square is nearly normal. */
static double chi_square_limit(size_t freedom)
{
    double spread = 2.0 / (9.0 * (double)freedom);
    return (double)freedom * pow(1.0 - spread + DEVIATIONS * sqrt(spread), 3.0);
}

/* Tokens of chance 0 must not occur; those too rare for a bin of their own share one. */
static void expect_distribution(const char *name, const double *chances, uint32_t vocabulary, const int32_t *tokens,
                                size_t count)
{
    size_t *seen = allocate(vocabulary, sizeof *seen), bins = 0;
    double chi_square = 0.0, wanted = 0.0, got = 0.0;
    for (size_t i = 0; i < count; i++) {
        assert_in_range(tokens[i], 0, vocabulary - 1);
        seen[tokens[i]]++;
    }
    for (uint32_t id = 0; id < vocabulary; id++) {
        if (chances[id] <= 0.0)
            assert_int_equal(seen[id], 0);
        wanted += chances[id] * (double)count;
        got += (double)seen[id];
        if (wanted >= 10.0) { /* enough for the normal law to hold */
            chi_square += (got - wanted) * (got - wanted) / wanted;
            wanted = got = 0.0;
            bins++;
        }
    }
    double rest = wanted > 0.0 ? (got - wanted) * (got - wanted) / 10.0 : 0.0;
    if (bins < 2 || chi_square + rest > chi_square_limit(bins)) {
        fail_msg("%s: chi-square is %g over %zu bins, above %g", name, chi_square + rest, bins, chi_square_limit(bins));
    }
    free(seen);
}

static const double *sorted_chances;

static int compare_chances(const void *left, const void *right)
{
    double a = sorted_chances[*(const uint32_t *)left], b = sorted_chances[*(const uint32_t *)right];
    return a > b ? -1 : a < b;
}

/* The textbook's definition in binary64: softmax, then each filter over what the last one left; softmax at temperature
 * 1 where the order has the temperature last. */
static void filtered_softmax(const float *z, uint32_t vocabulary, const tombola_params *params, double *chances)
{
    uint32_t *order = allocate(vocabulary, sizeof *order), kept = vocabulary, rank = 0;
    const int temperature_last = params->filters[0] == TOMBOLA_FILTER_TOP_N_SIGMA;
    const double hot = (double)params->temperature, first = temperature_last ? 1.0 : hot;
    double sum = 0.0, before = 0.0;
    for (uint32_t id = 0; id < vocabulary; id++) {
        chances[id] = exp((double)z[id] / first);
        order[id] = id;
    }
    sorted_chances = chances;
    qsort(order, vocabulary, sizeof *order, compare_chances);
    kept = params->top_k && params->top_k < kept ? params->top_k : kept;
    for (rank = 0; rank < kept; rank++) {
        sum += chances[order[rank]];
    }
    for (rank = 0; rank < kept && (rank == 0 || before < (double)params->top_p * sum); rank++) {
        before += chances[order[rank]];
    }
    kept = params->top_p < 1.0f ? rank : kept;
    for (rank = 0; rank < kept && chances[order[rank]] >= (double)params->min_p * chances[order[0]]; rank++) {
    }
    kept = rank;
    sum = 0.0;
    for (rank = 0; rank < kept; rank++) {
        const uint32_t id = order[rank];
        chances[id] = temperature_last ? exp((double)z[id] / hot) : chances[id];
        sum += chances[id];
    }
    for (rank = 0; rank < vocabulary; rank++) {
        chances[order[rank]] = rank < kept ? chances[order[rank]] / sum : 0.0;
    }
    free(order);
}

static const char *const methods[] = {[TOMBOLA_RACE] = "by race", [TOMBOLA_INVERSE_CDF] = "by inverse CDF"};

static void expect_draws(const char *what, uint32_t vocabulary, size_t count, tombola_params params)
{
    const struct make make = {.vocabulary = vocabulary};
    const struct row_recipe recipe = {.kind = ROW_GAUSSIAN, .seed = 3, .vocabulary = vocabulary};
    float *z = allocate(vocabulary, sizeof *z);
    double *chances = allocate(vocabulary, sizeof *chances);
    int32_t *tokens = allocate(count, sizeof *tokens);
    params.seed = SEED;
    row_fill(&recipe, z, NULL);
    z[vocabulary / 2] = -INFINITY;
    filtered_softmax(z, vocabulary, &params, chances);
    for (params.method = 0; params.method < COUNT_OF(methods); params.method++) {
        char name[80];
        snprintf(name, sizeof name, "%s %s", what, methods[params.method]);
        draw_many(&make, z, &params, count, tokens);
        expect_distribution(name, chances, vocabulary, tokens, count);
    }
    free(tokens);
    free(chances);
    free(z);
}

static tombola_params filters(float temperature, uint32_t top_k, float top_p, float min_p)
{
    tombola_params params = params_at(temperature);
    params.top_k = top_k;
    params.top_p = top_p;
    params.min_p = min_p;
    return params;
}

static void draws_follow_the_distribution(void **state)
{
    (void)state;
    size_t million = draw_count(1000000), some = draw_count(200000);
    expect_draws("plain", 50, million, filters(1.0f, 0, 1.0f, 0.0f));
    expect_draws("top-k", 50, million, filters(0.9f, 12, 1.0f, 0.0f));
    expect_draws("top-p", 50, million, filters(0.9f, 0, 0.8f, 0.0f));
    expect_draws("min-p", 50, million, filters(1.2f, 0, 1.0f, 0.05f));
    expect_draws("hot", 50, some, filters(3.0f, 0, 1.0f, 0.0f));
    expect_draws("all filters", 50, some, filters(1.5f, 30, 0.95f, 0.02f));
    tombola_params last = filters(1.7f, 30, 0.9f, 0.02f);
    tombola_filters_temperature_last(&last);
    expect_draws("temperature last", 50, some, last);
    expect_draws("plain over four blocks", 1000, some, filters(1.0f, 0, 1.0f, 0.0f));
    expect_draws("top-p over four blocks", 1000, some, filters(1.0f, 0, 0.9f, 0.0f));
}

/* Of .4 .3 .2 .1, by each method, from probabilities and from logits. */
static void expect_chances(const char *name, tombola_params params, const double chances[4])
{
    static const float p[] = {.4f, .3f, .2f, .1f};
    size_t count = draw_count(200000);
    int32_t *tokens = allocate(count, sizeof *tokens);
    params.seed = SEED;
    for (int input = TOMBOLA_LOGITS; input <= TOMBOLA_PROBABILITIES; input++) {
        const struct make make = {TOMBOLA_FLOAT32, (tombola_input)input, 4};
        float row[4];
        row_of(p, 4, make.input, row);
        for (params.method = 0; params.method < COUNT_OF(methods); params.method++) {
            draw_many(&make, row, &params, count, tokens);
            expect_distribution(name, chances, 4, tokens, count);
        }
    }
    free(tokens);
}

static void filters_renormalise_what_they_keep(void **state)
{
    (void)state;
    expect_chances("top-k 3", filters(1.0f, 3, 1.0f, 0.0f), (double[]){4.0 / 9.0, 3.0 / 9.0, 2.0 / 9.0, 0.0});
    tombola_params params = filters(1.0f, 0, 1.0f, 0.0f);
    params.top_n_sigma = 1.0f;
    expect_chances("top-n-sigma 1", params, (double[]){4.0 / 7.0, 3.0 / 7.0, 0.0, 0.0}); /* .571 .429 */
    params = filters(1.0f, 0, 1.0f, 0.0f);
    params.xtc_probability = 1.0f;
    params.xtc_threshold = .29f;
    expect_chances("XTC .29", params, (double[]){0.0, 1.0 / 2.0, 1.0 / 3.0, 1.0 / 6.0});
}

/* Each of 16 x 16 pairs is as likely as any other. */
static void expect_independence(const char *name, const int32_t *a, const int32_t *b, size_t count)
{
    double chances[256], mean = 7.5, product = 0.0;
    int32_t *pairs = allocate(count, sizeof *pairs);
    for (size_t i = 0; i < 256; i++) {
        chances[i] = 1.0 / 256.0;
    }
    for (size_t i = 0; i < count; i++) {
        pairs[i] = a[i] * 16 + b[i];
        product += ((double)a[i] - mean) * ((double)b[i] - mean);
    }
    expect_distribution(name, chances, 256, pairs, count);
    free(pairs);
    double correlation = product / (double)count / (255.0 / 12.0); /* the variance of 0 to 15 */
    if (fabs(correlation) > DEVIATIONS / sqrt((double)count)) {
        fail_msg("%s: the correlation is %g", name, correlation);
    }
}

static void draw_indices(const struct make *make, const float *row, const tombola_params *params, size_t count,
                         uint32_t apart, int32_t *indices)
{
    draw_many(make, row, params, count, indices);
    for (size_t i = 0; i < count; i++) {
        indices[i] /= (int32_t)apart;
    }
}

/* Of the first 16 tokens, or of 16 blocks' first ones. */
static void expect_independent_draws(tombola_method method, uint32_t apart)
{
    enum { V = 16 };
    const struct make make = {.vocabulary = (V - 1) * apart + 1};
    float *equal = allocate(make.vocabulary, sizeof *equal);
    for (uint32_t id = 0; id < make.vocabulary; id++) {
        equal[id] = id % apart ? -INFINITY : 0.0f;
    }
    size_t count = draw_count(apart > 1 ? 50000 : 200000);
    int32_t *plain = allocate(count + 1, sizeof *plain), *other = allocate(count, sizeof *other);
    tombola_params params = params_at(1.0f);
    params.method = method;
    params.seed = SEED;
    draw_indices(&make, equal, &params, count + 1, apart, plain);
    expect_independence("consecutive offsets", plain, plain + 1, count);
    params.stream = 1;
    draw_indices(&make, equal, &params, count, apart, other);
    expect_independence("streams 0 and 1", plain, other, count);
    params.stream = 0;
    params.seed = SEED + 1;
    draw_indices(&make, equal, &params, count, apart, other);
    expect_independence("neighbouring seeds", plain, other, count);
    params.seed = SEED + (UINT64_C(1) << 32);
    draw_indices(&make, equal, &params, count, apart, other);
    expect_independence("seeds that differ above 32 bits", plain, other, count);
    params.seed = SEED;
    params.offset = UINT64_C(1) << 32;
    draw_indices(&make, equal, &params, count, apart, other);
    expect_independence("offsets that differ above 32 bits", plain, other, count);
    free(other);
    free(plain);
    free(equal);
}

static void offsets_streams_and_seeds_draw_independently(void **state)
{
    (void)state;
    expect_independent_draws(TOMBOLA_RACE, 1);
    expect_independent_draws(TOMBOLA_RACE, 256);
    expect_independent_draws(TOMBOLA_INVERSE_CDF, 1);
}

static void a_hot_temperature_draws_evenly_from_the_kept(void **state)
{
    (void)state;
    static const float p[] = {.5f, .01f, .3f, 0.0f, .15f, .04f};
    static const double chances[] = {1.0 / 3.0, 0.0, 1.0 / 3.0, 0.0, 1.0 / 3.0, 0.0};
    size_t count = draw_count(200000);
    int32_t *tokens = allocate(count, sizeof *tokens);
    for (int input = TOMBOLA_LOGITS; input <= TOMBOLA_PROBABILITIES; input++) {
        const struct make make = {TOMBOLA_FLOAT32, (tombola_input)input, COUNT_OF(p)};
        tombola_params params = filters(INFINITY, 3, 1.0f, 0.0f);
        float row[COUNT_OF(p)];
        row_of(p, COUNT_OF(p), make.input, row);
        for (params.method = 0; params.method < COUNT_OF(methods); params.method++) {
            draw_many(&make, row, &params, count, tokens);
            expect_distribution("three of six", chances, COUNT_OF(p), tokens, count);
        }
    }
    free(tokens);
}

static void a_cold_temperature_draws_the_best(void **state)
{
    (void)state;
    static const float temperatures[] = {0.0f, 1e-5f, .001f, .01f};
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_PROBABILITIES, 4};
    int32_t *tokens = allocate(BATCH, sizeof *tokens);
    for (size_t i = 0; i < COUNT_OF(temperatures); i++) {
        const tombola_params params = params_at(temperatures[i]);
        draw_many(&make, textbook, &params, BATCH, tokens); /* the second has less than e^-50 */
        for (size_t n = 0; n < BATCH; n++) {
            assert_int_equal(tokens[n], 0);
        }
    }
    free(tokens);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(temperature_sharpens_and_flattens_as_the_table_says),
        cmocka_unit_test(zero_stays_zero_at_any_temperature),
        cmocka_unit_test(a_cold_temperature_draws_the_best),
        cmocka_unit_test(a_hot_temperature_draws_evenly_from_the_kept),
        cmocka_unit_test(the_nucleus_keeps_the_token_that_crosses_p_and_no_more),
        cmocka_unit_test(top_n_sigma_keeps_what_the_deviation_reaches),
        cmocka_unit_test(filters_renormalise_what_they_keep),
        cmocka_unit_test(draws_follow_the_distribution),
        cmocka_unit_test(offsets_streams_and_seeds_draw_independently),
    };
    printf("seed %" PRIu64 "\n", SEED);
    return cmocka_run_group_tests(tests, open_context, close_context);
}
