/* The log-probabilities of the most likely tokens: the bits that the oracle has, and that scores of the same tokens
 * have, near what binary64 says, on rows of every kind, in every type, with masks, biases, filters and orders. */
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
#include "refused.h"

/* Candidates of a batch of a row of each kind. */
struct ranking {
    uint32_t count;
    int32_t *tokens;
    float *logprobs, *raw_logprobs;
};

static struct ranking make_ranking(uint32_t count)
{
    const size_t all = (size_t)ROW_KINDS * count;
    return (struct ranking){count, allocate(all, sizeof(int32_t)), allocate(all, sizeof(float)),
                            allocate(all, sizeof(float))};
}

static void free_ranking(struct ranking *ranking)
{
    free(ranking->tokens);
    free(ranking->logprobs);
    free(ranking->raw_logprobs);
}

static tombola_results results_to(const struct ranking *ranking)
{
    tombola_results results = tombola_results_default();
    results.candidate_count = ranking->count;
    results.candidate_tokens.host = ranking->tokens;
    results.candidate_logprobs.host = ranking->logprobs;
    results.candidate_raw_logprobs.host = ranking->raw_logprobs;
    return results;
}

/* ------------------------------------------------------------------ rows of every kind */

/* The logarithm of the share that a token has of some tokens, whose logits these are and -inf else, by libm. */
static double exact_logprob(const float *logits, uint32_t vocabulary, double temperature, uint32_t token)
{
    double first = -INFINITY, sum = 0.0;
    for (uint32_t id = 0; id < vocabulary; id++)
        first = fmax(first, (double)logits[id]);
    for (uint32_t id = 0; id < vocabulary; id++)
        sum += exp(((double)logits[id] - first) / temperature);
    return ((double)logits[token] - first) / temperature - log(sum);
}

static void expect_near_exact(const char *what, float got, double exact)
{
    if ((double)got != exact && fabs((double)got - exact) > 1e-5 + 1e-6 * fabs(exact))
        fail_msg("%s is %.9g, where binary64 has %.9g", what, (double)got, exact);
}

/* Of the first few candidates of a row with a token. */
static void expect_row_near_exact(const struct kinds *k, const struct ranking *got, uint32_t row)
{
    const uint32_t V = k->make.vocabulary;
    const tombola_params *p = &k->params[row];
    float *kept = allocate(V, sizeof *kept), *shares = allocate(V, sizeof *shares);
    oracle_processed(k->drawn[row], p, shares, kept);
    for (uint32_t rank = 0; rank < got->count && rank < 4; rank++) {
        const size_t at = (size_t)row * got->count + rank;
        const int32_t token = got->tokens[at];
        if (token < 0)
            break;
        if (got->raw_logprobs[at] > -INFINITY)
            expect_near_exact("a raw log-probability", got->raw_logprobs[at],
                              exact_logprob(oracle_row_logits(k->given[row]), V, 1.0, (uint32_t)token));
        if (p->temperature >= 1e-5f && kept[token] > -INFINITY)
            expect_near_exact("a log-probability", got->logprobs[at],
                              exact_logprob(kept, V, fmin((double)p->temperature, 0x1p90), (uint32_t)token));
    }
    free(kept);
    free(shares);
}

static void expect_ranking(const struct kinds *k, const struct ranking *got)
{
    for (uint32_t row = 0; row < ROW_KINDS; row++) {
        for (uint32_t rank = 0; rank < got->count; rank++) {
            const size_t at = (size_t)row * got->count + rank;
            const struct placed right = oracle_placed(k->drawn[row], k->given[row], &k->params[row], rank);
            assert_int_equal(got->tokens[at], right.token);
            kinds_expect_bits(k, row, "candidate's logprob", got->logprobs[at], right.logprob);
            kinds_expect_bits(k, row, "candidate's raw logprob", got->raw_logprobs[at], right.raw_logprob);
        }
        if (row != ROW_HUGE)
            expect_row_near_exact(k, got, row);
    }
}

/* The same tokens as ids to score. */
static void expect_scores(tombola_sampler *sampler, const struct kinds *k, const struct ranking *got)
{
    const size_t all = (size_t)ROW_KINDS * got->count;
    float *scores = allocate(2 * all, sizeof *scores);
    int32_t *tokens = allocate(all, sizeof *tokens);
    size_t ends[ROW_KINDS], count = 0;
    for (size_t row = 0; row < ROW_KINDS; row++) {
        for (size_t i = row * got->count; i < (row + 1) * got->count && got->tokens[i] >= 0; i++)
            tokens[count++] = got->tokens[i];
        ends[row] = count;
    }
    tombola_rows rows = kinds_rows(k);
    tombola_results results = tombola_results_default();
    rows.score_tokens = tokens;
    rows.score_ends = ends;
    results.scores.host = scores;
    results.raw_scores.host = scores + all;
    call_rows(sampler, &rows, &results);
    for (size_t row = 0, i = 0; row < ROW_KINDS; row++)
        for (size_t at = row * got->count; i < ends[row]; i++, at++) {
            kinds_expect_bits(k, (uint32_t)row, "candidate's logprob, beside a score", got->logprobs[at], scores[i]);
            kinds_expect_bits(k, (uint32_t)row, "candidate's raw logprob, beside a score", got->raw_logprobs[at],
                              scores[all + i]);
        }
    free(tokens);
    free(scores);
}

static void rank_batch(tombola_context *on, struct kinds *k, uint32_t number)
{
    static const tombola_dispatch dispatches[] = {TOMBOLA_DISPATCH_ROW, TOMBOLA_DISPATCH_SPREAD};
    static const uint32_t counts[] = {1, 5, 20, 3, 40};
    const uint32_t turns = on != context || test_level() == TEST_SMALL || k->make.vocabulary > 4000 ? 2 : 4;
    for (uint32_t turn = 0; turn < turns; turn++) {
        tombola_sampler *sampler = make_sampler(on, &k->make, ROW_KINDS, dispatches[turn % 2]);
        struct ranking got = make_ranking(counts[(turn + number) % COUNT_OF(counts)]);
        kinds_set_params(k, turn + number);
        const tombola_rows rows = kinds_rows(k);
        const tombola_results results = results_to(&got);
        call_rows(sampler, &rows, &results);
        expect_ranking(k, &got);
        expect_scores(sampler, k, &got);
        tombola_sampler_release(sampler);
        free_ranking(&got);
    }
}

static void rows_of_every_kind_have_the_oracles_log_probabilities(void **state)
{
    (void)state;
    kinds_each(context, KINDS_ALL, 20000, rank_batch);
}

static void work_groups_of_many_have_the_same(void **state)
{
    (void)state;
    kinds_each_in_groups(KINDS_BINARY32, 4000, rank_batch);
}

/* As many as there may be, of rows of about as many tokens and of more. */
static void a_thousand_candidates_have_them_too(void **state)
{
    (void)state;
    static const uint32_t vocabularies[] = {700, 1025, 3000};
    for (uint32_t i = 0; i < (test_level() == TEST_SMALL ? 1 : COUNT_OF(vocabularies)); i++) {
        const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, vocabularies[i]};
        struct kinds *k = kinds_make(make, i, 1);
        tombola_sampler *sampler = make_sampler(context, &make, ROW_KINDS, TOMBOLA_DISPATCH_AUTO);
        struct ranking got = make_ranking(TOMBOLA_MAX_CANDIDATES);
        kinds_set_params(k, i);
        const tombola_rows rows = kinds_rows(k);
        const tombola_results results = results_to(&got);
        assert_int_equal(tombola_sampler_sample(sampler, &rows, &results, &error), TOMBOLA_OK);
        expect_ranking(k, &got);
        expect_scores(sampler, k, &got);
        tombola_sampler_release(sampler);
        free_ranking(&got);
        kinds_release(k);
    }
}

/* ------------------------------------------------------------------ facts */

enum { V = 5, MORE = 7 };
static const float shares[V] = {.1f, .4f, .2f, .25f, .05f};
static const struct make facts_make = {TOMBOLA_FLOAT32, TOMBOLA_PROBABILITIES, V};

/* Log-probabilities alone of what may be masked; 7 of 5 tokens. */
static void ask(const tombola_params *params, const uint32_t *mask, float *logprobs, float *raw_logprobs)
{
    tombola_sampler *sampler = make_sampler(context, &facts_make, 1, TOMBOLA_DISPATCH_AUTO);
    tombola_rows rows = host_rows(shares, 1, 0, params);
    tombola_results results = tombola_results_default();
    rows.masks.host = mask;
    results.candidate_count = MORE;
    results.candidate_logprobs.host = logprobs;
    results.candidate_raw_logprobs.host = raw_logprobs;
    call_rows(sampler, &rows, &results);
    tombola_sampler_release(sampler);
}

static void they_are_shares_of_what_is_kept_and_of_the_row_as_given(void **state)
{
    (void)state;
    static const double ranked[V] = {.4, .25, .2, .1, .05};
    tombola_params params = params_at(1.0f);
    float logprobs[MORE], raw_logprobs[MORE];
    params.top_k = 3;
    ask(&params, NULL, logprobs, raw_logprobs);
    for (size_t rank = 0; rank < MORE; rank++) {
        assert_near(exp((double)logprobs[rank]), rank < 3 ? ranked[rank] / .85 : 0.0, 1e-6);
        assert_near(exp((double)raw_logprobs[rank]), rank < V ? ranked[rank] : 0.0, 1e-6);
    }
    ask(&params, NULL, NULL, raw_logprobs); /* each alone */
    assert_near(exp((double)raw_logprobs[0]), .4, 1e-6);
    ask(&params, NULL, logprobs, NULL);
    assert_near(exp((double)logprobs[0]), .4 / .85, 1e-6);
}

static void a_greedy_row_keeps_its_first_candidate_alone(void **state)
{
    (void)state;
    const tombola_params params = params_at(0.0f);
    float logprobs[MORE], raw_logprobs[MORE];
    ask(&params, NULL, logprobs, raw_logprobs);
    assert_real_equal(logprobs[0], 0.0);
    for (size_t rank = 1; rank < MORE; rank++)
        assert_real_equal(logprobs[rank], -INFINITY);
    assert_near(exp((double)raw_logprobs[1]), .25, 1e-6);
    assert_near(exp((double)raw_logprobs[4]), .05, 1e-6);
    assert_real_equal(raw_logprobs[5], -INFINITY);
}

static void masked_tokens_are_no_candidates_but_count_in_the_row_as_given(void **state)
{
    (void)state;
    const tombola_params params = params_at(1.0f);
    const uint32_t mask = 0x1D; /* all but the first in rank order */
    float logprobs[MORE], raw_logprobs[MORE];
    ask(&params, &mask, logprobs, raw_logprobs);
    assert_near(exp((double)logprobs[0]), .25 / .6, 1e-6);
    assert_near(exp((double)raw_logprobs[0]), .25, 1e-6);
    assert_near(exp((double)raw_logprobs[3]), .05, 1e-6);
    assert_real_equal(logprobs[4], -INFINITY);
    assert_real_equal(raw_logprobs[4], -INFINITY);
}

/* What draws nothing for the sake of a filter has no candidates either, and every column says so. */
static void a_row_that_overflows_at_temperature_1_is_invalid_whatever_is_asked(void **state)
{
    (void)state;
    static const float logits[3] = {3e38f, 1.0f, 2.9e38f};
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, 3};
    tombola_sampler *sampler = make_sampler(context, &make, 1, TOMBOLA_DISPATCH_AUTO);
    tombola_params params = params_at(1e20f);
    params.top_p = .9f;
    for (int is_late = 0; is_late < 2; is_late++) {
        if (is_late)
            tombola_filters_temperature_last(&params);
        for (int wanted = 1; wanted < 8; wanted++) {
            int32_t token = 9, ranked[2], status;
            float probabilities[3], logprobs[2];
            const tombola_rows rows = host_rows(logits, 1, 0, &params);
            tombola_results results = tombola_results_default();
            results.status.host = &status;
            results.tokens.host = wanted & 1 ? &token : NULL;
            results.probabilities.host = wanted & 2 ? probabilities : NULL;
            results.candidate_count = 2;
            results.candidate_tokens.host = wanted & 4 ? ranked : NULL;
            results.candidate_logprobs.host = wanted & 4 ? logprobs : NULL;
            assert_int_equal(tombola_sampler_sample(sampler, &rows, &results, &error), TOMBOLA_OK);
            assert_int_equal(status, is_late ? TOMBOLA_ROW_INVALID : TOMBOLA_ROW_OK);
            if (wanted & 1)
                assert_int_equal(token < 0, is_late);
            if (wanted & 2)
                assert_int_equal(probabilities[0] == 0.0f, is_late);
            if (wanted & 4)
                assert_int_equal(ranked[0], is_late ? -1 : 0);
            if (wanted & 4)
                assert_int_equal(logprobs[0] == -INFINITY, is_late);
        }
    }
    tombola_sampler_release(sampler);
}

static void they_need_a_number_of_candidates(void **state)
{
    (void)state;
    const tombola_params params = params_at(1.0f);
    tombola_sampler *sampler = make_sampler(context, &facts_make, 1, TOMBOLA_DISPATCH_AUTO);
    float values[4];
    const tombola_rows rows = host_rows(shares, 1, 0, &params);
    tombola_results results = tombola_results_default();
    results.candidate_raw_logprobs.host = values;
    expect_refusal(tombola_sampler_sample(sampler, &rows, &results, &error), &error,
                   "results.candidate_count is 0, but there is an array for them");
    results.candidate_count = 2;
    results.candidate_raw_logprobs.host = (float *)((char *)values + 2);
    expect_refusal(tombola_sampler_sample(sampler, &rows, &results, &error), &error,
                   "results.candidate_raw_logprobs.host is not aligned to its type of 4 bytes");
    tombola_sampler_release(sampler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_every_kind_have_the_oracles_log_probabilities),
        cmocka_unit_test(a_thousand_candidates_have_them_too),
        cmocka_unit_test(they_are_shares_of_what_is_kept_and_of_the_row_as_given),
        cmocka_unit_test(a_greedy_row_keeps_its_first_candidate_alone),
        cmocka_unit_test(masked_tokens_are_no_candidates_but_count_in_the_row_as_given),
        cmocka_unit_test(a_row_that_overflows_at_temperature_1_is_invalid_whatever_is_asked),
        cmocka_unit_test(they_need_a_number_of_candidates),
        cmocka_unit_test(work_groups_of_many_have_the_same),
    };
    return cmocka_run_group_tests(tests, open_queues, close_queues);
}
