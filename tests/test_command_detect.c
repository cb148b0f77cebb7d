/* `tombola detect`, and what `tombola sample --watermark` says and draws. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bigram.h"
#include "command.h"
#include "expect.h"
#include "files.h"
#include "harness.h"

static char folder[] = "/tmp/tombola-test-XXXXXX";
static char ids_path[64], lines_path[64], npy_path[64];

#define DETECT(...) RUN("detect", "--key", "1234", "--width", "3", __VA_ARGS__)

static int make_files(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        die("cannot make %s", folder);
    snprintf(ids_path, sizeof ids_path, "%s/ids.jsonl", folder);
    snprintf(lines_path, sizeof lines_path, "%s/lines", folder);
    snprintf(npy_path, sizeof npy_path, "%s/ids.npy", folder);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    unlink(ids_path);
    unlink(lines_path);
    unlink(npy_path);
    return rmdir(folder);
}

static void write_lines(const char *lines)
{
    write_file(lines_path, lines, strlen(lines));
}

static double p_value_of(const json_t *line)
{
    return json_real_value(json_object_get(line, "p_value"));
}

/* Writes two texts of a language model, each with its prompt, that were drawn with the key 1234 and the width 3. */
static void write_marked_texts(const char *path)
{
    enum { TEXTS = 2, LENGTH = 100 };
    const tombola_model model = bigram_model();
    tombola_context *context = test_context_open(0, 0);
    tombola_sampler *sampler;
    tombola_sequence sequences[TEXTS];
    tombola_params params[TEXTS];
    int32_t tokens[TEXTS][2 + LENGTH] = {{bigram_word("the"), bigram_word("sea")}, {bigram_word("nobody")}};
    for (size_t i = 0; i < TEXTS; i++) {
        params[i] = tombola_params_default();
        params[i].seed = 1234;
        params[i].watermark = 3;
        sequences[i] = tombola_sequence_default();
        sequences[i].tokens = tokens[i];
        sequences[i].length = TEXTS - i;
        sequences[i].max_new_tokens = LENGTH;
        sequences[i].params = &params[i];
    }
    assert_int_equal(tombola_sampler_create(context, BIGRAM_VOCABULARY, TEXTS, NULL, &sampler, NULL), TOMBOLA_OK);
    assert_int_equal(tombola_sampler_generate(sampler, sequences, TEXTS, &model, NULL, NULL, NULL), TOMBOLA_OK);
    tombola_sampler_release(sampler);
    tombola_context_close(context);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (size_t i = 0; i < TEXTS; i++) {
        fputs("{\"prompt\": [", file);
        for (size_t at = 0; at < sequences[i].length; at++)
            fprintf(file, "%s%d", at == 0 ? "" : at == TEXTS - i ? "], \"output\": [" : ",", (int)tokens[i][at]);
        fputs("]}\n", file);
    }
    fclose(file);
}

static void generated_text_is_found_with_its_key_alone(void **state)
{
    (void)state;
    write_marked_texts(ids_path);
    json_t *lines = parse_lines(DETECT("--json", ids_path));
    assert_int_equal(json_array_size(lines), 2);
    for (size_t row = 0; row < 2; row++) {
        const json_t *line = json_array_get(lines, row);
        assert_int_equal(json_integer_value(json_object_get(line, "row")), row);
        assert_in_range(json_integer_value(json_object_get(line, "scored")), 50, 100);
        assert_real_less(p_value_of(line), 1e-6);
    }
    json_decref(lines);
    lines = parse_lines(RUN("detect", "--key", "1235", "--width", "3", "--json", ids_path));
    assert_real_less(1e-3, p_value_of(json_array_get(lines, 0)));
    assert_real_less(1e-3, p_value_of(json_array_get(lines, 1)));
    json_decref(lines);
}

/* Streams do not count with a watermark, which is said where several were asked for. */
static void equal_samples_are_told_of(void **state)
{
    (void)state;
    static float row[300];
    write_npy(npy_path, "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 300), }", row, sizeof row);
    write_lines("[5]");
    process got = RUN("sample", npy_path, "--histories", lines_path, "--watermark", "2", "--samples", "4");
    assert_int_equal(got.status, 0);
    assert_string_equal(got.err, "tombola sample: --samples 4: with a watermark all samples of a row are the same\n");
    process_release(&got);
    got = RUN("sample", npy_path, "--histories", lines_path, "--watermark", "2"); /* of one there is nothing to say */
    assert_int_equal(got.status, 0);
    assert_string_equal(got.err, "");
    process_release(&got);
    got = RUN("sample", npy_path, "--samples", "4");
    assert_int_equal(got.status, 0);
    assert_string_equal(got.err, "");
    process_release(&got);
}

/* The history is the context, and the option the key. */
static void a_row_with_a_history_draws_by_the_seed_of_its_last_tokens(void **state)
{
    (void)state;
    static const int32_t context[] = {6, 7};
    static float row[300];
    char seed[32];
    snprintf(seed, sizeof seed, "%" PRIu64, tombola_watermark_seed(99, context, 2));
    write_npy(npy_path, "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 300), }", row, sizeof row);
    write_lines("{\"prompt\": [5, 6], \"output\": [7]}");
    process got =
        RUN("sample", npy_path, "--histories", lines_path, "--watermark", "2", "--seed", "99", "--stream", "3");
    process expected = RUN("sample", npy_path, "--seed", seed);
    assert_int_equal(expected.status, 0);
    expect_output(got, expected.out);
    process_release(&expected);
    expect_usage_error(RUN("sample", npy_path, "--watermark", "2"), "tombola sample",
                       "--watermark: does nothing without --histories");
}

/* One line as the library has it. */
static void expect_found(process got, const int32_t *tokens, size_t count, size_t vocabulary, size_t prompt)
{
    tombola_detection found = tombola_detection_default();
    char expected[256];
    assert_int_equal(tombola_watermark_detect(1234, 3, tokens, count, vocabulary, prompt, &found, NULL), TOMBOLA_OK);
    snprintf(expected, sizeof expected, "row  scored  numbers     score  p-value\n%3d  %6d  %7d  %8.2f  %.3g\n", 0,
             (int)found.scored, (int)found.numbers, found.score, found.p_value);
    expect_output(got, expected);
}

static void lists_lines_and_arrays_are_read_alike(void **state)
{
    (void)state;
    static const int32_t tokens[] = {5, 300, 7, 5, 9, 8388607};
    static const int64_t wide[] = {5, 300, 7, 5, 9, 8388607};
    static const uint16_t narrow[] = {5, 300, 7, 5, 9, 65535};
    const int32_t narrow_tokens[] = {5, 300, 7, 5, 9, 65535};
    expect_found(DETECT("5,300,7,5,9,8388607"), tokens, 6, TOMBOLA_MAX_VOCABULARY, 0);
    expect_found(DETECT("--prompt-length", "2", "5,300,7,5,9,8388607"), tokens, 6, TOMBOLA_MAX_VOCABULARY, 2);
    expect_found(DETECT("--vocabulary", "256", "5"), tokens, 1, 256, 0);
    write_lines("\xEF\xBB\xBF\n[5, 300,7,5,9,8388607]\r\n\n");
    expect_found(DETECT(lines_path), tokens, 6, TOMBOLA_MAX_VOCABULARY, 0);
    write_lines("{\"prompt\": [5, 300, 7], \"output\": [5, 9, 8388607]}");
    expect_found(DETECT(lines_path), tokens, 6, TOMBOLA_MAX_VOCABULARY, 3);
    expect_found(DETECT("--prompt-length", "0", lines_path), tokens, 6, TOMBOLA_MAX_VOCABULARY, 0);
    write_lines("{\"id\": 7, \"output\": [5, 300], \"text\": \" a\", \"finish\": \"limit\"}");
    expect_found(DETECT(lines_path), tokens, 2, TOMBOLA_MAX_VOCABULARY, 0);
    expect_found(
        command_run((const char *const[]){"detect", "--key", "1234", "--width", "3", "-", NULL}, NULL, "[5]", 3),
        tokens, 1, TOMBOLA_MAX_VOCABULARY, 0);
    write_npy(npy_path, "{'descr': '<i4', 'fortran_order': False, 'shape': (6,), }", tokens, sizeof tokens);
    expect_found(DETECT(npy_path), tokens, 6, TOMBOLA_MAX_VOCABULARY, 0);
    write_npy(npy_path, "{'descr': '<i8', 'fortran_order': False, 'shape': (1, 6), }", wide, sizeof wide);
    expect_found(DETECT(npy_path), tokens, 6, TOMBOLA_MAX_VOCABULARY, 0);
    write_npy(npy_path, "{'descr': '<u2', 'fortran_order': False, 'shape': (6,), }", narrow, sizeof narrow);
    expect_found(DETECT(npy_path), narrow_tokens, 6, TOMBOLA_MAX_VOCABULARY, 0);
}

static void mistakes_in_options_are_named(void **state)
{
    (void)state;
    expect_usage_error(RUN("detect", "1,2"), "tombola detect",
                       "which watermark? Give --key and --width, the --seed and --watermark of the draw");
    expect_usage_error(RUN("detect", "--key", "1", "1,2"), "tombola detect",
                       "which watermark? Give --key and --width, the --seed and --watermark of the draw");
    expect_usage_error(DETECT("--json"), "tombola detect",
                       "which text? Name a file, - for standard input, or ids as 12,5,77");
    expect_usage_error(DETECT("1", "2"), "tombola detect", "takes one file or list, but got '1' and '2'");
    expect_usage_error(RUN("detect", "--key", "-1", "--width", "3", "1"), "tombola detect",
                       "--key: '-1' is not a whole number from 0 to 18446744073709551615");
    expect_usage_error(RUN("detect", "--key", "1", "--width", "0", "1"), "tombola detect",
                       "--width: '0' is not a whole number from 1 to 4294967295");
    expect_usage_error(DETECT("--vocabulary", "8388609", "1"), "tombola detect",
                       "--vocabulary: '8388609' is not a whole number from 1 to 8388608");
    expect_usage_error(DETECT("--prompt-length", "x", "1"), "tombola detect",
                       "--prompt-length: 'x' is not a whole number");
}

static void mistakes_in_texts_are_named_with_their_place(void **state)
{
    (void)state;
    static const int32_t negative[] = {5, -1};
    static const float reals[] = {5, 1};
    static const struct {
        const char *lines, *message;
    } cases[] = {
        {"[1]\n[1, -2]", "line 2: -2 is not a token's id, a whole number from 0 to 8388607"},
        {"[8388608]", "line 1: 8388608 is not a token's id, a whole number from 0 to 8388607"},
        {"{\"prompt\": [1], \"output\": [\"a\"]}", "line 1: \"a\" is not a token's id, a whole number"},
        {"{\"prompt\": [1.5]}", "line 1: 1.5 is not a token's id, a whole number from 0 to 8388607"},
        {"{\"text\": [1]}", "line 1: unknown key 'text'; there are prompt and output"},
        {"{\"output\": 1}", "line 1: prompt and output are lists of tokens' ids"},
        {"[1]\n\n[1,", "line 3, column "},
        {"\n", "no texts in it"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        write_lines(cases[i].lines);
        expect_failure(DETECT(lines_path), cases[i].message);
    }
    expect_failure(DETECT("1,,2"), "'1,,2' is not a list of ids from 0 to 8388607");
    expect_failure(DETECT("--vocabulary", "100", "5,100"), "text 0: tokens[1] is 100, but tokens are 0 to 99");
    expect_failure(DETECT("--prompt-length", "3", "5,100"), "text 0: prompt_length is 3, but there are 2 tokens");
    write_npy(npy_path, "{'descr': '<i4', 'fortran_order': False, 'shape': (1, 2), }", negative, sizeof negative);
    expect_failure(DETECT(npy_path), "row 0, column 1: the id is not from 0 to 8388607");
    write_npy(npy_path, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", reals, sizeof reals);
    expect_failure(DETECT(npy_path), "an array of '<f4'; ids of tokens are int32 ('<i4'), int64, uint16 or uint32");
    expect_failure(DETECT("/nonexistent/file"), "/nonexistent/file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generated_text_is_found_with_its_key_alone),
        cmocka_unit_test(equal_samples_are_told_of),
        cmocka_unit_test(a_row_with_a_history_draws_by_the_seed_of_its_last_tokens),
        cmocka_unit_test(lists_lines_and_arrays_are_read_alike),
        cmocka_unit_test(mistakes_in_options_are_named),
        cmocka_unit_test(mistakes_in_texts_are_named_with_their_place),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
