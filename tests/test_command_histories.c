/* `tombola sample`: histories from a file, end tokens, and what is wrong with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "files.h"
#include "harness.h"
#include "sample_files.h"

#define SAMPLE(...) RUN("sample", npy_path, __VA_ARGS__)

/* Rows whose largest logits are those of tokens 10, 11 and 12, in this order. */
static void write_logits(void)
{
    float same[ROWS * COLUMNS] = {0};
    for (size_t row = 0; row < ROWS; row++) {
        same[row * COLUMNS + 10] = 9.0f;
        same[row * COLUMNS + 11] = 8.0f;
        same[row * COLUMNS + 12] = 7.0f;
    }
    write_npy(npy_path, ARRAY, same, sizeof same);
}

static void expect_tokens(process got, const int *tokens)
{
    json_t *lines = parse_lines(got);
    assert_int_equal(json_array_size(lines), ROWS);
    for (size_t row = 0; row < ROWS; row++) {
        assert_int_equal(json_integer_value(json_object_get(json_array_get(lines, row), "token")), tokens[row]);
    }
    json_decref(lines);
}

static void write_histories(const char *text)
{
    write_file(csv_path, text, strlen(text));
}

static void penalties_count_the_histories_of_a_file(void **state)
{
    (void)state;
    static const int plain[ROWS] = {10, 10, 10, 10, 10}, repeated[ROWS] = {11, 11, 12, 10, 10},
                     present[ROWS] = {10, 11, 10, 10, 10}, windowed[ROWS] = {10, 11, 10, 10, 10};
    write_logits();
    write_histories(
        "{\"prompt\": [10, 5], \"output\": [5]}\n[10]\r\n\n{\"output\": [10, 11], \"prompt\": [11]}\n[]\n{}");
    expect_tokens(SAMPLE("--json", "--temperature=0", "--histories", csv_path), plain);
    expect_tokens(SAMPLE("--json", "--temperature=0", "--histories", csv_path, "--repetition-penalty=3"), repeated);
    expect_tokens(
        SAMPLE("--json", "--temperature=0", "--histories", csv_path, "--repetition-penalty=3", "--penalty-window=1"),
        windowed);
    expect_tokens(SAMPLE("--json", "--temperature=0", "--histories", csv_path, "--presence-penalty=1.5",
                         "--frequency-penalty=-0.1"),
                  present);
}

static void end_tokens_wait_for_the_minimum(void **state)
{
    (void)state;
    static const int waiting[ROWS] = {12, 12, 12, 12, 12}, later[ROWS] = {12, 12, 10, 12, 12};
    write_logits();
    write_histories("{\"prompt\": [1, 2, 3]}\n[1]\n[1,2]\n{\"prompt\": [1, 2], \"output\": [3]}\n{}\n");
    expect_tokens(SAMPLE("--json", "--temperature=0", "--end-tokens=10,11", "--min-tokens=1"), waiting);
    expect_tokens(SAMPLE("--json", "--temperature=0", "--end-tokens=10", "--end-tokens=11", "--min-tokens=2",
                         "--histories", csv_path),
                  later);
}

static void what_is_wrong_with_them_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *file, *message;
    } cases[] = {
        {"[1]\n[2]\n", "histories for 2 rows, but there are 5 rows of logits"},
        {"[1]\n[2]\n[]\n[]\n[]\n[]\n", "histories for 6 rows, but there are 5 rows of logits"},
        {"[1]\n[300]\n", "line 2: 300 is not a token's id, a whole number from 0 to 299"},
        {"[1]\n[-1]\n", "line 2: -1 is not a token's id, a whole number from 0 to 299"},
        {"[1.5]\n", "line 1: 1.5 is not a token's id, a whole number from 0 to 299"},
        {"[\"a\"]\n", "line 1: \"a\" is not a token's id, a whole number from 0 to 299"},
        {"{\"prompt\": 3}\n", "line 1: prompt and output are lists of tokens' ids"},
        {"{\"tokens\": [3]}\n", "line 1: unknown key 'tokens'; there are prompt and output"},
        {"\"a\"\n", "line 1, column"},
        {"[1\n", "line 1, column"},
        {"", "histories for 0 rows, but there are 5 rows of logits"},
    };
    write_logits();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        write_histories(cases[i].file);
        expect_failure(SAMPLE("--histories", csv_path), cases[i].message);
    }
    expect_failure(SAMPLE("--histories", "no such file"), "no such file");
    expect_failure(SAMPLE("--end-tokens=300"), "an end token: 300 is not from 0 to 299");
    expect_usage_error(SAMPLE("--end-tokens=x"), "tombola sample",
                       "--end-tokens: 'x' is not a token's id, a whole number from 0 to 8388607");
    write_histories("[1]\n[1]\n[1]\n[1]\n[1]\n");
    expect_usage_error(SAMPLE("--probabilities", "--histories", csv_path, "--presence-penalty=1"), "tombola sample",
                       "--presence-penalty: does nothing without logits in place of --probabilities");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(penalties_count_the_histories_of_a_file),
        cmocka_unit_test(end_tokens_wait_for_the_minimum),
        cmocka_unit_test(what_is_wrong_with_them_is_said),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
