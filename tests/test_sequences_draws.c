/* Draws with histories and token sequences: as the oracle draws, on every kind of row and in every way of drawing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "batch_pasts.h"
#include "calls.h"
#include "expect.h"
#include "group.h"
#include "oracle.h"
#include "rows.h"

enum { ROWS = 20 };

/* A batch, and what each of its rows is made from. */
struct drawn_batch {
    struct row_recipe recipes[ROWS];
    struct past *pasts;
    struct batch_pasts *batch;
    tombola_params params[ROWS];
    uint32_t vocabulary, mask_words;
    tombola_type type;
    unsigned char *elements;
    float *widened;
    uint32_t *masks;
    int32_t mask_of_row[ROWS];
    tombola_bias biases[ROWS * MOST_ROW_BIASES];
    size_t bias_ends[ROWS];
};

static tombola_params random_params(uint64_t *random)
{
    static const float bases[] = {1.75f, 1.0f, 1.1f, 3.0f, 1e20f}, factors[] = {1.0f, 1.01f, 0.9f, 2.0f, 1e10f};
    static const float multipliers[] = {0.0f, 0.8f, 5.0f, 1e35f}, temperatures[] = {1.0f, 0.7f, 0.0f, 2.0f};
    tombola_params params = params_at(temperatures[random_below(random, 4)]);
    params.dry_multiplier = multipliers[random_below(random, 4)];
    params.dry_base = bases[random_below(random, 5)];
    params.dry_allowed_length = random_below(random, 4);
    params.dry_window = random_below(random, 3) ? 0 : random_below(random, 40);
    params.no_repeat_ngram = random_below(random, 2) ? 0 : random_below(random, 5);
    params.length_penalty_start = random_below(random, 20);
    params.length_penalty_factor = factors[random_below(random, 5)];
    params.forced_from = random_below(random, 5) ? UINT32_MAX : random_below(random, 30);
    params.thinking_budget = random_below(random, 4) ? 0 : 1 + random_below(random, 20);
    params.min_tokens = random_below(random, 4) ? 0 : random_below(random, 40);
    params.repetition_penalty = random_below(random, 3) ? 1.0f : 1.3f;
    params.presence_penalty = random_below(random, 3) ? 0.0f : 0.5f;
    params.top_k = random_below(random, 3) ? 0 : 1 + random_below(random, 50);
    params.top_p = random_below(random, 2) ? 1.0f : 0.9f;
    params.min_p = random_below(random, 3) ? 0.0f : 0.05f;
    params.method = random_below(random, 2);
    params.seed = random_bits(random);
    params.offset = random_bits(random);
    return params;
}

static struct drawn_batch *make_batch(tombola_type type, tombola_input input, uint32_t vocabulary, uint32_t number)
{
    struct drawn_batch *b = allocate(1, sizeof *b);
    uint64_t random = number;
    const size_t row_bytes = vocabulary * tombola_type_size(type);
    size_t end = 0;
    b->vocabulary = vocabulary;
    b->mask_words = (vocabulary + 31) / 32;
    b->type = type;
    b->pasts = allocate(ROWS, sizeof *b->pasts);
    b->elements = allocate(ROWS, row_bytes);
    b->widened = allocate(ROWS, vocabulary * sizeof *b->widened);
    b->masks = allocate(ROWS, b->mask_words * sizeof *b->masks);
    for (uint32_t row = 0; row < ROWS; row++) {
        const uint32_t own = number * ROWS + row, mask = row % 4 == 1 ? own : 0;
        const int is_usual = row % 5 < 3;
        const enum row_kind kind = is_usual ? ROW_GAUSSIAN : (enum row_kind)(own % ROW_KINDS);
        b->recipes[row] = (struct row_recipe){kind, own, vocabulary, type, input};
        row_fill(&b->recipes[row], b->elements + row * row_bytes, b->widened + row * vocabulary);
        past_make(own, row % 3 == 0, vocabulary, &b->pasts[row]);
        b->params[row] = random_params(&random);
        b->mask_of_row[row] = mask ? (int32_t)row : -1;
        if (mask) {
            row_mask(mask, vocabulary, b->masks + row * b->mask_words);
        }
        end += row_biases(row % 4 >= 2 && input == TOMBOLA_LOGITS ? own : 0, vocabulary, b->biases + end);
        b->bias_ends[row] = end;
        if (input == TOMBOLA_PROBABILITIES) {
            b->params[row].dry_multiplier = b->params[row].presence_penalty = 0.0f;
            b->params[row].repetition_penalty = 1.0f;
            b->params[row].min_tokens = 0;
            b->params[row].length_penalty_factor = 1.0f;
        }
    }
    b->batch = batch_pasts_make(b->pasts, ROWS);
    for (uint32_t row = 0; row < ROWS && b->pasts[0].all.thinking_end.count == 0; row++) {
        b->params[row].thinking_budget = 0; /* it needs what begins and ends thinking */
    }
    return b;
}

static void release_batch(struct drawn_batch *b)
{
    batch_pasts_release(b->batch);
    free(b->pasts);
    free(b->elements);
    free(b->widened);
    free(b->masks);
    free(b);
}

static struct draw expected_of(const struct drawn_batch *b, size_t row)
{
    const struct past *past = &b->pasts[row];
    const size_t bias = row ? b->bias_ends[row - 1] : 0;
    const struct oracle_input input = {.values = b->widened + row * b->vocabulary,
                                       .vocabulary = b->vocabulary,
                                       .kind = b->recipes[row].input,
                                       .mask = b->mask_of_row[row] < 0 ? NULL : b->masks + row * b->mask_words,
                                       .biases = b->biases + bias,
                                       .bias_count = b->bias_ends[row] - bias,
                                       .history = past_history(past),
                                       .sequences = &past->all,
                                       .params = &b->params[row]};
    struct oracle_row *oracle = oracle_row_create_from(&input);
    const struct draw draw = oracle_draw(oracle, &b->params[row]);
    oracle_row_release(oracle);
    return draw;
}

static tombola_rows rows_of(const struct drawn_batch *b)
{
    tombola_rows rows = host_rows(b->elements, ROWS, b->vocabulary, b->params);
    rows.masks.host = b->masks;
    rows.mask_stride = b->mask_words;
    rows.mask_count = ROWS;
    rows.mask_of_row = b->mask_of_row;
    rows.biases = b->biases;
    rows.bias_ends = b->bias_ends;
    batch_pasts_apply(b->batch, &rows);
    return rows;
}

static void draw_batch(tombola_sampler *sampler, const tombola_rows *rows, struct draw *draws)
{
    static struct columns columns;
    const tombola_results results = columns_results(&columns);
    call_rows(sampler, rows, &results);
    columns_draws(&columns, rows->count, draws);
}

static void check_batch(tombola_context *on, const struct make *make, tombola_dispatch dispatch, uint32_t number)
{
    struct drawn_batch *b = make_batch(make->type, make->input, make->vocabulary, number);
    tombola_sampler *sampler = make_sampler(on, make, ROWS, dispatch);
    const tombola_rows rows = rows_of(b);
    struct draw draws[ROWS];
    draw_batch(sampler, &rows, draws);
    for (size_t row = 0; row < ROWS; row++) {
        const struct draw expected = expected_of(b, row);
        if (memcmp(&expected, &draws[row], sizeof expected) != 0) {
            fail_msg("batch %u of %u tokens, row %zu (%s): token %d, kept %u, status %d; not %d, %u, %d", number,
                     make->vocabulary, row, row_kind_name(b->recipes[row].kind), draws[row].token, draws[row].kept,
                     draws[row].status, expected.token, expected.kept, expected.status);
        }
    }
    tombola_sampler_release(sampler);
    release_batch(b);
}

static void check_all(tombola_context *on)
{
    enum { SMALL = 5 }; /* vocabularies that are looked at on slow devices */
    static const uint32_t vocabularies[] = {1, 2, 40, 256, 257, 255, 5, 4000, 20000};
    static const tombola_type types[] = {TOMBOLA_FLOAT32, TOMBOLA_FLOAT16, TOMBOLA_BFLOAT16};
    const uint32_t rounds = test_level() == TEST_ALL ? 8 : test_level() == TEST_SMALL ? 1 : 2;
    uint32_t number = 0;
    for (uint32_t round = 0; round < rounds; round++) {
        for (size_t v = 0; v < (test_level() == TEST_SMALL ? SMALL : COUNT_OF(vocabularies)); v++) {
            for (size_t type = 0; type < COUNT_OF(types); type++) {
                for (int input = TOMBOLA_LOGITS; input <= TOMBOLA_PROBABILITIES; input++, number++) {
                    const struct make make = {types[type], (tombola_input)input, vocabularies[v]};
                    if (is_compiled_for(on, make.type)) {
                        check_batch(on, &make, number % 2 ? TOMBOLA_DISPATCH_ROW : TOMBOLA_DISPATCH_SPREAD, number);
                    }
                }
            }
        }
    }
}

static void draws_are_the_oracles(void **state)
{
    (void)state;
    check_all(context);
}

static void draws_are_the_oracles_by_groups(void **state)
{
    (void)state;
    check_all(by_groups);
}

static void a_row_draws_alone_what_it_draws_in_a_batch(void **state)
{
    (void)state;
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, 1000};
    struct drawn_batch *b = make_batch(make.type, make.input, make.vocabulary, 77);
    tombola_sampler *sampler = make_sampler(context, &make, ROWS, TOMBOLA_DISPATCH_AUTO);
    const tombola_rows rows = rows_of(b);
    struct draw draws[ROWS], alone;
    draw_batch(sampler, &rows, draws);
    for (size_t row = 0; row < ROWS; row++) {
        struct past past = b->pasts[row];
        struct batch_pasts *one = batch_pasts_make(&past, 1);
        const size_t first = row ? b->bias_ends[row - 1] : 0, bias_end = b->bias_ends[row] - first;
        tombola_rows single = rows;
        single.count = 1;
        single.logits.host = b->elements + row * make.vocabulary * sizeof(float);
        single.params = &b->params[row];
        single.mask_of_row = &b->mask_of_row[row];
        single.biases = b->biases + first;
        single.bias_ends = &bias_end;
        batch_pasts_apply(one, &single);
        draw_batch(sampler, &single, &alone);
        assert_memory_equal(&alone, &draws[row], sizeof alone);
        batch_pasts_release(one);
    }
    tombola_sampler_release(sampler);
    release_batch(b);
}

static void a_forced_token_comes_whatever_the_row_is(void **state)
{
    (void)state;
    enum { V = 600 };
    static const int32_t forced[] = {300, 599, 0};
    static const size_t ends[] = {3}, none[] = {0};
    static const tombola_bias ban[] = {{300, -INFINITY}};
    static const size_t bias_ends[] = {1};
    const uint32_t masks[(V + 31) / 32] = {0};
    for (int input = TOMBOLA_LOGITS; input <= TOMBOLA_PROBABILITIES; input++) {
        const struct make make = {TOMBOLA_FLOAT32, (tombola_input)input, V};
        tombola_sampler *sampler = make_sampler(context, &make, 1, TOMBOLA_DISPATCH_AUTO);
        float row[V];
        int32_t history[8] = {0};
        for (uint32_t kind = ROW_PEAKED; kind < ROW_KINDS; kind++) {
            row_fill(&(struct row_recipe){(enum row_kind)kind, 3, V, make.type, make.input}, NULL, row);
            for (size_t generated = 0; generated < 4; generated++) {
                tombola_params params = params_at(1.0f);
                tombola_rows rows = host_rows(row, 1, V, &params);
                struct draw draw;
                rows.forced = forced;
                rows.forced_ends = ends;
                rows.history = history;
                rows.history_ends = &generated;
                rows.masks.host = kind % 2 ? masks : NULL;
                rows.biases = input == TOMBOLA_LOGITS ? ban : NULL;
                rows.bias_ends = input == TOMBOLA_LOGITS ? bias_ends : NULL;
                draw_batch(sampler, &rows, &draw);
                if (generated < 3) {
                    assert_int_equal(draw.token, forced[generated]);
                    assert_int_equal(draw.kept, 1);
                } else {
                    rows.forced_ends = none;
                    struct draw plain;
                    draw_batch(sampler, &rows, &plain);
                    assert_memory_equal(&draw, &plain, sizeof draw);
                }
            }
        }
        tombola_sampler_release(sampler);
    }
}

static void without_histories_each_step_is_the_first(void **state)
{
    (void)state;
    enum { V = 8 };
    static const int32_t forced[] = {3, 5}, words[] = {6, 6, 7};
    static const size_t forced_ends[] = {2}, word_ends[] = {2, 3}, banned_ends[] = {2};
    static const float row[V] = {[6] = 2.0f, [7] = 3.0f};
    static const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, V};
    tombola_sampler *sampler = make_sampler(context, &make, 1, TOMBOLA_DISPATCH_AUTO);
    tombola_params params = params_at(0.0f);
    tombola_rows rows = host_rows(row, 1, V, &params);
    struct draw draw;
    rows.words = words;
    rows.word_ends = word_ends;
    rows.banned_ends = banned_ends;
    draw_batch(sampler, &rows, &draw);
    assert_int_equal(draw.token, 6); /* the word of 7 alone is banned, that of 6, 6 never matches */
    rows.forced = forced;
    rows.forced_ends = forced_ends;
    for (params.offset = 0; params.offset < 3; params.offset++) {
        draw_batch(sampler, &rows, &draw);
        assert_int_equal(draw.token, forced[0]);
    }
    tombola_sampler_release(sampler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_are_the_oracles),
        cmocka_unit_test(draws_are_the_oracles_by_groups),
        cmocka_unit_test(a_row_draws_alone_what_it_draws_in_a_batch),
        cmocka_unit_test(a_forced_token_comes_whatever_the_row_is),
        cmocka_unit_test(without_histories_each_step_is_the_first),
    };
    return cmocka_run_group_tests(tests, open_contexts, close_contexts);
}
