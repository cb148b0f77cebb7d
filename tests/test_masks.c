/* Masks and biases: rows that have them give, bit for bit, what the same rows give with them applied beforehand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device_batch.h"
#include "edited.h"
#include "entries.h"
#include "whole.h"

enum { ROWS = EDITED_ROWS, V = 600, LONG_V = 5003, K = EDITED_CANDIDATES, TRANSFERS = 3 };

/* By every entry, with logits and masks in host memory or in a buffer each. */
static void expect_applied(const struct edited *edited, const struct whole *expected, tombola_transfer transfer,
                           tombola_dispatch dispatch)
{
    const size_t v = edited->make.vocabulary, size = tombola_type_size(edited->make.type);
    const size_t mask_bytes = edited->mask_count * edited->mask_stride * sizeof(uint32_t);
    tombola_sampler *sampler = make_sampler_that(context, &edited->make, ROWS, dispatch, transfer);
    cl_mem logits = entry_buffer(context, edited->rows * v * size, edited->logits);
    uint32_t *behind = allocate(1, mask_bytes + sizeof *behind);
    memcpy(behind + 1, edited->masks, mask_bytes);
    cl_mem masks = entry_buffer(context, mask_bytes + sizeof *behind, behind);
    for (int turn = 0; turn < 4 * WHOLE_ENTRIES; turn += test_level() == TEST_SMALL ? 5 : 1) {
        char who[120];
        tombola_rows rows = edited_rows(edited);
        if (turn / WHOLE_ENTRIES % 2) {
            rows.logits.host = NULL;
            rows.logits.buffer = logits;
        }
        if (turn / WHOLE_ENTRIES / 2) {
            rows.masks.host = NULL;
            rows.masks.buffer = masks;
            rows.masks.offset = 1;
        }
        snprintf(who, sizeof who, "type %d, input %d, vocabulary %zu, transfer %d, dispatch %d, turn %d",
                 (int)edited->make.type, (int)edited->make.input, v, (int)transfer, (int)dispatch, turn);
        struct whole got = edited_draw(sampler, (enum whole_entry)(turn % WHOLE_ENTRIES), &rows, v);
        expect_whole(who, &got, expected);
        whole_release(&got);
    }
    clReleaseMemObject(logits);
    clReleaseMemObject(masks);
    free(behind);
    tombola_sampler_release(sampler);
}

static void expect_applied_for(tombola_type type, tombola_input input)
{
    static const uint32_t vocabularies[] = {V, LONG_V, 1, 31, 32, 33};
    for (size_t i = 0; i < COUNT_OF(vocabularies); i++) {
        const struct make make = {type, input, vocabularies[i]};
        struct edited edited;
        edited_make(&edited, &make, ROWS, i + 1);
        struct whole expected = applied_draw(&edited);
        for (int transfer = 0; transfer < (i == 1 ? 2 : TRANSFERS); transfer++)
            expect_applied(&edited, &expected, (tombola_transfer)transfer,
                           (i + (size_t)transfer) % 2 ? TOMBOLA_DISPATCH_ROW : TOMBOLA_DISPATCH_SPREAD);
        whole_release(&expected);
        edited_release(&edited);
    }
}

static void rows_with_masks_and_biases_give_what_they_give_with_these_applied(void **state)
{
    (void)state;
    expect_applied_for(TOMBOLA_FLOAT32, TOMBOLA_LOGITS);
}

static void rows_of_16_bits_do_so_too(void **state)
{
    (void)state;
    if (test_level() == TEST_SMALL)
        skip();
    expect_applied_for(TOMBOLA_FLOAT16, TOMBOLA_LOGITS);
    expect_applied_for(TOMBOLA_BFLOAT16, TOMBOLA_LOGITS);
}

static void rows_of_probabilities_do_so_with_masks(void **state)
{
    (void)state;
    if (test_level() == TEST_SMALL)
        skip();
    expect_applied_for(TOMBOLA_FLOAT32, TOMBOLA_PROBABILITIES);
}

/* ---------------------------------------------------------- a few rows by hand */

static const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, V};

static tombola_boundary boundary_of(const struct whole *whole, size_t row)
{
    tombola_boundary boundary;
    memcpy(&boundary, whole->words[ARRAY_BOUNDARY] + 2 * row, sizeof boundary);
    return boundary;
}

static struct draw draw_of(const struct whole *whole, size_t row)
{
    return (struct draw){.token = (int32_t)whole->words[ARRAY_TOKENS][row],
                         .status = (int32_t)whole->words[ARRAY_STATUS][row],
                         .kept = whole->words[ARRAY_KEPT][row]};
}

/* One row by a sampler made for it. */
static struct whole draw_row(const tombola_rows *rows)
{
    tombola_sampler *sampler = make_sampler(context, &make, 1, TOMBOLA_DISPATCH_AUTO);
    struct whole whole = edited_draw(sampler, WHOLE_SAMPLE, rows, V);
    tombola_sampler_release(sampler);
    return whole;
}

static void what_is_masked_or_banned_may_be_nan(void **state)
{
    (void)state;
    float logits[V] = {0};
    uint32_t mask[(V + 31) / 32];
    const tombola_params params = params_at(1.0f);
    const tombola_bias bans[] = {{300, -INFINITY}, {7, -INFINITY}};
    const size_t ends[] = {2};
    memset(mask, 0xFF, sizeof mask);
    logits[300] = NAN;
    logits[7] = INFINITY;
    tombola_rows rows = host_rows(logits, 1, 0, &params);
    rows.masks.host = mask;
    struct whole whole = draw_row(&rows);
    assert_int_equal(draw_of(&whole, 0).status, TOMBOLA_ROW_INVALID);
    whole_release(&whole);
    mask[300 / 32] &= ~(1u << 300 % 32);
    mask[0] &= ~(1u << 7);
    whole = draw_row(&rows);
    assert_int_equal(draw_of(&whole, 0).status, TOMBOLA_ROW_OK);
    assert_int_equal(draw_of(&whole, 0).kept, V - 2);
    whole_release(&whole);
    rows.masks.host = NULL;
    rows.biases = bans;
    rows.bias_ends = ends;
    whole = draw_row(&rows);
    assert_int_equal(draw_of(&whole, 0).status, TOMBOLA_ROW_OK);
    assert_int_equal(draw_of(&whole, 0).kept, V - 2);
    whole_release(&whole);
}

static void a_row_of_which_a_mask_leaves_nothing_is_empty(void **state)
{
    (void)state;
    float logits[V] = {0};
    const uint32_t mask[(V + 31) / 32] = {0};
    const tombola_params params = params_at(1.0f);
    logits[5] = NAN;
    tombola_rows rows = host_rows(logits, 1, 0, &params);
    rows.masks.host = mask;
    struct whole whole = draw_row(&rows);
    assert_int_equal(draw_of(&whole, 0).status, TOMBOLA_ROW_EMPTY);
    assert_int_equal(draw_of(&whole, 0).token, -1);
    assert_int_equal(draw_of(&whole, 0).kept, 0);
    assert_int_equal(boundary_of(&whole, 0).token, -1);
    assert_float_equal(boundary_of(&whole, 0).logit, -INFINITY, 0);
    for (size_t id = 0; id < V; id++)
        assert_int_equal(whole.words[ARRAY_PROBABILITIES][id], 0);
    whole_release(&whole);
}

static void biases_that_overflow_make_a_row_invalid(void **state)
{
    (void)state;
    float logits[V] = {0};
    const tombola_params params = params_at(1.0f);
    const tombola_bias bias = {9, 0x1.8p127f};
    const size_t ends[] = {1};
    logits[9] = 0x1.8p127f;
    tombola_rows rows = host_rows(logits, 1, 0, &params);
    rows.biases = &bias;
    rows.bias_ends = ends;
    struct whole whole = draw_row(&rows);
    assert_int_equal(draw_of(&whole, 0).status, TOMBOLA_ROW_INVALID);
    whole_release(&whole);
}

/* By the logits that candidates report. */
static void subnormal_biases_and_sums_count_as_0(void **state)
{
    (void)state;
    enum { TOKENS = 4 };
    static const float given[TOKENS] = {FLT_MIN, -FLT_MIN, 1.5f * FLT_MIN, FLT_MIN / 2},
                       expected[TOKENS] = {FLT_MIN, -FLT_MIN, 0.0f, FLT_MIN};
    static const tombola_bias biases[TOKENS] = {{0, FLT_MIN / 4}, {1, FLT_MIN / 4}, {2, -FLT_MIN}, {3, FLT_MIN}};
    const size_t ends[] = {TOKENS};
    const tombola_params params = params_at(1.0f);
    float logits[V];
    for (size_t id = 0; id < V; id++)
        logits[id] = id < TOKENS ? given[id] : -INFINITY;
    tombola_rows rows = host_rows(logits, 1, 0, &params);
    rows.biases = biases;
    rows.bias_ends = ends;
    struct whole whole = draw_row(&rows);
    for (size_t i = 0; i < TOKENS; i++) {
        const uint32_t token = whole.words[ARRAY_CANDIDATE_TOKENS][i];
        assert_in_range(token, 0, TOKENS - 1);
        assert_memory_equal(&whole.words[ARRAY_CANDIDATE_LOGITS][i], &expected[token], sizeof(float));
    }
    whole_release(&whole);
}

/* Tokens with a larger logit than the boundary's, or the same and no higher id. */
static void kept_and_boundary_tell_what_was_kept(void **state)
{
    (void)state;
    struct edited edited;
    edited_make(&edited, &make, ROWS, 3);
    const tombola_rows rows = edited_rows(&edited);
    tombola_sampler *sampler = make_sampler(context, &make, ROWS, TOMBOLA_DISPATCH_AUTO);
    struct whole whole = edited_draw(sampler, WHOLE_SAMPLE, &rows, V);
    size_t told = 0;
    for (size_t row = 0; row < ROWS; row++) {
        const struct draw draw = draw_of(&whole, row);
        const tombola_boundary boundary = boundary_of(&whole, row);
        const float *z = edited.applied + row * V;
        uint32_t count = 0;
        int has_token = 0;
        if (draw.status != TOMBOLA_ROW_OK)
            continue;
        for (int32_t id = 0; id < V; id++) {
            const int is_in = z[id] > boundary.logit || (z[id] == boundary.logit && id <= boundary.token);
            count += (uint32_t)is_in;
            has_token |= is_in && id == draw.token;
        }
        assert_int_equal(count, draw.kept);
        assert_true(has_token);
        told++;
    }
    assert_in_range(told, ROWS / 3, ROWS);
    whole_release(&whole);
    tombola_sampler_release(sampler);
    edited_release(&edited);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_with_masks_and_biases_give_what_they_give_with_these_applied),
        cmocka_unit_test(rows_of_16_bits_do_so_too),
        cmocka_unit_test(rows_of_probabilities_do_so_with_masks),
        cmocka_unit_test(what_is_masked_or_banned_may_be_nan),
        cmocka_unit_test(a_row_of_which_a_mask_leaves_nothing_is_empty),
        cmocka_unit_test(biases_that_overflow_make_a_row_invalid),
        cmocka_unit_test(subnormal_biases_and_sums_count_as_0),
        cmocka_unit_test(kept_and_boundary_tell_what_was_kept),
    };
    return cmocka_run_group_tests(tests, open_queues, close_queues);
}
