/* What is told of a token beside itself: log-probabilities, rank, margin and entropy, to the last bit as the oracle has
 * them and near what binary64 does, on rows of every kind, in every type, with masks, biases, filters and orders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "device_batch.h"
#include "expect.h"
#include "kinds.h"

/* The columns of a batch, in host memory. */
struct told_columns {
    int32_t tokens[ROW_KINDS];
    float logprobs[ROW_KINDS], raw_logprobs[ROW_KINDS];
    uint32_t ranks[ROW_KINDS];
    float margins[ROW_KINDS], entropies[ROW_KINDS], observed[ROW_KINDS];
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
    results.observed.host = columns->observed;
    return results;
}

/* ------------------------------------------------------------------ rows of every kind */

static void expect_near_exact(const char *what, const struct kinds *k, uint32_t row, float got, double exact)
{
    const tombola_params *p = &k->params[row];
    if ((double)got == exact || fabs((double)got - exact) <= 1e-5 + 1e-6 * fabs(exact))
        return;
    fail_msg("%s of a row %s of %u at temperature %g, top-p %g, top-k %u: %.9g, where binary64 has %.9g", what,
             row_kind_name((enum row_kind)row), k->make.vocabulary, (double)p->temperature, (double)p->top_p, p->top_k,
             (double)got, exact);
}

static void expect_told(const struct kinds *k, const struct told_columns *got)
{
    for (uint32_t row = 0; row < ROW_KINDS; row++) {
        const struct told told = oracle_tell(k->drawn[row], k->given[row], &k->params[row]);
        const struct draw draw = oracle_draw(k->drawn[row], &k->params[row]);
        assert_int_equal(got->tokens[row], draw.token);
        assert_int_equal(got->ranks[row], told.rank);
        kinds_expect_bits(k, row, "logprob", got->logprobs[row], told.logprob);
        kinds_expect_bits(k, row, "raw logprob", got->raw_logprobs[row], told.raw_logprob);
        kinds_expect_bits(k, row, "margin", got->margins[row], told.margin);
        kinds_expect_bits(k, row, "entropy", got->entropies[row], told.entropy);
        kinds_expect_bits(k, row, "observed", got->observed[row], told.observed);
        if (draw.token < 0)
            continue;
        const struct told_exactly exact = oracle_tell_exactly(k->drawn[row], k->given[row], &k->params[row]);
        expect_near_exact("logprob", k, row, got->logprobs[row], exact.logprob);
        expect_near_exact("raw logprob", k, row, got->raw_logprobs[row], exact.raw_logprob);
        if (row != ROW_HUGE && k->params[row].xtc_probability == 0.0f && k->params[row].temperature >= 1e-3f)
            expect_near_exact("entropy", k, row, got->entropies[row], exact.entropy);
    }
}

static void run_batch(tombola_context *on, struct kinds *k, uint32_t turns)
{
    static const tombola_dispatch dispatches[] = {TOMBOLA_DISPATCH_ROW, TOMBOLA_DISPATCH_SPREAD};
    for (size_t i = 0; i < COUNT_OF(dispatches); i++) {
        tombola_sampler *sampler = make_sampler(on, &k->make, ROW_KINDS, dispatches[i]);
        for (uint32_t turn = 0; turn < turns; turn++) {
            struct told_columns columns;
            const tombola_results results = results_to(&columns);
            kinds_set_params(k, turn);
            for (uint32_t row = 0; row < ROW_KINDS; row++)
                if (k->params[row].xtc_probability < 1.0f) /* never, where its chance is one half: see expect_told */
                    k->params[row].xtc_probability = 0.0f;
            const tombola_rows rows = kinds_rows(k);
            call_rows(sampler, &rows, &results);
            expect_told(k, &columns);
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
                struct kinds *k = kinds_make(make, number, number % 2 == 0);
                run_batch(on, k, vocabularies[i] > 4000 ? (turns + 3) / 4 : turns);
                kinds_release(k);
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
    static const int32_t mask_of_row[ROW_KINDS];
    tombola_sampler *sampler = make_sampler(context, make, count, TOMBOLA_DISPATCH_AUTO);
    tombola_rows rows = host_rows(elements, count, 0, params);
    rows.masks.host = mask;
    rows.mask_count = mask ? 1 : 0;
    rows.mask_of_row = mask ? mask_of_row : NULL;
    call_rows(sampler, &rows, &results);
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

/* A forced token comes all the same; to the row as given it is nothing. */
static void a_token_forced_on_a_row_that_is_empty_as_given_has_no_raw_log_probability(void **state)
{
    (void)state;
    enum { V = 300 };
    static const size_t one = 1, two = 2;
    static const int32_t forced = 270, ids[2] = {270, 1};
    for (int input = TOMBOLA_LOGITS; input <= TOMBOLA_PROBABILITIES; input++) {
        const struct make make = {TOMBOLA_FLOAT32, (tombola_input)input, V};
        const struct oracle_sequences past = {.forced = {&forced, 1}};
        const tombola_params params = params_at(1.0f);
        float row[V], scores[2], raw_scores[2];
        for (uint32_t id = 0; id < V; id++)
            row[id] = input == TOMBOLA_LOGITS ? -INFINITY : 0.0f;
        tombola_rows rows = host_rows(row, 1, 0, &params);
        rows.forced = &forced;
        rows.forced_ends = &one;
        rows.score_tokens = ids;
        rows.score_ends = &two;
        struct told_columns columns;
        tombola_results results = results_to(&columns);
        results.scores.host = scores;
        results.raw_scores.host = raw_scores;
        tombola_sampler *sampler = make_sampler(context, &make, 1, TOMBOLA_DISPATCH_AUTO);
        assert_int_equal(tombola_sampler_sample(sampler, &rows, &results, &error), TOMBOLA_OK);
        tombola_sampler_release(sampler);
        assert_int_equal(columns.tokens[0], forced);
        assert_real_equal(columns.logprobs[0], 0);
        assert_real_equal(columns.raw_logprobs[0], -INFINITY);
        const struct oracle_input from = {
            .values = row, .vocabulary = V, .kind = make.input, .params = &params, .sequences = &past};
        struct oracle_row *drawn = oracle_row_create_from(&from), *given = oracle_row_create(row, V, make.input);
        assert_real_equal(oracle_tell(drawn, given, &params).raw_logprob, columns.raw_logprobs[0]);
        assert_real_equal(oracle_tell_exactly(drawn, given, &params).raw_logprob, -INFINITY);
        for (size_t i = 0; i < COUNT_OF(ids); i++) {
            const struct scored right = oracle_score(drawn, given, &params, (uint32_t)ids[i]);
            assert_real_equal(scores[i], i ? -INFINITY : 0);
            assert_real_equal(raw_scores[i], -INFINITY);
            assert_real_equal(right.score, scores[i]);
            assert_real_equal(right.raw_score, raw_scores[i]);
        }
        oracle_row_release(drawn);
        oracle_row_release(given);
    }
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
        cmocka_unit_test(a_token_forced_on_a_row_that_is_empty_as_given_has_no_raw_log_probability),
        cmocka_unit_test(greedy_rows_and_rows_without_a_token_have_plain_values),
        cmocka_unit_test(a_rival_that_gains_more_than_the_margin_wins),
        cmocka_unit_test(changes_of_less_than_half_the_margin_leave_the_token),
    };
    return cmocka_run_group_tests(tests, open_queues, close_queues);
}
