/* Adaptive-p: what is drawn and told of rows that it reshapes, to the last bit as the oracle has them and near what
 * binary64 does, on rows of every kind, with all other controls. */
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
#include "known_batch.h"

enum { SCORED = 2 }; /* tokens of each row */

/* All that is told of a batch with a row of each kind. */
struct answers {
    int32_t tokens[ROW_KINDS], status[ROW_KINDS];
    uint32_t kept[ROW_KINDS], ranks[ROW_KINDS];
    tombola_boundary boundary[ROW_KINDS];
    float logprobs[ROW_KINDS], raw_logprobs[ROW_KINDS], margins[ROW_KINDS], entropies[ROW_KINDS], observed[ROW_KINDS];
    int32_t score_tokens[ROW_KINDS * SCORED];
    size_t score_ends[ROW_KINDS];
    float scores[ROW_KINDS * SCORED], raw_scores[ROW_KINDS * SCORED];
    uint64_t kept_ends[ROW_KINDS];
    int32_t *kept_tokens;
    float *probabilities, *logits;
};

static struct answers *answers_make(const struct kinds *k, uint32_t number)
{
    const uint32_t V = k->make.vocabulary;
    struct answers *a = allocate(1, sizeof *a);
    a->kept_tokens = allocate((size_t)ROW_KINDS * V, sizeof *a->kept_tokens);
    a->probabilities = allocate((size_t)ROW_KINDS * V, sizeof *a->probabilities);
    a->logits = allocate((size_t)ROW_KINDS * V, sizeof *a->logits);
    for (uint32_t row = 0; row < ROW_KINDS; row++) {
        const uint32_t *order = oracle_row_order(k->drawn[row]);
        const uint32_t ids[SCORED] = {order[3 % V], (number * 911) % V};
        for (size_t i = 0; i < SCORED; i++)
            a->score_tokens[row * SCORED + i] = (int32_t)ids[i];
        a->score_ends[row] = (row + 1) * SCORED;
    }
    return a;
}

static void answers_release(struct answers *a)
{
    free(a->kept_tokens);
    free(a->probabilities);
    free(a->logits);
    free(a);
}

/* What a batch is asked for: by turns all, tokens alone, and what needs the least. */
static tombola_results results_to(struct answers *a, size_t room, uint32_t number)
{
    tombola_results results = tombola_results_default();
    results.tokens.host = a->tokens;
    if (number % 3 == 0) {
        results.observed.host = a->observed;
        results.kept.host = a->kept;
    }
    if (number % 3)
        return results;
    results.status.host = a->status;
    results.boundary.host = a->boundary;
    results.logprobs.host = a->logprobs;
    results.raw_logprobs.host = a->raw_logprobs;
    results.ranks.host = a->ranks;
    results.margins.host = a->margins;
    results.entropies.host = a->entropies;
    results.scores.host = a->scores;
    results.raw_scores.host = a->raw_scores;
    results.kept_probabilities.host = a->probabilities;
    results.processed_logits.host = a->logits;
    results.kept_ends.host = a->kept_ends;
    results.kept_tokens.host = a->kept_tokens;
    results.kept_capacity = room;
    return results;
}

/* ------------------------------------------------------------------ rows of every kind */

static void set_params(struct kinds *k, uint32_t number)
{
    static const float targets[] = {.3f, 0.0f, .05f, 1.0f, .6f, -1.0f, .9f}, sums[] = {0.0f, 3.0f, 20.0f, 1e-30f},
                       weights[] = {0.0f, 10.0f, 8.0f, 1.0f, 1e30f};
    kinds_set_params(k, number);
    for (uint32_t row = 0; row < ROW_KINDS; row++) {
        tombola_params *p = &k->params[row];
        const uint32_t n = number * 13 + row;
        p->adaptive_target = targets[n % COUNT_OF(targets)];
        p->adaptive_sum = sums[n / 2 % COUNT_OF(sums)];
        p->adaptive_weight = weights[n / 3 % COUNT_OF(weights)];
        p->min_keep = n % 11 == 3 ? 5 : 0;
        p->typical_p = n % 9 == 1 ? .6f : 1.0f;
        p->epsilon_cutoff = n % 8 == 2 ? .001f : 0.0f;
        p->dynatemp_range = n % 10 == 4 && p->temperature > 0.0f ? .4f : 0.0f;
        if (p->dynatemp_range > 0.0f && p->xtc_probability == .5f)
            p->xtc_probability = 1.0f;
    }
}

static void expect_row(const struct kinds *k, const struct answers *a, uint32_t row, size_t *listed,
                       float *probabilities, float *logits)
{
    const tombola_params *p = &k->params[row];
    const uint32_t V = k->make.vocabulary;
    const struct told told = oracle_tell(k->drawn[row], k->given[row], p);
    const struct draw draw = oracle_draw(k->drawn[row], p);
    const struct boundary boundary = oracle_boundary(k->drawn[row], p);
    assert_int_equal(a->status[row], draw.status);
    assert_int_equal(a->kept[row], draw.kept);
    assert_int_equal(a->boundary[row].token, boundary.token);
    if (k->make.input == TOMBOLA_LOGITS)
        kinds_expect_bits(k, row, "boundary", a->boundary[row].logit, boundary.logit);
    assert_int_equal(a->ranks[row], told.rank);
    kinds_expect_bits(k, row, "logprob", a->logprobs[row], told.logprob);
    kinds_expect_bits(k, row, "raw logprob", a->raw_logprobs[row], told.raw_logprob);
    kinds_expect_bits(k, row, "margin", a->margins[row], told.margin);
    kinds_expect_bits(k, row, "entropy", a->entropies[row], told.entropy);
    kinds_expect_bits(k, row, "observed", a->observed[row], told.observed);
    for (size_t i = row * SCORED; i < a->score_ends[row]; i++) {
        const struct scored right = oracle_score(k->drawn[row], k->given[row], p, (uint32_t)a->score_tokens[i]);
        kinds_expect_bits(k, row, "score", a->scores[i], right.score);
        kinds_expect_bits(k, row, "raw score", a->raw_scores[i], right.raw_score);
    }
    oracle_processed(k->drawn[row], p, probabilities, logits);
    for (uint32_t id = 0; id < V; id++) {
        kinds_expect_bits(k, row, "probability", a->probabilities[(size_t)row * V + id], probabilities[id]);
        kinds_expect_bits(k, row, "logit", a->logits[(size_t)row * V + id], logits[id]);
        if (logits[id] > -INFINITY && *listed < a->kept_ends[row]) {
            assert_int_equal(a->kept_tokens[*listed], id);
            ++*listed;
        }
    }
    assert_int_equal(*listed, a->kept_ends[row]);
}

static void expect_oracle(tombola_sampler *sampler, struct kinds *k, uint32_t number)
{
    const uint32_t V = k->make.vocabulary;
    struct answers *a = answers_make(k, number);
    float *probabilities = allocate(V, sizeof *probabilities), *logits = allocate(V, sizeof *logits);
    size_t listed = 0;
    tombola_rows rows = kinds_rows(k);
    const tombola_results results = results_to(a, (size_t)ROW_KINDS * V, number);
    if (results.scores.host) {
        rows.score_tokens = a->score_tokens;
        rows.score_ends = a->score_ends;
    }
    call_rows(sampler, &rows, &results);
    for (uint32_t row = 0; row < ROW_KINDS; row++) {
        const int32_t token = oracle_draw(k->drawn[row], &k->params[row]).token;
        assert_that(a->tokens[row] == token,
                    "token of a row %s of %u, temperature %g, method %u, top-p %g, target %g, batch %u: %d, not %d",
                    row_kind_name((enum row_kind)row), V, (double)k->params[row].temperature, k->params[row].method,
                    (double)k->params[row].top_p, (double)k->params[row].adaptive_target, number, a->tokens[row],
                    token);
        if (results.scores.host)
            expect_row(k, a, row, &listed, probabilities, logits);
    }
    free(probabilities);
    free(logits);
    answers_release(a);
}

static void run_batch(tombola_context *on, struct kinds *k, uint32_t number)
{
    const uint32_t turns = on != context || test_level() == TEST_SMALL ? 3 : k->make.vocabulary < 4000 ? 12 : 6;
    tombola_sampler *by_row = make_sampler(on, &k->make, ROW_KINDS, TOMBOLA_DISPATCH_ROW);
    tombola_sampler *spread = make_sampler(on, &k->make, ROW_KINDS, TOMBOLA_DISPATCH_SPREAD);
    for (uint32_t turn = 0; turn < turns; turn++) {
        set_params(k, number * 29 + turn);
        expect_oracle(turn / 3 % 2 ? spread : by_row, k, number + turn);
    }
    tombola_sampler_release(by_row);
    tombola_sampler_release(spread);
}

static void rows_of_every_kind_have_the_oracles(void **state)
{
    (void)state;
    kinds_each(context, KINDS_ALL, 20000, run_batch);
}

static void work_groups_of_many_have_the_same(void **state)
{
    (void)state;
    kinds_each_in_groups(KINDS_BINARY32, 4000, run_batch);
}

static void every_known_answer_comes_out(void **state)
{
    (void)state;
    assert_true(known_file_run("known_adaptive.txt") >= 200);
}

/* Each of several samples of a row, and a row in a batch, is what it is alone. */
static void samples_and_neighbours_change_nothing(void **state)
{
    (void)state;
    enum { SAMPLES = 40 };
    const int is_small = test_level() == TEST_SMALL;
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, is_small ? 300 : 3000};
    const uint32_t samples = is_small ? 2 : SAMPLES;
    for (uint32_t turn = 0; turn < (is_small ? 1 : 8); turn++) {
        struct kinds *k = kinds_make(make, turn, (int)turn % 2);
        int32_t all[ROW_KINDS * SAMPLES];
        float observed[ROW_KINDS * SAMPLES];
        uint32_t ranks[ROW_KINDS * SAMPLES];
        set_params(k, turn);
        tombola_sampler *sampler =
            make_sampler(context, &make, ROW_KINDS, turn / 2 % 2 ? TOMBOLA_DISPATCH_SPREAD : TOMBOLA_DISPATCH_ROW);
        const tombola_rows rows = kinds_rows(k);
        tombola_results results = tombola_results_default();
        results.samples = samples;
        results.tokens.host = all;
        results.observed.host = observed;
        results.ranks.host = ranks;
        assert_int_equal(tombola_sampler_sample(sampler, &rows, &results, &error), TOMBOLA_OK);
        for (uint32_t i = 0; i < ROW_KINDS * samples; i++) {
            const uint32_t row = i / samples;
            tombola_params params = k->params[row];
            params.stream += i % samples;
            if (i % samples % 13 == 0) {
                const struct told told = oracle_tell(k->drawn[row], k->given[row], &params);
                kinds_expect_bits(k, row, "observed", observed[i], told.observed);
                assert_int_equal(ranks[i], told.rank);
            }
            assert_int_equal(all[i], oracle_draw(k->drawn[row], &params).token);
        }
        tombola_sampler_release(sampler);
        kinds_release(k);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_every_kind_have_the_oracles),
        cmocka_unit_test(samples_and_neighbours_change_nothing),
        cmocka_unit_test(every_known_answer_comes_out),
        cmocka_unit_test(work_groups_of_many_have_the_same),
    };
    return cmocka_run_group_tests(tests, open_queues, close_queues);
}
