/* What other samplers got wrong, a test each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "calls.h"
#include "expect.h"
#include "group.h"
#include "harness.h"
#include "philox.h"
#include "rows.h"

#define V 1000u
#define ROWS 64u

static const struct make make = {.vocabulary = V};

static float rows[ROWS * V];
static tombola_params params[ROWS];
static struct draw draws[ROWS];

static void fill_rows(enum row_kind kind, uint32_t seeds, float temperature)
{
    for (uint32_t row = 0; row < ROWS; row++) {
        const struct row_recipe recipe = {.kind = kind, .seed = row % seeds, .vocabulary = V};
        row_fill(&recipe, rows + row * V, NULL);
        params[row] = params_at(temperature);
    }
}

/* The first rows in one batch; params and rows are the ones above. */
static void draw_batch(size_t count, tombola_dispatch dispatch)
{
    tombola_sampler *sampler = make_sampler(context, &make, ROWS, dispatch);
    call_sample(sampler, &make, rows, count, params, draws);
    tombola_sampler_release(sampler);
}

static void expect_rows_draw_as_alone(void)
{
    for (uint32_t row = 0; row < ROWS; row++) {
        struct draw alone = draw_once(context, &make, rows + row * V, &params[row]);
        assert_memory_equal(&draws[row], &alone, sizeof alone);
    }
}

static void every_row_reads_its_own_seed_offset_and_stream(void **state)
{
    (void)state;
    for (int what = 0; what < 3; what++) {
        fill_rows(ROW_FLAT, 1, 1.0f);
        for (uint32_t row = 0; row < ROWS; row++) {
            params[row].seed = what == 0 ? row : 7;
            params[row].offset = what == 1 ? row : 7;
            params[row].stream = what == 2 ? row : 7;
        }
        draw_batch(ROWS, TOMBOLA_DISPATCH_AUTO);
        expect_rows_draw_as_alone();
        uint32_t differing = 0;
        for (uint32_t row = 1; row < ROWS; row++) {
            differing += draws[row].token != draws[0].token;
        }
        assert_less(ROWS / 2, differing); /* of a thousand equal tokens nearly all */
    }
}

static void noise_does_not_follow_the_place_in_the_batch(void **state)
{
    (void)state;
    fill_rows(ROW_GAUSSIAN, 1, 1.5f);
    for (uint64_t offset = 0; offset < 50; offset++) {
        for (uint32_t row = 0; row < ROWS; row++) {
            params[row].offset = offset;
        }
        draw_batch(ROWS, TOMBOLA_DISPATCH_AUTO);
        for (uint32_t row = 1; row < ROWS; row++) {
            assert_memory_equal(&draws[row], &draws[0], sizeof draws[0]);
        }
    }
}

/* Rows that rise and fall by next to nothing have opposite rank orders and the same distribution. */
static void noise_does_not_follow_the_rank(void **state)
{
    (void)state;
    fill_rows(ROW_EQUAL, 1, 1.0f);
    for (uint32_t at = 0; at < ROWS * V; at++) {
        float step = (float)(at % V) * 0x1p-30f;
        rows[at] = at / V % 2 ? step : -step;
    }
    for (uint64_t offset = 0; offset < 50; offset++) {
        for (uint32_t row = 0; row < ROWS; row++) {
            params[row].offset = offset * ROWS + row / 2;
        }
        draw_batch(ROWS, TOMBOLA_DISPATCH_AUTO);
        for (uint32_t row = 0; row < ROWS; row += 2) {
            assert_int_equal(draws[row].token, draws[row + 1].token);
        }
    }
}

static void temperature_0_never_draws_another_token_than_the_best(void **state)
{
    (void)state;
    fill_rows(ROW_FLAT, 3, 0.0f);
    for (uint64_t offset = 0; offset < 50; offset++) {
        for (uint32_t row = 0; row < ROWS; row++) {
            params[row].offset = offset * ROWS + row;
        }
        draw_batch(ROWS, TOMBOLA_DISPATCH_AUTO);
        for (uint32_t row = 0; row < ROWS; row++) {
            const float *z = rows + row * V;
            uint32_t best = 0;
            for (uint32_t id = 1; id < V; id++) {
                best = z[id] > z[best] ? id : best;
            }
            assert_int_equal(draws[row].token, best);
        }
    }
}

static void top_k_1_is_greedy_under_ties(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        struct draw greedy[ROWS];
        fill_rows(kind ? ROW_TIES : ROW_ZEROS, ROWS, 0.0f);
        draw_batch(ROWS, TOMBOLA_DISPATCH_AUTO);
        memcpy(greedy, draws, sizeof greedy);
        for (uint32_t row = 0; row < ROWS; row++) {
            params[row] = params_at(row % 3 ? 1.0f : 100.0f);
            params[row].offset = row;
            params[row].top_k = 1;
        }
        draw_batch(ROWS, TOMBOLA_DISPATCH_AUTO);
        assert_memory_equal(draws, greedy, sizeof greedy);
    }
}

/* Offsets of seed 1 whose uniform numbers, which draws by inverse CDF take, come to 0 and 1 when they are rounded to
 * binary32. */
#define LOWEST_OFFSET UINT64_C(1152543134)
#define HIGHEST_OFFSET UINT64_C(2806061650)

static void a_uniform_next_to_0_or_1_picks_no_masked_token(void **state)
{
    (void)state;
    static const uint32_t first = 3, last[] = {3, 255, 256, 700, V - 1};
    const float masks[] = {-INFINITY, -1e30f};
    assert_int_equal(draw_bits(1, HIGHEST_OFFSET, 0) >> 32, 0xFFFFFFFFu);
    assert_int_equal(draw_bits(1, LOWEST_OFFSET, 0) >> 32, 0);
    for (size_t i = 0; i < COUNT_OF(last); i++) {
        fill_rows(ROW_EQUAL, 1, 1.0f);
        for (uint32_t at = 0; at < ROWS * V; at++) {
            int masked = at % V < first || at % V > last[i];
            rows[at] = masked ? masks[at / V / 2 % 2] : rows[at];
        }
        for (uint32_t row = 0; row < ROWS; row++) {
            params[row].seed = 1;
            params[row].method = TOMBOLA_INVERSE_CDF;
            params[row].offset = row % 2 ? HIGHEST_OFFSET : LOWEST_OFFSET;
            params[row].top_p = row % 8 < 4 ? 1.0f : 0.999999f;
        }
        for (int dispatch = TOMBOLA_DISPATCH_ROW; dispatch <= TOMBOLA_DISPATCH_SPREAD; dispatch++) {
            draw_batch(ROWS, (tombola_dispatch)dispatch);
            for (uint32_t row = 0; row < ROWS; row++) {
                assert_int_equal(draws[row].token, row % 2 ? last[i] : first);
            }
        }
    }
}

static void no_token_is_as_large_as_the_vocabulary(void **state)
{
    (void)state;
    static const uint32_t vocabularies[] = {1, 2, 15, 16, 17, 255, 256, 257, 511, 512, 513};
    static const float equal[513] = {0};
    for (size_t i = 0; i < COUNT_OF(vocabularies); i++) {
        const struct make small = {.vocabulary = vocabularies[i]};
        tombola_params highest = params_at(1.0f);
        struct draw draw;
        highest.seed = 1;
        highest.method = TOMBOLA_INVERSE_CDF;
        highest.offset = HIGHEST_OFFSET;
        tombola_sampler *sampler = make_sampler(context, &small, 1, TOMBOLA_DISPATCH_AUTO);
        call_sample(sampler, &small, equal, 1, &highest, &draw);
        assert_int_equal(draw.token, vocabularies[i] - 1);
        highest.method = TOMBOLA_RACE;
        for (highest.offset = 0; highest.offset < 200; highest.offset++) {
            call_sample(sampler, &small, equal, 1, &highest, &draw);
            assert_in_range(draw.token, 0, vocabularies[i] - 1);
        }
        tombola_sampler_release(sampler);
    }
}

static void a_bad_row_says_so_and_spoils_no_other(void **state)
{
    (void)state;
    const struct draw invalid = {.token = -1, .status = TOMBOLA_ROW_INVALID};
    const struct draw empty = {.token = -1, .status = TOMBOLA_ROW_EMPTY};
    static const uint32_t places[] = {0, V / 2, V - 1};
    fill_rows(ROW_GAUSSIAN, ROWS, 1.0f);
    for (uint32_t row = 0; row < ROWS; row++) {
        params[row].offset = row;
        params[row].top_k = row % 3 == 0 ? 50 : 0;
        params[row].top_p = row % 5 == 0 ? 0.9f : 1.0f;
        params[row].temperature = row % 7 == 0 ? 0.0f : 1.0f;
        for (uint32_t id = 0; id < V && row % 4 == 3; id++) {
            rows[row * V + id] = -INFINITY;
        }
        if (row % 4 == 1) {
            rows[row * V + places[row / 4 % 3]] = row % 8 == 1 ? NAN : INFINITY;
        }
    }
    draw_batch(ROWS, TOMBOLA_DISPATCH_AUTO);
    for (uint32_t row = 0; row < ROWS; row++) {
        if (row % 2 == 0) {
            struct draw alone = draw_once(context, &make, rows + row * V, &params[row]);
            assert_memory_equal(&draws[row], &alone, sizeof alone);
            assert_in_range(draws[row].token, 0, V - 1);
        } else {
            assert_memory_equal(&draws[row], row % 4 == 1 ? &invalid : &empty, sizeof invalid);
        }
    }
}

static void the_size_of_the_batch_changes_no_token(void **state)
{
    (void)state;
    static const size_t sizes[] = {64, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33};
    struct draw expected[ROWS];
    fill_rows(ROW_GAUSSIAN, ROWS, 1.2f);
    for (uint32_t row = 0; row < ROWS; row++) {
        params[row].offset = row;
        params[row].top_p = row % 2 ? 0.95f : 1.0f;
    }
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        draw_batch(sizes[i], TOMBOLA_DISPATCH_AUTO);
        if (i == 0) {
            memcpy(expected, draws, sizeof expected);
        }
        assert_memory_equal(draws, expected, sizes[i] * sizeof *draws);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_reads_its_own_seed_offset_and_stream),
        cmocka_unit_test(noise_does_not_follow_the_place_in_the_batch),
        cmocka_unit_test(noise_does_not_follow_the_rank),
        cmocka_unit_test(temperature_0_never_draws_another_token_than_the_best),
        cmocka_unit_test(top_k_1_is_greedy_under_ties),
        cmocka_unit_test(a_uniform_next_to_0_or_1_picks_no_masked_token),
        cmocka_unit_test(no_token_is_as_large_as_the_vocabulary),
        cmocka_unit_test(a_bad_row_says_so_and_spoils_no_other),
        cmocka_unit_test(the_size_of_the_batch_changes_no_token),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
