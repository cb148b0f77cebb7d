/* `tombola sample`: masks and biases from options and files, the boundary, and what is wrong with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "files.h"
#include "harness.h"
#include "sample_files.h"

#define SAMPLE(...) RUN("sample", npy_path, __VA_ARGS__)
enum { WORDS = (COLUMNS + 31) / 32 };
#define MASKS "{'descr': '<u4', 'fortran_order': False, 'shape': (5, 10), }"
#define ONE_MASK "{'descr': '<i4', 'fortran_order': False, 'shape': (1, 10), }"

static char mask_path[80];

/* Tokens by the command, from the logits as they are in the file. */
static void expect_tokens(process got, const int *tokens)
{
    json_t *lines = parse_lines(got);
    assert_int_equal(json_array_size(lines), ROWS);
    for (size_t row = 0; row < ROWS; row++)
        assert_int_equal(json_integer_value(json_object_get(json_array_get(lines, row), "token")), tokens[row]);
    json_decref(lines);
}

static void write_logits(void)
{
    write_npy(npy_path, ARRAY, logits, sizeof logits);
}

static void a_mask_for_each_row_or_one_for_all_is_taken(void **state)
{
    (void)state;
    static const int tokens[ROWS] = {0, 31, 32, 270, 299}, sames[ROWS] = {77, 77, 77, 77, 77};
    uint32_t masks[ROWS * WORDS] = {0}, one[WORDS] = {0};
    for (int row = 0; row < ROWS; row++)
        masks[row * WORDS + tokens[row] / 32] = 1u << tokens[row] % 32;
    one[77 / 32] = 1u << 77 % 32;
    write_logits();
    write_npy(mask_path, MASKS, masks, sizeof masks);
    expect_tokens(SAMPLE("--json", "--mask", mask_path), tokens);
    write_npy(mask_path, ONE_MASK, one, sizeof one);
    expect_tokens(SAMPLE("--json", "--mask", mask_path), sames);
    write_npy(mask_path, "{'descr': '<u4', 'fortran_order': False, 'shape': (10,), }", one, sizeof one);
    expect_tokens(SAMPLE("--json", "--mask", mask_path), sames);
}

static void biases_are_taken_from_options_and_from_a_file_that_counts_more(void **state)
{
    (void)state;
    static const int fives[ROWS] = {5, 5, 5, 5, 5}, mixed[ROWS] = {5, 9, 5, 7, 5};
    static const char file[] = "token, row,value\r\n9,1,200\n\n 5 ,3,-inf\n7,3,1e2\n";
    write_logits();
    expect_tokens(SAMPLE("--json", "--bias", "5=100,6=-inf"), fives);
    expect_tokens(SAMPLE("--json", "--bias=6=-inf", "--bias=5=100"), fives);
    write_file(csv_path, file, strlen(file));
    expect_tokens(SAMPLE("--json", "--bias", "5=100", "--bias-file", csv_path), mixed);
}

static void what_is_ruled_out_is_not_kept(void **state)
{
    (void)state;
    float same[ROWS * COLUMNS] = {0};
    same[2 * COLUMNS + 4] = NAN;
    write_npy(npy_path, ARRAY, same, sizeof same);
    json_t *lines = parse_lines(SAMPLE("--json", "--bias", "4=-inf", "--boundary"));
    for (size_t row = 0; row < ROWS; row++) {
        const json_t *line = json_array_get(lines, row), *boundary = json_object_get(line, "boundary");
        assert_int_equal(json_integer_value(json_object_get(line, "kept")), COLUMNS - 1);
        assert_int_equal(json_integer_value(json_object_get(boundary, "token")), COLUMNS - 1);
        assert_float_equal(json_real_value(json_object_get(boundary, "logit")), 0, 0);
    }
    json_decref(lines);
}

static void the_boundary_is_told_where_it_is_asked_for(void **state)
{
    (void)state;
    float rows[2 * 3] = {1, 3, 2, -INFINITY, -INFINITY, -INFINITY};
    write_npy(npy_path, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", rows, sizeof rows);
    expect_output(SAMPLE("--boundary", "--top-k=2", "--temperature=.001"),
                  "row  token  status    kept  boundary  logit\n"
                  "  0      1  ok           2         2  2\n"
                  "  1     -1  empty        0        -1  -inf\n");
    expect_output(SAMPLE("--boundary", "--json", "--top-k=2", "--temperature=.001"),
                  "{\"row\":0,\"token\":1,\"status\":\"ok\",\"kept\":2,\"boundary\":{\"token\":2,\"logit\":2.0}}\n"
                  "{\"row\":1,\"token\":-1,\"status\":\"empty\",\"kept\":0,\"boundary\":null}\n");
}

static void what_is_wrong_with_masks_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *header, *message;
        size_t bytes;
    } CASES[] = {
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (5, 10), }",
         "an array of '<f4'; masks are uint32 ('<u4') or int32 ('<i4'), a bit for each token", 200},
        {"{'descr': '<u4', 'fortran_order': False, 'shape': (5, 9), }", "masks of 9 words, but 300 tokens take 10",
         180},
        {"{'descr': '<u4', 'fortran_order': False, 'shape': (4, 10), }",
         "4 masks, but there are 5 rows of logits: give one for each, or one for all", 160},
        {MASKS, "truncated: the data has 196 of 200 bytes", 196},
        {MASKS, "goes on after its 5 x 10 words", 204},
        {"{'descr': '<u4', 'fortran_order': False, 'shape': (0, 10), }", "0 x 10: there are no words in it", 0},
    };
    static const uint32_t zeros[60];
    write_logits();
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        char message[300];
        write_npy(mask_path, CASES[i].header, zeros, CASES[i].bytes);
        snprintf(message, sizeof message, "tombola sample: %s: %s\n", mask_path, CASES[i].message);
        expect_message(SAMPLE("--mask", mask_path), message);
    }
    expect_message(SAMPLE("--mask", "/nonexistent.npy"),
                   "tombola sample: /nonexistent.npy: No such file or directory\n");
}

static void what_is_wrong_with_a_file_of_biases_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *file, *message;
    } CASES[] = {
        {"", "no header with the names of the columns, row, token and value"},
        {"row,token\n", "line 1: the header names the columns row, token and value"},
        {"row,token,token\n", "line 1: the header names the columns row, token and value"},
        {"row,token,value\n1,2\n", "line 2: 2 values for 3 columns"},
        {"row,token,value\n1,2,3,4\n", "line 2: 4 values for 3 columns"},
        {"row,token,value\n\n5,2,3\n", "line 3, column 'row': '5' is not a whole number from 0 to 4"},
        {"row,token,value\n-1,2,3\n", "line 2, column 'row': '-1' is not a whole number from 0 to 4"},
        {"row,token,value\n1,300,3\n", "line 2, column 'token': '300' is not a whole number from 0 to 299"},
        {"row,token,value\n1,,3\n", "line 2, column 'token': the value is missing"},
        {"row,token,value\n1,2,nan\n", "line 2, column 'value': 'nan' is not a number, or -inf"},
        {"row,token,value\n1,2,inf\n", "line 2, column 'value': 'inf' is not a number, or -inf"},
        {"row,token,value\n1,2,x\n", "line 2, column 'value': 'x' is not a number, or -inf"},
        {"row,token,value\n1,2,3\n2,2,3\n1,2,4\n", "line 4: token 2 of row 1 has a bias already, in line 2"},
    };
    write_logits();
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        char message[300];
        write_file(csv_path, CASES[i].file, strlen(CASES[i].file));
        snprintf(message, sizeof message, "tombola sample: %s: %s\n", csv_path, CASES[i].message);
        expect_message(SAMPLE("--bias-file", csv_path), message);
    }
}

static void what_is_wrong_with_options_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *option, *message;
    } CASES[] = {
        {"--bias=5", "--bias: '5' is not ID=X, as in 50256=-inf"},
        {"--bias=5=1,", "--bias: '' is not ID=X, as in 50256=-inf"},
        {"--bias=x=1", "--bias: 'x' is not a token's id, a whole number from 0 to 8388607"},
        {"--bias=5=inf", "--bias: 'inf', of token 5, is not a number, or -inf"},
        {"--bias=5=1,6=2,5=3", "--bias: token 5 comes twice"},
    };
    write_logits();
    for (size_t i = 0; i < COUNT_OF(CASES); i++)
        expect_usage_error(SAMPLE(CASES[i].option), "tombola sample", CASES[i].message);
    expect_usage_error(SAMPLE("--probabilities", "--bias=5=1"), "tombola sample",
                       "--probabilities: biases are for logits; --mask is for both");
    expect_message(SAMPLE("--bias=300=1"), "tombola sample: a bias of every row: token 300 is not from 0 to 299\n");
}

static int make_files(void **state)
{
    if (make_folder(state))
        return -1;
    snprintf(mask_path, sizeof mask_path, "%s.masks", npy_path);
    return 0;
}

static int remove_files(void **state)
{
    unlink(mask_path);
    return remove_folder(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mask_for_each_row_or_one_for_all_is_taken),
        cmocka_unit_test(biases_are_taken_from_options_and_from_a_file_that_counts_more),
        cmocka_unit_test(what_is_ruled_out_is_not_kept),
        cmocka_unit_test(the_boundary_is_told_where_it_is_asked_for),
        cmocka_unit_test(what_is_wrong_with_masks_is_said),
        cmocka_unit_test(what_is_wrong_with_a_file_of_biases_is_said),
        cmocka_unit_test(what_is_wrong_with_options_is_said),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
