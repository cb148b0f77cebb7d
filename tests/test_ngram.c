/* The command's language model: how text becomes tokens, what the model makes of them, and greedy
 * decoding of it, which repeats itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "harness.h"
#include "ngram.h"
#include "tombola.h"
#include "words.h"

#define FORTUNES "/usr/share/games/fortunes/"
#define LOOP_WITHIN 400
#define ROOM 65536 /* for the text of some tokens */

static const char *const FORTUNE_FILES[] = {
    "literature", "science",     "wisdom",     "computers", "linux",     "education",   "people",
    "work",       "songs-poems", "platitudes", "startrek",  "humorists", "definitions",
};

/* Words, tokens and a model of them. */
struct model {
    struct words *words;
    struct tokens tokens;
    struct ngram *ngram;
};

static struct model train(const char *text)
{
    struct model model = {.words = words_create()};
    assert_non_null(model.words);
    assert_int_equal(words_learn(model.words, text, strlen(text), WORDS_OWN, &model.tokens), 0);
    model.ngram = ngram_train(model.tokens.ids, model.tokens.count, words_count(model.words));
    assert_non_null(model.ngram);
    return model;
}

static void release(struct model *model)
{
    ngram_release(model->ngram);
    words_release(model->words);
    free(model->tokens.ids);
}

/* The default text of the demonstration. */
static struct model train_fortunes(void)
{
    struct model model = {.words = words_create()};
    assert_non_null(model.words);
    for (size_t i = 0; i < COUNT_OF(FORTUNE_FILES); i++) {
        char path[256];
        snprintf(path, sizeof path, FORTUNES "%s", FORTUNE_FILES[i]);
        FILE *file = fopen(path, "rb");
        if (!file)
            die("%s is missing: install the package fortunes", path);
        char *text = allocate(1 << 20, 1);
        size_t length = fread(text, 1, 1 << 20, file);
        fclose(file);
        assert_int_not_equal(length, 0);
        assert_less(length, 1 << 20);
        assert_int_equal(words_learn(model.words, text, length, WORDS_FILLED, &model.tokens), 0);
        free(text);
    }
    model.ngram = ngram_train(model.tokens.ids, model.tokens.count, words_count(model.words));
    assert_non_null(model.ngram);
    return model;
}

static void join(const struct words *words, const struct tokens *tokens, char *text)
{
    for (size_t i = 0; i < tokens->count; i++)
        text = strcpy(text, words_text(words, tokens->ids[i])) + strlen(words_text(words, tokens->ids[i]));
}

/* What a text, learned, is put together to. */
static void assert_becomes(const char *text, enum words_lines lines, const char *expected)
{
    char joined[ROOM];
    struct words *words = words_create();
    struct tokens tokens = {0};
    assert_int_equal(words_learn(words, text, strlen(text), lines, &tokens), 0);
    join(words, &tokens, joined);
    assert_string_equal(joined, expected);
    free(tokens.ids);
    words_release(words);
}

static void text_comes_back_with_its_spaces_in_order(void **state)
{
    (void)state;
    assert_becomes("\"Don't,\"  she said --\tit's 3.5 (or 1,000)!", WORDS_OWN,
                   "\"Don't,\" she said -- it's 3.5 (or 1,000)!\n%\n");
    assert_becomes("one\ntwo\n\n\nthree\n\t-- four\n", WORDS_OWN, "one\ntwo\n\nthree\n    -- four\n%\n");
    assert_becomes("\n\n  first\n%\n%\nsecond\n%\n", WORDS_OWN, "first\n%\nsecond\n%\n");
    assert_becomes("", WORDS_OWN, "\n%\n");
}

static void a_filled_line_goes_on_in_the_next(void **state)
{
    (void)state;
    assert_becomes(
        "This line is as long as lines are that were wrapped for want of\nroom.\nThis one is not.\nNor this.",
        WORDS_FILLED,
        "This line is as long as lines are that were wrapped for want of room.\nThis one is not.\nNor "
        "this.\n%\n");
}

static void what_cannot_be_printed_is_left_out(void **state)
{
    (void)state;
    assert_becomes("_\bu_\bn\033der\r\nna\xC3\xAFve \xFFlatin \xC0\x80\xED\xA0\x80", WORDS_OWN,
                   "under\nna\xC3\xAFve ?latin ?????\n%\n");
}

static void a_prompt_is_found_as_it_was_learned(void **state)
{
    (void)state;
    const char *text = "The end.\n\n    \"It is,\" he said\n%\nAnother text";
    struct model model = train(text);
    struct tokens found = {0};
    assert_int_equal(words_find(model.words, text, &found, NULL, NULL), 0);
    assert_int_equal(found.count + 1, model.tokens.count); /* the last end is not in the prompt */
    assert_memory_equal(found.ids, model.tokens.ids, found.count * sizeof *found.ids);
    free(found.ids);
    release(&model);
}

static void remember(void *user, const char *word, size_t length)
{
    snprintf(user, 32, "%.*s", (int)length, word);
}

static void an_unknown_word_is_reported_and_spacing_is_forgiven(void **state)
{
    (void)state;
    struct model model = train("The whale swims.");
    struct tokens found = {0};
    char unknown[32] = "";
    assert_int_equal(words_find(model.words, "whale The shark", &found, remember, unknown), 0);
    assert_int_equal(found.count, 3);
    assert_string_equal(words_text(model.words, found.ids[0]), " whale");
    assert_string_equal(words_text(model.words, found.ids[1]), "The");
    assert_int_equal(found.ids[2], WORDS_UNKNOWN);
    assert_string_equal(unknown, "shark");
    free(found.ids);
    release(&model);
}

static double total(const float *row, size_t vocabulary)
{
    double sum = 0;
    for (size_t token = 0; token < vocabulary; token++)
        sum += exp((double)row[token]);
    return sum;
}

/* The model's row after a prompt; free() it. */
static float *predict(const struct model *model, const char *prompt)
{
    struct tokens context = {0};
    float *row = allocate(words_count(model->words), sizeof *row);
    assert_int_equal(words_find(model->words, prompt, &context, NULL, NULL), 0);
    ngram_predict(model->ngram, context.ids, context.count, row);
    free(context.ids);
    return row;
}

static double probability(const struct model *model, const char *prompt, const char *word)
{
    struct tokens found = {0};
    float *row = predict(model, prompt);
    assert_int_equal(words_find(model->words, word, &found, NULL, NULL), 0);
    double p = exp((double)row[found.ids[0]]);
    free(found.ids);
    free(row);
    return p;
}

static void probabilities_are_those_of_witten_and_bell(void **state)
{
    (void)state;
    struct model model = train("+a+a="); /* and the end: six tokens of four kinds */
    double unigram_a = (2 + 4 * 0.25) / (6 + 4), unigram_equal = (1 + 4 * 0.25) / (6 + 4);
    assert_near(probability(&model, "?", "a"), unigram_a, 1e-7);
    assert_near(probability(&model, "?", "="), unigram_equal, 1e-7);
    /* After +, which only a followed, twice. */
    assert_near(probability(&model, "?+", "a"), (2 + 1 * unigram_a) / (2 + 1), 1e-7);
    assert_near(probability(&model, "?+", "="), (0 + 1 * unigram_equal) / (2 + 1), 1e-7);
    /* After a, and after +a, came + and = once each; but at the start of a text only +. */
    double after_a = (1 + 2 * unigram_equal) / (2 + 2), after_plus_a = (1 + 2 * after_a) / (2 + 2);
    assert_near(probability(&model, "?+a", "="), after_plus_a, 1e-7);
    assert_near(probability(&model, "+a", "="), (0 + 1 * after_plus_a) / (1 + 1), 1e-7);
    release(&model);
}

static void an_unseen_context_backs_off_to_what_was_seen(void **state)
{
    (void)state;
    struct model model = train("the cat sat on the mat\n%\na dog sat on a log");
    float *unseen = predict(&model, "log the cat sat");
    float *seen = predict(&model, "the cat sat");
    assert_near(total(unseen, words_count(model.words)), 1, 1e-6);
    assert_real_less(0.5, probability(&model, "log the cat sat", " on"));
    assert_real_less(0, probability(&model, "unheard", " on"));
    /* What ended before a text does not count. */
    float *fresh = predict(&model, "a dog\n%\nthe cat sat");
    assert_memory_equal(seen, fresh, words_count(model.words) * sizeof *fresh);
    free(unseen);
    free(seen);
    free(fresh);
    release(&model);
}

static void every_row_of_the_default_text_is_a_distribution_over_all_of_it(void **state)
{
    (void)state;
    struct model model = train_fortunes();
    size_t vocabulary = words_count(model.words);
    assert_at_most(20000, vocabulary);
    uint64_t random = 1;
    float *row = allocate(vocabulary, sizeof *row);
    for (size_t i = 0; i < 200; i++) {
        /* A piece of the text; every other time with its first word changed, so that it was hardly seen. */
        int32_t context[NGRAM_ORDER];
        size_t place = random_below(&random, (uint32_t)(model.tokens.count - NGRAM_ORDER));
        memcpy(context, model.tokens.ids + place, sizeof context);
        if (i % 2)
            context[1 + i / 2 % 4] = (int32_t)random_below(&random, (uint32_t)vocabulary);
        ngram_predict(model.ngram, context, random_below(&random, NGRAM_ORDER + 1), row);
        assert_near(total(row, vocabulary), 1, 1e-6);
        for (size_t token = 0; token < vocabulary; token++)
            if (token == WORDS_UNKNOWN)
                assert_real_equal(row[token], -INFINITY);
            else
                assert_that(isfinite(row[token]) && row[token] <= 0, "token %zu has %a", token, (double)row[token]);
    }
    free(row);
    release(&model);
}

static int ngram_forward(void *user, const tombola_step *step)
{
    for (size_t row = 0; row < step->rows; row++) {
        const tombola_sequence *sequence = &step->sequences[step->live[row]];
        ngram_predict(user, sequence->tokens, sequence->length, (float *)step->logits + row * step->stride);
    }
    return 0;
}

/* How many tokens before the last the same NGRAM_ORDER - 1 were first drawn: greedy then repeats itself. */
static size_t find_loop(const int32_t *tokens, size_t count)
{
    for (size_t end = NGRAM_ORDER - 1; end < count; end++)
        for (size_t i = 0; i + NGRAM_ORDER - 1 < end; i++)
            if (memcmp(tokens + i, tokens + end - (NGRAM_ORDER - 1), (NGRAM_ORDER - 1) * sizeof *tokens) == 0)
                return end - (NGRAM_ORDER - 1) - i;
    return 0;
}

static void greedy_falls_into_a_loop(void **state)
{
    (void)state;
    if (test_level() == TEST_SMALL)
        skip(); /* rows of 30000, by the hundred */
    static const char *const PROMPTS[] = {"", "The meaning of life", "I think", "You are", "It is", "Love", "Time"};
    struct model model = train_fortunes();
    tombola_context *context = test_context_open(0, 0);
    tombola_sampler *sampler;
    assert_int_equal(tombola_sampler_create(context, words_count(model.words), COUNT_OF(PROMPTS), NULL, &sampler, NULL),
                     TOMBOLA_OK);
    tombola_sequence sequences[COUNT_OF(PROMPTS)];
    tombola_params params[COUNT_OF(PROMPTS)];
    for (size_t i = 0; i < COUNT_OF(PROMPTS); i++) {
        struct tokens prompt = {0};
        assert_int_equal(words_find(model.words, PROMPTS[i], &prompt, NULL, NULL), 0);
        sequences[i] = tombola_sequence_default();
        sequences[i].tokens = allocate(prompt.count + LOOP_WITHIN, sizeof *prompt.ids);
        if (prompt.count > 0)
            memcpy(sequences[i].tokens, prompt.ids, prompt.count * sizeof *prompt.ids);
        sequences[i].length = prompt.count;
        sequences[i].max_new_tokens = LOOP_WITHIN;
        params[i] = tombola_params_default();
        params[i].temperature = 0;
        sequences[i].params = &params[i];
        free(prompt.ids);
    }
    tombola_model ngram = tombola_model_default();
    ngram.user = model.ngram;
    ngram.forward = ngram_forward;
    assert_int_equal(tombola_sampler_generate(sampler, sequences, COUNT_OF(PROMPTS), &ngram, NULL, NULL, NULL),
                     TOMBOLA_OK);
    for (size_t i = 0; i < COUNT_OF(PROMPTS); i++) {
        size_t drawn = sequences[i].length, period = find_loop(sequences[i].tokens, drawn);
        if (period == 0 || 2 * period > drawn)
            fail_msg("no loop within %d tokens of '%s'", LOOP_WITHIN, PROMPTS[i]);
        const int32_t *end = sequences[i].tokens + drawn;
        assert_memory_equal(end - period, end - 2 * period, period * sizeof *end);
        free(sequences[i].tokens);
    }
    tombola_sampler_release(sampler);
    tombola_context_close(context);
    release(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_comes_back_with_its_spaces_in_order),
        cmocka_unit_test(a_filled_line_goes_on_in_the_next),
        cmocka_unit_test(what_cannot_be_printed_is_left_out),
        cmocka_unit_test(a_prompt_is_found_as_it_was_learned),
        cmocka_unit_test(an_unknown_word_is_reported_and_spacing_is_forgiven),
        cmocka_unit_test(probabilities_are_those_of_witten_and_bell),
        cmocka_unit_test(an_unseen_context_backs_off_to_what_was_seen),
        cmocka_unit_test(every_row_of_the_default_text_is_a_distribution_over_all_of_it),
        cmocka_unit_test(greedy_falls_into_a_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
