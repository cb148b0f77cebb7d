/* Sequences and models of callers whose header is older or newer than the library: see test_growth.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "block.h"
#include "group.h"
#include "harness.h"
#include "refused.h"
#include "toy.h"

enum { COUNT = 6 };

static tombola_sampler *sampler; /* of ROWS rows of the toy's */
static tombola_error error = {.struct_size = sizeof(tombola_error)};

#define OTHER_SIZE(type, turn) ((turn) % 2 ? sizeof(type) + 8 : sizeof(type) - 8)
enum { TURNS = 2 * BLOCK_KINDS };

static void expect_too_new(tombola_status status, const char *name, size_t place, size_t size)
{
    char message[200];
    snprintf(message, sizeof message,
             "%s has fields that this library, version %s, is too old to know: byte %zu of %zu is not 0", name,
             tombola_version_string(), place, size);
    expect_refusal(status, &error, message);
}

/* The toy's sequences as a caller has them whose structs are of another size. */
struct caller {
    struct batch *batch; /* for the toy: with sequences of the library's size */
    size_t size;         /* of a sequence of the caller's */
    size_t heard;
    size_t begun, ended;
};

/* The element as the caller sees it, copied to the library's size; what it lacks is 0. */
static tombola_sequence sequence_at(const struct caller *caller, const tombola_sequence *sequences, size_t index)
{
    tombola_sequence sequence = tombola_sequence_default();
    const size_t size = caller->size < sizeof sequence ? caller->size : sizeof sequence;
    memcpy(&sequence, (const char *)sequences + index * caller->size, size);
    return sequence;
}

static int forward(void *user, const tombola_step *step)
{
    struct caller *caller = user;
    tombola_sequence own[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        own[i] = sequence_at(caller, step->sequences, i);
    tombola_step same = *step;
    same.sequences = own;
    return toy_forward(caller->batch, &same);
}

static tombola_verdict hear_caller(void *user, const tombola_sequence *sequences, size_t index, int32_t token)
{
    struct caller *caller = user;
    const tombola_sequence sequence = sequence_at(caller, sequences, index);
    assert_int_equal(sequence.tokens[sequence.length - 1], token);
    caller->heard++;
    return TOMBOLA_CONTINUE;
}

static int begin(void *user, const tombola_sequence *sequences, size_t index, size_t cache_row)
{
    struct caller *caller = user;
    (void)cache_row;
    assert_ptr_equal(sequence_at(caller, sequences, index).tokens, caller->batch->tokens[index]);
    caller->begun++;
    return 0;
}

static void end(void *user, const tombola_sequence *sequences, size_t index, size_t cache_row)
{
    struct caller *caller = user;
    (void)sequences, (void)index, (void)cache_row;
    caller->ended++;
}

static tombola_model model_of(struct caller *caller)
{
    tombola_model model = tombola_model_default();
    model.user = caller;
    model.forward = forward;
    model.begin = begin;
    model.end = end;
    return model;
}

static struct batch *make_toy(struct batch *batch)
{
    *batch = make_batch(COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        batch->sequences[i].tokens = batch->tokens[i];
        batch->sequences[i].params = &batch->params[i];
    }
    return batch;
}

/* Older sequences have no parameters: they draw by the defaults, each from its own stream. */
static void sequences_of_any_size_draw_the_same(void **state)
{
    (void)state;
    for (int turn = 0; turn < TURNS; turn += test_level() == TEST_SMALL ? 3 : 1) {
        const size_t size = turn % 2 ? sizeof(tombola_sequence) + 8 : offsetof(tombola_sequence, params);
        struct batch expected, batch;
        struct block block;
        struct caller caller = {.batch = make_toy(&batch), .size = size};
        make_toy(&expected);
        for (size_t i = 0; i < COUNT && size < sizeof(tombola_sequence); i++) {
            expected.params[i] = tombola_params_default();
            expected.params[i].stream = (uint32_t)i;
        }
        assert_int_equal(run(&expected, ROWS, NULL), TOMBOLA_OK);
        const tombola_model model = model_of(&caller);
        void *theirs =
            block_make(&block, (enum block_kind)(turn / 2), batch.sequences, sizeof batch.sequences[0], size, COUNT);
        assert_int_equal(tombola_sampler_generate(sampler, theirs, COUNT, &model, hear_caller, &caller, &error),
                         TOMBOLA_OK);
        for (size_t i = 0; i < COUNT; i++) {
            batch.sequences[i] = sequence_at(&caller, theirs, i);
            if (size < sizeof(tombola_sequence))
                batch.params[i].offset = expected.params[i].offset;
            assert_same(&batch, i, &expected, i);
        }
        assert_int_equal(caller.heard, expected.heard);
        assert_int_equal(caller.begun, COUNT);
        assert_int_equal(caller.ended, COUNT);
        if (size > sizeof(tombola_sequence)) /* what was 0 behind the library's fields is 0 */
            for (size_t i = 0; i < COUNT; i++)
                expect_bytes((char *)theirs + i * size + sizeof(tombola_sequence), 8, 0);
        block_release(&block);
    }
}

static void newer_sequences_are_refused_by_their_index(void **state)
{
    (void)state;
    enum { SIZE = sizeof(tombola_sequence) + 8 };
    for (size_t index = 0; index < COUNT; index++) {
        struct batch batch;
        struct block block;
        struct caller caller = {.batch = make_toy(&batch), .size = SIZE};
        const tombola_model model = model_of(&caller);
        char name[32];
        char *theirs = block_make(&block, BLOCK_EXACT, batch.sequences, sizeof batch.sequences[0], SIZE, COUNT);
        theirs[index * SIZE + SIZE - 1] = 1;
        snprintf(name, sizeof name, "sequences[%zu]", index);
        expect_too_new(tombola_sampler_generate(sampler, (void *)theirs, COUNT, &model, NULL, NULL, &error), name,
                       SIZE - 1, SIZE);
        assert_int_equal(caller.begun, 0);
        block_release(&block);
    }
}

static void sequences_without_a_size_or_of_several_are_refused(void **state)
{
    (void)state;
    static const uint32_t no_sizes[] = {0, 4, 7, UINT32_MAX};
    struct batch batch;
    struct caller caller = {.batch = make_toy(&batch), .size = sizeof(tombola_sequence)};
    const tombola_model model = model_of(&caller);
    char message[200];
    for (size_t i = 0; i < COUNT_OF(no_sizes); i++) {
        batch.sequences[0].struct_size = no_sizes[i];
        snprintf(message, sizeof message, "sequences[0].struct_size is %lu: start from tombola_sequence_default()",
                 (unsigned long)no_sizes[i]);
        expect_refusal(tombola_sampler_generate(sampler, batch.sequences, COUNT, &model, NULL, NULL, &error), &error,
                       message);
    }
    make_toy(&batch)->sequences[3].struct_size = sizeof(tombola_sequence) - 8;
    snprintf(message, sizeof message,
             "sequences[3].struct_size is %zu, but that of sequences[0] is %zu: start each from "
             "tombola_sequence_default()",
             sizeof(tombola_sequence) - 8, sizeof(tombola_sequence));
    expect_refusal(tombola_sampler_generate(sampler, batch.sequences, COUNT, &model, NULL, NULL, &error), &error,
                   message);
    assert_int_equal(caller.begun, 0);
}

/* A model that is older by 8 bytes has no `end`. */
static void a_model_of_any_size_is_asked(void **state)
{
    (void)state;
    for (int turn = 0; turn < TURNS; turn += test_level() == TEST_SMALL ? 3 : 1) {
        const size_t size = OTHER_SIZE(tombola_model, turn);
        struct batch expected, batch;
        struct block block;
        struct caller caller = {.batch = make_toy(&batch), .size = sizeof(tombola_sequence)};
        const tombola_model own = model_of(&caller);
        make_toy(&expected);
        assert_int_equal(run(&expected, ROWS, NULL), TOMBOLA_OK);
        unsigned char *theirs = block_make(&block, (enum block_kind)(turn / 2), &own, sizeof own, size, 1);
        assert_int_equal(
            tombola_sampler_generate(sampler, batch.sequences, COUNT, (void *)theirs, hear_caller, &caller, &error),
            TOMBOLA_OK);
        for (size_t i = 0; i < COUNT; i++)
            assert_same(&batch, i, &expected, i);
        assert_int_equal(caller.begun, COUNT);
        assert_int_equal(caller.ended, size < sizeof own ? 0 : COUNT);
        if (size > sizeof own) {
            theirs[size - 8] = 1;
            expect_too_new(
                tombola_sampler_generate(sampler, batch.sequences, COUNT, (void *)theirs, NULL, NULL, &error), "model",
                size - 8, size);
        }
        block_release(&block);
    }
}

/* Those of a sequence's own, which is a single struct. */
static void parameters_of_a_sequence_may_have_any_size(void **state)
{
    (void)state;
    for (int turn = 0; turn < TURNS; turn += test_level() == TEST_SMALL ? 3 : 1) {
        const size_t size = OTHER_SIZE(tombola_params, turn);
        struct batch expected, batch;
        struct block blocks[COUNT];
        struct caller caller = {.batch = make_toy(&batch), .size = sizeof(tombola_sequence)};
        const tombola_model model = model_of(&caller);
        make_toy(&expected);
        assert_int_equal(run(&expected, ROWS, NULL), TOMBOLA_OK);
        for (size_t i = 0; i < COUNT; i++)
            batch.sequences[i].params =
                block_make(&blocks[i], (enum block_kind)(turn / 2), &batch.params[i], sizeof batch.params[i], size, 1);
        assert_int_equal(tombola_sampler_generate(sampler, batch.sequences, COUNT, &model, NULL, NULL, &error),
                         TOMBOLA_OK);
        for (size_t i = 0; i < COUNT; i++) {
            memcpy(&batch.params[i], batch.sequences[i].params,
                   size < sizeof batch.params[i] ? size : sizeof batch.params[i]);
            if (size < sizeof batch.params[i]) /* the caller has no offset that could advance */
                batch.params[i].offset = expected.params[i].offset;
            assert_same(&batch, i, &expected, i);
            block_release(&blocks[i]);
        }
    }
}

static int make_all(void **state)
{
    error = tombola_error_default();
    return open_context(state) || tombola_sampler_create(context, VOCABULARY, ROWS, NULL, &sampler, NULL);
}

static int release_all(void **state)
{
    tombola_sampler_release(sampler);
    return close_context(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences_of_any_size_draw_the_same),
        cmocka_unit_test(newer_sequences_are_refused_by_their_index),
        cmocka_unit_test(sequences_without_a_size_or_of_several_are_refused),
        cmocka_unit_test(a_model_of_any_size_is_asked),
        cmocka_unit_test(parameters_of_a_sequence_may_have_any_size),
    };
    return cmocka_run_group_tests(tests, make_all, release_all);
}
