/* Filters that cut at a share of the mass: what they keep, beside the oracle, the numpy statement and arithmetic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "expect.h"
#include "group.h"
#include "known_batch.h"

static const float p[] = {.3f, .1f, .4f, .2f};

/* How many of .4 .3 .2 .1 are kept, given as probabilities and as logits. */
static void expect_kept(tombola_params params, uint32_t kept)
{
    for (int input = TOMBOLA_LOGITS; input <= TOMBOLA_PROBABILITIES; input++) {
        const struct make make = {TOMBOLA_FLOAT32, (tombola_input)input, 4};
        float row[4];
        for (size_t id = 0; id < 4; id++) {
            row[id] = input == TOMBOLA_PROBABILITIES ? p[id] : logf(p[id]);
        }
        for (params.method = 0; params.method < 2; params.method++) {
            assert_int_equal(draw_once(context, &make, row, &params).kept, kept);
        }
    }
}

static void epsilon_keeps_what_has_the_share_and_the_first(void **state)
{
    (void)state;
    static const struct {
        float cutoff;
        uint32_t kept;
    } cases[] = {{0.0f, 4}, {1e-30f, 4}, {.05f, 4}, {.1f, 4}, {.11f, 3}, {.2f, 3},
                 {.21f, 2}, {.3f, 2},    {.31f, 1}, {.4f, 1}, {.5f, 1},  {1.0f, 1}};
    tombola_params params = params_at(1.0f);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        params.epsilon_cutoff = cases[i].cutoff;
        expect_kept(params, cases[i].kept);
    }
    params.epsilon_cutoff = .32f; /* of .4 .3 .2 .1; of the first three .444 .333 .222 */
    params.top_k = 3;
    expect_kept(params, 2);
    params.epsilon_cutoff = .34f;
    expect_kept(params, 1);
}

/* .4 squared is .16: of these times 1 at least .3 and .2 stay. */
static void top_a_keeps_what_reaches_the_square_of_the_first(void **state)
{
    (void)state;
    static const struct {
        float a;
        uint32_t kept;
    } cases[] = {{0.0f, 4}, {1e-30f, 4}, {.3f, 4}, {.62f, 4}, {.625f, 4}, {.63f, 3}, {1.0f, 3}};
    tombola_params params = params_at(1.0f);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        params.top_a = cases[i].a;
        expect_kept(params, cases[i].kept);
    }
    params = params_at(.25f); /* .758 .240 .047 .003: the square of the first is .50 */
    params.top_a = 1.0f;
    expect_kept(params, 1);
    tombola_filters_temperature_last(&params);
    expect_kept(params, 3);
}

/* .16 + .09 + .04 + .01 is .3, which .3 reaches; normalised it is (4 * .3 - 1) / 3 = .067. */
static void p_less_keeps_what_reaches_the_chance_of_a_collision(void **state)
{
    (void)state;
    tombola_params params = params_at(1.0f);
    params.p_less = TOMBOLA_P_LESS;
    expect_kept(params, 2);
    params.p_less = TOMBOLA_P_LESS_NORM;
    expect_kept(params, 4);
    params.temperature = .5f; /* .533 .3 .133 .033: .393, and normalised .191 */
    expect_kept(params, 2);
    params.p_less = TOMBOLA_P_LESS;
    expect_kept(params, 1);
    params = params_at(1.0f);
    params.p_less = TOMBOLA_P_LESS;
    params.top_k = 2; /* .571 .429: .51 */
    expect_kept(params, 1);
    params.temperature = INFINITY; /* even ones all stay */
    params.top_k = 0;
    expect_kept(params, 4);
}

/* The falls of 5 4.5 2 1.5 0, divided by rank: .5 1.25 .167 .375. The range is 5. */
static void min_k_keeps_what_ranks_before_the_cliff(void **state)
{
    (void)state;
    static const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, 5};
    static const float row[] = {1.5f, 5.0f, 0.0f, 4.5f, 2.0f}, even[] = {4.0f, 3.0f, 2.0f, 1.0f, 0.0f},
                       equal[] = {2.0f, 2.0f, 2.0f, 2.0f, 2.0f};
    static const struct {
        float tau;
        uint32_t kept, of_even;
    } cases[] = {{0.0f, 5, 5}, {1e-30f, 2, 1}, {3.0f, 2, 1}, {8.0f, 2, 2}, {15.0f, 3, 3}, {1e30f, 5, 5}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        tombola_params params = params_at(i % 2 ? 1.0f : .3f);
        params.min_k = cases[i].tau;
        assert_int_equal(draw_once(context, &make, row, &params).kept, cases[i].kept);
        assert_int_equal(draw_once(context, &make, even, &params).kept, cases[i].of_even);
        assert_int_equal(draw_once(context, &make, equal, &params).kept, 5);
    }
}

/* Rows whose falls come to the same everywhere, or whose cliff is deep down: bins have to be looked into. */
static void cliffs_are_found_wherever_they_are(void **state)
{
    (void)state;
    enum { V = 3000, SHAPES = 6 };
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, V};
    float *row = allocate(V, sizeof *row);
    tombola_sampler *sampler = make_sampler(context, &make, 1, TOMBOLA_DISPATCH_AUTO);
    for (uint32_t shape = 0; shape < SHAPES; shape++) {
        for (uint32_t id = 0; id < V; id++) {
            const float i = (float)((id * 1009u + 7) % V);
            const float parabola = -i * i * 0x1p-18f, ramp = -i * 0x1p-10f;
            const float values[SHAPES] = {parabola,
                                          parabola - (i > 2000.0f ? 0.03f : 0.0f),
                                          ramp,
                                          ramp - (i > 40.0f ? 1.0f : 0.0f),
                                          i < 1500.0f ? i * 0x1p-22f : -100.0f,
                                          i < 1500.0f ? 1e30f : i * -1e35f};
            row[id] = values[shape];
        }
        struct oracle_row *oracle = oracle_row_create(row, V, TOMBOLA_LOGITS);
        for (uint32_t turn = 0; turn < 6; turn++) {
            tombola_params params = params_at(1.0f);
            params.min_k = turn % 2 ? 3.0f : 1e-30f;
            params.top_k = turn < 2 ? 0 : turn * 300;
            params.seed = turn;
            const struct draw expected = oracle_draw(oracle, &params);
            struct draw draw;
            call_sample(sampler, &make, row, 1, &params, &draw);
            if (draw.token != expected.token || draw.kept != expected.kept)
                fail_msg("turn %u of shape %u: token %d and kept %u, not %d and %u", (unsigned)turn, (unsigned)shape,
                         (int)draw.token, (unsigned)draw.kept, (int)expected.token, (unsigned)expected.kept);
        }
        oracle_row_release(oracle);
    }
    tombola_sampler_release(sampler);
    free(row);
}

static void every_filter_leaves_as_many_as_asked_for(void **state)
{
    (void)state;
    tombola_params params = params_at(1.0f);
    params.min_p = .9f;
    for (params.min_keep = 0; params.min_keep < 8; params.min_keep++) {
        const uint32_t kept = params.min_keep < 2 ? 1 : params.min_keep < 4 ? params.min_keep : 4;
        expect_kept(params, kept);
        tombola_params other = params;
        other.min_p = 0.0f;
        other.top_p = .3f;
        expect_kept(other, kept);
        other.top_p = 1.0f;
        other.top_k = 1;
        expect_kept(other, kept);
        other.top_k = 0;
        other.top_n_sigma = .01f;
        expect_kept(other, kept);
        other.top_n_sigma = 0.0f;
        other.epsilon_cutoff = .9f;
        expect_kept(other, kept);
        other.epsilon_cutoff = 0.0f;
        other.xtc_probability = 1.0f;
        other.xtc_threshold = .25f; /* drops the first of two, and 3 stay */
        expect_kept(other, params.min_keep <= 3 ? 3 : 4);
    }
}

/* At temperature 1/2 the shares are .533 .3 .133 .033, at 2 they are .325 .282 .230 .163. */
static void shares_are_those_of_the_temperature_where_the_filter_stands(void **state)
{
    (void)state;
    static const struct {
        float temperature, cutoff;
        uint32_t first, last; /* kept where the temperature comes first, and last */
    } cases[] = {{.5f, .05f, 3, 4}, {.5f, .13f, 3, 3}, {.5f, .14f, 2, 3},      {2.0f, .15f, 4, 3},
                 {2.0f, .2f, 3, 3}, {2.0f, .3f, 1, 2}, {INFINITY, .25f, 4, 2}, {INFINITY, .41f, 1, 1}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        tombola_params params = params_at(cases[i].temperature);
        params.epsilon_cutoff = cases[i].cutoff;
        expect_kept(params, cases[i].first);
        tombola_filters_temperature_last(&params);
        expect_kept(params, cases[i].last);
    }
}

static void equal_ones_share_the_fate_of_the_first(void **state)
{
    (void)state;
    enum { V = 600 };
    static float row[V];
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, V};
    for (uint32_t id = 0; id < V; id++) {
        row[id] = id % 3 ? -1e30f : 2.5f;
    }
    tombola_params params = params_at(1.0f);
    params.epsilon_cutoff = .9f;
    assert_int_equal(draw_once(context, &make, row, &params).kept, V / 3);
}

/* ---------------------------------------------------------------------- beside the oracle */

static float one_of(uint64_t *random, const float *values, uint32_t count)
{
    return values[random_below(random, count)];
}

/* All of the order's steps, shuffled; sometimes without the last ones. */
static void shuffle_order(uint64_t *random, uint8_t *order)
{
    size_t steps = 0;
    while (steps < TOMBOLA_MAX_FILTERS && order[steps]) {
        steps++;
    }
    for (size_t i = steps; i > 1; i--) {
        const size_t other = random_below(random, (uint32_t)i);
        const uint8_t step = order[i - 1];
        order[i - 1] = order[other];
        order[other] = step;
    }
}

static tombola_params random_params(uint64_t *random, uint32_t vocabulary)
{
    static const float temperatures[] = {1.0f, 0.7f, 1.6f, 0.2f, 30.0f, INFINITY, 0.0f},
                       shares[] = {0.1f, 0.01f, 0.5f, 0.001f, 1e-5f, 3e-4f, 0.03f, 1e-20f, 1.0f},
                       nuclei[] = {1.0f, 1.0f, 0.9f, 0.5f}, floors[] = {0.0f, 0.0f, 0.05f}, sigmas[] = {0, 0, 1.5f},
                       taus[] = {3.0f, 1e-30f, 500.0f};
    static const uint8_t first[TOMBOLA_MAX_FILTERS] = TOMBOLA_TEMPERATURE_FIRST;
    tombola_params params = params_at(one_of(random, temperatures, COUNT_OF(temperatures)));
    if (random_below(random, 3) == 0) {
        tombola_filters_temperature_last(&params);
    } else if (random_below(random, 2)) {
        memcpy(params.filters, first, sizeof first);
        shuffle_order(random, params.filters);
    }
    params.epsilon_cutoff = random_below(random, 3) ? one_of(random, shares, COUNT_OF(shares)) : 0.0f;
    params.top_a = random_below(random, 3) ? 0.0f : one_of(random, shares, COUNT_OF(shares));
    params.p_less = random_below(random, 3) ? 0 : random_below(random, 3);
    params.min_keep =
        random_below(random, 3) ? 0 : random_below(random, 1 + vocabulary / (1 + random_below(random, 90)));
    params.min_k = random_below(random, 3) ? 0.0f : one_of(random, taus, COUNT_OF(taus));
    params.top_k = random_below(random, 3) ? 0 : 1 + random_below(random, vocabulary);
    params.top_p = one_of(random, nuclei, COUNT_OF(nuclei));
    params.min_p = one_of(random, floors, COUNT_OF(floors));
    params.top_n_sigma = one_of(random, sigmas, COUNT_OF(sigmas));
    params.xtc_probability = random_below(random, 3) ? 0.0f : 1.0f;
    params.xtc_threshold = one_of(random, shares, COUNT_OF(shares));
    params.method = random_below(random, 2);
    params.seed = random_bits(random);
    params.offset = random_bits(random);
    params.stream = random_below(random, 1000);
    return params;
}

/* Rows of every kind, some with masks and biases. */
static void expect_oracle(tombola_type type, tombola_input input, uint32_t vocabulary, uint32_t turns)
{
    uint64_t random = vocabulary + 1000u * type + 100000u * input;
    struct known_answer *answers = allocate(ROW_KINDS * turns, sizeof *answers);
    size_t count = 0;
    for (uint32_t kind = 0; kind < ROW_KINDS; kind++) {
        for (uint32_t turn = 0; turn < turns; turn++) {
            struct known_answer *answer = &answers[count++];
            answer->line = (unsigned)count;
            answer->recipe =
                (struct row_recipe){(enum row_kind)kind, random_below(&random, 1000), vocabulary, type, input};
            answer->mask = random_below(&random, 3) ? 0 : 1 + random_below(&random, 40);
            answer->biases = random_below(&random, 3) || input != TOMBOLA_LOGITS ? 0 : 1 + random_below(&random, 40);
            answer->params = random_params(&random, vocabulary);
            struct oracle_row *row = known_row(answer);
            answer->draw = oracle_draw(row, &answer->params);
            oracle_row_release(row);
        }
    }
    known_answers_run(answers, count);
    free(answers);
}

static void draws_agree_with_the_oracle(void **state)
{
    (void)state;
    static const uint32_t vocabularies[] = {1, 2, 255, 256, 257, 4000, 20000};
    const int is_small = test_level() == TEST_SMALL;
    for (size_t i = 0; i < COUNT_OF(vocabularies) - (is_small ? 2 : 0); i++) {
        const uint32_t turns = vocabularies[i] < 20000 ? 24 : 8;
        expect_oracle(TOMBOLA_FLOAT32, TOMBOLA_LOGITS, vocabularies[i], turns);
        for (tombola_type type = TOMBOLA_FLOAT32; type <= (is_small ? TOMBOLA_FLOAT32 : TOMBOLA_BFLOAT16); type++) {
            if (is_compiled_for(context, type)) {
                expect_oracle(type, TOMBOLA_PROBABILITIES, vocabularies[i], turns / 4);
                expect_oracle(type, TOMBOLA_LOGITS, vocabularies[i], turns / 4);
            }
        }
    }
}

static void every_known_answer_comes_out(void **state)
{
    (void)state;
    assert_less(199, known_file_run("known_shares.txt"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(epsilon_keeps_what_has_the_share_and_the_first),
        cmocka_unit_test(top_a_keeps_what_reaches_the_square_of_the_first),
        cmocka_unit_test(p_less_keeps_what_reaches_the_chance_of_a_collision),
        cmocka_unit_test(min_k_keeps_what_ranks_before_the_cliff),
        cmocka_unit_test(cliffs_are_found_wherever_they_are),
        cmocka_unit_test(every_filter_leaves_as_many_as_asked_for),
        cmocka_unit_test(shares_are_those_of_the_temperature_where_the_filter_stands),
        cmocka_unit_test(equal_ones_share_the_fate_of_the_first),
        cmocka_unit_test(every_known_answer_comes_out),
        cmocka_unit_test(draws_agree_with_the_oracle),
    };
    int failed = cmocka_run_group_tests(tests, open_context, close_context);
    return failed + cmocka_run_group_tests(tests, open_in_groups, close_context);
}
