/* top_k: the best tokens in rank order, what stands beside them, and where there are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "expect.h"
#include "group.h"
#include "logarithm.h"
#include "oracle.h"
#include "rows.h"

#define RANDOM_SEED UINT64_C(20250319)

static const size_t numbers[] = {1, 2, 50, 255, 256, 257, 1000, 1024};

/* Rows of one make, and all that their candidates are checked against. */
struct batch {
    struct make make;
    size_t rows;
    char *elements;
    float *values; /* the elements as binary32 */
    tombola_params params[ROW_KINDS];
    struct oracle_row *oracle[ROW_KINDS];
    float *probabilities; /* by the library's softmax */
    tombola_row_status status[ROW_KINDS];
};

static struct batch make_batch(const struct make *make, size_t rows)
{
    struct batch batch = {.make = *make,
                          .rows = rows,
                          .elements = allocate(rows * make->vocabulary, tombola_type_size(make->type)),
                          .values = allocate(rows * make->vocabulary, sizeof(float)),
                          .probabilities = allocate(rows * make->vocabulary, sizeof(float))};
    return batch;
}

static void free_batch(struct batch *batch)
{
    for (size_t row = 0; row < batch->rows; row++) {
        oracle_row_release(batch->oracle[row]);
    }
    free(batch->elements);
    free(batch->values);
    free(batch->probabilities);
}

/* Once elements, values and parameters are there. */
static void ask_softmax(struct batch *batch)
{
    size_t v = batch->make.vocabulary;
    for (size_t row = 0; row < batch->rows; row++) {
        batch->oracle[row] = oracle_row_create(batch->values + row * v, batch->make.vocabulary, batch->make.input);
    }
    tombola_sampler *sampler = make_sampler(context, &batch->make, batch->rows, TOMBOLA_DISPATCH_AUTO);
    call_softmax(sampler, &batch->make, batch->elements, batch->rows, batch->params, 0, batch->probabilities,
                 batch->status);
    tombola_sampler_release(sampler);
}

/* A row's values as they are, in a batch of one. */
static struct batch batch_of_row(const float *values, uint32_t vocabulary, tombola_input input, float temperature)
{
    const struct make make = {TOMBOLA_FLOAT32, input, vocabulary};
    struct batch batch = make_batch(&make, 1);
    memcpy(batch.elements, values, vocabulary * sizeof *values);
    memcpy(batch.values, values, vocabulary * sizeof *values);
    batch.params[0] = params_at(temperature);
    ask_softmax(&batch);
    return batch;
}

/* The candidate that the oracle's order and the library's softmax make of this rank. */
static struct candidate candidate_at(const struct batch *batch, size_t row, size_t rank)
{
    const struct candidate none = {.token = -1};
    size_t v = batch->make.vocabulary;
    if (batch->status[row] != TOMBOLA_ROW_OK || rank >= v) {
        return none;
    }
    uint32_t id = oracle_row_order(batch->oracle[row])[rank];
    if (oracle_row_logits(batch->oracle[row])[id] == -INFINITY) {
        return none;
    }
    return (struct candidate){(int32_t)id, batch->values[row * v + id], batch->probabilities[row * v + id]};
}

static void expect_candidates(const struct batch *batch, const char *who, size_t k, const struct candidate *got)
{
    for (size_t row = 0; row < batch->rows; row++) {
        for (size_t rank = 0; rank < k; rank++, got++) {
            struct candidate expected = candidate_at(batch, row, rank);
            if (memcmp(&expected, got, sizeof expected) != 0) {
                fail_msg("%s, V %" PRIu32 ", type %d of input %d, T %g, row %zu, rank %zu of %zu: token %" PRId32
                         " (%a, %a), not %" PRId32 " (%a, %a)",
                         who, batch->make.vocabulary, (int)batch->make.type, (int)batch->make.input,
                         (double)batch->params[row].temperature, row, rank, k, got->token, (double)got->logit,
                         (double)got->probability, expected.token, (double)expected.logit,
                         (double)expected.probability);
            }
        }
    }
}

/* Equal in every bit, by either dispatch. */
static void expect_top_k(const struct batch *batch, size_t k)
{
    static const char *const names[] = {[TOMBOLA_DISPATCH_ROW] = "row by row", [TOMBOLA_DISPATCH_SPREAD] = "spread"};
    struct candidate *candidates = allocate(batch->rows * k, sizeof *candidates);
    tombola_row_status status[ROW_KINDS];
    for (int dispatch = TOMBOLA_DISPATCH_ROW; dispatch <= TOMBOLA_DISPATCH_SPREAD; dispatch++) {
        tombola_sampler *sampler = make_sampler(context, &batch->make, batch->rows, (tombola_dispatch)dispatch);
        memset(candidates, 0x55, batch->rows * k * sizeof *candidates);
        call_top_k(sampler, &batch->make, batch->elements, batch->rows, batch->params, k, candidates, status);
        tombola_sampler_release(sampler);
        assert_memory_equal(status, batch->status, batch->rows * sizeof *status);
        expect_candidates(batch, names[dispatch], k, candidates);
    }
    free(candidates);
}

/* Every kind of row in one batch, at temperatures that differ from row to row. */
static struct batch batch_of_kinds(const struct make *make, uint64_t *random)
{
    static const float temperatures[] = {0.0f, 1.0f, 0.7f, INFINITY, 0.01f, 100.0f};
    size_t v = make->vocabulary, row_size = v * tombola_type_size(make->type);
    uint32_t turn = random_below(random, COUNT_OF(temperatures));
    struct batch batch = make_batch(make, ROW_KINDS);
    for (size_t kind = 0; kind < ROW_KINDS; kind++) {
        const struct row_recipe recipe = {(enum row_kind)kind, random_below(random, UINT32_MAX), make->vocabulary,
                                          make->type, make->input};
        row_fill(&recipe, batch.elements + kind * row_size, batch.values + kind * v);
        batch.params[kind] = params_at(temperatures[(turn + kind) % COUNT_OF(temperatures)]);
    }
    ask_softmax(&batch);
    return batch;
}

static void candidates_stand_in_rank_order_on_every_kind_of_row(void **state)
{
    (void)state;
    static const uint32_t vocabularies[] = {1, 2, 255, 256, 257, 1000, 32000, 128256};
    uint64_t random = RANDOM_SEED;
    printf("seed %" PRIu64 "\n", random);
    for (size_t v = 0; v < COUNT_OF(vocabularies); v++) {
        for (int kind = 0; kind < 6; kind++) {
            struct make make = {(tombola_type)(kind % 3), (tombola_input)(kind / 3), vocabularies[v]};
            if (test_level() == TEST_SMALL && make.vocabulary > 1000) {
                continue;
            }
            struct batch batch = batch_of_kinds(&make, &random);
            for (size_t i = 0; i < COUNT_OF(numbers); i++) {
                expect_top_k(&batch, numbers[i]);
            }
            free_batch(&batch);
        }
    }
}

static void ties_across_block_borders_go_by_id(void **state)
{
    (void)state;
    enum { V = 1000 };
    static const size_t some[] = {1, 5, 6, 7, 10, 249, 250, 251, 262, 263, 500, 999, 1000, 1001};
    static float values[V];
    for (uint32_t id = 0; id < V; id++) {
        int best = (id >= 250 && id < 263) || id == 999; /* fourteen, in three blocks */
        values[id] = best ? 2.0f : (id % 2 ? 1.0f : -1.0f);
    }
    struct batch batch = batch_of_row(values, V, TOMBOLA_LOGITS, 1.0f);
    for (size_t i = 0; i < COUNT_OF(some); i++) {
        expect_top_k(&batch, some[i]);
    }
    free_batch(&batch);
}

static void rows_of_fewer_tokens_than_k_end_in_none(void **state)
{
    (void)state;
    enum { V = 700 };
    static const uint32_t living[][3] = {{3, 3, 3}, {0, 255, 256}, {511, 512, 699}};
    static float values[V];
    for (size_t i = 0; i < COUNT_OF(living); i++) {
        for (uint32_t id = 0; id < V; id++) {
            values[id] = -INFINITY;
        }
        for (uint32_t n = 0; n < 3; n++) {
            values[living[i][n]] = (float)n;
        }
        struct batch batch = batch_of_row(values, V, TOMBOLA_LOGITS, 1.0f);
        for (size_t k = 1; k < 5; k++) {
            expect_top_k(&batch, k);
        }
        expect_top_k(&batch, 1024);
        free_batch(&batch);
    }
}

static void probabilities_of_equal_logarithms_still_rank_by_themselves(void **state)
{
    (void)state;
    /* Far from 1 the logarithm has fewer bits than the number. */
    const float p[] = {0x1.8p-100f, 0x1.800002p-100f, 0x1.800004p-100f, 0x1.800002p-100f, 0x1p-126f, 0.0f, 0x1.8p-100f};
    const int32_t expected[] = {2, 1, 3, 0, 6, 4, -1, -1};
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_PROBABILITIES, COUNT_OF(p)};
    struct candidate candidates[COUNT_OF(expected)];
    assert_real_equal(logarithm(p[0]), logarithm(p[2]));
    struct batch batch = batch_of_row(p, COUNT_OF(p), TOMBOLA_PROBABILITIES, 1.0f);
    expect_top_k(&batch, COUNT_OF(expected));
    tombola_sampler *sampler = make_sampler(context, &make, 1, TOMBOLA_DISPATCH_AUTO);
    call_top_k(sampler, &make, p, 1, batch.params, COUNT_OF(expected), candidates, NULL);
    for (size_t rank = 0; rank < COUNT_OF(expected); rank++) {
        assert_int_equal(candidates[rank].token, expected[rank]);
        if (rank <= 3)
            assert_real_equal(candidates[rank].probability, candidates[0].probability);
    }
    tombola_sampler_release(sampler);
    free_batch(&batch);
}

static void a_greedy_row_gives_all_to_its_first_candidate(void **state)
{
    (void)state;
    const float z[] = {1.0f, 5.0f, -INFINITY, 5.0f, 3e38f, 3e38f, -3e38f};
    const struct candidate expected[] = {{4, 3e38f, 1.0f}, {5, 3e38f, 0.0f},  {1, 5.0f, 0.0f},  {3, 5.0f, 0.0f},
                                         {0, 1.0f, 0.0f},  {6, -3e38f, 0.0f}, {-1, 0.0f, 0.0f}, {-1, 0.0f, 0.0f}};
    struct batch batch = batch_of_row(z, COUNT_OF(z), TOMBOLA_LOGITS, 0.0f);
    expect_top_k(&batch, COUNT_OF(expected));
    expect_candidates(&batch, "by hand", COUNT_OF(expected), expected);
    free_batch(&batch);
}

static void filters_change_no_candidate(void **state)
{
    (void)state;
    const struct make make = {.vocabulary = 1000};
    uint64_t random = RANDOM_SEED;
    struct batch batch = batch_of_kinds(&make, &random);
    for (size_t row = 0; row < batch.rows; row++) {
        batch.params[row].top_k = row % 2;
        batch.params[row].top_p = row % 3 ? 0.0f : 0.5f;
        batch.params[row].min_p = row % 5 ? 1.0f : 0.1f;
    }
    expect_top_k(&batch, 50);
    free_batch(&batch);
}

static void a_logit_is_given_back_as_it_came(void **state)
{
    (void)state;
    /* though zeros and subnormal numbers of either sign count as equal: they rank by id */
    const float z[] = {-1e-40f, 0x1p-126f, -0.0f, 1e-40f, 0.0f, -0x1p-126f};
    const struct make make = {.vocabulary = COUNT_OF(z)};
    const int32_t expected[] = {1, 0, 2, 3, 4, 5};
    struct candidate candidates[COUNT_OF(z)];
    tombola_params params = tombola_params_default();
    tombola_sampler *sampler = make_sampler(context, &make, 1, TOMBOLA_DISPATCH_AUTO);
    call_top_k(sampler, &make, z, 1, &params, COUNT_OF(z), candidates, NULL);
    for (size_t rank = 0; rank < COUNT_OF(z); rank++) {
        assert_int_equal(candidates[rank].token, expected[rank]);
        assert_memory_equal(&candidates[rank].logit, &z[expected[rank]], sizeof(float));
    }
    tombola_sampler_release(sampler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(candidates_stand_in_rank_order_on_every_kind_of_row),
        cmocka_unit_test(ties_across_block_borders_go_by_id),
        cmocka_unit_test(rows_of_fewer_tokens_than_k_end_in_none),
        cmocka_unit_test(probabilities_of_equal_logarithms_still_rank_by_themselves),
        cmocka_unit_test(a_greedy_row_gives_all_to_its_first_candidate),
        cmocka_unit_test(filters_change_no_candidate),
        cmocka_unit_test(a_logit_is_given_back_as_it_came),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
