/* softmax against binary64: how near, in which order, what sums to what, and what bad rows give. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "group.h"
#include "harness.h"
#include "logarithm.h"
#include "nearness.h"
#include "rows.h"

#define RANDOM_SEED UINT64_C(20250318)

static const float temperatures[] = {0.0f, SOFTMAX_COLDEST, 0.01f, 0.7f, 1.0f, 100.0f, 1e30f, INFINITY};

/* Every kind of row in one batch, in which all temperatures occur; then with others, until each has met each. */
static void run_kinds(const struct make *make, uint64_t *random)
{
    size_t v = make->vocabulary, row_size = v * tombola_type_size(make->type);
    char *elements = allocate(ROW_KINDS, row_size);
    struct oracle_row *rows[ROW_KINDS];
    float *values = allocate(v, sizeof *values);
    for (size_t kind = 0; kind < ROW_KINDS; kind++) {
        const struct row_recipe recipe = {(enum row_kind)kind, random_below(random, UINT32_MAX), make->vocabulary,
                                          make->type, make->input};
        row_fill(&recipe, elements + kind * row_size, values);
        rows[kind] = oracle_row_create(values, make->vocabulary, make->input);
    }
    for (size_t turn = 0; turn < COUNT_OF(temperatures); turn++) {
        tombola_params params[ROW_KINDS];
        for (size_t kind = 0; kind < ROW_KINDS; kind++) {
            params[kind] = params_at(temperatures[(turn + kind) % COUNT_OF(temperatures)]);
        }
        struct softmax_results results = softmax_run(context, make, elements, ROW_KINDS, params);
        for (size_t kind = 0; kind < ROW_KINDS; kind++) {
            struct softmax_answer a = {.name = row_kind_name((enum row_kind)kind),
                                       .row = rows[kind],
                                       .vocabulary = make->vocabulary,
                                       .temperature = params[kind].temperature,
                                       .probabilities = results.probabilities + kind * v,
                                       .logarithms = results.logarithms + kind * v};
            expect_softmax_answer(&a, results.status[kind]);
        }
        softmax_results_release(&results);
    }
    for (size_t kind = 0; kind < ROW_KINDS; kind++) {
        oracle_row_release(rows[kind]);
    }
    free(values);
    free(elements);
}

static void probabilities_are_those_of_binary64_on_every_kind_of_row(void **state)
{
    (void)state;
    static const uint32_t vocabularies[] = {1, 2, 255, 256, 257, 1000, 32000, 128256};
    uint64_t random = RANDOM_SEED;
    printf("seed %" PRIu64 "\n", random);
    for (size_t v = 0; v < COUNT_OF(vocabularies); v++) {
        for (int make = 0; make < 6; make++) {
            struct make m = {(tombola_type)(make % 3), (tombola_input)(make / 3), vocabularies[v]};
            int enough = (test_level() == TEST_FAST && m.vocabulary > 32000 && make % 3 != 0) ||
                         (test_level() == TEST_SMALL && m.vocabulary > 1000);
            if (!enough) {
                run_kinds(&m, &random);
            }
        }
    }
}

static void a_log_probability_is_finite_and_near_wherever_its_logit_is_finite(void **state)
{
    (void)state;
    static const float cold[] = {3.0f, 2.5f, -1e4f, -1e30f, -2.3e38f, -2.4e38f, -FLT_MAX, 3.0f, 0.0f, -INFINITY};
    static const float hot[] = {1e38f, -1e38f, 3e38f, -FLT_MAX, 0.0f, 1e-30f, FLT_MAX, 2.9e38f, -INFINITY, 1e4f};
    static const float colder[] = {0.7f, 1.0f, 1.2f, 100.0f, 1e30f, INFINITY};
    static const float hotter[] = {2.0f, 1e15f, 1e30f, 0x1p90f, INFINITY};
    for (size_t i = 0; i < COUNT_OF(colder); i++) {
        expect_softmax(context, "far below", cold, TOMBOLA_LOGITS, COUNT_OF(cold), 1, colder[i]);
    }
    for (size_t i = 0; i < COUNT_OF(hotter); i++) {
        expect_softmax(context, "far above", hot, TOMBOLA_LOGITS, COUNT_OF(hot), 1, hotter[i]);
    }
}

/* Beyond the bound on probabilities logarithms keep theirs, and the sum with them. */
static void rows_of_enormous_logits_keep_their_sum_and_their_logarithms(void **state)
{
    (void)state;
    enum { V = 1000 };
    static const float tops[] = {5.9e6f, 1e7f, 1e8f, -5.9e6f, -1e8f, 1e15f, 1e30f, 1e38f};
    static float values[V];
    uint64_t random = RANDOM_SEED;
    for (size_t i = 0; i < COUNT_OF(tops); i++) {
        float step = fabsf(tops[i]) - nextafterf(fabsf(tops[i]), 0.0f);
        for (uint32_t id = 0; id < V; id++) {
            values[id] =
                tops[i] - step * (float)(3 * (id / 256) + random_below(&random, 16)); /* no block like another */
        }
        expect_softmax(context, "enormous", values, TOMBOLA_LOGITS, V, 1, 1.0f);
        expect_softmax(context, "enormous, hot", values, TOMBOLA_LOGITS, V, 1, 1e3f);
        expect_softmax(context, "enormous, in step", values, TOMBOLA_LOGITS, V, 1, step);
    }
}

/* Where neighbouring numbers have neighbouring probabilities, the one of 2^t may fall by a unit; the
 * factor that makes the sum 1, other in each row, must not make two of it. */
static void order_is_kept_among_neighbouring_numbers(void **state)
{
    (void)state;
    enum { V = 1000, FIRST = 400 };
    static const float from[] = {-0x1.ffffp-2f, -0x1.dffffp-2f, -0x1.bfffep-2f, -0x1.5ffffp-2f,
                                 -0x1.ffffp-3f, -0x1.bfffep-3f, -0x1.ffffp-4f,  0x1.fff0p-2f};
    const float unit = 0x1.715476p+0f; /* the temperature at which a logit is a power of two */
    float *values = allocate(SOFTMAX_MOST_ROWS * V, sizeof *values);
    size_t rows = test_level() == TEST_SMALL ? 8 : SOFTMAX_MOST_ROWS;
    for (size_t i = 0; i < COUNT_OF(from); i++) {
        for (size_t row = 0; row < rows; row++) {
            float *z = values + row * V, next = from[i];
            for (uint32_t id = 0; id < V; id++) {
                z[id] = id == 0 || id < row * (FIRST / rows) ? 0.0f : -INFINITY;
            }
            for (uint32_t id = FIRST; id < V; id++) {
                z[id] = next;
                next = nextafterf(next, INFINITY);
            }
        }
        expect_softmax(context, "neighbours", values, TOMBOLA_LOGITS, V, rows, unit);
    }
    free(values);
}

static uint32_t large_vocabulary(void)
{
    return test_level() == TEST_SMALL ? 1000 : 1u << 20;
}

/* 255 tokens of every block just below an integer weight of 1: what they hold together is as much as the
 * bound allows, so that nothing is left of it for the errors that each probability has. */
static void tokens_too_small_for_an_integer_weight_still_count(void **state)
{
    (void)state;
    enum { V = 1000, ROWS = SOFTMAX_MOST_ROWS };
    static const float depths[] = {18.0217f, 18.72f, 19.5f, 24.0f, 28.0f};
    static float values[ROWS * V];
    uint64_t random = RANDOM_SEED;
    for (size_t i = 0; i < COUNT_OF(depths); i++) {
        for (size_t row = 0; row < ROWS; row++) {
            float first = 0.0f;
            for (uint32_t id = 0; id < V; id++) {
                if (id % 256 == 0) {
                    first = (float)random_below(&random, 1000) * -0.007f;
                }
                values[row * V + id] = first - (id % 256 == 0 ? 0.0f : depths[i]);
            }
        }
        expect_softmax(context, "dust", values, TOMBOLA_LOGITS, V, ROWS, 1.0f);
    }
}

static void blocks_at_many_scales_add_up(void **state)
{
    (void)state;
    uint32_t v = large_vocabulary();
    float *values = allocate(v, sizeof *values);
    static const float slopes[] = {0.0001f, 0.01f, 0.37f, 0.6931f, 1.0f, 5.0f};
    for (size_t i = 0; i < COUNT_OF(slopes); i++) {
        for (uint32_t id = 0; id < v; id++) {
            values[id] = (float)(id * 7 % 256) * 0x1p-6f - slopes[i] * (float)(id / 256);
        }
        expect_softmax(context, "slope", values, TOMBOLA_LOGITS, v, 1, 1.0f);
    }
    /* One token, and all the others together about as much. */
    for (uint32_t id = 0; id < v; id++) {
        values[id] = id == v / 3 ? 0.0f : -13.862f;
    }
    expect_softmax(context, "one against all", values, TOMBOLA_LOGITS, v, 1, 1.0f);
    free(values);
}

static void equal_logits_share_alike_at_any_offset(void **state)
{
    (void)state;
    uint32_t v = large_vocabulary();
    float *values = allocate(v, sizeof *values);
    static const float offsets[] = {0.0f, 0.3f, 1000.1f, -77777.7f, 5.79e6f, -5.79e6f, 1e9f};
    for (size_t i = 0; i < COUNT_OF(offsets); i++) {
        for (uint32_t id = 0; id < v; id++) {
            values[id] = offsets[i];
        }
        expect_softmax(context, "equal", values, TOMBOLA_LOGITS, v, 1, 1.0f);
    }
    free(values);
}

static void a_shift_of_the_row_changes_no_more_than_the_bound(void **state)
{
    (void)state;
    enum { V = 1000 };
    static const float shifts[] = {0.0f, 0.5f, -3.0f, 1000.0f, 16000.0f, -77777.0f, 0x1p20f, 0x1p22f, -0x1p22f};
    static const float some[] = {0.75f, 1.0f, 3.0f};
    const struct make make = {.vocabulary = V};
    static float values[COUNT_OF(shifts) * V];
    uint64_t random = RANDOM_SEED;
    for (uint32_t id = 0; id < V; id++) {
        float z = (float)random_below(&random, 65) * 0.5f - 16.0f; /* halves stay exact up to 2^23 */
        for (size_t row = 0; row < COUNT_OF(shifts); row++) {
            values[row * V + id] = z + shifts[row];
        }
    }
    for (size_t i = 0; i < COUNT_OF(some); i++) {
        struct softmax_results results = softmax_run_at(context, &make, values, COUNT_OF(shifts), some[i]);
        for (size_t at = 0; at < COUNT_OF(shifts) * V; at++) {
            double unshifted = (double)results.probabilities[at % V];
            assert_near(results.probabilities[at], unshifted, SOFTMAX_RELATIVE * unshifted + SOFTMAX_ABSOLUTE);
        }
        softmax_results_release(&results);
    }
}

/* In rank order -0 and subnormal numbers are 0, and so they are here. */
static void what_ranks_as_0_has_the_logarithm_of_0(void **state)
{
    (void)state;
    static const struct make make = {.vocabulary = 2};
    static const float values[] = {-0.0f, -1000.0f, -1e-40f, -1000.0f, 1e-40f, -1000.0f};
    struct softmax_results results = softmax_run_at(context, &make, values, 3, 1.0f);
    for (size_t row = 0; row < 3; row++) {
        uint32_t bits;
        memcpy(&bits, &results.logarithms[2 * row], sizeof bits);
        assert_int_equal(bits, 0);
    }
    softmax_results_release(&results);
}

static void a_greedy_row_gives_all_to_the_first_in_rank_order(void **state)
{
    (void)state;
    enum { V = 600 };
    static const uint32_t best[][2] = {{0, 599}, {255, 256}, {256, 257}, {599, 599}, {511, 512}};
    static const float greedy[] = {0.0f, 0x1p-126f, 9.9e-6f, 0x1.4f8b56p-17f};
    const struct make make = {.vocabulary = V};
    static float values[COUNT_OF(best) * V];
    for (size_t row = 0; row < COUNT_OF(best); row++) {
        for (uint32_t id = 0; id < V; id++) {
            values[row * V + id] = id == best[row][0] || id == best[row][1] ? 3.0f : 3.0f - 0x1p-21f;
        }
    }
    for (size_t i = 0; i < COUNT_OF(greedy); i++) {
        struct softmax_results results = softmax_run_at(context, &make, values, COUNT_OF(best), greedy[i]);
        for (size_t at = 0; at < COUNT_OF(best) * V; at++) {
            int chosen = at % V == best[at / V][0];
            assert_real_equal(results.probabilities[at], chosen ? 1.0f : 0.0f);
            assert_real_equal(results.logarithms[at], chosen ? 0.0f : -INFINITY);
        }
        softmax_results_release(&results);
    }
    expect_softmax(context, "coldest that is not greedy", values, TOMBOLA_LOGITS, V, COUNT_OF(best), SOFTMAX_COLDEST);
}

static void filters_seeds_and_batch_mates_change_no_bit(void **state)
{
    (void)state;
    enum { V = 1000, ROWS = 5 };
    const struct row_recipe recipe = {.kind = ROW_GAUSSIAN, .seed = 5, .vocabulary = V};
    const struct make make = {.vocabulary = V};
    static float values[ROWS * V];
    tombola_params params[ROWS];
    for (size_t row = 0; row < ROWS; row++) {
        row_fill(&recipe, values + row * V, NULL);
        params[row] = params_at(0.7f);
    }
    params[1].top_k = 1;
    params[2].top_p = 0.0f;
    params[3].min_p = 1.0f;
    params[4].seed = params[4].offset = UINT64_MAX;
    params[4].stream = UINT32_MAX;
    struct softmax_results results = softmax_run(context, &make, values, ROWS, params);
    for (size_t row = 1; row < ROWS; row++) {
        assert_memory_equal(results.probabilities, results.probabilities + row * V, V * sizeof(float));
        assert_memory_equal(results.logarithms, results.logarithms + row * V, V * sizeof(float));
    }
    struct softmax_results alone = softmax_run(context, &make, values, 1, params);
    assert_memory_equal(alone.probabilities, results.probabilities, V * sizeof(float));
    softmax_results_release(&alone);
    softmax_results_release(&results);
}

static void gaps_between_rows_are_neither_read_nor_written(void **state)
{
    (void)state;
    enum { V = 257, IN = 260, OUT = 301, ROWS = 3 };
    const struct make make = {.vocabulary = V};
    static float values[ROWS * IN], packed[ROWS * V], expected[ROWS * V], output[ROWS * OUT];
    tombola_params params[ROWS];
    tombola_error error = tombola_error_default();
    for (uint32_t row = 0; row < ROWS; row++) {
        const struct row_recipe recipe = {.kind = ROW_GAUSSIAN, .seed = row, .vocabulary = V};
        row_fill(&recipe, packed + row * V, NULL);
        memcpy(values + row * IN, packed + row * V, V * sizeof *values);
        for (uint32_t id = V; id < IN; id++) {
            values[row * IN + id] = NAN;
        }
        params[row] = params_at(1.0f);
    }
    for (int dispatch = TOMBOLA_DISPATCH_ROW; dispatch <= TOMBOLA_DISPATCH_SPREAD; dispatch++) {
        tombola_sampler *sampler = make_sampler(context, &make, ROWS, (tombola_dispatch)dispatch);
        call_softmax(sampler, &make, packed, ROWS, params, 0, expected, NULL);
        for (size_t at = 0; at < ROWS * OUT; at++) {
            output[at] = -7.0f;
        }
        /* the last row's gap is no memory of the call's, and is looked at all the same */
        assert_int_equal(softmax_rows(sampler, values, ROWS, IN, params, 0, output, OUT, NULL, &error), TOMBOLA_OK);
        for (uint32_t row = 0; row < ROWS; row++) {
            assert_memory_equal(output + row * OUT, expected + row * V, V * sizeof(float));
            for (uint32_t id = V; id < OUT; id++) {
                assert_real_equal(output[row * OUT + id], -7.0f);
            }
        }
        tombola_sampler_release(sampler);
    }
}

/* P^(1/T), and the softmax of ln P / T; the second in every bit, the logarithm being the same. */
static void probabilities_and_their_logarithms_give_the_same(void **state)
{
    (void)state;
    enum { V = 1000 };
    static const float some[] = {0.0f, 0.5f, 1.0f, 2.0f, 100.0f, INFINITY};
    const struct make of_p = {.input = TOMBOLA_PROBABILITIES, .vocabulary = V}, of_z = {.vocabulary = V};
    static float p[V], z[V];
    uint64_t random = RANDOM_SEED;
    for (uint32_t id = 0; id < V; id++) {
        p[id] = id % 5 == 0 ? 0.0f : (float)(1 + random_below(&random, 0xFFFF)) * 0x1p-16f;
        z[id] = p[id] > 0.0f ? logarithm(p[id]) : -INFINITY;
    }
    for (size_t i = 0; i < COUNT_OF(some); i++) {
        struct softmax_results a = softmax_run_at(context, &of_p, p, 1, some[i]),
                               b = softmax_run_at(context, &of_z, z, 1, some[i]);
        if (some[i] > 0.0f) {
            assert_memory_equal(a.probabilities, b.probabilities, V * sizeof(float));
            assert_memory_equal(a.logarithms, b.logarithms, V * sizeof(float));
        }
        double sum = 0.0;
        for (uint32_t id = 0; id < V; id++) {
            sum += p[id] > 0.0f ? pow((double)p[id], 1.0 / (double)some[i]) : 0.0;
        }
        for (uint32_t id = 0; id < V && some[i] > 0.0f; id++) {
            double truth = p[id] > 0.0f ? pow((double)p[id], 1.0 / (double)some[i]) / sum : 0.0;
            /* |ln P| < 16 is off by 0.9 of its last place, 2^-20, at most: above the line and below it */
            double rounding = 2.0 * 0.9 * 0x1p-20 / (double)some[i];
            assert_near(a.probabilities[id], truth, (SOFTMAX_RELATIVE + rounding) * truth + SOFTMAX_ABSOLUTE);
        }
        softmax_results_release(&a);
        softmax_results_release(&b);
    }
}

static void a_bad_row_says_so_and_leaves_the_others_alone(void **state)
{
    (void)state;
    enum { V = 3, ROWS = 7 };
    const float n = NAN, y = INFINITY;
    const float values[ROWS * V] = {1,  2,     3, n, 2,      3,      1,      2, y, -y, -y,
                                    -y, 3e38f, 0, 0, -3e38f, -3e38f, -3e38f, 1, 2, 3};
    const tombola_row_status expected[ROWS] = {TOMBOLA_ROW_OK,    TOMBOLA_ROW_INVALID, TOMBOLA_ROW_INVALID,
                                               TOMBOLA_ROW_EMPTY, TOMBOLA_ROW_INVALID, TOMBOLA_ROW_EMPTY,
                                               TOMBOLA_ROW_OK};
    const struct make make = {.vocabulary = V};
    struct softmax_results results = softmax_run_at(context, &make, values, ROWS, 1.0f);
    assert_memory_equal(results.status, expected, sizeof expected);
    for (size_t at = 0; at < ROWS * V; at++) {
        int good = expected[at / V] == TOMBOLA_ROW_OK;
        assert_real_equal(results.probabilities[at], good ? results.probabilities[at % V] : 0);
        assert_real_equal(results.logarithms[at], good ? results.logarithms[at % V] : -y);
    }
    assert_near(results.probabilities[2], 0.66524095838, SOFTMAX_RELATIVE + SOFTMAX_ABSOLUTE);
    softmax_results_release(&results);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probabilities_are_those_of_binary64_on_every_kind_of_row),
        cmocka_unit_test(a_log_probability_is_finite_and_near_wherever_its_logit_is_finite),
        cmocka_unit_test(rows_of_enormous_logits_keep_their_sum_and_their_logarithms),
        cmocka_unit_test(order_is_kept_among_neighbouring_numbers),
        cmocka_unit_test(tokens_too_small_for_an_integer_weight_still_count),
        cmocka_unit_test(blocks_at_many_scales_add_up),
        cmocka_unit_test(equal_logits_share_alike_at_any_offset),
        cmocka_unit_test(a_shift_of_the_row_changes_no_more_than_the_bound),
        cmocka_unit_test(what_ranks_as_0_has_the_logarithm_of_0),
        cmocka_unit_test(a_greedy_row_gives_all_to_the_first_in_rank_order),
        cmocka_unit_test(filters_seeds_and_batch_mates_change_no_bit),
        cmocka_unit_test(gaps_between_rows_are_neither_read_nor_written),
        cmocka_unit_test(probabilities_and_their_logarithms_give_the_same),
        cmocka_unit_test(a_bad_row_says_so_and_leaves_the_others_alone),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
