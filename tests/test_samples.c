/* Several samples of a row: each is what the row gives alone with that stream, whatever else is asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "device_batch.h"
#include "entries.h"
#include "expect.h"
#include "kinds.h"
#include "refused.h"

enum { MOST = TOMBOLA_MAX_SAMPLES };

/* Columns of `samples` entries a row, and those of one. */
struct sampled {
    uint32_t samples;
    int32_t tokens[ROW_KINDS * MOST];
    float logprobs[ROW_KINDS * MOST], raw_logprobs[ROW_KINDS * MOST];
    uint32_t ranks[ROW_KINDS * MOST];
    float margins[ROW_KINDS * MOST], observed[ROW_KINDS * MOST];
    int32_t status[ROW_KINDS];
    uint32_t kept[ROW_KINDS];
    tombola_boundary boundary[ROW_KINDS];
    float entropies[ROW_KINDS], scores[ROW_KINDS];
};

static const size_t one_each[ROW_KINDS] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
static const int32_t zeros[ROW_KINDS];

static tombola_results results_to(struct sampled *s, int has_ranks)
{
    tombola_results results = tombola_results_default();
    results.samples = s->samples;
    results.tokens.host = s->tokens;
    results.logprobs.host = s->logprobs;
    results.raw_logprobs.host = s->raw_logprobs;
    results.ranks.host = has_ranks ? s->ranks : NULL;
    results.margins.host = has_ranks ? s->margins : NULL;
    results.observed.host = s->observed;
    results.status.host = s->status;
    results.kept.host = s->kept;
    results.boundary.host = s->boundary;
    results.entropies.host = s->entropies;
    results.scores.host = s->scores;
    return results;
}

static struct sampled *draw(tombola_sampler *sampler, const struct kinds *k, uint32_t samples, int has_ranks)
{
    struct sampled *s = allocate(1, sizeof *s);
    s->samples = samples;
    tombola_rows rows = kinds_rows(k);
    rows.score_tokens = zeros;
    rows.score_ends = one_each;
    const tombola_results results = results_to(s, has_ranks);
    call_rows(sampler, &rows, &results);
    return s;
}

static void expect_samples(tombola_sampler *sampler, struct kinds *k, uint32_t samples, uint32_t step)
{
    const int has_ranks = samples < 10;
    struct sampled *all = draw(sampler, k, samples, has_ranks);
    tombola_params params[ROW_KINDS];
    memcpy(params, k->params, sizeof params);
    for (uint32_t i = 0; i < samples; i += i ? step : 1) {
        for (size_t row = 0; row < ROW_KINDS; row++)
            k->params[row].stream = params[row].stream + i;
        struct sampled *alone = draw(sampler, k, i % 2, has_ranks);
        for (uint32_t row = 0; row < ROW_KINDS; row++) {
            const size_t at = row * samples + i;
            assert_that(all->tokens[at] == alone->tokens[row], "sample %u of %u of a row %s of %u: token %d, not %d", i,
                        samples, row_kind_name((enum row_kind)row), k->make.vocabulary, all->tokens[at],
                        alone->tokens[row]);
            kinds_expect_bits(k, row, "logprob", all->logprobs[at], alone->logprobs[row]);
            kinds_expect_bits(k, row, "raw logprob", all->raw_logprobs[at], alone->raw_logprobs[row]);
            kinds_expect_bits(k, row, "observed", all->observed[at], alone->observed[row]);
            if (has_ranks) {
                assert_int_equal(all->ranks[at], alone->ranks[row]);
                kinds_expect_bits(k, row, "margin", all->margins[at], alone->margins[row]);
            }
        }
        if (i == 0) { /* what is of the row is of its own stream */
            assert_memory_equal(all->status, alone->status, sizeof all->status);
            assert_memory_equal(all->kept, alone->kept, sizeof all->kept);
            assert_memory_equal(all->boundary, alone->boundary, sizeof all->boundary);
            assert_memory_equal(all->entropies, alone->entropies, sizeof all->entropies);
            assert_memory_equal(all->scores, alone->scores, sizeof all->scores);
        }
        free(alone);
    }
    memcpy(k->params, params, sizeof params);
    free(all);
}

static void run_batch(tombola_context *on, struct kinds *k, uint32_t number)
{
    static const tombola_dispatch dispatches[] = {TOMBOLA_DISPATCH_ROW, TOMBOLA_DISPATCH_SPREAD};
    static const uint32_t counts[] = {2, 8, 3, 33, 5};
    tombola_sampler *sampler = make_sampler(on, &k->make, ROW_KINDS, dispatches[number % 2]);
    kinds_set_params(k, number);
    for (size_t row = 0; row < ROW_KINDS; row += 5)
        k->params[row].stream = UINT32_MAX - 1; /* the samples' streams begin anew */
    expect_samples(sampler, k, counts[number % COUNT_OF(counts)], 7);
    tombola_sampler_release(sampler);
}

static void each_is_what_its_stream_gives_alone(void **state)
{
    (void)state;
    kinds_each(context, KINDS_ALL, 4000, run_batch);
}

static void work_groups_of_many_have_the_same(void **state)
{
    (void)state;
    kinds_each_in_groups(KINDS_BINARY32_LOGITS, 300, run_batch);
}

/* Where XTC's chance comes for some of a row's samples, in both ways round. */
static void xtc_comes_for_those_whose_chance_it_is(void **state)
{
    (void)state;
    static const float p[4] = {.1f, .2f, .3f, .4f};
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_PROBABILITIES, 4};
    tombola_sampler *sampler = make_sampler(context, &make, 1, TOMBOLA_DISPATCH_AUTO);
    struct oracle_row *row = oracle_row_create(p, 4, TOMBOLA_PROBABILITIES);
    int cut[2] = {0, 0}, first_is_cut[2] = {0, 0};
    for (uint64_t seed = 0; seed < (test_level() == TEST_SMALL ? 4 : 20); seed++) {
        int32_t tokens[MOST];
        uint32_t kept;
        tombola_params params = params_at(seed % 2 ? 1.0f : .8f);
        params.xtc_probability = .5f;
        params.xtc_threshold = .25f;
        params.seed = seed;
        if (seed % 3 == 1)
            tombola_filters_temperature_last(&params);
        const tombola_rows rows = host_rows(p, 1, 0, &params);
        tombola_results results = tombola_results_default();
        results.samples = MOST;
        results.tokens.host = tokens;
        results.kept.host = &kept;
        assert_int_equal(tombola_sampler_sample(sampler, &rows, &results, &error), TOMBOLA_OK);
        for (uint32_t i = 0; i < MOST; i++) {
            const struct draw right = oracle_draw(row, &params);
            assert_int_equal(tokens[i], right.token);
            cut[right.kept < 4]++;
            if (i == 0)
                assert_int_equal(kept, right.kept);
            if (i == 0)
                first_is_cut[right.kept < 4]++;
            params.stream++;
        }
    }
    assert_true(cut[0] > 0 && cut[1] > 0);
    assert_true(test_level() == TEST_SMALL || (first_is_cut[0] > 0 && first_is_cut[1] > 0));
    oracle_row_release(row);
    tombola_sampler_release(sampler);
}

/* To host memory by submit and enqueue, to a buffer, and by a sampler that has had fewer and more. */
static void every_way_gives_the_same(void **state)
{
    (void)state;
    enum { BEFORE = 5 };
    const uint32_t counts[] = {2, 9, 1, test_level() == TEST_SMALL ? 4 : MOST, 3};
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, 300};
    struct kinds *k = kinds_make(make, 3, 1);
    tombola_sampler *plain = make_sampler(context, &make, ROW_KINDS, TOMBOLA_DISPATCH_AUTO);
    for (size_t transfer = 0; transfer < 3; transfer++) {
        tombola_sampler *sampler =
            make_sampler_that(context, &make, ROW_KINDS, TOMBOLA_DISPATCH_AUTO, (tombola_transfer)transfer);
        for (uint32_t way = 0; way < COUNT_OF(counts); way++) {
            kinds_set_params(k, way);
            struct sampled *right = draw(plain, k, counts[way], 0), *got = allocate(1, sizeof *got);
            const size_t bytes = ROW_KINDS * counts[way] * sizeof(int32_t);
            got->samples = counts[way];
            tombola_rows rows = kinds_rows(k);
            tombola_results results = results_to(got, 0);
            rows.score_tokens = zeros;
            rows.score_ends = one_each;
            cl_mem buffer = entry_buffer(context, BEFORE * sizeof(int32_t) + bytes, NULL);
            if (way % 2) {
                results.tokens.host = NULL;
                results.tokens.buffer = buffer;
                results.tokens.offset = BEFORE;
            }
            const enum call call = way == 2 || way == 3 ? CALL_SUBMIT : (enum call)(CALL_ENQUEUE + way % 2);
            assert_int_equal(call_as(call, sampler, &rows, &results), TOMBOLA_OK);
            if (way % 2)
                entry_succeed(clEnqueueReadBuffer(queues[0], buffer, CL_TRUE, BEFORE * sizeof(int32_t), bytes,
                                                  got->tokens, 0, NULL, NULL),
                              "clEnqueueReadBuffer");
            assert_memory_equal(got, right, sizeof *got);
            clReleaseMemObject(buffer);
            free(got);
            free(right);
        }
        tombola_sampler_release(sampler);
    }
    tombola_sampler_release(plain);
    kinds_release(k);
}

static void too_many_are_refused(void **state)
{
    (void)state;
    static const float logits[4];
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, 4};
    tombola_sampler *sampler = make_sampler(context, &make, 1, TOMBOLA_DISPATCH_AUTO);
    const tombola_params params = params_at(1.0f);
    const tombola_rows rows = host_rows(logits, 1, 0, &params);
    tombola_results results = tombola_results_default();
    int32_t tokens[MOST] = {-7};
    results.tokens.host = tokens;
    results.samples = MOST + 1;
    expect_refusal(tombola_sampler_sample(sampler, &rows, &results, &error), &error,
                   "results.samples is 129, not from 0 to 128");
    results.samples = 1;
    results.reserved = 3;
    expect_refusal(tombola_sampler_sample(sampler, &rows, &results, &error), &error, "results.reserved is 3, not 0");
    assert_int_equal(tokens[0], -7);
    tombola_sampler_release(sampler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xtc_comes_for_those_whose_chance_it_is),
        cmocka_unit_test(each_is_what_its_stream_gives_alone),
        cmocka_unit_test(every_way_gives_the_same),
        cmocka_unit_test(too_many_are_refused),
        cmocka_unit_test(work_groups_of_many_have_the_same),
    };
    return cmocka_run_group_tests(tests, open_queues, close_queues);
}
