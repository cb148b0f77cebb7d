/* The autoregressive loop where sequences' tokens so far decide which come next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "calls.h"
#include "expect.h"
#include "group.h"

enum { TOKENS = 12, LENGTH = 60, MOST = 3 };

/* A model of even logits, which sets what it is told to in the batch. */
static int even(void *user, const tombola_step *step)
{
    const tombola_rows *set = user;
    float *logits = step->logits;
    for (size_t i = 0; i < step->rows * step->stride; i++) {
        logits[i] = (float)(i % step->stride % 3);
    }
    if (set) {
        step->batch->words = set->words;
        step->batch->word_ends = set->word_ends;
        step->batch->banned_ends = set->banned_ends;
        step->batch->thinking_start = set->thinking_start;
        step->batch->thinking_start_count = set->thinking_start_count;
        step->batch->thinking_end = set->thinking_end;
        step->batch->thinking_end_count = set->thinking_end_count;
    }
    return 0;
}

struct run {
    tombola_sequence sequences[MOST];
    tombola_params params[MOST];
    int32_t tokens[MOST][LENGTH + 4];
};

static void start(struct run *run, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        run->sequences[i] = tombola_sequence_default();
        run->params[i] = params_at(1.0f);
        run->params[i].seed = i + 5;
        run->tokens[i][0] = 1;
        run->tokens[i][1] = 2;
        run->sequences[i].tokens = run->tokens[i];
        run->sequences[i].length = 2;
        run->sequences[i].max_new_tokens = LENGTH;
        run->sequences[i].params = &run->params[i];
    }
}

static tombola_status generate(struct run *run, size_t count, tombola_rows *set, tombola_error *error)
{
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, TOKENS};
    tombola_sampler *sampler = make_sampler(context, &make, 2, TOMBOLA_DISPATCH_AUTO);
    tombola_model model = tombola_model_default();
    model.user = set;
    model.forward = even;
    const tombola_status status = tombola_sampler_generate(sampler, run->sequences, count, &model, NULL, NULL, error);
    tombola_sampler_release(sampler);
    return status;
}

static void no_token_comes_twice_after_the_same_one(void **state)
{
    (void)state;
    struct run run;
    start(&run, MOST);
    for (size_t i = 0; i < MOST; i++) {
        run.params[i].no_repeat_ngram = 2;
    }
    assert_int_equal(generate(&run, MOST, NULL, NULL), TOMBOLA_OK);
    for (size_t i = 0; i < MOST; i++) {
        int seen[TOKENS][TOKENS] = {{0}};
        assert_less(20, run.sequences[i].length);
        for (size_t at = 1; at < run.sequences[i].length; at++) {
            assert_int_equal(seen[run.tokens[i][at - 1]][run.tokens[i][at]]++, 0);
        }
    }
}

static void forced_tokens_come_where_they_are_asked_for(void **state)
{
    (void)state;
    static const int32_t forced[] = {7, 7, 0, 11};
    struct run run;
    start(&run, MOST);
    run.sequences[0].forced = run.sequences[2].forced = forced;
    run.sequences[0].forced_count = run.sequences[2].forced_count = 4;
    run.params[2].forced_from = 9;
    assert_int_equal(generate(&run, MOST, NULL, NULL), TOMBOLA_OK);
    assert_memory_equal(run.tokens[0] + 2, forced, sizeof forced);
    assert_memory_equal(run.tokens[2] + 2 + 9, forced, sizeof forced);
    for (size_t i = 0; i < MOST; i++) {
        assert_int_equal(run.sequences[i].length, LENGTH + 2);
    }
}

static void the_model_bans_words_and_ends_thinking(void **state)
{
    (void)state;
    static const int32_t words[] = {5, 2, 8, 8}, think[] = {1}, stop[] = {10, 10, 9};
    static const size_t word_ends[] = {1, 3, 4}, banned_ends[] = {2, 3};
    struct run run;
    tombola_rows set = tombola_rows_default();
    start(&run, 2);
    set.words = words;
    set.word_ends = word_ends;
    set.banned_ends = banned_ends;
    set.thinking_start = think;
    set.thinking_start_count = 1;
    set.thinking_end = stop;
    set.thinking_end_count = 3;
    run.params[0].thinking_budget = run.params[1].thinking_budget = 8;
    assert_int_equal(generate(&run, 2, &set, NULL), TOMBOLA_OK);
    for (size_t i = 0; i < 2; i++) { /* the start is token 0 of the prompt: 8 tokens later the end comes */
        size_t at = 1, open = 1;
        for (; at < run.sequences[i].length; at++) {
            const int32_t *t = run.tokens[i] + at;
            assert_true(i == 1 || t[0] != 5);
            assert_true(i == 1 || t[0] != 8 || t[-1] != 2);
            assert_true(i == 0 || t[0] != 8);
            if (open && at >= 3 && t[0] == 9 && t[-1] == 10 && t[-2] == 10) {
                open = 0;
                assert_at_most(at, 12);
            }
        }
        assert_int_equal(open, 0);
    }
}

/* What each sequence goes by, all of which counts generated tokens or what came of them. */
static void start_to_go_on(struct run *run, size_t i)
{
    static const int32_t ends[] = {2, 5}, forced[] = {7, 7, 0, 11};
    tombola_params *p = &run->params[i];
    run->sequences[i].end_tokens = ends;
    run->sequences[i].end_token_count = 2;
    switch (i) {
    case 0: /* of what was generated alone */
        p->frequency_penalty = 0.5f;
        p->presence_penalty = 0.25f;
        p->repetition_penalty = 1.5f;
        p->penalty_prompt = TOMBOLA_PROMPT_NONE;
        p->min_tokens = 17;
        return;
    case 1:
        p->length_penalty_start = 6;
        p->length_penalty_factor = 1.02f;
        p->min_tokens = 9;
        p->dry_multiplier = 0.7f;
        p->thinking_budget = 8;
        return;
    default:
        run->sequences[i].end_token_count = 0;
        run->sequences[i].forced = forced;
        run->sequences[i].forced_count = 4;
        p->forced_from = 8; /* on both sides of the break */
        p->no_repeat_ngram = 3;
    }
}

/* 20 tokens at once, and the same in parts of `part`, told or not what was generated before. */
static void compare_parts(size_t part, int is_told, int *are_same)
{
    static const int32_t think[] = {1}, stop[] = {10, 10, 9};
    tombola_rows set = tombola_rows_default();
    struct run whole, parts;
    set.thinking_start = think;
    set.thinking_start_count = 1;
    set.thinking_end = stop;
    set.thinking_end_count = 3;
    start(&whole, MOST);
    start(&parts, MOST);
    for (size_t i = 0; i < MOST; i++) {
        start_to_go_on(&whole, i);
        start_to_go_on(&parts, i);
        whole.sequences[i].max_new_tokens = 20;
        parts.sequences[i].max_new_tokens = part;
    }
    assert_int_equal(generate(&whole, MOST, &set, NULL), TOMBOLA_OK);
    for (size_t drawn = 0; drawn < 20; drawn += part) {
        for (size_t i = 0; i < MOST && is_told; i++)
            parts.sequences[i].generated = parts.sequences[i].length - 2;
        for (size_t i = 0; i < MOST; i++) /* alone, as those that have met an end token are done */
            if (parts.sequences[i].finish != TOMBOLA_FINISH_END_TOKEN) {
                struct run one;
                start(&one, 1);
                one.sequences[0] = parts.sequences[i];
                assert_int_equal(generate(&one, 1, &set, NULL), TOMBOLA_OK);
                parts.sequences[i] = one.sequences[0];
            }
    }
    for (size_t i = 0; i < MOST; i++) {
        assert_less(12, whole.sequences[i].length);
        are_same[i] = whole.sequences[i].length == parts.sequences[i].length &&
                      memcmp(whole.tokens[i], parts.tokens[i], whole.sequences[i].length * sizeof(int32_t)) == 0 &&
                      whole.params[i].offset == parts.params[i].offset;
    }
}

static void going_on_is_as_having_generated_at_once(void **state)
{
    (void)state;
    int are_same[MOST];
    for (size_t part = 1; part <= 10; part = part == 2 ? 4 : part == 5 ? 10 : part + 1) {
        compare_parts(part, 1, are_same);
        for (size_t i = 0; i < MOST; i++)
            assert_that(are_same[i], "sequence %zu differs in parts of %zu", i, part);
    }
    compare_parts(10, 0, are_same); /* the tokens before are then the prompt */
    for (size_t i = 0; i < MOST; i++)
        assert_that(!are_same[i], "sequence %zu does not go by what was generated", i);
}

static void more_generated_than_there_is_is_refused(void **state)
{
    (void)state;
    struct run run;
    tombola_error error = tombola_error_default();
    start(&run, 2);
    run.sequences[1].generated = 3;
    assert_int_equal(generate(&run, 2, NULL, &error), TOMBOLA_INVALID_ARGUMENT);
    assert_string_equal(error.message, "sequences[1].generated is 3, but length is 2");
}

static void what_is_wrong_with_forced_tokens_is_told(void **state)
{
    (void)state;
    static const int32_t forced[] = {3, TOKENS};
    struct run run;
    tombola_error error = tombola_error_default();
    start(&run, 2);
    run.sequences[1].forced_count = 2;
    assert_int_equal(generate(&run, 2, NULL, &error), TOMBOLA_INVALID_ARGUMENT);
    assert_string_equal(error.message, "sequences[1].forced is NULL, but forced_count is 2");
    run.sequences[1].forced = forced;
    assert_int_equal(generate(&run, 2, NULL, &error), TOMBOLA_INVALID_ARGUMENT);
    assert_string_equal(error.message, "sequences[1].forced[1] is 12, but tokens are 0 to 11");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_token_comes_twice_after_the_same_one),
        cmocka_unit_test(forced_tokens_come_where_they_are_asked_for),
        cmocka_unit_test(the_model_bans_words_and_ends_thinking),
        cmocka_unit_test(going_on_is_as_having_generated_at_once),
        cmocka_unit_test(more_generated_than_there_is_is_refused),
        cmocka_unit_test(what_is_wrong_with_forced_tokens_is_told),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
