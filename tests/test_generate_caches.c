/* Models that keep state for each sequence, in rows of caches that generate assigns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "expect.h"
#include "group.h"
#include "harness.h"
#include "refused.h"
#include "toy.h"

enum { MOST = 12, NOBODY = MOST };

/* The toy, but that it looks at each token once: what it knows of a sequence is in a row of its caches. */
struct cached {
    struct batch *batch;
    size_t capacity; /* cache rows that there may be */
    struct {
        size_t owner; /* NOBODY, or an index */
        uint64_t state;
        size_t seen; /* tokens that are in the state */
        size_t owners;
    } rows[MOST];
    size_t row_of[MOST]; /* of a live sequence; NOBODY for others */
    size_t begun, ended, steps;
    size_t failing_begin, failing_step; /* 0: none */
    size_t bad_sequence;                /* whose logits are NaN from bad_length on; MOST: none */
    size_t bad_length;
};

static int begin(void *user, const tombola_sequence *sequences, size_t index, size_t cache_row)
{
    struct cached *c = user;
    assert_less(index, c->batch->count);
    assert_ptr_equal(sequences, c->batch->sequences);
    assert_in_range(cache_row, 0, c->capacity - 1);
    assert_int_equal(c->rows[cache_row].owner, NOBODY);
    assert_int_equal(c->row_of[index], NOBODY);
    if (++c->begun == c->failing_begin)
        return 9;
    c->rows[cache_row].owner = index;
    c->rows[cache_row].owners++;
    c->rows[cache_row].state = TOY_START;
    c->rows[cache_row].seen = 0;
    c->row_of[index] = cache_row;
    return 0;
}

static void end(void *user, const tombola_sequence *sequences, size_t index, size_t cache_row)
{
    struct cached *c = user;
    assert_ptr_equal(sequences, c->batch->sequences);
    assert_less(cache_row, c->capacity);
    assert_less(index, c->batch->count);
    assert_int_equal(c->rows[cache_row].owner, index);
    assert_int_equal(c->row_of[index], cache_row);
    c->rows[cache_row].owner = NOBODY;
    c->row_of[index] = NOBODY;
    c->ended++;
}

static int forward(void *user, const tombola_step *step)
{
    struct cached *c = user;
    assert_in_range(step->rows, 1, c->capacity);
    assert_at_most(VOCABULARY, step->stride);
    for (size_t row = 0; row < step->rows; row++) {
        const size_t index = step->live[row], cache_row = step->cache_rows[row];
        if (row > 0)
            assert_less(step->live[row - 1], index);
        assert_in_range(cache_row, 0, c->capacity - 1);
        assert_int_equal(c->row_of[index], cache_row); /* as it was when it began, and so nobody else's */
        assert_int_equal(c->rows[cache_row].owner, index);
        const tombola_sequence *sequence = &step->sequences[index];
        const size_t seen = c->rows[cache_row].seen;
        if (seen > 0) /* each step adds the token of the one before */
            assert_int_equal(sequence->length, seen + 1);
        c->rows[cache_row].state =
            toy_state(c->rows[cache_row].state, sequence->tokens + seen, sequence->length - seen);
        c->rows[cache_row].seen = sequence->length;
        float *logits = (float *)step->logits + row * step->stride;
        toy_fill(TOMBOLA_FLOAT32, c->rows[cache_row].state, logits);
        if (index == c->bad_sequence && sequence->length >= c->bad_length)
            logits[VOCABULARY / 2] = NAN;
    }
    return ++c->steps == c->failing_step ? 7 : 0;
}

static tombola_model model_of(struct cached *c)
{
    tombola_model model = tombola_model_default();
    model.user = c;
    model.forward = forward;
    model.begin = begin;
    model.end = end;
    return model;
}

static struct cached cache_of(struct batch *batch, size_t max_rows)
{
    struct cached c = {.batch = batch, .bad_sequence = MOST};
    c.capacity = max_rows < batch->count ? max_rows : batch->count;
    for (size_t i = 0; i < MOST; i++) {
        c.rows[i].owner = c.row_of[i] = NOBODY;
        c.batch->sequences[i].tokens = batch->tokens[i];
        c.batch->sequences[i].params = &batch->params[i];
    }
    return c;
}

/* Like run of toy.h, with the model and its caches. */
static tombola_status run_model(struct cached *c, size_t max_rows, const tombola_model *model, tombola_error *error)
{
    tombola_sampler *sampler;
    assert_int_equal(tombola_sampler_create(context, VOCABULARY, max_rows, NULL, &sampler, NULL), TOMBOLA_OK);
    tombola_status status =
        tombola_sampler_generate(sampler, c->batch->sequences, c->batch->count, model, hear, c->batch, error);
    tombola_sampler_release(sampler);
    return status;
}

static tombola_status run_cached(struct cached *c, size_t max_rows, tombola_error *error)
{
    const tombola_model model = model_of(c);
    return run_model(c, max_rows, &model, error);
}

/* Whatever has begun has ended, but for a begin that failed. */
static void expect_balance(const struct cached *c)
{
    assert_int_equal(c->begun, c->ended + (c->failing_begin && c->begun >= c->failing_begin));
    for (size_t i = 0; i < MOST; i++) {
        assert_int_equal(c->rows[i].owner, NOBODY);
        assert_int_equal(c->row_of[i], NOBODY);
    }
}

static void a_model_with_caches_draws_what_one_without_draws(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 2, 5, MOST}, max_rows[] = {1, 2, 3, ROWS, 8, MOST};
    for (size_t i = 0; i < COUNT_OF(counts) * COUNT_OF(max_rows); i += test_level() == TEST_SMALL ? 8 : 1) {
        const size_t count = counts[i / COUNT_OF(max_rows)], most = max_rows[i % COUNT_OF(max_rows)];
        struct batch expected = make_batch(count), batch = make_batch(count);
        struct cached c = cache_of(&batch, most);
        assert_int_equal(run(&expected, most, NULL), TOMBOLA_OK);
        assert_int_equal(run_cached(&c, most, NULL), TOMBOLA_OK);
        for (size_t n = 0; n < count; n++)
            assert_same(&batch, n, &expected, n);
        assert_int_equal(c.begun, count);
        assert_int_equal(c.ended, count);
        assert_int_equal(batch.heard, expected.heard);
        expect_balance(&c);
    }
}

static void a_cache_row_goes_to_another_sequence_once_its_own_has_ended(void **state)
{
    (void)state;
    struct batch batch = make_batch(MOST);
    struct cached c = cache_of(&batch, ROWS);
    size_t owners = 0;
    assert_int_equal(run_cached(&c, ROWS, NULL), TOMBOLA_OK);
    for (size_t row = 0; row < MOST; row++) {
        owners += c.rows[row].owners;
        if (row < ROWS)
            assert_less(1, c.rows[row].owners);
        else
            assert_int_equal(c.rows[row].owners, 0);
    }
    assert_int_equal(owners, MOST);
    expect_balance(&c);
}

static void sequences_that_began_end_when_the_model_fails(void **state)
{
    (void)state;
    struct batch whole = make_batch(6);
    struct cached first = cache_of(&whole, ROWS);
    assert_int_equal(run_cached(&first, ROWS, NULL), TOMBOLA_OK);
    for (size_t step = 1; step <= first.steps; step += test_level() == TEST_SMALL ? 11 : 1) {
        struct batch batch = make_batch(6);
        struct cached c = cache_of(&batch, ROWS);
        c.failing_step = step;
        assert_int_equal(run_cached(&c, ROWS, NULL), TOMBOLA_MODEL_FAILED);
        assert_int_equal(c.steps, step);
        expect_balance(&c);
        for (size_t i = 0; i < 6; i++)
            assert_memory_equal(batch.tokens[i], whole.tokens[i], batch.sequences[i].length * sizeof(int32_t));
    }
}

static void a_sequence_that_did_not_begin_does_not_end(void **state)
{
    (void)state;
    enum { COUNT = 7 };
    struct batch whole = make_batch(COUNT);
    assert_int_equal(run(&whole, ROWS, NULL), TOMBOLA_OK);
    for (size_t failing = 1; failing <= COUNT; failing += test_level() == TEST_SMALL ? 4 : 1) {
        struct batch batch = make_batch(COUNT);
        struct cached c = cache_of(&batch, ROWS);
        tombola_error error = tombola_error_default();
        char message[80];
        c.failing_begin = failing;
        snprintf(message, sizeof message, "the model returned 9 when sequences[%zu] began", failing - 1);
        expect_error(TOMBOLA_MODEL_FAILED, run_cached(&c, ROWS, &error), &error, message);
        assert_int_equal(c.begun, failing);
        assert_int_equal(c.ended, failing - 1);
        expect_balance(&c);
        for (size_t i = 0; i < COUNT; i++) {
            assert_memory_equal(batch.tokens[i], whole.tokens[i], batch.sequences[i].length * sizeof(int32_t));
            assert_int_equal(batch.params[i].offset, batch.sequences[i].length - (i + 1));
            batch.sequences[i].max_new_tokens -= batch.params[i].offset;
        }
        if (failing <= ROWS) { /* nobody had drawn: it can go on as if nothing had been */
            struct cached again = cache_of(&batch, ROWS);
            assert_int_equal(run_cached(&again, ROWS, NULL), TOMBOLA_OK);
            for (size_t i = 0; i < COUNT; i++)
                assert_same(&batch, i, &whole, i);
        }
    }
}

static void sequences_end_when_the_callback_stops_one_or_all(void **state)
{
    (void)state;
    struct batch whole = make_batch(5);
    assert_int_equal(run(&whole, 3, NULL), TOMBOLA_OK);
    for (int verdict = TOMBOLA_STOP_SEQUENCE; verdict <= TOMBOLA_STOP_ALL; verdict++) {
        for (size_t stop_at = 1; stop_at <= whole.heard; stop_at += test_level() == TEST_SMALL ? 31 : 1) {
            struct batch batch = make_batch(5);
            struct cached c = cache_of(&batch, 3);
            batch.stop_at = stop_at;
            batch.stop_verdict = (tombola_verdict)verdict;
            assert_int_equal(run_cached(&c, 3, NULL), TOMBOLA_OK);
            expect_balance(&c);
            if (verdict == TOMBOLA_STOP_SEQUENCE)
                assert_int_equal(c.begun, 5);
            else
                assert_int_equal(batch.heard, stop_at);
            for (size_t i = 0; i < 5; i++) {
                assert_memory_equal(batch.tokens[i], whole.tokens[i], batch.sequences[i].length * sizeof(int32_t));
                assert_int_equal(batch.params[i].offset, batch.sequences[i].length - (i + 1));
            }
        }
    }
}

static void a_run_that_was_stopped_goes_on_with_new_caches(void **state)
{
    (void)state;
    struct batch whole = make_batch(6), batch = make_batch(6);
    assert_int_equal(run(&whole, ROWS, NULL), TOMBOLA_OK);
    batch.stop_at = 22;
    batch.stop_verdict = TOMBOLA_STOP_ALL;
    struct cached stopped = cache_of(&batch, ROWS);
    assert_int_equal(run_cached(&stopped, ROWS, NULL), TOMBOLA_OK);
    expect_balance(&stopped);
    for (size_t i = 0; i < 6; i++)
        batch.sequences[i].max_new_tokens -= batch.params[i].offset;
    batch.stop_at = 0;
    struct cached again = cache_of(&batch, ROWS);
    assert_int_equal(run_cached(&again, ROWS, NULL), TOMBOLA_OK);
    expect_balance(&again);
    for (size_t i = 0; i < 6; i++)
        assert_same(&batch, i, &whole, i);
}

static void a_row_without_a_token_ends_its_sequence_s_cache_too(void **state)
{
    (void)state;
    struct batch whole = make_batch(6), batch = make_batch(6);
    struct cached c = cache_of(&batch, 2);
    assert_int_equal(run(&whole, ROWS, NULL), TOMBOLA_OK);
    c.bad_sequence = 1;
    c.bad_length = 2 + 3;
    assert_int_equal(run_cached(&c, 2, NULL), TOMBOLA_OK);
    assert_int_equal(batch.sequences[1].finish, TOMBOLA_FINISH_INVALID_ROW);
    expect_balance(&c);
    for (size_t i = 0; i < 6; i++)
        if (i != 1)
            assert_same(&batch, i, &whole, i);
}

/* BUSY comes after the first step: its sequences have begun, and so they end. */
static void sequences_that_began_end_when_the_sampler_is_busy(void **state)
{
    (void)state;
    static float logits[VOCABULARY];
    struct batch batch = make_batch(3);
    struct cached c = cache_of(&batch, ROWS);
    const tombola_model model = model_of(&c);
    tombola_sampler *sampler;
    tombola_sampler_options options = tombola_sampler_options_default();
    tombola_params params = tombola_params_default();
    tombola_rows rows = tombola_rows_default();
    tombola_results results = tombola_results_default();
    tombola_ticket ticket;
    int32_t token;
    options.in_flight = 1;
    rows.count = 1;
    rows.logits.host = logits;
    rows.params = &params;
    results.tokens.host = &token;
    assert_int_equal(tombola_sampler_create(context, VOCABULARY, ROWS, &options, &sampler, NULL), TOMBOLA_OK);
    assert_int_equal(tombola_sampler_submit(sampler, &rows, &results, &ticket, NULL), TOMBOLA_OK);
    assert_int_equal(tombola_sampler_generate(sampler, batch.sequences, 3, &model, hear, &batch, NULL), TOMBOLA_BUSY);
    assert_int_equal(batch.heard, 0);
    expect_balance(&c);
    assert_int_equal(tombola_sampler_wait(sampler, ticket, NULL), TOMBOLA_OK);
    assert_int_equal(tombola_sampler_generate(sampler, batch.sequences, 3, &model, hear, &batch, NULL), TOMBOLA_OK);
    expect_balance(&c);
    tombola_sampler_release(sampler);
}

static void nothing_begins_where_the_arguments_are_refused(void **state)
{
    (void)state;
    struct batch batch = make_batch(3);
    struct cached c = cache_of(&batch, ROWS);
    batch.params[2].temperature = -1.0f;
    assert_int_equal(run_cached(&c, ROWS, NULL), TOMBOLA_INVALID_ARGUMENT);
    assert_int_equal(c.begun + c.ended + c.steps, 0);
}

/* What a model that is not told of one of them can do. */
static int forward_plainly(void *user, const tombola_step *step)
{
    struct cached *c = user;
    return toy_forward(c->batch, step);
}

static void count_end(void *user, const tombola_sequence *sequences, size_t index, size_t cache_row)
{
    struct cached *c = user;
    (void)sequences;
    assert_less(cache_row, c->capacity);
    assert_less(index, c->batch->count);
    c->ended++;
}

static void begin_and_end_need_not_be_there(void **state)
{
    (void)state;
    enum { COUNT = 6 };
    struct batch whole = make_batch(COUNT);
    assert_int_equal(run(&whole, COUNT, NULL), TOMBOLA_OK);
    for (int has = 0; has < 3; has++) { /* neither, begin, end */
        struct batch batch = make_batch(COUNT);
        struct cached c = cache_of(&batch, COUNT);
        tombola_model model = model_of(&c);
        model.begin = has == 1 ? begin : NULL;
        model.end = has == 2 ? count_end : NULL;
        model.forward = has == 1 ? forward : forward_plainly;
        assert_int_equal(run_model(&c, COUNT, &model, NULL), TOMBOLA_OK);
        assert_int_equal(c.begun, has == 1 ? COUNT : 0);
        assert_int_equal(c.ended, has == 2 ? COUNT : 0);
        for (size_t i = 0; i < COUNT; i++)
            assert_same(&batch, i, &whole, i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_with_caches_draws_what_one_without_draws),
        cmocka_unit_test(a_cache_row_goes_to_another_sequence_once_its_own_has_ended),
        cmocka_unit_test(sequences_that_began_end_when_the_model_fails),
        cmocka_unit_test(a_sequence_that_did_not_begin_does_not_end),
        cmocka_unit_test(sequences_end_when_the_callback_stops_one_or_all),
        cmocka_unit_test(a_run_that_was_stopped_goes_on_with_new_caches),
        cmocka_unit_test(a_row_without_a_token_ends_its_sequence_s_cache_too),
        cmocka_unit_test(sequences_that_began_end_when_the_sampler_is_busy),
        cmocka_unit_test(nothing_begins_where_the_arguments_are_refused),
        cmocka_unit_test(begin_and_end_need_not_be_there),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
