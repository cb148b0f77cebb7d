/* The autoregressive loop: what it refuses, and the names of its ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "group.h"
#include "harness.h"
#include "toy.h"

/* Each spoils one thing of a good batch of 3; sequence 1 is the bad one. */
static const int32_t FAR_END[2] = {5, VOCABULARY};
static void clear_size(struct batch *b)
{
    b->sequences[1].struct_size = 0;
}
static void clear_limit(struct batch *b)
{
    b->sequences[1].max_new_tokens = 0;
}
static void overflow(struct batch *b)
{
    b->sequences[1].max_new_tokens = SIZE_MAX;
}
static void lose_end_tokens(struct batch *b)
{
    b->sequences[1].end_token_count = 2;
}
static void spoil_end_token(struct batch *b)
{
    b->sequences[1].end_tokens = FAR_END;
    b->sequences[1].end_token_count = 2;
}
static void spoil_token(struct batch *b)
{
    b->tokens[1][1] = VOCABULARY;
}
static void negate_token(struct batch *b)
{
    b->tokens[1][0] = -1;
}
static void spoil_temperature(struct batch *b)
{
    b->params[1].temperature = -1.0f;
}
static void spoil_top_p(struct batch *b)
{
    b->params[1].top_p = NAN;
}
static void spoil_min_p(struct batch *b)
{
    b->params[1].min_p = 1.5f;
}

static void every_bad_sequence_is_named(void **state)
{
    (void)state;
    static const struct {
        void (*spoil)(struct batch *batch);
        const char *message; /* how it starts */
    } CASES[] = {
        {clear_size, "sequences[1].struct_size is 0: start from tombola_sequence_default()"},
        {clear_limit, "sequences[1].max_new_tokens is 0, must be at least 1"},
        {overflow, "sequences[1].length 2 and max_new_tokens 18446744073709551615 are more"},
        {lose_end_tokens, "sequences[1].end_tokens is NULL, but end_token_count is 2"},
        {spoil_end_token, "sequences[1].end_tokens[1] is 300, but tokens are 0 to 299"},
        {spoil_token, "sequences[1].tokens[1] is 300, but tokens are 0 to 299"},
        {negate_token, "sequences[1].tokens[0] is -1, but tokens are 0 to 299"},
        {spoil_temperature, "sequences[1]: params[0].temperature is -1"},
        {spoil_top_p, "sequences[1]: params[0].top_p is nan"},
        {spoil_min_p, "sequences[1]: params[0].min_p is 1.5"},
    };
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        struct batch bad = make_batch(3);
        tombola_error error = tombola_error_default();
        CASES[i].spoil(&bad);
        assert_int_equal(run(&bad, ROWS, &error), TOMBOLA_INVALID_ARGUMENT);
        error.message[strlen(CASES[i].message)] = '\0';
        assert_string_equal(error.message, CASES[i].message);
        assert_int_equal(bad.calls, 0);
        assert_int_equal(run(&bad, ROWS, NULL), TOMBOLA_INVALID_ARGUMENT); /* without an error struct */
    }
    struct batch good = make_batch(3);
    assert_int_equal(run(&good, ROWS, NULL), TOMBOLA_OK);
}

static void every_bad_argument_is_named(void **state)
{
    (void)state;
    tombola_sampler *sampler;
    tombola_error error = tombola_error_default();
    struct batch batch = make_batch(2);
    tombola_sequence *sequences = batch.sequences;
    const tombola_model model = toy_model(&batch), empty = tombola_model_default();
    tombola_model sizeless = model;
    sizeless.struct_size = 0;
    assert_int_equal(tombola_sampler_create(context, VOCABULARY, ROWS, NULL, &sampler, NULL), TOMBOLA_OK);

#define REFUSES(call, text)                                                                                            \
    assert_int_equal(call, TOMBOLA_INVALID_ARGUMENT);                                                                  \
    assert_string_equal(error.message, text);                                                                          \
    assert_int_equal(error.status, TOMBOLA_INVALID_ARGUMENT)
    REFUSES(tombola_sampler_generate(NULL, sequences, 2, &model, NULL, NULL, &error), "sampler is NULL");
    REFUSES(tombola_sampler_generate(sampler, NULL, 2, &model, NULL, NULL, &error), "sequences is NULL");
    REFUSES(tombola_sampler_generate(sampler, sequences, 0, &model, NULL, NULL, &error),
            "count is 0, must be at least 1");
    REFUSES(tombola_sampler_generate(sampler, sequences, 2, NULL, NULL, NULL, &error), "model is NULL");
    REFUSES(tombola_sampler_generate(sampler, sequences, 2, &empty, NULL, NULL, &error), "model.forward is NULL");
    REFUSES(tombola_sampler_generate(sampler, sequences, 2, &sizeless, NULL, NULL, &error),
            "model.struct_size is 0: start from tombola_model_default()");
    REFUSES(tombola_sampler_generate(sampler, sequences, 2, &model, NULL, NULL, &error), "sequences[0].tokens is NULL");
#undef REFUSES

    for (size_t i = 0; i < 2; i++)
        sequences[i].tokens = batch.tokens[i];
    assert_int_equal(tombola_sampler_generate(sampler, sequences, 2, &model, NULL, NULL, &error), TOMBOLA_OK);
    tombola_sampler_release(sampler);
}

/* The toy with words that begin and end thinking, in its first steps. */
struct thinker {
    struct batch batch;
    size_t steps; /* that have them */
};

static int think(void *user, const tombola_step *step)
{
    static const int32_t marks[2] = {1, 2};
    struct thinker *thinker = user;
    if (thinker->batch.calls < thinker->steps) {
        step->batch->thinking_start = &marks[0];
        step->batch->thinking_end = &marks[1];
        step->batch->thinking_start_count = step->batch->thinking_end_count = 1;
    }
    return toy_forward(&thinker->batch, step);
}

/* Draws from 2 rows at a time and tells the error, of status TOMBOLA_INVALID_ARGUMENT. */
static tombola_error refuse(struct thinker *thinker, tombola_input input)
{
    struct batch *batch = &thinker->batch;
    tombola_sampler *sampler;
    tombola_sampler_options options = tombola_sampler_options_default();
    tombola_model model = toy_model(batch);
    tombola_error error = tombola_error_default();
    options.input = input;
    model.user = thinker;
    model.forward = think;
    for (size_t i = 0; i < batch->count; i++) {
        batch->sequences[i].tokens = batch->tokens[i];
        batch->sequences[i].params = &batch->params[i];
    }
    assert_int_equal(tombola_sampler_create(context, VOCABULARY, 2, &options, &sampler, NULL), TOMBOLA_OK);
    assert_int_equal(tombola_sampler_generate(sampler, batch->sequences, batch->count, &model, hear, batch, &error),
                     TOMBOLA_INVALID_ARGUMENT);
    tombola_sampler_release(sampler);
    return error;
}

#define NO_START "there is no rows.thinking_start for it: rows.thinking_start_count is 0"

static void a_sequence_that_lacks_something_is_named_before_any_is_drawn(void **state)
{
    (void)state;
    struct thinker thinker = {.batch = make_batch(6)};
    thinker.batch.params[5].thinking_budget = 4;
    assert_string_equal(refuse(&thinker, TOMBOLA_LOGITS).message,
                        "sequences[5]: params[0].thinking_budget is 4, but " NO_START);
    assert_int_equal(thinker.batch.calls, 1);
    assert_int_equal(thinker.batch.heard, 0);
    assert_int_equal(thinker.batch.sequences[0].length, 1);

    thinker = (struct thinker){.batch = make_batch(6)};
    thinker.batch.params[4].presence_penalty = 0.5f;
    assert_string_equal(refuse(&thinker, TOMBOLA_PROBABILITIES).message,
                        "sequences[4]: params[0].presence_penalty is 0.5, but it is for logits, and options.input is "
                        "TOMBOLA_PROBABILITIES");
    assert_int_equal(thinker.batch.calls, 0);
}

static void a_sequence_that_lacks_something_later_is_named(void **state)
{
    (void)state;
    struct thinker thinker = {.batch = make_batch(6), .steps = 25}; /* sequences 0 and 1 have ended by then */
    thinker.batch.params[3].thinking_budget = 4;
    assert_string_equal(refuse(&thinker, TOMBOLA_LOGITS).message,
                        "sequences[3]: params[0].thinking_budget is 4, but " NO_START);
    assert_int_equal(thinker.batch.calls, 26);
}

/* The toy with biases of its own from the 25th step on, when sequences 0 and 1 have ended: 2 of the first row, and one
 * of the second. */
struct biased {
    struct batch batch;
    tombola_bias biases[3];
    size_t ends[2];
};

static int set_biases(void *user, const tombola_step *step)
{
    struct biased *biased = user;
    if (biased->batch.calls >= 25) {
        step->batch->biases = biased->biases;
        step->batch->bias_ends = biased->ends;
    }
    return toy_forward(&biased->batch, step);
}

static void what_the_model_sets_wrongly_later_names_the_sequence(void **state)
{
    (void)state;
    static const struct {
        tombola_bias biases[3];
        size_t ends[2];
        const char *message;
    } cases[] = {
        {{{1, 0}, {2, 0}, {VOCABULARY, 0}},
         {2, 3},
         "sequences[3]: rows.biases[2].token, of row 1, is 300, not from 0 to 299"},
        {{{1, 0}, {2, INFINITY}, {3, 0}},
         {2, 3},
         "sequences[2]: rows.biases[1].value, of row 0 and token 2, is inf, neither finite nor -inf"},
        {{{7, 0}, {7, 0}, {7, 0}}, {1, 3}, "sequences[3]: rows.biases has token 7 twice among those of row 1"},
        {{{7, 0}, {7, 0}, {7, 0}}, {2, 3}, "sequences[2]: rows.biases has token 7 twice among those of row 0"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct biased biased = {.batch = make_batch(6)};
        struct batch *batch = &biased.batch;
        tombola_model model = toy_model(batch);
        tombola_error error = tombola_error_default();
        tombola_sampler *sampler;
        memcpy(biased.biases, cases[i].biases, sizeof biased.biases);
        memcpy(biased.ends, cases[i].ends, sizeof biased.ends);
        model.user = &biased;
        model.forward = set_biases;
        for (size_t s = 0; s < batch->count; s++) {
            batch->sequences[s].tokens = batch->tokens[s];
            batch->sequences[s].params = &batch->params[s];
        }
        assert_int_equal(tombola_sampler_create(context, VOCABULARY, 2, NULL, &sampler, NULL), TOMBOLA_OK);
        assert_int_equal(tombola_sampler_generate(sampler, batch->sequences, batch->count, &model, hear, batch, &error),
                         TOMBOLA_INVALID_ARGUMENT);
        assert_string_equal(error.message, cases[i].message);
        assert_int_equal(batch->calls, 26);
        tombola_sampler_release(sampler);
    }
}

static void every_finish_has_a_name(void **state)
{
    (void)state;
    assert_string_equal(tombola_finish_string(TOMBOLA_FINISH_NONE), "not finished");
    assert_string_equal(tombola_finish_string(TOMBOLA_FINISH_END_TOKEN), "end token");
    assert_string_equal(tombola_finish_string(TOMBOLA_FINISH_LIMIT), "limit");
    assert_string_equal(tombola_finish_string(TOMBOLA_FINISH_STOPPED), "stopped");
    assert_string_equal(tombola_finish_string(TOMBOLA_FINISH_INVALID_ROW), "invalid row");
    assert_string_equal(tombola_finish_string(TOMBOLA_FINISH_EMPTY_ROW), "empty row");
    assert_string_equal(tombola_finish_string((tombola_finish)99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bad_sequence_is_named),
        cmocka_unit_test(every_bad_argument_is_named),
        cmocka_unit_test(a_sequence_that_lacks_something_is_named_before_any_is_drawn),
        cmocka_unit_test(a_sequence_that_lacks_something_later_is_named),
        cmocka_unit_test(what_the_model_sets_wrongly_later_names_the_sequence),
        cmocka_unit_test(every_finish_has_a_name),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
