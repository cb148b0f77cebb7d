/* Watermarks, as far as they need no device: the seeds that a key makes, and the detector. */
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

#include "expect.h"
#include "gamma_tail.h"
#include "harness.h"

enum { MOST_TOKENS = 100 };

static size_t read_tokens(char *word, int32_t *tokens)
{
    size_t count = 0;
    for (char *at = strcmp(word, "-") == 0 ? NULL : word; at && count < MOST_TOKENS; at = strchr(at, ',')) {
        at += *at == ',';
        tokens[count++] = (int32_t)strtol(at, NULL, 10);
    }
    return count;
}

static double read_real(const char *word)
{
    return strtod(word, NULL);
}

static tombola_detection detect(uint64_t key, uint32_t width, const int32_t *tokens, size_t count, size_t vocabulary,
                                size_t prompt)
{
    tombola_detection detection = tombola_detection_default();
    tombola_error error = tombola_error_default();
    const tombola_status status =
        tombola_watermark_detect(key, width, tokens, count, vocabulary, prompt, &detection, &error);
    assert_string_equal(error.message, "");
    assert_int_equal(status, TOMBOLA_OK);
    return detection;
}

/* Calls `look` with the words behind the first of each line of known_watermark.txt that begins with `name`. */
static size_t each_answer(const char *name, void (*look)(char **words))
{
    FILE *file = fopen(TEST_DATA "/known_watermark.txt", "r");
    assert_non_null(file);
    static char line[4096];
    size_t answers = 0;
    while (fgets(line, sizeof line, file)) {
        char *words[12] = {NULL};
        size_t count = 0;
        for (char *word = strtok(line, " \n"); word && count < COUNT_OF(words); word = strtok(NULL, " \n"))
            words[count++] = word;
        if (count > 0 && strcmp(words[0], name) == 0) {
            look(words + 1);
            answers++;
        }
    }
    fclose(file);
    return answers;
}

static void look_at_seed(char **words)
{
    int32_t tokens[MOST_TOKENS];
    const size_t count = read_tokens(words[1], tokens);
    const uint64_t key = strtoull(words[0], NULL, 10), expected = strtoull(words[2], NULL, 10);
    const uint64_t seed = tombola_watermark_seed(key, count ? tokens : NULL, count);
    assert_that(seed == expected, "key %s, tokens %s: seed %" PRIu64 ", not %s", words[0], words[1], seed, words[2]);
}

static void seeds_are_those_of_the_reference(void **state)
{
    (void)state;
    assert_int_equal(each_answer("seed", look_at_seed), 220);
}

static void look_at_tail(char **words)
{
    const double expected = read_real(words[2]);
    assert_near(gamma_tail(strtoull(words[0], NULL, 10), read_real(words[1])), expected, 1e-11 * expected + 1e-300);
}

static void tails_of_the_gamma_distribution_are_exact(void **state)
{
    (void)state;
    assert_int_equal(each_answer("tail", look_at_tail), 120);
    assert_real_equal(gamma_tail(0, 0.0), 1.0);
    assert_real_equal(gamma_tail(5, 0.0), 1.0);
    for (double x = 0.125; x < 700.0; x *= 1.5) {
        assert_near(gamma_tail(1, x), exp(-x), 1e-14 * exp(-x));
        assert_near(gamma_tail(2, x), (1.0 + x) * exp(-x), 1e-13 * (1.0 + x) * exp(-x));
    }
    assert_real_equal(gamma_tail(1, 800.0), 0.0);
}

static void look_at_text(char **words)
{
    int32_t tokens[MOST_TOKENS];
    const size_t count = read_tokens(words[4], tokens);
    const tombola_detection got = detect(strtoull(words[0], NULL, 10), (uint32_t)strtoul(words[1], NULL, 10), tokens,
                                         count, strtoull(words[2], NULL, 10), strtoull(words[3], NULL, 10));
    assert_int_equal(got.scored, strtoull(words[5], NULL, 10));
    assert_int_equal(got.numbers, strtoull(words[6], NULL, 10));
    assert_near(got.score, read_real(words[7]), 1e-12 * read_real(words[7]));
    assert_near(got.p_value, read_real(words[8]), 1e-10 * read_real(words[8]));
}

static void texts_show_what_the_reference_says(void **state)
{
    (void)state;
    assert_int_equal(each_answer("detect", look_at_text), 220);
}

static void every_bit_of_key_and_context_changes_the_seed(void **state)
{
    (void)state;
    const uint64_t key = 0x0123456789ABCDEFu;
    int32_t tokens[4] = {5, 5, 0, 7};
    uint64_t seen[200];
    size_t count = 0;
    for (size_t length = 0; length <= 4; length++)
        seen[count++] = tombola_watermark_seed(key, tokens, length);
    for (int bit = 0; bit < 64; bit++)
        seen[count++] = tombola_watermark_seed(key ^ UINT64_C(1) << bit, tokens, 4);
    for (int place = 0; place < 4; place++)
        for (int bit = 0; bit < 23; bit++) {
            tokens[place] ^= 1 << bit;
            seen[count++] = tombola_watermark_seed(key, tokens, 4);
            tokens[place] ^= 1 << bit;
        }
    tokens[0] = 7, tokens[3] = 5;
    seen[count++] = tombola_watermark_seed(key, tokens, 4); /* the order counts */
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(seen[i], seen[j]);
}

static int compare_reals(const void *one, const void *other)
{
    const double a = *(const double *)one, b = *(const double *)other;
    return a < b ? -1 : a > b;
}

/* Kolmogorov-Smirnov: the largest distance of their distribution from the uniform one. */
static double distance_from_uniform(double *values, size_t count)
{
    double largest = 0;
    qsort(values, count, sizeof *values, compare_reals);
    for (size_t i = 0; i < count; i++) {
        largest = fmax(largest, values[i] - (double)i / (double)count);
        largest = fmax(largest, (double)(i + 1) / (double)count - values[i]);
    }
    return largest;
}

/* Of few tokens and narrow widths the same contexts come again and again, and blocks after them more often yet. */
static void p_values_of_text_without_a_watermark_are_uniform(void **state)
{
    (void)state;
    enum { TEXTS = 2000, LENGTH = 80 };
    static const struct {
        uint32_t distinct, apart, vocabulary, width; /* the tokens 0, apart, 2 * apart, ... */
    } cases[] = {{2, 1, 2, 1},     {2, 1, 2, 4},       {20, 1, 20, 1},   {8, 100, 800, 1},
                 {256, 1, 256, 4}, {30, 16, 50257, 1}, {257, 1, 257, 4}, {50257, 1, 50257, 4}};
    uint64_t random = 20261126;
    printf("seed %" PRIu64 "\n", random);
    for (size_t n = 0; n < COUNT_OF(cases); n++) {
        static double p_values[TEXTS];
        for (size_t text = 0; text < TEXTS; text++) {
            int32_t tokens[LENGTH];
            for (size_t i = 0; i < LENGTH; i++)
                tokens[i] = (int32_t)(random_below(&random, cases[n].distinct) * cases[n].apart);
            p_values[text] =
                detect(random_bits(&random), cases[n].width, tokens, LENGTH, cases[n].vocabulary, 0).p_value;
        }
        /* 1.95 / sqrt(TEXTS) is passed once in 1000 */
        assert_real_less(distance_from_uniform(p_values, TEXTS), 1.95 / sqrt(TEXTS));
    }
}

static void text_that_repeats_itself_tells_nothing_new(void **state)
{
    (void)state;
    enum { PERIOD = 7, LENGTH = 700, WIDTH = 3 };
    int32_t tokens[LENGTH];
    for (size_t i = 0; i < LENGTH; i++)
        tokens[i] = (int32_t)(i % PERIOD * 300);
    /* The first WIDTH contexts are shorter than those that come again. */
    const tombola_detection once = detect(1, WIDTH, tokens, PERIOD + WIDTH, 4000, 0);
    const tombola_detection often = detect(1, WIDTH, tokens, LENGTH, 4000, 0);
    assert_int_equal(once.scored, PERIOD + WIDTH);
    assert_int_equal(often.scored, PERIOD + WIDTH);
    assert_int_equal(often.numbers, 2 * (PERIOD + WIDTH));
    assert_real_equal(often.score, once.score);
    assert_real_equal(often.p_value, once.p_value);
}

static void a_block_after_the_same_context_counts_once(void **state)
{
    (void)state;
    /* After 1000 come 3, 4 (of the same block), 600 and 3 again. */
    const int32_t tokens[] = {1000, 3, 1000, 4, 1000, 600, 1000, 3};
    const tombola_detection got = detect(9, 1, tokens, COUNT_OF(tokens), 4000, 1);
    assert_int_equal(got.scored, 3 + 3); /* 1000 follows 3, 4 and 600 */
    assert_int_equal(got.numbers, 6 + 2 + 3);
    /* The single block of a small vocabulary always wins: its number tells nothing. */
    const int32_t few[] = {200, 3, 200, 4};
    assert_int_equal(detect(9, 1, few, COUNT_OF(few), 256, 0).numbers, 4);
    assert_int_equal(detect(9, 1, few, COUNT_OF(few), 257, 0).numbers, 4 + 3); /* 200 comes twice */
}

static void prompts_are_context_and_not_scored(void **state)
{
    (void)state;
    const int32_t tokens[] = {10, 20, 30, 40, 50};
    assert_int_equal(detect(3, 2, tokens, 5, 100, 5).scored, 0);
    assert_real_equal(detect(3, 2, tokens, 5, 100, 5).p_value, 1.0);
    assert_real_equal(detect(3, 2, NULL, 0, 100, 0).p_value, 1.0);
    /* One token is scored, and what lies before its context does not matter. */
    const tombola_detection last = detect(3, 2, tokens, 5, 100, 4);
    assert_int_equal(last.scored, 1);
    assert_real_equal(last.score, detect(3, 2, tokens + 2, 3, 100, 2).score);
    assert_real_less(1e-9, fabs(last.score - detect(3, 2, tokens + 3, 2, 100, 1).score));
}

static void mistakes_are_named(void **state)
{
    (void)state;
    const int32_t tokens[] = {1, 2, 300, -1};
    static const struct {
        const char *message;
        uint32_t width;
        size_t count, vocabulary, prompt;
        int no_tokens, size;
    } cases[] = {
        {"width is 0, must be at least 1", 0, 2, 300, 0, 0, 40},
        {"tokens is NULL, but count is 2", 1, 2, 300, 0, 1, 40},
        {"vocabulary is 0, not from 1 to 8388608", 1, 2, 0, 0, 0, 40},
        {"vocabulary is 8388609, not from 1 to 8388608", 1, 2, 8388609, 0, 0, 40},
        {"prompt_length is 3, but there are 2 tokens", 1, 2, 300, 3, 0, 40},
        {"tokens[2] is 300, but tokens are 0 to 299", 1, 3, 300, 0, 0, 40},
        {"tokens[3] is -1, but tokens are 0 to 300", 1, 4, 301, 0, 0, 40},
        {"detection is NULL", 1, 2, 300, 0, 0, -1},
        {"detection.struct_size is 0: start from tombola_detection_default()", 1, 2, 300, 0, 0, 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        tombola_error error = tombola_error_default();
        tombola_detection detection = tombola_detection_default();
        assert_int_equal(detection.struct_size, 40);
        detection.struct_size = (uint32_t)cases[i].size;
        assert_int_equal(tombola_watermark_detect(1, cases[i].width, cases[i].no_tokens ? NULL : tokens, cases[i].count,
                                                  cases[i].vocabulary, cases[i].prompt,
                                                  cases[i].size < 0 ? NULL : &detection, &error),
                         TOMBOLA_INVALID_ARGUMENT);
        assert_string_equal(error.message, cases[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seeds_are_those_of_the_reference),
        cmocka_unit_test(tails_of_the_gamma_distribution_are_exact),
        cmocka_unit_test(texts_show_what_the_reference_says),
        cmocka_unit_test(every_bit_of_key_and_context_changes_the_seed),
        cmocka_unit_test(p_values_of_text_without_a_watermark_are_uniform),
        cmocka_unit_test(text_that_repeats_itself_tells_nothing_new),
        cmocka_unit_test(a_block_after_the_same_context_counts_once),
        cmocka_unit_test(prompts_are_context_and_not_scored),
        cmocka_unit_test(mistakes_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
