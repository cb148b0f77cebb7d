/* `tombola sample`: banned words, breakers, forced tokens and thinking, and what is wrong with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "files.h"
#include "harness.h"
#include "sample_files.h"

#define SAMPLE(...) RUN("sample", npy_path, "--json", "--temperature=0", __VA_ARGS__)

static char list_path[80];

/* Rows whose largest logits are those of tokens 10, 11 and 12, in this order; and a history of each row. */
static void write_rows(void)
{
    static const char histories[] = "[1, 2]\n[2, 1]\n[10, 2, 5, 10, 2]\n{\"prompt\": [10, 11, 3, 10]}\n[]\n";
    float same[ROWS * COLUMNS] = {0};
    for (size_t row = 0; row < ROWS; row++) {
        same[row * COLUMNS + 10] = 9.0f;
        same[row * COLUMNS + 11] = 8.0f;
        same[row * COLUMNS + 12] = 7.0f;
    }
    write_npy(npy_path, ARRAY, same, sizeof same);
    write_file(csv_path, histories, strlen(histories));
}

static void write_lists(const char *text)
{
    write_file(list_path, text, strlen(text));
}

static void expect_tokens(process got, int a, int b, int c, int d, int e)
{
    const int tokens[ROWS] = {a, b, c, d, e};
    json_t *lines = parse_lines(got);
    assert_int_equal(json_array_size(lines), ROWS);
    for (size_t row = 0; row < ROWS; row++) {
        assert_int_equal(json_integer_value(json_object_get(json_array_get(lines, row), "token")), tokens[row]);
    }
    json_decref(lines);
}

static void words_of_a_file_are_banned_in_every_row(void **state)
{
    (void)state;
    write_rows();
    write_lists("[11]\r\n\n[2, 10]\n [10,2,10]");
    expect_tokens(SAMPLE("--histories", csv_path, "--banned-words", list_path), 12, 10, 12, 10, 10);
    expect_tokens(SAMPLE("--banned-words", list_path), 10, 10, 10, 10, 10);
}

/* As Transformers has them; those of --banned-words stand in their place. */
static void words_of_a_configuration_are_banned_in_every_row(void **state)
{
    (void)state;
    write_rows();
    write_lists("{\"bad_words_ids\": [[11], [2, 10], [10, 2, 10]]}");
    expect_tokens(SAMPLE("--histories", csv_path, "--config", list_path), 12, 10, 12, 10, 10);
    expect_tokens(SAMPLE("--config", list_path), 10, 10, 10, 10, 10);
    expect_tokens(SAMPLE("--config", list_path, "--banned-words", "/dev/null", "--histories", csv_path), 10, 10, 10, 10,
                  10);
    write_lists("{\"bad_words_ids\": []}");
    expect_tokens(SAMPLE("--histories", csv_path, "--config", list_path), 10, 10, 10, 10, 10);
}

static void repetitions_end_at_breakers(void **state)
{
    (void)state;
    write_rows();
    expect_tokens(SAMPLE("--histories", csv_path, "--no-repeat-ngram=2"), 10, 10, 10, 10, 10);
    expect_tokens(SAMPLE("--histories", csv_path, "--no-repeat-ngram=1"), 10, 10, 11, 12, 10);
    write_lists("[3]\n");
    expect_tokens(SAMPLE("--histories", csv_path, "--dry-multiplier=9", "--dry-allowed-length=0"), 10, 10, 11, 12, 10);
    expect_tokens(SAMPLE("--histories", csv_path, "--dry-multiplier=9", "--dry-allowed-length=1"), 10, 10, 10, 10, 10);
    expect_tokens(
        SAMPLE("--histories", csv_path, "--dry-multiplier=9", "--dry-allowed-length=0", "--dry-breakers", list_path),
        10, 10, 11, 12, 10);
    write_lists("[10]\n");
    expect_tokens(
        SAMPLE("--histories", csv_path, "--dry-multiplier=9", "--dry-allowed-length=0", "--dry-breakers", list_path),
        10, 10, 10, 10, 10);
}

static void forced_tokens_and_the_end_of_thinking_come(void **state)
{
    (void)state;
    write_rows();
    write_lists("[7]\n[]\n[299, 7, 7, 7, 7, 298]\n[50, 50]\n[40]");
    expect_tokens(SAMPLE("--histories", csv_path, "--forced", list_path), 10, 10, 298, 50, 40);
    expect_tokens(SAMPLE("--histories", csv_path, "--forced", list_path, "--forced-from=2"), 7, 10, 7, 10, 10);
    expect_tokens(SAMPLE("--histories", csv_path, "--thinking-start=10", "--thinking-end=2,77", "--thinking-budget=1"),
                  10, 10, 77, 2, 10);
}

static void what_is_wrong_with_lists_is_said(void **state)
{
    (void)state;
    char message[300];
    static const struct {
        const char *option, *text, *part;
    } cases[] = {
        {"--banned-words", "[1]\n[2, 300]\n", "line 2: entry 2 is not a token's id, a whole number from 0 to 299"},
        {"--banned-words", "[1]\n\n[\"a\"]\n", "line 3: entry 1 is not a token's id, a whole number from 0 to 299"},
        {"--banned-words", "[]\n", "line 1 is not a list of token ids, as [5, 17]"},
        {"--dry-breakers", "{\"a\": 1}\n", "line 1 is not a list of token ids, as [5, 17]"},
        {"--dry-breakers", "[1\n", "line 1 is not JSON: "},
        {"--forced", "[1]\n[]\n", "2 lists, but there are 5 rows of logits"},
        {"--forced", "[-1]\n", "line 1: entry 1 is not a token's id, a whole number from 0 to 299"},
    };
    write_rows();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        write_lists(cases[i].text);
        snprintf(message, sizeof message, "%s: %s", list_path, cases[i].part);
        expect_failure(RUN("sample", npy_path, cases[i].option, list_path), message);
    }
    expect_failure(RUN("sample", npy_path, "--thinking-start=300"), "--thinking-start: token 300 is not from 0 to 299");
    expect_failure(RUN("sample", npy_path, "--banned-words=/nowhere"), "/nowhere");
    expect_usage_error(RUN("sample", npy_path, "--thinking-end=1,x"), "tombola sample",
                       "--thinking-end: 'x' is not a token's id, a whole number from 0 to 8388607");
}

static int make_lists(void **state)
{
    const int failed = make_folder(state);
    snprintf(list_path, sizeof list_path, "%s.jsonl", csv_path);
    return failed;
}

static int remove_lists(void **state)
{
    unlink(list_path);
    return remove_folder(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_of_a_file_are_banned_in_every_row),
        cmocka_unit_test(words_of_a_configuration_are_banned_in_every_row),
        cmocka_unit_test(repetitions_end_at_breakers),
        cmocka_unit_test(forced_tokens_and_the_end_of_thinking_come),
        cmocka_unit_test(what_is_wrong_with_lists_is_said),
    };
    return cmocka_run_group_tests(tests, make_lists, remove_lists);
}
