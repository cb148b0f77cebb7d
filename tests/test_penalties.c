/* Penalties over token histories, and minimum lengths: beside the oracle, as published, and what they depend on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "group.h"
#include "histories.h"

enum { ROWS = HISTORIES_ROWS, MOST_CANDIDATES = 1000 };

/* ------------------------------------------------------------------ beside the oracle */

struct got {
    struct columns columns;
    int32_t candidates[ROWS * MOST_CANDIDATES];
    float logits[ROWS * MOST_CANDIDATES];
};

/* Draws, and of short rows all tokens as candidates with their effective logits. */
static void draw_all(tombola_sampler *sampler, const struct histories *h, struct got *got, struct draw *draws)
{
    const tombola_rows rows = histories_rows(h);
    tombola_results results = columns_results(&got->columns);
    if (h->make.vocabulary <= MOST_CANDIDATES) {
        results.candidate_count = h->make.vocabulary;
        results.candidate_tokens.host = got->candidates;
        results.candidate_logits.host = got->logits;
    }
    call_rows(sampler, &rows, &results);
    columns_draws(&got->columns, h->count, draws);
}

static void expect_oracle(tombola_context *on, const struct histories *h, tombola_dispatch dispatch, const char *who)
{
    const uint32_t vocabulary = h->make.vocabulary;
    struct got *got = allocate(1, sizeof *got);
    float *right = allocate(vocabulary, sizeof *right);
    struct draw draws[ROWS];
    tombola_sampler *sampler = make_sampler(on, &h->make, ROWS, dispatch);
    draw_all(sampler, h, got, draws);
    for (size_t row = 0; row < h->count; row++) {
        const struct draw expected = histories_draw(h, row, right);
        if (draws[row].token != expected.token || draws[row].kept != expected.kept ||
            draws[row].status != expected.status) {
            fail_msg("%s, type %d, vocabulary %u: row %zu draws %d of %u, status %d, not %d of %u, status %d", who,
                     (int)h->make.type, (unsigned)vocabulary, row, (int)draws[row].token, (unsigned)draws[row].kept,
                     (int)draws[row].status, (int)expected.token, (unsigned)expected.kept, (int)expected.status);
        }
        for (size_t i = row * vocabulary; vocabulary <= MOST_CANDIDATES && i < (row + 1) * vocabulary; i++) {
            if (got->candidates[i] >= 0) { /* subnormal ones are given back as they are */
                const float logit = fabsf(got->logits[i]) < FLT_MIN ? 0.0f : got->logits[i];
                assert_real_equal(logit, right[got->candidates[i]]);
            }
        }
    }
    tombola_sampler_release(sampler);
    free(right);
    free(got);
}

static void expect_oracle_everywhere(tombola_context *on, const char *who)
{
    static const uint32_t vocabularies[] = {1, 2, 255, 256, 257, 4000, 20000};
    const size_t count = test_level() == TEST_SMALL ? 5 : COUNT_OF(vocabularies);
    for (size_t i = 0; i < count; i++) {
        for (int type = TOMBOLA_FLOAT32; type <= TOMBOLA_BFLOAT16; type++) {
            const struct make make = {(tombola_type)type, TOMBOLA_LOGITS, vocabularies[i]};
            const int turns = !is_compiled_for(on, make.type)                        ? 0
                              : test_level() == TEST_SMALL || vocabularies[i] > 1000 ? 1
                                                                                     : 4;
            for (int turn = 0; turn < turns; turn++) {
                struct histories h;
                histories_make(&h, &make, vocabularies[i] > 1000 ? 8 : ROWS, i % 2 ? 700 : 60,
                               (uint64_t)(turn * 100 + type * 10) + i);
                expect_oracle(on, &h, TOMBOLA_DISPATCH_ROW, who);
                expect_oracle(on, &h, TOMBOLA_DISPATCH_SPREAD, who);
                histories_release(&h);
            }
        }
    }
}

static void rows_with_histories_draw_what_the_oracle_draws(void **state)
{
    (void)state;
    expect_oracle_everywhere(context, "the usual shape");
}

static void groups_of_work_items_do_so_too(void **state)
{
    (void)state;
    tombola_context *grouped = test_context_open(4, 4);
    expect_oracle_everywhere(grouped, "4 x 4 x 2");
    tombola_context_close(grouped);
}

/* More tokens than there are blocks, and every token of a row. */
static void long_histories_do_so_too(void **state)
{
    (void)state;
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, test_level() == TEST_SMALL ? 300 : 3000};
    struct histories h;
    histories_make(&h, &make, 8, test_level() == TEST_SMALL ? 1000 : 20000, 4);
    expect_oracle(context, &h, TOMBOLA_DISPATCH_ROW, "long histories");
    expect_oracle(context, &h, TOMBOLA_DISPATCH_SPREAD, "long histories");
    histories_release(&h);
}

/* ------------------------------------------------------------------ rows by hand */

/* A row's probabilities, with one history, all of it output. */
static void probabilities_of(const float *logits, uint32_t vocabulary, const int32_t *history, size_t count,
                             size_t prompt, tombola_params params, float *probabilities)
{
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, vocabulary};
    tombola_sampler *sampler = make_sampler(context, &make, 1, TOMBOLA_DISPATCH_AUTO);
    tombola_rows rows = host_rows(logits, 1, 0, &params);
    tombola_results results = tombola_results_default();
    rows.history = history;
    rows.history_ends = &count;
    rows.prompt_lengths = &prompt;
    results.probabilities.host = probabilities;
    call_rows(sampler, &rows, &results);
    tombola_sampler_release(sampler);
}

/* As llama.cpp's tests/test-sampling.cpp has them. */
static void published_cases_come_out(void **state)
{
    (void)state;
    static const int32_t history[] = {0, 1, 2, 0, 0};
    static const struct {
        size_t count;
        float repetition, frequency, presence;
        float expected[5];
    } cases[] = {
        {1, 50.0f, 0.0f, 0.0f, {0.0f, .25f, .25f, .25f, .25f}},
        {3, 50.0f, 0.0f, 0.0f, {0.0f, 0.0f, 0.0f, .5f, .5f}},
        {5, 50.0f, 0.0f, 0.0f, {0.0f, 0.0f, 0.0f, .5f, .5f}},
        {1, 1.0f, 5.0f, 5.0f, {.000011f, .249997f, .249997f, .249997f, .249997f}},
        {3, 1.0f, 5.0f, 5.0f, {.000023f, .000023f, .000023f, .499966f, .499966f}},
        {5, 1.0f, 5.0f, 5.0f, {.000000f, .000023f, .000023f, .499977f, .499977f}},
    };
    float logits[5], probabilities[5];
    for (size_t i = 0; i < 5; i++) {
        logits[i] = logf(.2f);
    }
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        tombola_params params = params_at(1.0f);
        params.repetition_penalty = cases[i].repetition;
        params.frequency_penalty = cases[i].frequency;
        params.presence_penalty = cases[i].presence;
        probabilities_of(logits, 5, history, cases[i].count, 0, params, probabilities);
        for (size_t token = 0; token < 5; token++) {
            assert_near(probabilities[token], cases[i].expected[token], 1e-6);
        }
    }
}

/* The effective logits of four tokens, with the first three of them in the history, as often as they say. */
static void expect_logits(tombola_params params, const float *given, const float *expected)
{
    enum { TOKENS = 4 };
    static const int32_t history[] = {0, 1, 2, 2};
    static const size_t ends[] = {COUNT_OF(history)};
    static const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, TOKENS};
    tombola_sampler *sampler = make_sampler(context, &make, 1, TOMBOLA_DISPATCH_AUTO);
    tombola_rows rows = host_rows(given, 1, 0, &params);
    tombola_results results = tombola_results_default();
    int32_t tokens[TOKENS];
    float logits[TOKENS];
    rows.history = history;
    rows.history_ends = ends;
    results.candidate_count = TOKENS;
    results.candidate_tokens.host = tokens;
    results.candidate_logits.host = logits;
    call_rows(sampler, &rows, &results);
    for (size_t i = 0; i < TOKENS; i++) {
        assert_in_range(tokens[i], 0, TOKENS - 1);
        assert_real_equal(logits[i], expected[tokens[i]]);
    }
    tombola_sampler_release(sampler);
}

static void each_step_is_rounded_and_nothing_is_subnormal(void **state)
{
    (void)state;
    const float third = 1.0f / 3.0f;
    tombola_params params = params_at(1.0f);
    params.repetition_penalty = 3.0f;
    expect_logits(params, (float[]){2.0f, -2.0f, 0.0f, 2.0f}, (float[]){2.0f * third, -6.0f, 0.0f, 2.0f});
    expect_logits(params, (float[]){0x1p-124f, -FLT_MIN, FLT_MIN / 2, FLT_MIN}, /* products below 2^-125 are 0 */
                  (float[]){0.0f, -0x1.8p-125f, 0.0f, FLT_MIN});
    params.repetition_penalty = 1.0f;
    params.frequency_penalty = 0.1f;
    params.presence_penalty = 0.7f;
    const float once = (float)((double).1f + (double).7f), twice = (float)(2 * (double).1f + (double).7f);
    expect_logits(params, (float[]){1.0f, -1.0f, 1.0f, 1.0f}, (float[]){1.0f - once, -1.0f - once, 1.0f - twice, 1.0f});
    params.frequency_penalty = 0.0f;
    params.presence_penalty = FLT_MIN / 2; /* subnormal */
    expect_logits(params, (float[]){FLT_MIN, 0.0f, -0.0f, 1.0f}, (float[]){FLT_MIN, 0.0f, 0.0f, 1.0f});
    params.presence_penalty = FLT_MIN;
    expect_logits(params, (float[]){1.5f * FLT_MIN, 0.0f, -FLT_MIN, 1.0f},
                  (float[]){0.0f, -FLT_MIN, -2.0f * FLT_MIN, 1.0f});
    params.repetition_penalty = 2.0f; /* first the one, then the other */
    params.presence_penalty = 1.0f;
    expect_logits(params, (float[]){4.0f, -4.0f, 1.0f, 1.0f}, (float[]){1.0f, -9.0f, -0.5f, 1.0f});
}

static struct draw draw_with(const struct histories *h)
{
    struct got *got = allocate(1, sizeof *got);
    struct draw draws[ROWS];
    tombola_sampler *sampler = make_sampler(context, &h->make, ROWS, TOMBOLA_DISPATCH_AUTO);
    draw_all(sampler, h, got, draws);
    tombola_sampler_release(sampler);
    free(got);
    return draws[0];
}

static void penalties_that_overflow_upwards_make_a_row_invalid(void **state)
{
    (void)state;
    float logits[4] = {0x1.8p127f, 1.0f, 0.0f, 0.0f};
    int32_t history[] = {0};
    int32_t masked[] = {-1};
    struct histories h = {.make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, 4},
                          .count = 1,
                          .logits = logits,
                          .history = history,
                          .history_ends = {1}};
    h.mask_of_row[0] = masked[0];
    h.params[0] = params_at(1.0f);
    h.params[0].presence_penalty = -0x1.8p127f;
    assert_int_equal(draw_with(&h).status, TOMBOLA_ROW_INVALID);
    h.params[0].presence_penalty = 0.0f;
    h.params[0].repetition_penalty = 0x1p-10f;
    assert_int_equal(draw_with(&h).status, TOMBOLA_ROW_INVALID);
    logits[0] = -INFINITY; /* which stays what it is */
    assert_int_equal(draw_with(&h).status, TOMBOLA_ROW_OK);
    assert_int_equal(draw_with(&h).kept, 3);
    logits[0] = 1.0f;
    h.params[0].repetition_penalty = 1.0f;
    h.params[0].presence_penalty = FLT_MAX;
    h.params[0].frequency_penalty = FLT_MAX; /* their sum counts as FLT_MAX */
    assert_int_equal(draw_with(&h).status, TOMBOLA_ROW_OK);
    assert_int_equal(draw_with(&h).kept, 4);
    logits[0] = -0x1.8p127f; /* downwards it is -inf */
    assert_int_equal(draw_with(&h).kept, 3);
    logits[0] = NAN;
    assert_int_equal(draw_with(&h).status, TOMBOLA_ROW_INVALID);
}

static void end_tokens_are_not_drawn_before_so_many_tokens_were(void **state)
{
    (void)state;
    float logits[4] = {9.0f, 0.0f, 9.0f, 0.0f};
    int32_t history[] = {1, 1, 3, 1}, ends[] = {2, 0};
    struct histories h = {.make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, 4},
                          .count = 1,
                          .logits = logits,
                          .history = history,
                          .history_ends = {4},
                          .end_tokens = ends,
                          .end_token_ends = {2}};
    h.mask_of_row[0] = -1;
    h.params[0] = params_at(0.0f);
    for (uint32_t min = 0; min < 6; min++) {
        for (size_t prompt = 0; prompt < 5; prompt++) {
            h.params[0].min_tokens = min;
            h.prompt_lengths[0] = prompt;
            assert_int_equal(draw_with(&h).token, 4 - prompt < min ? 1 : 0);
        }
    }
    logits[0] = NAN; /* a ban, like a bias of -inf, is for any value */
    assert_int_equal(draw_with(&h).status, TOMBOLA_ROW_OK);
    h.history_ends[0] = h.prompt_lengths[0] = 0;
    assert_int_equal(draw_with(&h).token, 1);
}

/* ------------------------------------------------------------------ what rows depend on */

static int same_draw(struct draw a, struct draw b)
{
    return a.token == b.token && a.kept == b.kept && a.status == b.status;
}

static void a_row_draws_the_same_in_any_place_of_any_batch(void **state)
{
    (void)state;
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, test_level() == TEST_SMALL ? 300 : 3000};
    struct histories all, some;
    struct got *got = allocate(1, sizeof *got);
    struct draw whole[ROWS], draws[ROWS];
    histories_make(&all, &make, ROWS, 500, 77);
    tombola_sampler *sampler = make_sampler(context, &make, ROWS, TOMBOLA_DISPATCH_AUTO);
    draw_all(sampler, &all, got, whole);
    size_t order[ROWS];
    for (size_t row = 0; row < ROWS; row++) {
        order[row] = (row * 13 + 5) % ROWS;
        histories_take(&some, &all, &row, 1);
        draw_all(sampler, &some, got, draws);
        assert_true(same_draw(draws[0], whole[row]));
        histories_release(&some);
    }
    histories_take(&some, &all, order, ROWS);
    draw_all(sampler, &some, got, draws);
    for (size_t row = 0; row < ROWS; row++) {
        assert_true(same_draw(draws[row], whole[order[row]]));
    }
    histories_release(&some);
    tombola_sampler_release(sampler);
    histories_release(&all);
    free(got);
}

/* The probabilities of one row under two ways to say the same. */
static void expect_same(tombola_params one, const int32_t *history, size_t count, size_t prompt, tombola_params other,
                        const int32_t *other_history, size_t other_count, size_t other_prompt)
{
    enum { V = 50 };
    float logits[V], probabilities[2][V];
    for (size_t i = 0; i < V; i++) {
        logits[i] = (float)(i * 37 % 23) / 8.0f - 1.0f;
    }
    probabilities_of(logits, V, history, count, prompt, one, probabilities[0]);
    probabilities_of(logits, V, other_history, other_count, other_prompt, other, probabilities[1]);
    assert_memory_equal(probabilities[0], probabilities[1], sizeof probabilities[0]);
}

static void windows_and_prompts_are_parts_of_the_history(void **state)
{
    (void)state;
    enum { COUNT = 40, PROMPT = 25 };
    int32_t history[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        history[i] = (int32_t)(i * i % 17);
    }
    tombola_params plain = params_at(1.0f), params;
    plain.repetition_penalty = 1.2f;
    plain.frequency_penalty = 0.3f;
    plain.presence_penalty = 0.1f;
    for (uint32_t window = 1; window < COUNT + 3; window += 3) { /* the last tokens alone */
        const size_t counted = window < COUNT ? window : COUNT;
        params = plain;
        params.penalty_window = window;
        expect_same(params, history, COUNT, 0, plain, history + COUNT - counted, counted, 0);
    }
    params = plain; /* the output alone */
    params.penalty_prompt = TOMBOLA_PROMPT_NONE;
    expect_same(params, history, COUNT, PROMPT, plain, history + PROMPT, COUNT - PROMPT, 0);
    params.penalty_prompt = TOMBOLA_PROMPT_ALL; /* the prompt like the output */
    expect_same(params, history, COUNT, PROMPT, plain, history, COUNT, 0);
    params = plain; /* the prompt for repetition alone */
    params.frequency_penalty = params.presence_penalty = 0.0f;
    expect_same(plain, history, PROMPT, PROMPT, params, history, PROMPT, 0);
    params = plain;
    params.repetition_penalty = 1.0f;
    expect_same(params, history, PROMPT, PROMPT, params_at(1.0f), NULL, 0, 0);
    params.penalty_window = COUNT - PROMPT; /* a window that ends with the prompt */
    expect_same(params, history, COUNT, PROMPT, params, history + PROMPT, COUNT - PROMPT, 0);
}

/* ------------------------------------------------------------------ mistakes and room */

static tombola_memory memory_of(const tombola_sampler *sampler)
{
    tombola_memory memory = tombola_memory_default();
    tombola_sampler_memory(sampler, &memory);
    return memory;
}

static void no_call_makes_room_where_the_options_have_told_of_it(void **state)
{
    (void)state;
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, 300};
    struct histories h;
    struct got *got = allocate(1, sizeof *got);
    struct draw draws[ROWS];
    histories_make(&h, &make, ROWS, 200, 5);
    for (int transfer = 0; transfer < 6; transfer++) {
        tombola_sampler_options options = tombola_sampler_options_default();
        tombola_sampler *sampler;
        tombola_memory told = tombola_memory_default();
        options.transfer = (tombola_transfer)(transfer % 3);
        options.max_biases = h.bias_ends[ROWS - 1];
        options.max_history = transfer < 3 ? h.history_ends[ROWS - 1] + h.end_token_ends[ROWS - 1] : 0;
        options.masks = 1;
        options.max_candidates = make.vocabulary;
        assert_int_equal(tombola_sampler_memory_before(context, make.vocabulary, ROWS, &options, &told, NULL), 0);
        assert_int_equal(tombola_sampler_create(context, make.vocabulary, ROWS, &options, &sampler, NULL), TOMBOLA_OK);
        const tombola_memory before = memory_of(sampler);
        assert_int_equal(before.host_bytes, told.host_bytes);
        assert_int_equal(before.device_bytes, told.device_bytes);
        for (int turn = 0; turn < 3; turn++) {
            draw_all(sampler, &h, got, draws);
        }
        const tombola_memory after = memory_of(sampler);
        for (int turn = 0; turn < 3; turn++) {
            draw_all(sampler, &h, got, draws);
        }
        assert_int_equal(memory_of(sampler).host_bytes, after.host_bytes);
        assert_int_equal(after.host_bytes > before.host_bytes, transfer >= 3);
        tombola_sampler_release(sampler);
    }
    histories_release(&h);
    free(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_cases_come_out),
        cmocka_unit_test(each_step_is_rounded_and_nothing_is_subnormal),
        cmocka_unit_test(penalties_that_overflow_upwards_make_a_row_invalid),
        cmocka_unit_test(end_tokens_are_not_drawn_before_so_many_tokens_were),
        cmocka_unit_test(windows_and_prompts_are_parts_of_the_history),
        cmocka_unit_test(no_call_makes_room_where_the_options_have_told_of_it),
        cmocka_unit_test(rows_with_histories_draw_what_the_oracle_draws),
        cmocka_unit_test(groups_of_work_items_do_so_too),
        cmocka_unit_test(long_histories_do_so_too),
        cmocka_unit_test(a_row_draws_the_same_in_any_place_of_any_batch),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
