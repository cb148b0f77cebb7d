/* The oracle, against the answers that the numpy statement of the contract gave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "known.h"
#include "oracle.h"

static int is_same_row(const struct known_answer *a, const struct known_answer *b)
{
    return memcmp(&a->recipe, &b->recipe, sizeof a->recipe) == 0 && a->mask == b->mask && a->biases == b->biases;
}

/* Whether what is kept begins with the first token of all. */
static int has_open_window(const tombola_params *params)
{
    return params->xtc_probability == 0.0f;
}

static uint32_t rank_of(const uint32_t *order, uint32_t vocabulary, int32_t token)
{
    uint32_t rank = 0;
    while (rank + 1 < vocabulary && order[rank] != (uint32_t)token) {
        rank++;
    }
    return rank;
}

static void expect_answers(const struct known_answer *answers, size_t count)
{
    struct oracle_row *row = NULL;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || !is_same_row(&answers[i], &answers[i - 1])) {
            oracle_row_release(row);
            row = known_row(&answers[i]);
        }
        struct draw got = oracle_draw(row, &answers[i].params);
        expect_draw("the oracle", &answers[i].recipe, &answers[i].params, &answers[i].draw, &got);
        struct boundary boundary = oracle_boundary(row, &answers[i].params);
        assert_int_equal(boundary.token >= 0, got.status == TOMBOLA_ROW_OK);
        if (got.status == TOMBOLA_ROW_OK) {
            const uint32_t *order = oracle_row_order(row);
            const uint32_t ends_at = has_open_window(&answers[i].params)
                                         ? got.kept - 1
                                         : rank_of(order, answers[i].recipe.vocabulary, boundary.token);
            assert_at_most(got.kept - 1, ends_at);
            assert_int_equal(boundary.token, order[ends_at]);
            assert_memory_equal(&boundary.logit, &oracle_row_logits(row)[boundary.token], sizeof boundary.logit);
        }
    }
    oracle_row_release(row);
}

static void the_oracle_gives_every_known_answer_of_rows_with_histories(void **state)
{
    (void)state;
    size_t count;
    struct known_answer *answers = known_file_read("known_processors.txt", &count);
    for (size_t i = 0; i < count; i++) { /* what a history makes of a row depends on the parameters */
        expect_answers(answers + i, 1);
    }
    free(answers);
}

static void the_oracle_gives_every_known_answer(void **state)
{
    (void)state;
    size_t count;
    struct known_answer *answers = known_answers_read(&count);
    expect_answers(answers, count);
    free(answers);
}

static void the_oracle_gives_every_known_answer_of_rows_with_masks_and_biases(void **state)
{
    (void)state;
    size_t count;
    struct known_answer *answers = known_restricted_read(&count);
    expect_answers(answers, count);
    free(answers);
}

static void the_known_answers_cover_what_they_should(void **state)
{
    (void)state;
    size_t count, large = 0, of_kind[ROW_KINDS] = {0}, beyond_32_bits = 0, of_method[2] = {0}, in_other_order = 0;
    struct known_answer *answers = known_answers_read(&count);
    for (size_t i = 0; i < count; i++) {
        large += answers[i].recipe.vocabulary >= 32000;
        of_kind[answers[i].recipe.kind]++;
        of_method[answers[i].params.method]++;
        in_other_order += answers[i].params.filters[0] > TOMBOLA_FILTER_TEMPERATURE;
        beyond_32_bits += answers[i].params.seed >> 32 != 0 && answers[i].params.offset >> 32 != 0;
    }
    free(answers);
    assert_at_most(4500, count);
    assert_at_most(200, large);
    assert_at_most(1000, beyond_32_bits);
    assert_at_most(200, in_other_order);
    assert_at_most(2000, of_method[TOMBOLA_RACE]);
    assert_at_most(2000, of_method[TOMBOLA_INVERSE_CDF]);
    for (size_t kind = 0; kind < ROW_KINDS; kind++) {
        assert_at_most(100, of_kind[kind]);
    }
    size_t masked = 0, biased = 0, both = 0, good = 0;
    answers = known_restricted_read(&count);
    for (size_t i = 0; i < count; i++) {
        masked += answers[i].mask && !answers[i].biases;
        biased += answers[i].biases && !answers[i].mask;
        both += answers[i].mask && answers[i].biases;
        good += answers[i].draw.status == TOMBOLA_ROW_OK;
    }
    free(answers);
    assert_at_most(200, masked);
    assert_at_most(200, biased);
    assert_at_most(200, both);
    assert_at_most(count / 2, good);
}

static struct draw draw_from(const float *values, uint32_t vocabulary, tombola_input input, tombola_params params)
{
    struct oracle_row *row = oracle_row_create(values, vocabulary, input);
    struct draw draw = oracle_draw(row, &params);
    oracle_row_release(row);
    return draw;
}

static void top_p_keeps_the_token_that_reaches_p_and_no_more(void **state)
{
    (void)state;
    const float textbook[] = {.4f, .3f, .2f, .1f};
    const struct {
        float top_p;
        uint32_t kept;
    } cases[] = {{0.0f, 1}, {.39f, 1}, {.4f, 1}, {.41f, 2}, {.7f, 2}, {.71f, 3}, {.9f, 3}, {.91f, 4}, {1.0f, 4}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        tombola_params params = tombola_params_default();
        params.top_p = cases[i].top_p;
        assert_int_equal(draw_from(textbook, 4, TOMBOLA_PROBABILITIES, params).kept, cases[i].kept);
    }
}

static void equal_probabilities_rank_by_id_and_different_ones_never_do(void **state)
{
    (void)state;
    /* Neighbouring numbers, so that their logarithms may be equal. */
    const float close[] = {0x1.8p100f, 0x1.800002p100f, 0x1.800002p100f, 0x1.800004p100f};
    struct oracle_row *row = oracle_row_create(close, 4, TOMBOLA_PROBABILITIES);
    const uint32_t expected[] = {3, 1, 2, 0};
    assert_memory_equal(oracle_row_order(row), expected, sizeof expected);
    oracle_row_release(row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oracle_gives_every_known_answer),
        cmocka_unit_test(the_oracle_gives_every_known_answer_of_rows_with_histories),
        cmocka_unit_test(the_oracle_gives_every_known_answer_of_rows_with_masks_and_biases),
        cmocka_unit_test(the_known_answers_cover_what_they_should),
        cmocka_unit_test(top_p_keeps_the_token_that_reaches_p_and_no_more),
        cmocka_unit_test(equal_probabilities_rank_by_id_and_different_ones_never_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
