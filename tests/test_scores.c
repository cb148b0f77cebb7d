/* Scores: the log-probabilities of given tokens, as the drawn token has them, bit for bit as the oracle has them, and
 * by every way in and out. */
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
#include "kinds.h"
#include "refused.h"

enum { EACH = 9, MOST_IDS = ROW_KINDS * EACH };

/* Ids for a batch of a row of each kind: EACH for most rows, none for some. */
struct ids {
    int32_t tokens[MOST_IDS];
    size_t ends[ROW_KINDS];
};

/* The row's first tokens in rank order, the last ones, one twice, and others, in no order. */
static void fill_ids(struct ids *ids, const struct kinds *k, uint32_t number)
{
    const uint32_t V = k->make.vocabulary;
    size_t end = 0;
    for (uint32_t row = 0; row < ROW_KINDS; row++) {
        const uint32_t *order = oracle_row_order(k->drawn[row]);
        const uint32_t some[EACH] = {order[0], order[V - 1], order[V / 2], order[1 % V],      V - 1,
                                     0,        order[3 % V], order[0],     (number * 911) % V};
        const size_t count = (row + number) % 5 ? EACH : row % 2;
        for (size_t i = 0; i < count; i++)
            ids->tokens[end + i] = (int32_t)some[(i + number) % EACH];
        ids->ends[row] = end += count;
    }
}

static void expect_scores(const struct kinds *k, const struct ids *ids, const float *scores, const float *raw_scores)
{
    for (size_t i = 0, row = 0; row < ROW_KINDS; row++)
        for (; i < ids->ends[row]; i++) {
            const uint32_t number = (uint32_t)row, token = (uint32_t)ids->tokens[i];
            const struct scored right = oracle_score(k->drawn[row], k->given[row], &k->params[row], token);
            kinds_expect_bits(k, number, "score", scores[i], right.score);
            kinds_expect_bits(k, number, "raw score", raw_scores[i], right.raw_score);
        }
}

static void score_batch(tombola_context *on, struct kinds *k, uint32_t number)
{
    static const tombola_dispatch dispatches[] = {TOMBOLA_DISPATCH_ROW, TOMBOLA_DISPATCH_SPREAD};
    const uint32_t turns = on != context || test_level() == TEST_SMALL ? 1 : k->make.vocabulary < 4000 ? 5 : 3;
    (void)number;
    for (uint32_t turn = 0; turn < 2 * turns; turn++) {
        tombola_sampler *sampler = make_sampler(on, &k->make, ROW_KINDS, dispatches[turn % 2]);
        struct ids ids;
        float scores[MOST_IDS], raw_scores[MOST_IDS];
        kinds_set_params(k, turn / 2);
        fill_ids(&ids, k, turn / 2);
        tombola_rows rows = kinds_rows(k);
        tombola_results results = tombola_results_default();
        rows.score_tokens = ids.tokens;
        rows.score_ends = ids.ends;
        results.scores.host = scores;
        results.raw_scores.host = raw_scores;
        call_rows(sampler, &rows, &results);
        expect_scores(k, &ids, scores, raw_scores);
        tombola_sampler_release(sampler);
    }
}

static void rows_of_every_kind_have_the_oracles_scores(void **state)
{
    (void)state;
    kinds_each(context, KINDS_ALL, 20000, score_batch);
}

static void work_groups_of_many_have_the_same(void **state)
{
    (void)state;
    kinds_each_in_groups(KINDS_BINARY32, 4000, score_batch);
}

static void score_drawn(tombola_context *on, struct kinds *k, uint32_t number)
{
    tombola_sampler *sampler = make_sampler(on, &k->make, ROW_KINDS, TOMBOLA_DISPATCH_AUTO);
    struct ids ids;
    float told[4][ROW_KINDS];
    kinds_set_params(k, number);
    tombola_rows rows = kinds_rows(k);
    tombola_results results = tombola_results_default();
    results.tokens.host = ids.tokens;
    results.logprobs.host = told[0];
    results.raw_logprobs.host = told[1];
    assert_int_equal(tombola_sampler_sample(sampler, &rows, &results, &error), TOMBOLA_OK);
    for (size_t row = 0; row < ROW_KINDS; row++) {
        ids.ends[row] = row + 1;
        ids.tokens[row] = ids.tokens[row] < 0 ? 0 : ids.tokens[row];
    }
    rows.score_tokens = ids.tokens;
    rows.score_ends = ids.ends;
    results = tombola_results_default();
    results.scores.host = told[2];
    results.raw_scores.host = told[3];
    assert_int_equal(tombola_sampler_sample(sampler, &rows, &results, &error), TOMBOLA_OK);
    for (uint32_t row = 0; row < ROW_KINDS; row++) {
        kinds_expect_bits(k, row, "score", told[2][row], told[0][row]);
        kinds_expect_bits(k, row, "raw score", told[3][row], told[1][row]);
    }
    tombola_sampler_release(sampler);
}

static void the_drawn_token_scores_its_log_probabilities_to_the_bit(void **state)
{
    (void)state;
    kinds_each(context, KINDS_ALL, 4000, score_drawn);
}

/* e to the power of each is a share of the kept ones' mass. */
static void scores_are_shares_of_what_is_kept_and_raw_ones_of_all(void **state)
{
    (void)state;
    enum { V = 5 };
    static const float p[V] = {.1f, .4f, .2f, .25f, .05f};
    static const int32_t all[V] = {0, 1, 2, 3, 4};
    static const size_t end[1] = {V};
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_PROBABILITIES, V};
    tombola_sampler *sampler = make_sampler(context, &make, 1, TOMBOLA_DISPATCH_AUTO);
    tombola_params params = params_at(1.0f);
    float scores[V], raw_scores[V];
    params.top_k = 3;
    tombola_rows rows = host_rows(p, 1, 0, &params);
    tombola_results results = tombola_results_default();
    rows.score_tokens = all;
    rows.score_ends = end;
    results.scores.host = scores;
    results.raw_scores.host = raw_scores;
    assert_int_equal(tombola_sampler_sample(sampler, &rows, &results, &error), TOMBOLA_OK);
    for (size_t id = 0; id < V; id++) {
        assert_near(exp((double)raw_scores[id]), (double)p[id], 1e-6);
        assert_near(exp((double)scores[id]), p[id] > .15f ? (double)p[id] / .85 : 0.0, 1e-6);
    }
    params.temperature = 0.0f;
    assert_int_equal(tombola_sampler_sample(sampler, &rows, &results, &error), TOMBOLA_OK);
    for (size_t id = 0; id < V; id++) {
        assert_real_equal(scores[id], id == 1 ? 0.0 : -INFINITY);
        assert_near(exp((double)raw_scores[id]), (double)p[id], 1e-6);
    }
    tombola_sampler_release(sampler);
}

/* By sample, submit and enqueue, to host memory and to a buffer, from host memory and staged, beside other columns, and
 * by a sampler that has had fewer ids and more. */
static void every_way_gives_the_same(void **state)
{
    (void)state;
    enum { BEFORE = 5 };
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, 300};
    struct kinds *k = kinds_make(make, 3, 1);
    for (size_t transfer = 0; transfer < 3; transfer++) {
        tombola_sampler *sampler =
            make_sampler_that(context, &make, ROW_KINDS, TOMBOLA_DISPATCH_AUTO, (tombola_transfer)transfer);
        for (uint32_t way = 0; way < 6; way++) {
            struct ids ids;
            float host[2][BEFORE + MOST_IDS];
            int32_t tokens[ROW_KINDS];
            cl_mem buffers[2] = {NULL, NULL};
            kinds_set_params(k, way);
            fill_ids(&ids, k, way);
            const size_t count = ids.ends[ROW_KINDS - 1];
            tombola_rows rows = kinds_rows(k);
            tombola_results results = tombola_results_default();
            rows.score_tokens = ids.tokens;
            rows.score_ends = ids.ends;
            results.scores.host = host[0];
            results.raw_scores.host = host[1];
            results.tokens.host = way % 2 ? tokens : NULL;
            if (way >= 4) {
                results.scores.host = results.raw_scores.host = NULL;
                results.scores.buffer = buffers[0] = entry_buffer(context, sizeof host[0], NULL);
                results.raw_scores.buffer = buffers[1] = entry_buffer(context, sizeof host[1], NULL);
                results.scores.offset = results.raw_scores.offset = BEFORE;
            }
            tombola_ticket ticket;
            if (way < 2 || way == 4) {
                assert_int_equal(tombola_sampler_sample(sampler, &rows, &results, &error), TOMBOLA_OK);
            } else if (way == 2) {
                assert_int_equal(tombola_sampler_submit(sampler, &rows, &results, &ticket, &error), TOMBOLA_OK);
                const struct ids kept = ids;
                memset(&ids, 0xFF, sizeof ids); /* they are the caller's again */
                assert_int_equal(tombola_sampler_wait(sampler, ticket, &error), TOMBOLA_OK);
                ids = kept;
            } else {
                assert_int_equal(
                    tombola_sampler_enqueue(sampler, queues[way % 2], &rows, &results, 0, NULL, NULL, &error),
                    TOMBOLA_OK);
                entry_succeed(clFinish(queues[way % 2]), "clFinish");
            }
            for (size_t i = 0; i < 2 && buffers[i]; i++) {
                entry_succeed(clEnqueueReadBuffer(queues[0], buffers[i], CL_TRUE, BEFORE * sizeof(float),
                                                  count * sizeof(float), host[i], 0, NULL, NULL),
                              "clEnqueueReadBuffer");
                clReleaseMemObject(buffers[i]);
            }
            expect_scores(k, &ids, host[0], host[1]);
            if (way % 2)
                for (size_t row = 0; row < ROW_KINDS; row++)
                    assert_int_equal(tokens[row], oracle_draw(k->drawn[row], &k->params[row]).token);
        }
        tombola_sampler_release(sampler);
    }
    kinds_release(k);
}

static void mistakes_are_named(void **state)
{
    (void)state;
    static const float logits[2][4];
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, 4};
    tombola_sampler *sampler = make_sampler(context, &make, 2, TOMBOLA_DISPATCH_AUTO);
    const tombola_params params[2] = {params_at(1.0f), params_at(1.0f)};
    float scores[4] = {7.0f, 7.0f, 7.0f, 7.0f};
    tombola_results results = tombola_results_default();
    results.scores.host = scores;
    static const struct {
        int32_t tokens[3];
        size_t ends[2];
        const char *message;
    } cases[] = {
        {{0, 4, 1}, {2, 3}, "rows.score_tokens[1], of row 0, is 4, not from 0 to 3"},
        {{0, 3, -1}, {2, 3}, "rows.score_tokens[2], of row 1, is -1, not from 0 to 3"},
        {{0, 3, 1}, {3, 2}, "rows.score_ends[1] is 2, less than the end before it, 3"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        tombola_rows rows = host_rows(logits, 2, 0, params);
        rows.score_tokens = cases[i].tokens;
        rows.score_ends = cases[i].ends;
        expect_refusal(tombola_sampler_sample(sampler, &rows, &results, &error), &error, cases[i].message);
    }
    tombola_rows rows = host_rows(logits, 2, 0, params);
    expect_refusal(tombola_sampler_sample(sampler, &rows, &results, &error), &error,
                   "results.scores is wanted, but rows.score_ends is NULL");
    rows.score_tokens = cases[0].tokens;
    expect_refusal(tombola_sampler_sample(sampler, &rows, &results, &error), &error,
                   "rows.score_ends is NULL, but rows.score_tokens is not");
    rows.score_tokens = NULL;
    rows.score_ends = cases[0].ends;
    expect_refusal(tombola_sampler_sample(sampler, &rows, &results, &error), &error,
                   "rows.score_tokens is NULL, but rows.score_ends[1] is 3");
    rows.score_tokens = cases[0].tokens;
    results.scores.host = (float *)((char *)scores + 2);
    static const int32_t fine[3] = {0, 3, 1};
    rows.score_tokens = fine;
    expect_refusal(tombola_sampler_sample(sampler, &rows, &results, &error), &error,
                   "results.scores.host is not aligned to its type of 4 bytes");
    for (size_t i = 0; i < COUNT_OF(scores); i++)
        assert_real_equal(scores[i], 7.0f);
    results.scores.host = scores;
    assert_int_equal(tombola_sampler_sample(sampler, &rows, &results, &error), TOMBOLA_OK);
    assert_real_equal(scores[3], 7.0f); /* none behind the last id */
    static const size_t none[2] = {0, 0};
    scores[0] = 7.0f;
    rows.score_ends = none;
    assert_int_equal(tombola_sampler_sample(sampler, &rows, &results, &error), TOMBOLA_OK);
    assert_real_equal(scores[0], 7.0f);
    tombola_sampler_release(sampler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_every_kind_have_the_oracles_scores),
        cmocka_unit_test(the_drawn_token_scores_its_log_probabilities_to_the_bit),
        cmocka_unit_test(scores_are_shares_of_what_is_kept_and_raw_ones_of_all),
        cmocka_unit_test(every_way_gives_the_same),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(work_groups_of_many_have_the_same),
    };
    return cmocka_run_group_tests(tests, open_queues, close_queues);
}
