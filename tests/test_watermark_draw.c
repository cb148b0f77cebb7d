/* Watermarked draws: what a sequence's key and context make of a draw, and that the detector finds it. */
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
#include "harness.h"
#include "oracle.h"
#include "rows.h"

enum { TEXT = 100, PROMPT = 5, WIDTH = 4, MOST_VOCABULARY = 4000 };

/* A model whose rows depend on the last two tokens. */
struct model {
    uint32_t vocabulary;
    float temperature; /* of its rows, before that of the sampler */
};

static void fill_row(const struct model *model, const int32_t *tokens, size_t count, float *row)
{
    const uint32_t last = count > 0 ? (uint32_t)tokens[count - 1] : 9000,
                   before = count > 1 ? (uint32_t)tokens[count - 2] : 9001;
    row_fill(
        &(struct row_recipe){ROW_GAUSSIAN, last * 10007u + before, model->vocabulary, TOMBOLA_FLOAT32, TOMBOLA_LOGITS},
        row, NULL);
    for (uint32_t id = 0; id < model->vocabulary; id++)
        row[id] /= model->temperature;
}

static int forward(void *user, const tombola_step *step)
{
    for (size_t row = 0; row < step->rows; row++) {
        const tombola_sequence *sequence = &step->sequences[step->live[row]];
        fill_row(user, sequence->tokens, sequence->length, (float *)step->logits + row * step->stride);
    }
    return 0;
}

/* Texts, each with room for a prompt and what is drawn, and what they are drawn by. */
struct texts {
    size_t count;
    tombola_sequence *sequences;
    tombola_params *params;
    int32_t (*tokens)[PROMPT + TEXT];
};

/* Text i begins with `prompt` tokens of its own, and has key i + 1. */
static struct texts make_texts(size_t count, size_t prompt, size_t length, uint32_t width)
{
    struct texts texts = {count, allocate(count, sizeof(tombola_sequence)), allocate(count, sizeof(tombola_params)),
                          allocate(count, sizeof *texts.tokens)};
    for (size_t i = 0; i < count; i++) {
        for (size_t n = 0; n < prompt; n++)
            texts.tokens[i][n] = (int32_t)(17 * i + n) % 200;
        texts.params[i] = tombola_params_default();
        texts.params[i].seed = i + 1;
        texts.params[i].watermark = width;
        texts.sequences[i] = tombola_sequence_default();
        texts.sequences[i].tokens = texts.tokens[i];
        texts.sequences[i].length = prompt;
        texts.sequences[i].max_new_tokens = length;
        texts.sequences[i].params = &texts.params[i];
    }
    return texts;
}

static void release_texts(struct texts *texts)
{
    free(texts->sequences);
    free(texts->params);
    free(texts->tokens);
}

static tombola_sampler *sampler_for(const struct model *model, size_t rows)
{
    const struct make like = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, model->vocabulary};
    return make_sampler(context, &like, rows, TOMBOLA_DISPATCH_AUTO);
}

static void write_texts(struct model *model, struct texts *texts, size_t rows)
{
    tombola_error error = tombola_error_default();
    tombola_model calls = tombola_model_default();
    calls.user = model;
    calls.forward = forward;
    tombola_sampler *sampler = sampler_for(model, rows < texts->count ? rows : texts->count);
    const tombola_status status =
        tombola_sampler_generate(sampler, texts->sequences, texts->count, &calls, NULL, NULL, &error);
    assert_string_equal(error.message, "");
    assert_int_equal(status, TOMBOLA_OK);
    tombola_sampler_release(sampler);
}

static double p_value(uint64_t key, uint32_t width, const tombola_sequence *sequence, uint32_t vocabulary)
{
    tombola_detection detection = tombola_detection_default();
    assert_int_equal(
        tombola_watermark_detect(key, width, sequence->tokens, sequence->length, vocabulary, PROMPT, &detection, NULL),
        TOMBOLA_OK);
    return detection.p_value;
}

/* The mean entropy of a text's rows, in bits. */
static double entropy_of(const struct model *model, const tombola_sequence *sequence)
{
    static float row[MOST_VOCABULARY];
    static double shares[MOST_VOCABULARY];
    double sum = 0;
    for (size_t at = PROMPT; at < sequence->length; at++) {
        fill_row(model, sequence->tokens, at, row);
        struct oracle_row *of = oracle_row_create(row, model->vocabulary, TOMBOLA_LOGITS);
        oracle_softmax(of, 1.0f, 0, shares);
        oracle_row_release(of);
        for (uint32_t id = 0; id < model->vocabulary; id++)
            sum -= shares[id] > 0 ? shares[id] * log2(shares[id]) : 0;
    }
    return sum / (double)(sequence->length - PROMPT);
}

static void marked_text_is_found_and_other_keys_and_widths_find_nothing(void **state)
{
    (void)state;
    static struct model models[] = {{200, 0.5f}, {4000, 0.25f}};
    for (size_t n = 0; n < COUNT_OF(models); n++) {
        struct texts texts = make_texts(test_level() == TEST_SMALL ? 1 : 8, PROMPT, TEXT, WIDTH);
        write_texts(&models[n], &texts, 4);
        for (size_t i = 0; i < texts.count; i++) {
            const tombola_sequence *text = &texts.sequences[i];
            const double entropy = entropy_of(&models[n], text);
            assert_int_equal(text->length, PROMPT + TEXT);
            assert_real_less(2.0, entropy);
            assert_real_less(entropy, 3.5);
            assert_real_less(p_value(i + 1, WIDTH, text, models[n].vocabulary), 1e-6);
            assert_real_less(1e-3, p_value(i + 2, WIDTH, text, models[n].vocabulary));
            assert_real_less(1e-3, p_value(i + 1, WIDTH - 1, text, models[n].vocabulary));
        }
        release_texts(&texts);
    }
}

static void text_without_a_watermark_shows_none(void **state)
{
    (void)state;
    struct model model = {4000, 0.6f};
    struct texts texts = make_texts(test_level() == TEST_SMALL ? 1 : 8, PROMPT, TEXT, 0);
    write_texts(&model, &texts, 8);
    for (size_t i = 0; i < texts.count; i++)
        assert_real_less(1e-3, p_value(i + 1, WIDTH, &texts.sequences[i], model.vocabulary));
    release_texts(&texts);
}

static void part_of_a_text_with_words_changed_is_found_still(void **state)
{
    (void)state;
    struct model model = {4000, 1.0f};
    struct texts texts = make_texts(1, PROMPT, TEXT, WIDTH);
    write_texts(&model, &texts, 1);
    int32_t *part = texts.tokens[0] + 30;
    for (size_t i = 0; i < 70; i += 13)
        part[i] = (part[i] + 1) % 4000;
    tombola_detection detection = tombola_detection_default();
    assert_int_equal(tombola_watermark_detect(1, WIDTH, part, 70, 4000, WIDTH, &detection, NULL), TOMBOLA_OK);
    assert_int_equal(detection.scored, 70 - WIDTH);
    assert_real_less(detection.p_value, 1e-6);
    release_texts(&texts);
}

/* Step by step, by a call that knows nothing of watermarks, and by the oracle. */
static void a_draw_is_that_of_the_seed_of_its_context(void **state)
{
    (void)state;
    static float row[MOST_VOCABULARY];
    struct model model = {4000, 1.0f};
    struct texts texts = make_texts(6, 3, 12, 1);
    for (size_t i = 0; i < texts.count; i++) {
        static const uint32_t widths[] = {1, 2, 4, 7, 100, UINT32_MAX};
        texts.params[i].watermark = widths[i];
        texts.params[i].temperature = 0.7f;
        texts.params[i].top_p = i % 2 ? 0.95f : 1.0f;
        texts.params[i].top_k = i % 3 ? 0 : 40;
        texts.params[i].xtc_probability = i % 2 ? 0.5f : 0.0f;
        texts.params[i].seed = 0xFEDCBA9876543210u + i;
        texts.params[i].offset = 1000 * i;
        texts.params[i].stream = (uint32_t)i;
        texts.sequences[i].length = i == 4 ? 0 : 3;
    }
    write_texts(&model, &texts, 4);
    tombola_sampler *sampler = sampler_for(&model, 1);
    for (size_t i = 0; i < texts.count; i++) {
        const tombola_sequence *text = &texts.sequences[i];
        assert_int_equal(texts.params[i].seed, 0xFEDCBA9876543210u + i);
        assert_int_equal(texts.params[i].offset, 1000 * i + 12);
        for (size_t at = text->length - 12; at < text->length; at++) {
            const size_t width = at < texts.params[i].watermark ? at : texts.params[i].watermark;
            tombola_params plain = texts.params[i];
            struct draw draw;
            plain.seed = tombola_watermark_seed(texts.params[i].seed, text->tokens + at - width, width);
            plain.offset = 0;
            plain.stream = 0;
            plain.watermark = 0;
            fill_row(&model, text->tokens, at, row);
            assert_int_equal(draw_rows(sampler, row, 1, model.vocabulary, &plain, &draw, NULL), TOMBOLA_OK);
            assert_int_equal(draw.token, text->tokens[at]);
            struct oracle_row *of = oracle_row_create(row, model.vocabulary, TOMBOLA_LOGITS);
            assert_int_equal(oracle_draw(of, &plain).token, text->tokens[at]);
            oracle_row_release(of);
        }
    }
    tombola_sampler_release(sampler);
    release_texts(&texts);
}

static void offset_and_stream_do_not_count(void **state)
{
    (void)state;
    struct model model = {300, 1.0f};
    struct texts one = make_texts(3, PROMPT, 20, 2), other = make_texts(3, PROMPT, 20, 2);
    for (size_t i = 0; i < 3; i++) {
        other.params[i].offset = 77 + i;
        other.params[i].stream = 5;
    }
    write_texts(&model, &one, 3);
    write_texts(&model, &other, 2);
    assert_memory_equal(one.tokens, other.tokens, 3 * sizeof *one.tokens);
    release_texts(&one);
    release_texts(&other);
}

/* The first token of many keys after the same prompt: chi-square against the row's shares. */
static void over_all_keys_a_draw_has_the_law_of_the_row(void **state)
{
    (void)state;
    enum { KEYS = 20000, VOCABULARY = 300, LEAST = 10 };
    if (test_level() == TEST_SMALL)
        skip();
    static float row[VOCABULARY];
    static double shares[VOCABULARY];
    size_t counts[VOCABULARY] = {0};
    struct model model = {VOCABULARY, 1.0f};
    struct texts texts = make_texts(KEYS, 0, 1, WIDTH);
    for (size_t i = 0; i < KEYS; i++) {
        texts.tokens[i][0] = 17;
        texts.tokens[i][1] = 4;
        texts.sequences[i].length = 2;
    }
    write_texts(&model, &texts, 64);
    for (size_t i = 0; i < KEYS; i++)
        counts[texts.tokens[i][2]]++;
    fill_row(&model, texts.tokens[0], 2, row);
    struct oracle_row *of = oracle_row_create(row, VOCABULARY, TOMBOLA_LOGITS);
    oracle_softmax(of, 1.0f, 0, shares);
    oracle_row_release(of);
    double square = 0, rare = 0, rare_count = 0;
    int degrees = 0; /* the rare ones are one class */
    for (uint32_t id = 0; id < VOCABULARY; id++) {
        const double expected = shares[id] * KEYS, off = (double)counts[id] - expected;
        if (expected < LEAST) {
            rare += expected;
            rare_count += (double)counts[id];
            continue;
        }
        square += off * off / expected;
        degrees++;
    }
    square += (rare_count - rare) * (rare_count - rare) / rare;
    assert_less(20, degrees);
    /* 3.09 standard deviations of the nearly normal distribution: once in 1000 */
    assert_real_less(square, degrees + 3.09 * sqrt(2.0 * degrees));
    release_texts(&texts);
}

/* A batch of rows with histories draws what generate does, whatever the rows are, and the plain rows beside them
 * too. */
static void rows_with_histories_draw_as_generate_does(void **state)
{
    (void)state;
    enum { TEXTS = 5, STEPS = 6, ALL = TEXTS * STEPS };
    static float rows_of[ALL][300];
    struct model model = {300, 1.0f};
    struct texts texts = make_texts(TEXTS, PROMPT, STEPS, 2);
    for (size_t i = 0; i < TEXTS; i++) {
        texts.params[i].watermark = (uint32_t[]){1, 2, 3, 50, 2}[i];
        texts.params[i].xtc_probability = 0.5f; /* its chance is the seed's too */
        texts.sequences[i].length = i == 3 ? 0 : PROMPT;
    }
    write_texts(&model, &texts, 2);
    tombola_params params[ALL + 1];
    int32_t history[ALL * (PROMPT + STEPS)];
    size_t ends[ALL], end = 0;
    for (size_t row = 0; row < ALL; row++) {
        const tombola_sequence *text = &texts.sequences[row % TEXTS];
        const size_t length = text->length - STEPS + row / TEXTS;
        params[row] = texts.params[row % TEXTS];
        params[row].stream = (uint32_t)row;
        memcpy(history + end, text->tokens, length * sizeof *history);
        ends[row] = end += length;
        fill_row(&model, text->tokens, length, rows_of[row]);
    }
    params[7].watermark = 0;
    struct columns columns;
    tombola_sampler *sampler = sampler_for(&model, ALL);
    tombola_rows rows = host_rows(rows_of, ALL, 300, params);
    const tombola_results results = columns_results(&columns);
    rows.history = history;
    rows.history_ends = ends;
    tombola_error error = tombola_error_default();
    assert_int_equal(tombola_sampler_sample(sampler, &rows, &results, &error), TOMBOLA_OK);
    for (size_t row = 0; row < ALL; row++) {
        const tombola_sequence *text = &texts.sequences[row % TEXTS];
        struct draw plain = {0, 0, 0};
        if (row == 7)
            assert_int_equal(draw_rows(sampler, rows_of[row], 1, 300, &params[row], &plain, NULL), TOMBOLA_OK);
        assert_int_equal(columns.tokens[row],
                         row == 7 ? plain.token : text->tokens[text->length - STEPS + row / TEXTS]);
    }
    tombola_sampler_release(sampler);
    release_texts(&texts);
}

static void rows_without_a_history_and_other_methods_are_refused(void **state)
{
    (void)state;
    static struct model model = {300, 1.0f};
    static float row[300];
    struct draw draw;
    tombola_error error = tombola_error_default();
    tombola_params params = tombola_params_default();
    tombola_sampler *sampler = sampler_for(&model, 1);
    params.watermark = 4;
    assert_int_equal(draw_rows(sampler, row, 1, 300, &params, &draw, &error), TOMBOLA_INVALID_ARGUMENT);
    assert_string_equal(error.message,
                        "params[0].watermark is 4, but there is no rows.history for it: rows.history_ends is NULL");
    params.method = TOMBOLA_INVERSE_CDF;
    assert_int_equal(draw_rows(sampler, row, 1, 300, &params, &draw, &error), TOMBOLA_INVALID_ARGUMENT);
    assert_string_equal(error.message,
                        "params[0].watermark is 4, but params[0].method is 1: a watermark needs TOMBOLA_RACE");
    tombola_sampler_release(sampler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marked_text_is_found_and_other_keys_and_widths_find_nothing),
        cmocka_unit_test(text_without_a_watermark_shows_none),
        cmocka_unit_test(part_of_a_text_with_words_changed_is_found_still),
        cmocka_unit_test(a_draw_is_that_of_the_seed_of_its_context),
        cmocka_unit_test(offset_and_stream_do_not_count),
        cmocka_unit_test(over_all_keys_a_draw_has_the_law_of_the_row),
        cmocka_unit_test(rows_with_histories_draw_as_generate_does),
        cmocka_unit_test(rows_without_a_history_and_other_methods_are_refused),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
