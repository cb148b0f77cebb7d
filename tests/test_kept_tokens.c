/* The lists of the tokens that rows keep: as the oracle has them, whatever room there is, and by every way out. */
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

struct lists {
    uint64_t ends[ROW_KINDS];
    size_t room;
    int32_t *tokens;
};

static struct lists make_lists(size_t room)
{
    struct lists l = {.room = room, .tokens = allocate(room + 1, sizeof *l.tokens)};
    for (size_t i = 0; i <= room; i++)
        l.tokens[i] = -7;
    return l;
}

/* What the oracle keeps of all rows, by id. */
static struct lists right_lists(const struct kinds *k)
{
    const uint32_t V = k->make.vocabulary;
    struct lists l = make_lists((size_t)ROW_KINDS * V);
    float *probabilities = allocate(V, sizeof *probabilities), *logits = allocate(V, sizeof *logits);
    size_t end = 0;
    for (uint32_t row = 0; row < ROW_KINDS; row++) {
        oracle_processed(k->drawn[row], &k->params[row], probabilities, logits);
        for (uint32_t id = 0; id < V; id++)
            if (logits[id] > -INFINITY)
                l.tokens[end++] = (int32_t)id;
        l.ends[row] = end;
    }
    free(probabilities);
    free(logits);
    return l;
}

/* is_whole: what lies behind the last one is as it was. */
static void expect_lists(const struct kinds *k, const struct lists *got, int is_whole)
{
    struct lists right = right_lists(k);
    const size_t all = (size_t)right.ends[ROW_KINDS - 1];
    for (uint32_t row = 0; row < ROW_KINDS; row++)
        assert_that(got->ends[row] == right.ends[row], "row %s of %u ends at %lu, not %lu",
                    row_kind_name((enum row_kind)row), k->make.vocabulary, (unsigned long)got->ends[row],
                    (unsigned long)right.ends[row]);
    assert_memory_equal(got->tokens, right.tokens, (all < got->room ? all : got->room) * sizeof *got->tokens);
    for (size_t i = is_whole && all < got->room ? all : got->room; i <= got->room; i++)
        assert_int_equal(got->tokens[i], -7);
    free(right.tokens);
}

static void run_batch(tombola_context *on, struct kinds *k, uint32_t number)
{
    static const tombola_dispatch dispatches[] = {TOMBOLA_DISPATCH_ROW, TOMBOLA_DISPATCH_SPREAD};
    const size_t most = (size_t)ROW_KINDS * k->make.vocabulary, rooms[] = {most, most / 3 + 1, 1};
    const uint32_t turns = on != context || test_level() == TEST_SMALL ? 1 : 3;
    (void)number;
    for (uint32_t turn = 0; turn < 2 * turns; turn++) {
        tombola_sampler *sampler = make_sampler(on, &k->make, ROW_KINDS, dispatches[turn % 2]);
        struct lists got = make_lists(rooms[turn % 3]);
        kinds_set_params(k, turn);
        const tombola_rows rows = kinds_rows(k);
        tombola_results results = tombola_results_default();
        results.kept_ends.host = got.ends;
        results.kept_tokens.host = got.tokens;
        results.kept_capacity = got.room;
        call_rows(sampler, &rows, &results);
        expect_lists(k, &got, 1);
        free(got.tokens);
        tombola_sampler_release(sampler);
    }
}

static void rows_of_every_kind_keep_what_the_oracle_does(void **state)
{
    (void)state;
    kinds_each(context, KINDS_ALL, 4000, run_batch);
}

static void work_groups_of_many_have_the_same(void **state)
{
    (void)state;
    kinds_each_in_groups(KINDS_BINARY32_LOGITS, 4000, run_batch);
}

/* Among integers a NaN of 16 bits looks like a large value. */
static void a_banned_nan_is_not_kept(void **state)
{
    (void)state;
    enum { V = 4000, BIASES = 40 }; /* the others are of low tokens */
    static const tombola_type types[] = {TOMBOLA_FLOAT32, TOMBOLA_FLOAT16, TOMBOLA_BFLOAT16};
    float values[V];
    for (uint32_t id = 0; id < V; id++)
        values[id] = id == 0 ? NAN : id == 1 ? 9.0f : (float)(id % 97) / 16.0f;
    for (size_t i = 0; i < 2 * COUNT_OF(types); i++) {
        const struct make make = {types[i / 2], TOMBOLA_LOGITS, V};
        tombola_params params = params_at(.5f);
        params.top_k = i % 2 ? 7 : 0;
        params.top_p = i % 2 ? 1.0f : .5f;
        tombola_bias biases[BIASES] = {{0, -INFINITY}};
        for (int32_t n = 1; n < BIASES; n++)
            biases[n] = (tombola_bias){97 * n + 1, -1.0f};
        const size_t end = BIASES;
        uint32_t elements[V], kept = 0;
        narrow_elements(values, V, make.type, elements);
        widen_elements(elements, V, make.type, values);
        tombola_rows rows = host_rows(elements, 1, 0, &params);
        rows.biases = biases;
        rows.bias_ends = &end;
        tombola_results results = tombola_results_default();
        results.kept.host = &kept;
        tombola_sampler *sampler = make_sampler(context, &make, 1, TOMBOLA_DISPATCH_ROW);
        call_rows(sampler, &rows, &results);
        const struct oracle_input input = {
            .values = values, .vocabulary = V, .kind = TOMBOLA_LOGITS, .biases = biases, .bias_count = BIASES};
        struct oracle_row *row = oracle_row_create_from(&input);
        assert_int_equal(kept, oracle_draw(row, &params).kept);
        oracle_row_release(row);
        tombola_sampler_release(sampler);
    }
}

/* Ends alone, tokens alone; by sample, submit and enqueue, to host memory and to a buffer, in place and staged. */
static void every_way_gives_the_same(void **state)
{
    (void)state;
    enum { BEFORE = 5, V = 300 };
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, V};
    struct kinds *k = kinds_make(make, 3, 1);
    for (size_t i = 0; i < 3u * 24u; i += test_level() == TEST_SMALL ? 11 : 1) {
        const enum call call = (enum call)(i % 3 < 2 ? i % 3 : CALL_ENQUEUE + i % 2);
        const size_t places = i / 3 % 4, transfer = i / 24, room = i / 12 % 2 ? 350 : ROW_KINDS * V;
        const size_t end_bytes = (BEFORE + ROW_KINDS) * sizeof(uint64_t), bytes = (BEFORE + room) * sizeof(int32_t);
        tombola_sampler *sampler =
            make_sampler_that(context, &make, ROW_KINDS, TOMBOLA_DISPATCH_AUTO, (tombola_transfer)transfer);
        kinds_set_params(k, (uint32_t)i);
        struct lists got = make_lists(room), right = right_lists(k);
        uint32_t kept[ROW_KINDS];
        cl_mem buffers[2] = {entry_buffer(context, end_bytes, NULL), entry_buffer(context, bytes, NULL)};
        const tombola_rows rows = kinds_rows(k);
        tombola_results results = tombola_results_default();
        results.kept.host = i % 2 ? kept : NULL;
        results.kept_ends.host = places & 1 ? NULL : got.ends;
        results.kept_tokens.host = places & 2 ? NULL : got.tokens;
        results.kept_capacity = room;
        if (places & 1) {
            results.kept_ends.buffer = buffers[0];
            results.kept_ends.offset = BEFORE;
        }
        if (places & 2) {
            results.kept_tokens.buffer = buffers[1];
            results.kept_tokens.offset = BEFORE;
        }
        assert_int_equal(call_as(call, sampler, &rows, &results), TOMBOLA_OK);
        if (places & 1)
            entry_succeed(clEnqueueReadBuffer(queues[0], buffers[0], CL_TRUE, BEFORE * sizeof *got.ends,
                                              sizeof got.ends, got.ends, 0, NULL, NULL),
                          "clEnqueueReadBuffer");
        if (places & 2)
            entry_succeed(clEnqueueReadBuffer(queues[0], buffers[1], CL_TRUE, BEFORE * sizeof *got.tokens,
                                              room * sizeof *got.tokens, got.tokens, 0, NULL, NULL),
                          "clEnqueueReadBuffer");
        expect_lists(k, &got, call < CALL_ENQUEUE && !(places & 2));
        for (size_t row = 0; row < ROW_KINDS && i % 2; row++)
            assert_int_equal(kept[row], right.ends[row] - (row ? right.ends[row - 1] : 0));
        clReleaseMemObject(buffers[0]);
        clReleaseMemObject(buffers[1]);
        free(got.tokens);
        free(right.tokens);
        tombola_sampler_release(sampler);
    }
    kinds_release(k);
}

/* A batch that is cut into parts has one list all the same. */
static void parts_go_on_where_those_before_end(void **state)
{
    (void)state;
    enum { ROWS = 64, V = 40000 };
    if (test_level() == TEST_SMALL)
        skip();
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, V};
    tombola_sampler *sampler = make_sampler_that(context, &make, ROWS, TOMBOLA_DISPATCH_AUTO, TOMBOLA_TRANSFER_STAGED);
    float *logits = allocate((size_t)ROWS * V, sizeof *logits);
    tombola_params params[ROWS];
    static uint64_t ends[ROWS];
    static int32_t tokens[ROWS * ROWS];
    tombola_times times = tombola_times_default();
    for (uint32_t row = 0; row < ROWS; row++) {
        params[row] = params_at(1.0f);
        params[row].top_k = row + 1;
        for (uint32_t id = 0; id < V; id++)
            logits[row * V + id] = (float)((id * 7919u + row) % V);
    }
    const tombola_rows rows = host_rows(logits, ROWS, 0, params);
    tombola_results results = tombola_results_default();
    results.kept_ends.host = ends;
    results.kept_tokens.host = tokens;
    results.kept_capacity = COUNT_OF(tokens);
    assert_int_equal(tombola_sampler_sample(sampler, &rows, &results, &error), TOMBOLA_OK);
    tombola_sampler_times(sampler, &times);
    assert_true(times.parts > 1);
    for (uint32_t row = 0, place = 0; row < ROWS; row++) {
        assert_int_equal(ends[row], (row + 1) * (row + 2) / 2);
        for (uint32_t i = 0; i <= row; i++, place++) {
            assert_true((float)V - logits[row * V + (uint32_t)tokens[place]] <= (float)row + 1.0f);
            assert_true(i == 0 || tokens[place] > tokens[place - 1]);
        }
    }
    free(logits);
    tombola_sampler_release(sampler);
}

static void too_small_buffers_and_lists_without_ends_are_refused(void **state)
{
    (void)state;
    static const float logits[4];
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, 4};
    tombola_sampler *sampler = make_sampler(context, &make, 1, TOMBOLA_DISPATCH_AUTO);
    const tombola_params params = params_at(1.0f);
    const tombola_rows rows = host_rows(logits, 1, 0, &params);
    tombola_results results = tombola_results_default();
    cl_mem buffer = entry_buffer(context, 4 * sizeof(int32_t), NULL);
    uint64_t end;
    results.kept_ends.host = &end;
    results.kept_tokens.buffer = buffer;
    results.kept_tokens.offset = 1;
    results.kept_capacity = 4;
    expect_refusal(tombola_sampler_sample(sampler, &rows, &results, &error), &error,
                   "results.kept_tokens.buffer holds 4 elements: 4 do not fit behind results.kept_tokens.offset 1");
    uint64_t ends[2] = {7, 7};
    results = tombola_results_default();
    results.kept_tokens.host = (int32_t *)ends;
    results.kept_capacity = 4;
    expect_refusal(tombola_sampler_sample(sampler, &rows, &results, &error), &error,
                   "results.kept_tokens is wanted, but not results.kept_ends, which tells the rows' lists apart");
    results = tombola_results_default();
    results.kept_ends.host = (uint64_t *)((char *)ends + 4);
    expect_refusal(tombola_sampler_sample(sampler, &rows, &results, &error), &error,
                   "results.kept_ends.host is not aligned to its type of 8 bytes");
    results.kept_ends.host = ends;
    results.kept_tokens.host = (int32_t *)ends + 2; /* with no room at all */
    assert_int_equal(tombola_sampler_sample(sampler, &rows, &results, &error), TOMBOLA_OK);
    assert_int_equal(ends[0], 4);
    assert_int_equal(ends[1], 7);
    clReleaseMemObject(buffer);
    tombola_sampler_release(sampler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_every_kind_keep_what_the_oracle_does),
        cmocka_unit_test(a_banned_nan_is_not_kept),
        cmocka_unit_test(every_way_gives_the_same),
        cmocka_unit_test(parts_go_on_where_those_before_end),
        cmocka_unit_test(too_small_buffers_and_lists_without_ends_are_refused),
        cmocka_unit_test(work_groups_of_many_have_the_same),
    };
    return cmocka_run_group_tests(tests, open_queues, close_queues);
}
