/* `tombola sample`: what is wrong with an array, with parameters in CSV and with options is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "files.h"
#include "harness.h"
#include "sample_files.h"

#define SAMPLE(...) RUN("sample", __VA_ARGS__)

static process sample_input(const char *input, size_t size)
{
    return command_run((const char *const[]){"sample", "-", NULL}, NULL, input, size);
}

/* The names of all parameters, or of all filters: "a, b and c". */
static void list_names(char *text, size_t size, int of_filters)
{
    const tombola_field *field;
    const char *names[100];
    size_t count = 0, length = 0;
    for (size_t i = 0; (field = tombola_params_field(i)); i++) {
        for (size_t n = 1; of_filters && field->kind == TOMBOLA_KIND_ORDER && field->values[n]; n++) {
            names[count] = field->values[n];
            count += *field->values[n] != '\0';
        }
        if (!of_filters) {
            names[count++] = field->name;
        }
    }
    for (size_t i = 0; i < count; i++) {
        const char *joint = i == 0 ? "" : i + 1 == count ? " and " : ", ";
        length += (size_t)snprintf(text + length, size - length, "%s%s", joint, names[i]);
    }
}

/* A message with the names in place of $PARAMETERS and $FILTERS. */
static void fill_in_names(const char *message, char *text, size_t size)
{
    static const char *const words[] = {"$PARAMETERS", "$FILTERS"};
    snprintf(text, size, "%s", message);
    for (int of_filters = 0; of_filters < 2; of_filters++) {
        const char *at = strstr(message, words[of_filters]);
        if (at) {
            const size_t before = (size_t)(at - message);
            list_names(text + before, size - before, of_filters);
            snprintf(text + strlen(text), size - strlen(text), "%s", at + strlen(words[of_filters]));
        }
    }
}

static void what_is_wrong_with_a_csv_file_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        const char *message;
    } CASES[] = {
        {"", "no header with the names of the columns"},
        {"heat\n", "line 1: unknown column 'heat'; there are $PARAMETERS"},
        {"top_k,seed,top_k\n", "line 1: column 'top_k' comes twice"},
        {"top_k,\n", "line 1: unknown column ''; there are $PARAMETERS"},
        {"top_k\n1\n1\n1\n1\n", "parameters for 4 rows, but there are 5 rows of logits"},
        {"top_k\n1\n1\n1\n1\n1\n1\n", "parameters for 6 rows, but there are 5 rows of logits"},
        {"top_k,seed\n1,1\n1\n", "line 3: 1 values for 2 columns"},
        {"top_k,seed\n1,1\n1,2,3\n", "line 3: 3 values for 2 columns"},
        {"top_k,seed\n1,1\n\n,2\n", "line 4, column 'top_k': the value is missing"},
        {"top_k\n1.5\n", "line 2, column 'top_k': '1.5' is not a whole number from 0 to 4294967295"},
        {"stream\n-1\n", "line 2, column 'stream': '-1' is not a whole number from 0 to 4294967295"},
        {"offset\nabc\n", "line 2, column 'offset': 'abc' is not a whole number from 0 to 18446744073709551615"},
        {"temperature\n1\n-0.5\n", "line 3, column 'temperature': '-0.5' is not a number from 0 to inf"},
        {"min_p\nnan\n", "line 2, column 'min_p': 'nan' is not a number from 0 to 1"},
        {"top_p\n1.01\n", "line 2, column 'top_p': '1.01' is not a number from 0 to 1"},
        {"top_p\n\"0,9\"\n", "line 2, column 'top_p': '0,9' is not a number from 0 to 1; write 0.9 if that was meant"},
        {"seed\n\"0,9\"\n", "line 2, column 'seed': '0,9' is not a whole number from 0 to 18446744073709551615"},
        {"method\ngumbel\n", "line 2, column 'method': 'gumbel' is not race or inverse-cdf"},
        {"filters\nend\n",
         "line 2, column 'filters': 'end' is not an order of $FILTERS, "
         "each at most once, with commas between, nor default, temperature-first or temperature-last"},
        {"top_p\n\"1\n", "a quote is not closed"},
        {"top_p\n1\"0\"\n", "line 2: a quote where none may be"},
    };
    write_npy(npy_path, ARRAY, logits, sizeof logits);
    char message[4096], expected[2048];
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        write_file(csv_path, CASES[i].file, strlen(CASES[i].file));
        fill_in_names(CASES[i].message, expected, sizeof expected);
        snprintf(message, sizeof message, "tombola sample: %s: %s\n", csv_path, expected);
        expect_message(SAMPLE(npy_path, "--params", csv_path), message);
    }
    write_file(csv_path, "seed\n1\0002\n", 9);
    snprintf(message, sizeof message, "tombola sample: %s: line 2: a NUL byte\n", csv_path);
    expect_message(SAMPLE(npy_path, "--params", csv_path), message);
    write_file(csv_path, "\xFF\xFEs\0e\0e\0d\0\n\0", 12);
    snprintf(message, sizeof message, "tombola sample: %s: looks like UTF-16, save it as UTF-8\n", csv_path);
    expect_message(SAMPLE(npy_path, "--params", csv_path), message);
    expect_message(SAMPLE(npy_path, "--params", "/nonexistent.csv"),
                   "tombola sample: /nonexistent.csv: No such file or directory\n");
}

static void what_is_wrong_with_an_array_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        const char *message;
    } CASES[] = {
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (5, 300), }",
         "an array of '<i4'; float32 ('<f4'), float16 ('<f2'), bfloat16 ('<V2') and float64 ('<f8') can be read"},
        {"{'descr': '<u2', 'fortran_order': False, 'shape': (5, 600), }",
         "an array of uint16 ('<u2'); if it holds bfloat16, say --dtype bfloat16"},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (5, 300), }",
         "in Fortran order; save numpy.ascontiguousarray of it"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (5, 30, 10), }",
         "3 dimensions; an array of rows x vocabulary has 2"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (), }",
         "0 dimensions; an array of rows x vocabulary has 2"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (0, 300), }", "0 x 300: there are no logits in it"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (5, 301), }", "truncated: the data has 6000 of 6020 bytes"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (5, 299), }", "goes on after its 5 x 299 logits"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }",
         "4611686018427387904 x 4: larger than any memory"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-5, 300), }",
         "cannot make sense of the header: {'descr': '<f4', 'fortran_order': False, 'shape': (-5, 300), }"},
        {"{'descr': '<f4', 'shape': (5, 300), }",
         "cannot make sense of the header: {'descr': '<f4', 'shape': (5, 300), }"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (5,), }",
         "cannot make sense of the header: {'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (5,), }"},
        {"\033[31m", "cannot make sense of the header: ?[31m"},
    };
    char message[512];
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        write_npy(npy_path, CASES[i].header, logits, sizeof logits);
        snprintf(message, sizeof message, "tombola sample: %s: %s\n", npy_path, CASES[i].message);
        expect_message(SAMPLE(npy_path), message);
    }
    write_npy(npy_path, ARRAY, logits, sizeof logits);
    snprintf(message, sizeof message,
             "tombola sample: %s: with --dtype bfloat16 the array holds bfloat16 ('<V2', or its bits in '<u2'), but "
             "this is '<f4'\n",
             npy_path);
    expect_message(SAMPLE(npy_path, "--dtype", "bf16"), message);
    expect_message(SAMPLE("/nonexistent.npy"), "tombola sample: /nonexistent.npy: No such file or directory\n");
    expect_message(SAMPLE("/tmp"), "tombola sample: /tmp: cannot read: Is a directory\n");
}

static void an_array_cut_off_anywhere_is_truncated(void **state)
{
    (void)state;
    size_t size;
    char *file = make_npy(1, ARRAY, logits, sizeof logits, &size);
    const struct {
        size_t size;
        const char *message;
    } CASES[] = {
        {0, "the file is empty"},
        {3, "truncated: the preamble has 3 of 10 bytes"},
        {9, "truncated: the preamble has 9 of 10 bytes"},
        {10, "truncated: the header has 0 of 62 bytes"},
        {71, "truncated: the header has 61 of 62 bytes"},
        {72, "truncated: the data has 0 of 6000 bytes"},
        {size - 1, "truncated: the data has 5999 of 6000 bytes"},
    };
    char message[512];
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        snprintf(message, sizeof message, "tombola sample: standard input: %s\n", CASES[i].message);
        expect_message(sample_input(file, CASES[i].size), message);
    }
    file[0] = 'P';
    expect_message(sample_input(file, size),
                   "tombola sample: standard input: not a .npy file: it starts with other bytes than \\x93NUMPY\n");
    file[0] = '\x93';
    file[6] = 4;
    expect_message(sample_input(file, size),
                   "tombola sample: standard input: .npy version 4.0; versions 1 to 3 can be read\n");
    file[6] = 3; /* and the header's length now holds its first bytes */
    expect_message(sample_input(file, size),
                   "tombola sample: standard input: a header of 662372414 bytes, where a plain array has about 100\n");
    free(file);
}

static void options_out_of_range_are_usage_errors(void **state)
{
    (void)state;
    static const struct {
        const char *arguments[3];
        const char *message;
    } CASES[] = {
        {{NULL}, "which file? Name a .npy file, or - for standard input"},
        {{"a.npy", "b.npy"}, "takes one file, but got 'a.npy' and 'b.npy'"},
        {{"a.npy", "--dtype=f64"}, "--dtype: 'f64' is not auto, float32, float16 or bfloat16"},
        {{"a.npy", "--temperature=1,2"},
         "--temperature: takes a single value here, not '1,2'; write 1.2 if that was meant"},
        {{"a.npy", "--temperature=0,7"},
         "--temperature: takes a single value here, not '0,7'; write 0.7 if that was meant"},
        {{"a.npy", "--temperature=0,7,1"}, "--temperature: takes a single value here, not '0,7,1'"},
        {{"a.npy", "--top-p=0,9"}, "--top-p: '0,9' is not a number from 0 to 1; write 0.9 if that was meant"},
        {{"a.npy", "--min-p=0,05"}, "--min-p: '0,05' is not a number from 0 to 1; write 0.05 if that was meant"},
        {{"a.npy", "--top-p=0,"}, "--top-p: '0,' is not a number from 0 to 1"},
        {{"a.npy", "--top-k=1,5"}, "--top-k: '1,5' is not a whole number from 0 to 4294967295"},
        {{"a.npy", "--temperature="}, "--temperature: '' is not a number from 0 to inf"},
        {{"a.npy", "--top-p=2"}, "--top-p: '2' is not a number from 0 to 1"},
        {{"a.npy", "--min-p=-1"}, "--min-p: '-1' is not a number from 0 to 1"},
        {{"a.npy", "--top-k=many"}, "--top-k: 'many' is not a whole number from 0 to 4294967295"},
        {{"a.npy", "--offset=-1"}, "--offset: '-1' is not a whole number from 0 to 18446744073709551615"},
    };
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        const char *arguments[4] = {"sample"};
        memcpy(arguments + 1, CASES[i].arguments, sizeof CASES[i].arguments);
        expect_usage_error(command_run(arguments, NULL, "", 0), "tombola sample", CASES[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_with_a_csv_file_is_said),
        cmocka_unit_test(what_is_wrong_with_an_array_is_said),
        cmocka_unit_test(an_array_cut_off_anywhere_is_truncated),
        cmocka_unit_test(options_out_of_range_are_usage_errors),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
