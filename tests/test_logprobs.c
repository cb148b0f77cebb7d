/* What is told of a token beside itself: log-probabilities, rank, margin and entropy, to the last bit as the oracle has
 * them and near what binary64 does, on rows of every kind, in every type, with masks, biases, filters and orders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "device_batch.h"
#include "entries.h"
#include "expect.h"
#include "oracle.h"
#include "rows.h"

enum { MOST_ROWS = ROW_KINDS };

/* The columns of a batch, in host memory. */
struct told_columns {
    int32_t tokens[MOST_ROWS];
    float logprobs[MOST_ROWS], raw_logprobs[MOST_ROWS];
    uint32_t ranks[MOST_ROWS];
    float margins[MOST_ROWS], entropies[MOST_ROWS];
};

static tombola_results results_to(struct told_columns *columns)
{
    tombola_results results = tombola_results_default();
    results.tokens.host = columns->tokens;
    results.logprobs.host = columns->logprobs;
    results.raw_logprobs.host = columns->raw_logprobs;
    results.ranks.host = columns->ranks;
    results.margins.host = columns->margins;
    results.entropies.host = columns->entropies;
    return results;
}

/* ------------------------------------------------------------------ rows of every kind */

/* A batch with a row of each kind, and the oracle's rows: what is drawn from, and what is given. */
struct batch {
    struct make make;
    char *elements;
    float *widened;
    uint32_t *masks;
    int32_t mask_of_row[MOST_ROWS];
    tombola_bias biases[MOST_ROWS * MOST_ROW_BIASES];
    size_t bias_ends[MOST_ROWS];
    struct oracle_row *drawn[MOST_ROWS], *given[MOST_ROWS];
    tombola_params params[MOST_ROWS];
};

static void make_row(struct batch *b, uint32_t row, uint32_t number, int is_restricted)
{
    const uint32_t V = b->make.vocabulary, words = (V + 31) / 32;
    const struct row_recipe recipe = {(enum row_kind)row, number * 31 + row, V, b->make.type, b->make.input};
    const int has_mask = is_restricted && (number + row) % 3 > 0, has_biases = is_restricted && (number + row) % 3 < 2;
    const int is_logits = b->make.input == TOMBOLA_LOGITS;
    int32_t tokens[MOST_ROW_BIASES];
    float values[MOST_ROW_BIASES];
    struct oracle_bias biases[MOST_ROW_BIASES];
    size_t count = has_biases && is_logits ? row_biases(number + row + 1, V, tokens, values) : 0;
    size_t end = row ? b->bias_ends[row - 1] : 0;
    row_fill(&recipe, b->elements + row * V * tombola_type_size(b->make.type), b->widened);
    row_mask(number * 16 + row + 1, V, b->masks + row * words);
    for (size_t i = 0; i < count; i++) {
        biases[i] = (struct oracle_bias){tokens[i], values[i]};
        b->biases[end + i] = (tombola_bias){tokens[i], values[i]};
    }
    b->bias_ends[row] = end + count;
    b->mask_of_row[row] = has_mask ? (int32_t)row : -1;
    const struct oracle_input input = {.values = b->widened,
                                       .vocabulary = V,
                                       .kind = b->make.input,
                                       .mask = has_mask ? b->masks + row * words : NULL,
                                       .biases = biases,
                                       .bias_count = count};
    b->drawn[row] = oracle_row_create_from(&input);
    b->given[row] = oracle_row_create(b->widened, V, b->make.input);
}

static struct batch *batch_of(struct make make, uint32_t number, int is_restricted)
{
    struct batch *b = allocate(1, sizeof *b);
    b->make = make;
    b->elements = allocate((size_t)MOST_ROWS * make.vocabulary, tombola_type_size(make.type));
    b->widened = allocate(make.vocabulary, sizeof *b->widened);
    b->masks = allocate((size_t)MOST_ROWS * ((make.vocabulary + 31) / 32), sizeof *b->masks);
    for (uint32_t row = 0; row < MOST_ROWS; row++)
        make_row(b, row, number, is_restricted);
    return b;
}

static void batch_drop(struct batch *b)
{
    for (uint32_t row = 0; row < MOST_ROWS; row++) {
        oracle_row_release(b->drawn[row]);
        oracle_row_release(b->given[row]);
    }
    free(b->elements);
    free(b->widened);
    free(b->masks);
    free(b);
}

static tombola_params params_of(uint32_t number, uint32_t vocabulary)
{
    static const float temperatures[] = {1.0f, 0.1f, 2.0f, 1.0f, 1e-4f, 100.0f, 0.7f, 0.0f, 1.1e-5f, INFINITY, 1e-3f};
    static const float shares[] = {1.0f, 0.9f, 1.0f, 0.5f, 0.99999f};
    static const float thresholds[] = {.1f, 1e-4f, 0.0f, 1e-35f, .01f};
    enum { T = TOMBOLA_FILTER_TEMPERATURE, X = TOMBOLA_FILTER_XTC, P = TOMBOLA_FILTER_TOP_P };
    tombola_params params = params_at(temperatures[number % COUNT_OF(temperatures)]);
    params.method = number / 2 % 3 == 2 ? TOMBOLA_INVERSE_CDF : TOMBOLA_RACE;
    params.seed = number;
    params.stream = number * 7;
    if (number % 4 == 0)
        return params;
    params.top_p = shares[number / 3 % COUNT_OF(shares)];
    params.top_k = number / 5 % 4 == 1 ? 1 + number % 50 : number / 5 % 4 == 2 ? vocabulary / 2 : 0;
    params.min_p = number / 7 % 5 == 1 ? .01f : 0.0f;
    params.top_n_sigma = number / 9 % 5 == 1 ? 1.5f : 0.0f;
    params.xtc_probability = number / 4 % 3 == 1 ? 1.0f : 0.0f;
    params.xtc_threshold = thresholds[number / 12 % COUNT_OF(thresholds)];
    if (number / 2 % 3 == 1)
        tombola_filters_temperature_last(&params);
    return params;
}

static void expect_bits(const char *what, const struct batch *b, uint32_t row, float got, float expected)
{
    if (isnan(expected) || memcmp(&got, &expected, sizeof got) == 0)
        return;
    fail_msg("%s of a row %s of %u, temperature %g, method %u, top-k %u, top-p %g, XTC %g of %g, order %d: %a, not %a",
             what, row_kind_name((enum row_kind)row), b->make.vocabulary, (double)b->params[row].temperature,
             b->params[row].method, b->params[row].top_k, (double)b->params[row].top_p,
             (double)b->params[row].xtc_probability, (double)b->params[row].xtc_threshold, b->params[row].filters[0],
             (double)got, (double)expected);
}

static void expect_near_exact(const char *what, const struct batch *b, uint32_t row, float got, double exact)
{
    if ((double)got == exact || fabs((double)got - exact) <= 1e-5 + 1e-6 * fabs(exact))
        return;
    fail_msg("%s of a row %s of %u at temperature %g, top-p %g, top-k %u: %.9g, where binary64 has %.9g", what,
             row_kind_name((enum row_kind)row), b->make.vocabulary, (double)b->params[row].temperature,
             (double)b->params[row].top_p, b->params[row].top_k, (double)got, exact);
}

static void expect_told(const struct batch *b, const struct told_columns *got)
{
    for (uint32_t row = 0; row < MOST_ROWS; row++) {
        const struct told told = oracle_tell(b->drawn[row], b->given[row], &b->params[row]);
        const struct draw draw = oracle_draw(b->drawn[row], &b->params[row]);
        assert_int_equal(got->tokens[row], draw.token);
        assert_int_equal(got->ranks[row], told.rank);
        expect_bits("logprob", b, row, got->logprobs[row], told.logprob);
        expect_bits("raw logprob", b, row, got->raw_logprobs[row], told.raw_logprob);
        expect_bits("margin", b, row, got->margins[row], told.margin);
        expect_bits("entropy", b, row, got->entropies[row], told.entropy);
        if (draw.token < 0)
            continue;
        const struct told_exactly exact = oracle_tell_exactly(b->drawn[row], b->given[row], &b->params[row]);
        expect_near_exact("logprob", b, row, got->logprobs[row], exact.logprob);
        expect_near_exact("raw logprob", b, row, got->raw_logprobs[row], exact.raw_logprob);
        if (row != ROW_HUGE && b->params[row].xtc_probability == 0.0f && b->params[row].temperature >= 1e-3f)
            expect_near_exact("entropy", b, row, got->entropies[row], exact.entropy);
    }
}

static void run_batch(tombola_context *on, struct batch *b, uint32_t turns)
{
    static const tombola_dispatch dispatches[] = {TOMBOLA_DISPATCH_ROW, TOMBOLA_DISPATCH_SPREAD};
    for (size_t i = 0; i < COUNT_OF(dispatches); i++) {
        tombola_sampler *sampler = make_sampler(on, &b->make, MOST_ROWS, dispatches[i]);
        for (uint32_t turn = 0; turn < turns; turn++) {
            struct told_columns columns;
            const tombola_results results = results_to(&columns);
            tombola_rows rows = host_rows(b->elements, MOST_ROWS, 0, b->params);
            for (uint32_t row = 0; row < MOST_ROWS; row++)
                b->params[row] = params_of(turn * 37 + row * 5 + b->make.vocabulary, b->make.vocabulary);
            rows.masks.host = b->masks;
            rows.mask_of_row = b->mask_of_row;
            rows.biases = b->make.input == TOMBOLA_LOGITS ? b->biases : NULL;
            rows.bias_ends = b->make.input == TOMBOLA_LOGITS ? b->bias_ends : NULL;
            if (tombola_sampler_sample(sampler, &rows, &results, &error))
                fail_msg("%s", error.message);
            expect_told(b, &columns);
        }
        tombola_sampler_release(sampler);
    }
}

/* types  the first so many of them, of logits and of probabilities */
static void run_makes(tombola_context *on, uint32_t turns, uint32_t most, int types)
{
    static const uint32_t vocabularies[] = {1, 2, 255, 256, 257, 4000, 20000};
    uint32_t number = 0;
    for (size_t i = 0; i < COUNT_OF(vocabularies) && vocabularies[i] <= most; i++)
        for (int input = TOMBOLA_LOGITS; input <= TOMBOLA_PROBABILITIES; input++)
            for (int type = TOMBOLA_FLOAT32; type < types; type++, number++) {
                const struct make make = {(tombola_type)type, (tombola_input)input, vocabularies[i]};
                struct batch *b = batch_of(make, number, number % 2 == 0);
                run_batch(on, b, vocabularies[i] > 4000 ? (turns + 3) / 4 : turns);
                batch_drop(b);
            }
}

static void rows_of_every_kind_and_type_are_told_of_as_the_oracle_does(void **state)
{
    (void)state;
    run_makes(context,
              test_level() == TEST_SMALL ? 1
              : test_level() == TEST_ALL ? 100
                                         : 12,
              test_level() == TEST_SMALL ? 257 : 20000, TOMBOLA_BFLOAT16 + 1);
}

static void groups_of_several_work_items_tell_the_same(void **state)
{
    (void)state;
    tombola_context *group = test_context_open(4, 4);
    run_makes(group, test_level() == TEST_ALL ? 24 : 2, test_level() == TEST_SMALL ? 2 : 4000, 1);
    tombola_context_close(group);
}

/* ------------------------------------------------------------------ facts */

static struct told_columns tell(const struct make *make, const void *elements, size_t count,
                                const tombola_params *params, const uint32_t *mask)
{
    struct told_columns columns;
    const tombola_results results = results_to(&columns);
    static const int32_t mask_of_row[MOST_ROWS];
    tombola_sampler *sampler = make_sampler(context, make, count, TOMBOLA_DISPATCH_AUTO);
    tombola_rows rows = host_rows(elements, count, 0, params);
    rows.masks.host = mask;
    rows.mask_count = mask ? 1 : 0;
    rows.mask_of_row = mask ? mask_of_row : NULL;
    if (tombola_sampler_sample(sampler, &rows, &results, &error))
        fail_msg("%s", error.message);
    tombola_sampler_release(sampler);
    return columns;
}

static const float tenths[] = {.1f, .2f, .3f, .4f};

static void a_share_of_what_is_kept_is_the_probability(void **state)
{
    (void)state;
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_PROBABILITIES, 4};
    tombola_params params = params_at(1.0f);
    for (params.seed = 0; params.seed < 40; params.seed++)
        for (params.top_k = 1; params.top_k <= 4; params.top_k++) {
            static const double kept[] = {0, .4, .7, .9, 1.0};
            const struct told_columns told = tell(&make, tenths, 1, &params, NULL);
            const double p = (double)(told.tokens[0] + 1) / 10.0;
            assert_near(told.logprobs[0], log(p / kept[params.top_k]), 1e-6);
            assert_near(told.raw_logprobs[0], log(p), 1e-6);
            assert_int_equal(told.ranks[0], 4 - told.tokens[0]);
            double entropy = 0.0;
            for (uint32_t i = 0; i < params.top_k; i++)
                entropy -= (.4 - .1 * i) / kept[params.top_k] * log((.4 - .1 * i) / kept[params.top_k]);
            assert_near(told.entropies[0], entropy, 2e-6);
        }
}

static void a_mask_does_not_change_what_is_raw(void **state)
{
    (void)state;
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_PROBABILITIES, 4};
    const float hidden[] = {.1f, .2f, NAN, .4f};
    const tombola_params params = params_at(1.0f);
    const uint32_t mask = 0x2;
    struct told_columns told = tell(&make, tenths, 1, &params, &mask);
    assert_int_equal(told.tokens[0], 1);
    assert_near(told.logprobs[0], 0, 1e-6);
    assert_near(told.raw_logprobs[0], log(.2), 1e-6);
    assert_int_equal(told.ranks[0], 1);
    assert_real_equal(told.margins[0], INFINITY);
    told = tell(&make, hidden, 1, &params, &mask);
    assert_int_equal(told.tokens[0], 1);
    assert_near(told.logprobs[0], 0, 1e-6);
    assert_real_equal(told.raw_logprobs[0], -INFINITY);
}

static void greedy_rows_and_rows_without_a_token_have_plain_values(void **state)
{
    (void)state;
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, 4};
    const float rows[3][4] = {{0, 1, 2, 1}, {0, NAN, 0, 0}, {-INFINITY, -INFINITY, -INFINITY, -INFINITY}};
    const tombola_params params[3] = {params_at(0.0f), params_at(1.0f), params_at(1.0f)};
    const struct told_columns told = tell(&make, rows, 3, params, NULL);
    assert_int_equal(told.tokens[0], 2);
    assert_real_equal(told.logprobs[0], 0);
    assert_near(told.raw_logprobs[0], 2 - log(1 + 2 * exp(1) + exp(2)), 1e-6);
    assert_int_equal(told.ranks[0], 1);
    assert_real_equal(told.margins[0], INFINITY);
    assert_real_equal(told.entropies[0], 0);
    for (int row = 1; row < 3; row++) {
        assert_int_equal(told.tokens[row], -1);
        assert_real_equal(told.logprobs[row], -INFINITY);
        assert_real_equal(told.raw_logprobs[row], -INFINITY);
        assert_int_equal(told.ranks[row], 0);
        assert_real_equal(told.margins[row], 0);
        assert_real_equal(told.entropies[row], 0);
    }
}

/* ------------------------------------------------------------------ margins */

enum { RIVALS = 40, SPACED = RIVALS * 256 };

static int32_t token_of(const struct make *make, const float *row, tombola_params params)
{
    return tell(make, row, 1, &params, NULL).tokens[0];
}

/* A token in each block: the second block is the one token that comes next. */
static void a_rival_that_gains_more_than_the_margin_wins(void **state)
{
    (void)state;
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, SPACED};
    float *row = allocate(SPACED, sizeof *row);
    for (uint32_t seed = 0; seed < (test_level() == TEST_SMALL ? 1 : 8); seed++) {
        tombola_params params = params_at(0.5f);
        params.seed = seed;
        for (uint32_t id = 0; id < SPACED; id++)
            row[id] = id % 256 == 9 ? (float)(id * 2654435761u >> 20) * 0x1p-11f : -INFINITY;
        const struct told_columns told = tell(&make, row, 1, &params, NULL);
        const int32_t winner = told.tokens[0];
        int changed = 0;
        assert_true(told.margins[0] > 0.0f && told.margins[0] < 100.0f);
        for (int32_t id = 9; id < SPACED; id += 256) {
            const float logit = row[id];
            if (id == winner)
                continue;
            row[id] = logit + 0.5f * told.margins[0] * 0.999f - 1e-5f;
            assert_int_equal(token_of(&make, row, params), winner);
            row[id] = logit + 0.5f * told.margins[0] * 1.001f + 1e-5f;
            changed += token_of(&make, row, params) == id;
            row[id] = logit;
        }
        assert_int_equal(changed, 1);
    }
    free(row);
}

static void changes_of_less_than_half_the_margin_leave_the_token(void **state)
{
    (void)state;
    enum { V = 3000 };
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, V};
    float *row = allocate(V, sizeof *row), *moved = allocate(V, sizeof *moved);
    uint64_t random = 11;
    for (uint32_t seed = 0; seed < (test_level() == TEST_SMALL ? 2 : 60); seed++) {
        const struct row_recipe recipe = {ROW_GAUSSIAN, seed, V, TOMBOLA_FLOAT32, TOMBOLA_LOGITS};
        tombola_params params = params_at(seed % 3 ? 1.0f : 0.6f);
        params.seed = seed;
        row_fill(&recipe, row, NULL);
        const struct told_columns told = tell(&make, row, 1, &params, NULL);
        const float reach = fminf(told.margins[0], 3.0f) * params.temperature * 0.499f;
        for (int turn = 0; turn < 3; turn++) {
            for (uint32_t id = 0; id < V; id++)
                moved[id] = row[id] + (random_below(&random, 2) ? reach : -reach);
            if (turn == 2) /* the worst of them */
                for (uint32_t id = 0; id < V; id++)
                    moved[id] = row[id] + ((int32_t)id == told.tokens[0] ? -reach : reach);
            assert_int_equal(token_of(&make, moved, params), told.tokens[0]);
        }
    }
    free(row);
    free(moved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_every_kind_and_type_are_told_of_as_the_oracle_does),
        cmocka_unit_test(groups_of_several_work_items_tell_the_same),
        cmocka_unit_test(a_share_of_what_is_kept_is_the_probability),
        cmocka_unit_test(a_mask_does_not_change_what_is_raw),
        cmocka_unit_test(greedy_rows_and_rows_without_a_token_have_plain_values),
        cmocka_unit_test(a_rival_that_gains_more_than_the_margin_wins),
        cmocka_unit_test(changes_of_less_than_half_the_margin_leave_the_token),
    };
    return cmocka_run_group_tests(tests, open_queues, close_queues);
}
