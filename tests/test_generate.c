/* The autoregressive loop, over a toy model whose logits are a hash of all tokens so far: whatever
 * changes a sequence's past changes its future. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#include <cmocka.h>

#include "harness.h"
#include "tombola.h"

#define VOCABULARY 300 /* more than a block, and no whole number of them */
#define ROWS 4
#define ROOM 64

static tombola_context *context;

/* A batch of sequences with the memory that they use, and what the callbacks saw. */
struct batch {
    tombola_sequence sequences[12];
    int32_t tokens[12][ROOM];
    size_t count;
    tombola_type type;
    size_t most_rows;    /* that the model was asked for at once */
    size_t calls;        /* of the model */
    size_t failing_call; /* the model fails at this one; 0 never */
    size_t bad_sequence; /* whose row is spoilt from length bad_length on, by bad_logit */
    size_t bad_length;
    float bad_logit; /* 0 for none */
    size_t heard;    /* tokens that the token callback was given */
    size_t stop_at;  /* the callback's answer to this token, counted from 1, is stop_verdict */
    tombola_verdict stop_verdict;
};

static void write_logit(tombola_type type, void *row, size_t place, float logit)
{
    if (type == TOMBOLA_FLOAT32)
        ((float *)row)[place] = logit;
    else if (type == TOMBOLA_FLOAT16)
        ((uint16_t *)row)[place] = isinf(logit) ? 0xFC00u : narrow_to_half(logit);
    else
        ((uint16_t *)row)[place] = isinf(logit) ? 0xFF80u : narrow_to_bfloat(logit);
}

static int toy_model(void *user, const tombola_sequence *sequences, const size_t *live, size_t rows, void *logits,
                     size_t row_stride)
{
    struct batch *batch = user;
    batch->calls++;
    if (rows > batch->most_rows)
        batch->most_rows = rows;
    for (size_t row = 0; row < rows; row++) {
        assert_true(row == 0 || live[row - 1] < live[row]);
        assert_true(live[row] < batch->count);
        const tombola_sequence *sequence = &sequences[live[row]];
        uint64_t state = 1;
        for (size_t i = 0; i < sequence->length; i++)
            state = state * 1000003u + (uint64_t)sequence->tokens[i];
        char *start = (char *)logits + row * row_stride * tombola_type_size(batch->type);
        int spoilt =
            batch->bad_logit != 0.0f && live[row] == batch->bad_sequence && sequence->length >= batch->bad_length;
        for (size_t token = 0; token < VOCABULARY; token++) {
            float logit = (float)random_below(&state, 128) * 0.0625f; /* exact in every type */
            write_logit(batch->type, start, token, spoilt ? batch->bad_logit : logit);
        }
    }
    return batch->calls == batch->failing_call ? 7 : 0;
}

static tombola_verdict hear(void *user, const tombola_sequence *sequences, size_t index, int32_t token)
{
    struct batch *batch = user;
    batch->heard++;
    assert_int_equal(sequences[index].tokens[sequences[index].length - 1], token);
    return batch->heard == batch->stop_at ? batch->stop_verdict : TOMBOLA_CONTINUE;
}

/* Sequence i starts with i + 1 tokens, may draw 10 + 3 i, and has a temperature, filters and stream of its own. */
static struct batch make_batch(size_t count)
{
    struct batch batch = {.count = count};
    for (size_t i = 0; i < count; i++) {
        tombola_sequence *sequence = &batch.sequences[i];
        *sequence = tombola_sequence_default();
        for (size_t place = 0; place <= i; place++)
            batch.tokens[i][place] = (int32_t)(place * 17 % VOCABULARY);
        sequence->length = i + 1;
        sequence->max_new_tokens = 10 + 3 * i;
        sequence->params.temperature = i % 3 == 0 ? 0.0f : 0.5f + 0.25f * (float)i;
        sequence->params.top_k = i % 4 == 1 ? 20 : 0;
        sequence->params.top_p = i % 2 ? 0.9f : 1.0f;
        sequence->params.seed = 42;
        sequence->params.stream = (uint32_t)i;
    }
    return batch;
}

/* Sequences point into their batch only here, where it no longer moves. */
static tombola_status run(struct batch *batch, size_t max_rows, tombola_error *error)
{
    tombola_sampler *sampler;
    tombola_sampler_options options = tombola_sampler_options_default();
    options.type = batch->type;
    assert_int_equal(tombola_sampler_create(context, VOCABULARY, max_rows, &options, &sampler, NULL), TOMBOLA_OK);
    for (size_t i = 0; i < batch->count; i++)
        batch->sequences[i].tokens = batch->tokens[i];
    tombola_status status =
        tombola_sampler_generate(sampler, batch->sequences, batch->count, toy_model, batch, hear, batch, error);
    tombola_sampler_release(sampler);
    return status;
}

static void assert_same(const struct batch *a, size_t i, const struct batch *b, size_t j)
{
    assert_int_equal(a->sequences[i].length, b->sequences[j].length);
    assert_int_equal(a->sequences[i].finish, b->sequences[j].finish);
    assert_int_equal(a->sequences[i].params.offset, b->sequences[j].params.offset);
    assert_memory_equal(a->tokens[i], b->tokens[j], a->sequences[i].length * sizeof a->tokens[i][0]);
}

/* Sequence i of a batch in a batch of its own. */
static struct batch take_alone(const struct batch *batch, size_t i)
{
    struct batch alone = {.count = 1, .type = batch->type};
    alone.sequences[0] = batch->sequences[i];
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
            assert_int_equal(together.sequences[i].params.offset, start.sequences[i].max_new_tokens);
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
    assert_int_equal(ended.sequences[2].params.offset, length + 1);
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
    assert_int_equal(stopped.sequences[1].params.offset, 2);
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
        assert_int_equal(stopped.sequences[i].params.offset, drawn);
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
    tombola_error error;
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
        assert_int_equal(bad.sequences[1].params.offset, 3);
        for (size_t j = 0; j < 6; j++)
            if (j != 1)
                assert_same(&bad, j, &whole, j);
    }
}

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
    b->sequences[1].params.temperature = -1.0f;
}
static void spoil_top_p(struct batch *b)
{
    b->sequences[1].params.top_p = NAN;
}
static void spoil_min_p(struct batch *b)
{
    b->sequences[1].params.min_p = 1.5f;
}

static void every_bad_sequence_is_named(void **state)
{
    (void)state;
    static const struct {
        void (*spoil)(struct batch *batch);
        const char *message; /* how it starts */
    } CASES[] = {
        {clear_size, "sequences[1].struct_size is 0 instead of "},
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
        tombola_error error;
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
    tombola_error error;
    struct batch batch = make_batch(2);
    tombola_sequence *sequences = batch.sequences;
    assert_int_equal(tombola_sampler_create(context, VOCABULARY, ROWS, NULL, &sampler, NULL), TOMBOLA_OK);

#define REFUSES(call, text)                                                                                            \
    assert_int_equal(call, TOMBOLA_INVALID_ARGUMENT);                                                                  \
    assert_string_equal(error.message, text)
    REFUSES(tombola_sampler_generate(NULL, sequences, 2, toy_model, &batch, NULL, NULL, &error), "sampler is NULL");
    REFUSES(tombola_sampler_generate(sampler, NULL, 2, toy_model, &batch, NULL, NULL, &error), "sequences is NULL");
    REFUSES(tombola_sampler_generate(sampler, sequences, 0, toy_model, &batch, NULL, NULL, &error),
            "count is 0, must be at least 1");
    REFUSES(tombola_sampler_generate(sampler, sequences, 2, NULL, &batch, NULL, NULL, &error), "model is NULL");
    REFUSES(tombola_sampler_generate(sampler, sequences, 2, toy_model, &batch, NULL, NULL, &error),
            "sequences[0].tokens is NULL");
#undef REFUSES

    for (size_t i = 0; i < 2; i++)
        sequences[i].tokens = batch.tokens[i];
    assert_int_equal(tombola_sampler_generate(sampler, sequences, 2, toy_model, &batch, NULL, NULL, &error),
                     TOMBOLA_OK);
    tombola_sampler_release(sampler);
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

static int open_device(void **state)
{
    (void)state;
    context = test_context_open(0, 0);
    return 0;
}

static int close_device(void **state)
{
    (void)state;
    tombola_context_close(context);
    return 0;
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
        cmocka_unit_test(every_bad_sequence_is_named),
        cmocka_unit_test(every_bad_argument_is_named),
        cmocka_unit_test(every_finish_has_a_name),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
