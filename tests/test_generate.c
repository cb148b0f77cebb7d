/* The autoregressive loop: what a sequence draws, what ends it, and how a run goes on. */
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

/* Sequence i of a batch in a batch of its own. */
static struct batch take_alone(const struct batch *batch, size_t i)
{
    struct batch alone = {.count = 1, .type = batch->type};
    alone.sequences[0] = batch->sequences[i];
    alone.params[0] = batch->params[i];
    memcpy(alone.tokens[0], batch->tokens[i], sizeof alone.tokens[0]);
    return alone;
}

static void each_sequence_draws_what_it_draws_alone(void **state)
{
    (void)state;
    static const size_t MAX_ROWS[] = {3, 1, 2, 4, 8, 12};
    const size_t count = test_level() == TEST_SMALL ? 5 : 10;
    const size_t cases = test_level() == TEST_SMALL ? 1 : COUNT_OF(MAX_ROWS);
    const struct batch start = make_batch(count);
    for (size_t max = 0; max < cases; max++) {
        struct batch together = start;
        assert_int_equal(run(&together, MAX_ROWS[max], NULL), TOMBOLA_OK);
        assert_int_equal(together.most_rows, MAX_ROWS[max] < count ? MAX_ROWS[max] : count);
        for (size_t i = 0; i < together.count; i++) {
            struct batch alone = take_alone(&start, i);
            assert_int_equal(run(&alone, ROWS, NULL), TOMBOLA_OK);
            assert_same(&together, i, &alone, 0);
            assert_int_equal(together.sequences[i].finish, TOMBOLA_FINISH_LIMIT);
            assert_int_equal(together.sequences[i].length, i + 1 + start.sequences[i].max_new_tokens);
            assert_int_equal(together.params[i].offset, start.sequences[i].max_new_tokens);
        }
    }
}

static void sixteen_bit_logits_draw_as_the_same_numbers_in_binary32(void **state)
{
    (void)state;
    struct batch wide = make_batch(5);
    assert_int_equal(run(&wide, ROWS, NULL), TOMBOLA_OK);
    for (tombola_type type = TOMBOLA_FLOAT16; type <= TOMBOLA_BFLOAT16; type++) {
        struct batch narrow = make_batch(5);
        narrow.type = type;
        assert_int_equal(run(&narrow, 2, NULL), TOMBOLA_OK);
        for (size_t i = 0; i < narrow.count; i++)
            assert_same(&narrow, i, &wide, i);
    }
}

static void a_sequence_may_start_empty(void **state)
{
    (void)state;
    struct batch batch = make_batch(1);
    batch.sequences[0].length = 0;
    assert_int_equal(run(&batch, ROWS, NULL), TOMBOLA_OK);
    assert_int_equal(batch.sequences[0].length, 10);
}

static void an_end_token_ends_its_sequence_and_is_kept(void **state)
{
    (void)state;
    struct batch whole = make_batch(6);
    assert_int_equal(run(&whole, ROWS, NULL), TOMBOLA_OK);

    /* The 5th token that sequence 2 drew becomes one of its end tokens. */
    struct batch ended = make_batch(6);
    int32_t end_tokens[2] = {whole.tokens[2][3 + 4], whole.tokens[2][3 + 4]};
    size_t length = 0;
    while (whole.tokens[2][3 + length] != end_tokens[0])
        length++;
    ended.sequences[2].end_tokens = end_tokens;
    ended.sequences[2].end_token_count = 2;
    assert_int_equal(run(&ended, ROWS, NULL), TOMBOLA_OK);
    assert_int_equal(ended.sequences[2].finish, TOMBOLA_FINISH_END_TOKEN);
    assert_int_equal(ended.sequences[2].length, 3 + length + 1);
    assert_int_equal(ended.params[2].offset, length + 1);
    assert_memory_equal(ended.tokens[2], whole.tokens[2], ended.sequences[2].length * sizeof(int32_t));
    for (size_t i = 0; i < 6; i++)
        if (i != 2)
            assert_same(&ended, i, &whole, i);

    /* The last token that the limit allows still counts as an end. */
    struct batch last = make_batch(6);
    last.sequences[2].end_tokens = end_tokens;
    last.sequences[2].end_token_count = 1;
    last.sequences[2].max_new_tokens = length + 1;
    assert_int_equal(run(&last, ROWS, NULL), TOMBOLA_OK);
    assert_int_equal(last.sequences[2].finish, TOMBOLA_FINISH_END_TOKEN);
}

static void an_end_token_in_the_start_context_ends_nothing(void **state)
{
    (void)state;
    struct batch whole = make_batch(1), batch = make_batch(1);
    const int32_t end_token = VOCABULARY - 1;
    whole.tokens[0][0] = batch.tokens[0][0] = end_token;
    assert_int_equal(run(&whole, ROWS, NULL), TOMBOLA_OK);
    for (size_t i = 1; i < whole.sequences[0].length; i++)
        assert_int_not_equal(whole.tokens[0][i], end_token);
    batch.sequences[0].end_tokens = &end_token;
    batch.sequences[0].end_token_count = 1;
    assert_int_equal(run(&batch, ROWS, NULL), TOMBOLA_OK);
    assert_same(&batch, 0, &whole, 0);
}

static void going_on_from_the_returned_offset_is_one_long_run(void **state)
{
    (void)state;
    struct batch whole = make_batch(8), pieces = make_batch(8);
    assert_int_equal(run(&whole, ROWS, NULL), TOMBOLA_OK);
    for (size_t i = 0; i < 8; i++)
        pieces.sequences[i].max_new_tokens = 4 + i;
    assert_int_equal(run(&pieces, ROWS, NULL), TOMBOLA_OK);
    for (size_t i = 0; i < 8; i++)
        pieces.sequences[i].max_new_tokens = (10 + 3 * i) - (4 + i);
    assert_int_equal(run(&pieces, ROWS, NULL), TOMBOLA_OK);
    for (size_t i = 0; i < 8; i++)
        assert_same(&pieces, i, &whole, i);
}

static void the_callback_stops_one_sequence(void **state)
{
    (void)state;
    struct batch whole = make_batch(4), stopped = make_batch(4);
    assert_int_equal(run(&whole, ROWS, NULL), TOMBOLA_OK);
    stopped.stop_at = 6; /* the second token of sequence 1 */
    stopped.stop_verdict = TOMBOLA_STOP_SEQUENCE;
    assert_int_equal(run(&stopped, ROWS, NULL), TOMBOLA_OK);
    assert_int_equal(stopped.sequences[1].finish, TOMBOLA_FINISH_STOPPED);
    assert_int_equal(stopped.sequences[1].length, 2 + 2);
    assert_int_equal(stopped.params[1].offset, 2);
    assert_memory_equal(stopped.tokens[1], whole.tokens[1], 4 * sizeof(int32_t));
    for (size_t i = 0; i < 4; i++)
        if (i != 1)
            assert_same(&stopped, i, &whole, i);
}

static void the_callback_stops_all_and_the_run_can_go_on(void **state)
{
    (void)state;
    struct batch whole = make_batch(4), stopped = make_batch(4);
    assert_int_equal(run(&whole, ROWS, NULL), TOMBOLA_OK);
    stopped.stop_at = 6;
    stopped.stop_verdict = TOMBOLA_STOP_ALL;
    assert_int_equal(run(&stopped, ROWS, NULL), TOMBOLA_OK);
    assert_int_equal(stopped.heard, 6);
    for (size_t i = 0; i < 4; i++) {
        size_t drawn = i < 2 ? 2 : 1;
        assert_int_equal(stopped.sequences[i].finish, i == 1 ? TOMBOLA_FINISH_STOPPED : TOMBOLA_FINISH_NONE);
        assert_int_equal(stopped.sequences[i].length, i + 1 + drawn);
        assert_int_equal(stopped.params[i].offset, drawn);
        stopped.sequences[i].max_new_tokens -= drawn;
    }
    stopped.stop_at = 0;
    assert_int_equal(run(&stopped, ROWS, NULL), TOMBOLA_OK);
    for (size_t i = 0; i < 4; i++)
        assert_same(&stopped, i, &whole, i);
}

static void a_failing_model_ends_the_call_and_keeps_what_was_drawn(void **state)
{
    (void)state;
    struct batch whole = make_batch(6), failing = make_batch(6);
    tombola_error error = tombola_error_default();
    assert_int_equal(run(&whole, ROWS, NULL), TOMBOLA_OK);
    failing.failing_call = 4;
    assert_int_equal(run(&failing, ROWS, &error), TOMBOLA_MODEL_FAILED);
    assert_string_equal(error.message, "the model returned 7 for 4 rows, the first for sequences[0]");
    for (size_t i = 0; i < 6; i++) {
        size_t drawn = i < ROWS ? 3 : 0; /* the last two still waited */
        assert_int_equal(failing.sequences[i].finish, TOMBOLA_FINISH_NONE);
        assert_int_equal(failing.sequences[i].length, i + 1 + drawn);
        assert_memory_equal(failing.tokens[i], whole.tokens[i], failing.sequences[i].length * sizeof(int32_t));
        failing.sequences[i].max_new_tokens -= drawn;
    }
    failing.failing_call = 0;
    assert_int_equal(run(&failing, ROWS, NULL), TOMBOLA_OK);
    for (size_t i = 0; i < 6; i++)
        assert_same(&failing, i, &whole, i);
}

static void a_row_without_a_token_ends_its_own_sequence(void **state)
{
    (void)state;
    static const struct {
        float logit;
        tombola_finish finish;
    } CASES[] = {{NAN, TOMBOLA_FINISH_INVALID_ROW}, {-INFINITY, TOMBOLA_FINISH_EMPTY_ROW}};
    struct batch whole = make_batch(6);
    assert_int_equal(run(&whole, ROWS, NULL), TOMBOLA_OK);
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        struct batch bad = make_batch(6);
        bad.bad_sequence = 1;
        bad.bad_length = 2 + 3;
        bad.bad_logit = CASES[i].logit;
        assert_int_equal(run(&bad, ROWS, NULL), TOMBOLA_OK);
        assert_int_equal(bad.sequences[1].finish, CASES[i].finish);
        assert_int_equal(bad.sequences[1].length, 2 + 3);
        assert_int_equal(bad.params[1].offset, 3);
        for (size_t j = 0; j < 6; j++)
            if (j != 1)
                assert_same(&bad, j, &whole, j);
    }
}

/* The toy under masks and with biases of its own: a sequence may draw just what its mask allows, and token 7 never. */
static int forward_masked(void *user, const tombola_step *step)
{
    static uint32_t masks[ROWS * ((VOCABULARY + 31) / 32)];
    static tombola_bias biases[ROWS];
    static size_t ends[ROWS];
    const size_t words = (VOCABULARY + 31) / 32;
    memset(masks, 0, sizeof masks);
    for (size_t row = 0; row < step->rows; row++) {
        assert_null(step->batch->masks.host);
        masks[row * words] = 0x80;                             /* token 7, */
        masks[row * words + 1 + step->live[row] % 8] = 0x1001; /* and two more */
        biases[row] = (tombola_bias){7, -INFINITY};
        ends[row] = row + 1;
    }
    step->batch->masks.host = masks;
    step->batch->biases = biases;
    step->batch->bias_ends = ends;
    return toy_forward(user, step);
}

/* With another model's forward. */
static tombola_status run_with(struct batch *batch, int (*forward)(void *user, const tombola_step *step),
                               tombola_error *error)
{
    tombola_model model = toy_model(batch);
    tombola_sampler *sampler;
    model.forward = forward;
    for (size_t i = 0; i < batch->count; i++) {
        batch->sequences[i].tokens = batch->tokens[i];
        batch->sequences[i].params = &batch->params[i];
    }
    assert_int_equal(tombola_sampler_create(context, VOCABULARY, ROWS, NULL, &sampler, NULL), TOMBOLA_OK);
    tombola_status status =
        tombola_sampler_generate(sampler, batch->sequences, batch->count, &model, NULL, NULL, error);
    tombola_sampler_release(sampler);
    return status;
}

static void the_model_may_set_masks_and_biases_of_a_step(void **state)
{
    (void)state;
    struct batch batch = make_batch(8);
    size_t seen[2] = {0};
    assert_int_equal(run_with(&batch, forward_masked, NULL), TOMBOLA_OK);
    for (size_t i = 0; i < batch.count; i++)
        for (size_t at = i + 1; at < batch.sequences[i].length; at++) {
            const int32_t token = batch.tokens[i][at], first = 32 * (1 + (int32_t)i % 8);
            assert_true(token == first || token == first + 12);
            seen[token == first]++;
        }
    assert_true(seen[0] > 0 && seen[1] > 0);
}

static int forward_wrongly(void *user, const tombola_step *step)
{
    static const tombola_bias bias = {VOCABULARY, 0};
    static const size_t ends[ROWS] = {1, 1, 1, 1};
    step->batch->biases = &bias;
    step->batch->bias_ends = ends;
    step->batch->params = NULL; /* these do not count */
    step->batch->history_ends = ends;
    step->batch->count = 0;
    return toy_forward(user, step);
}

static void masks_and_biases_of_a_step_are_checked(void **state)
{
    (void)state;
    struct batch batch = make_batch(3);
    tombola_error error = tombola_error_default();
    assert_int_equal(run_with(&batch, forward_wrongly, &error), TOMBOLA_INVALID_ARGUMENT);
    assert_string_equal(error.message, "sequences[0]: rows.biases[0].token, of row 0, is 300, not from 0 to 299");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_sequence_draws_what_it_draws_alone),
        cmocka_unit_test(sixteen_bit_logits_draw_as_the_same_numbers_in_binary32),
        cmocka_unit_test(a_sequence_may_start_empty),
        cmocka_unit_test(an_end_token_ends_its_sequence_and_is_kept),
        cmocka_unit_test(an_end_token_in_the_start_context_ends_nothing),
        cmocka_unit_test(going_on_from_the_returned_offset_is_one_long_run),
        cmocka_unit_test(the_callback_stops_one_sequence),
        cmocka_unit_test(the_callback_stops_all_and_the_run_can_go_on),
        cmocka_unit_test(a_failing_model_ends_the_call_and_keeps_what_was_drawn),
        cmocka_unit_test(a_row_without_a_token_ends_its_own_sequence),
        cmocka_unit_test(the_model_may_set_masks_and_biases_of_a_step),
        cmocka_unit_test(masks_and_biases_of_a_step_are_checked),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
