/* `tombola sample`: arrays from files and standard input, parameters from CSV, and what is
 * wrong with either. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "process.h"

#define ROWS 5
#define COLUMNS 300
#define ARRAY "{'descr': '<f4', 'fortran_order': False, 'shape': (5, 300), }"

static char folder[] = "/tmp/tombola-test-XXXXXX";
static char npy_path[64], csv_path[64];
static float logits[ROWS * COLUMNS]; /* quarters of small integers: the same in every type */

static void write_file(const char *path, const void *content, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* The bytes of a .npy file; the caller frees them. */
static char *make_npy(int version, const char *header, const void *data, size_t data_size, size_t *size)
{
    size_t length = strlen(header) + 1, start = version == 1 ? 10 : 12;
    *size = start + length + data_size;
    char *file = allocate(*size, 1);
    memcpy(file, "\x93NUMPY", 6);
    file[6] = (char)version;
    file[8] = (char)(length & 255);
    file[9] = (char)(length >> 8);
    memcpy(file + start, header, length - 1);
    file[start + length - 1] = '\n';
    memcpy(file + start + length, data, data_size);
    return file;
}

static void write_npy(const char *header, const void *data, size_t data_size)
{
    size_t size;
    char *file = make_npy(1, header, data, data_size, &size);
    write_file(npy_path, file, size);
    free(file);
}

/* `sample` with up to 13 arguments more. */
static process sample(const void *input, size_t size, const char *const *arguments)
{
    const char *argv[16] = {TOMBOLA_COMMAND, "sample"};
    for (size_t i = 0; arguments[i]; i++)
        argv[2 + i] = arguments[i];
    return process_run(argv, NULL, input, size);
}

#define SAMPLE(...) sample("", 0, (const char *const[]){__VA_ARGS__, NULL})

static void expect_output(process got, const char *out)
{
    assert_null(strstr(got.err, "tombola sample: ")); /* drivers may talk there as they like */
    assert_string_equal(got.out, out);
    assert_int_equal(got.status, 0);
    process_release(&got);
}

static void expect_failure(process got, const char *message)
{
    assert_string_equal(got.err, message);
    assert_string_equal(got.out, "");
    assert_int_equal(got.status, 1);
    process_release(&got);
}

/* What the library draws from the array, as the command would print it. */
static char *expected_json(const void *data, size_t rows, size_t columns, tombola_sampler_options options,
                           const tombola_params *params)
{
    tombola_context *context = test_context_open(0, 0);
    tombola_sampler *sampler;
    assert_int_equal(tombola_sampler_create(context, columns, 1, &options, &sampler, NULL), TOMBOLA_OK);
    char *text = allocate(rows * 100, 1), *end = text;
    for (size_t row = 0; row < rows; row++) {
        tombola_draw draw;
        const char *start = (const char *)data + row * columns * tombola_type_size(options.type);
        assert_int_equal(tombola_sampler_sample(sampler, start, 1, columns, &params[row], &draw, NULL), TOMBOLA_OK);
        end += sprintf(end, "{\"row\":%zu,\"token\":%d,\"status\":\"%s\",\"kept\":%u}\n", row, draw.token,
                       tombola_row_status_string((tombola_row_status)draw.status), draw.kept);
    }
    tombola_sampler_release(sampler);
    tombola_context_close(context);
    return text;
}

static void default_params(tombola_params *params, size_t rows)
{
    for (size_t row = 0; row < rows; row++) {
        params[row] = tombola_params_default();
        params[row].stream = (uint32_t)row;
    }
}

static void a_row_is_an_object_with_four_keys(void **state)
{
    (void)state;
    float data[4][2] = {{0, -INFINITY}, {-INFINITY, -INFINITY}, {NAN, 0}, {1, INFINITY}};
    write_npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4, 2), }", data, sizeof data);
    expect_output(SAMPLE(npy_path, "--json"), "{\"row\":0,\"token\":0,\"status\":\"ok\",\"kept\":1}\n"
                                              "{\"row\":1,\"token\":-1,\"status\":\"empty\",\"kept\":0}\n"
                                              "{\"row\":2,\"token\":-1,\"status\":\"invalid\",\"kept\":0}\n"
                                              "{\"row\":3,\"token\":-1,\"status\":\"invalid\",\"kept\":0}\n");
    expect_output(SAMPLE(npy_path), "row  token  status    kept\n"
                                    "  0      0  ok           1\n"
                                    "  1     -1  empty        0\n"
                                    "  2     -1  invalid      0\n"
                                    "  3     -1  invalid      0\n");
    process got = SAMPLE(npy_path, "--json");
    json_t *object = json_loads(got.out, JSON_DISABLE_EOF_CHECK, NULL);
    assert_int_equal(json_object_size(object), 4);
    assert_int_equal(json_integer_value(json_object_get(object, "kept")), 1);
    json_decref(object);
    process_release(&got);
}

static void every_type_gives_the_tokens_of_the_library_from_file_and_standard_input(void **state)
{
    (void)state;
    uint16_t half[ROWS * COLUMNS], bfloat[ROWS * COLUMNS];
    for (size_t i = 0; i < ROWS * COLUMNS; i++) {
        half[i] = narrow_to_half(logits[i]);
        bfloat[i] = narrow_to_bfloat(logits[i]);
    }
    const struct {
        const char *header;
        const char *dtype;
        const void *data;
        size_t size;
    } CASES[] = {
        {ARRAY, "auto", logits, sizeof logits},
        {"{'descr': '<f2', 'fortran_order': False, 'shape': (5, 300), }", "auto", half, sizeof half},
        {"{'descr': '<u2', 'fortran_order': False, 'shape': (5, 300), }", "bf16", bfloat, sizeof bfloat},
        {"{\"shape\":(5,300) , \"fortran_order\":False,\"descr\":\"<f4\"}", "auto", logits, sizeof logits},
    };
    tombola_params params[ROWS];
    default_params(params, ROWS);
    for (size_t row = 0; row < ROWS; row++) {
        params[row].temperature = 0.8f;
        params[row].top_k = 50;
        params[row].top_p = 0.95f;
        params[row].seed = 7;
        params[row].offset = 9;
    }
    char *expected = expected_json(logits, ROWS, COLUMNS, tombola_sampler_options_default(), params);
    for (size_t i = 0; i < COUNT_OF(CASES); i++)
        for (int version = 1; version <= 3; version++) {
            const char *const arguments[] = {"--dtype",    CASES[i].dtype, "--temperature=0.8",
                                             "--top-k=50", "--top-p=0.95", "--seed=7",
                                             "--offset=9", "--json",       NULL};
            size_t size;
            char *file = make_npy(version, CASES[i].header, CASES[i].data, CASES[i].size, &size);
            write_file(npy_path, file, size);
            const char *argv[12] = {TOMBOLA_COMMAND, "sample", npy_path};
            memcpy(argv + 3, arguments, sizeof arguments);
            expect_output(process_run(argv, NULL, "", 0), expected);
            argv[2] = "-";
            expect_output(process_run(argv, NULL, file, size), expected);
            free(file);
        }
    free(expected);
}

static void rows_of_probabilities_are_taken_as_such(void **state)
{
    (void)state;
    float data[ROWS * COLUMNS];
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        data[i] = logits[i] * logits[i];
    data[3 * COLUMNS - 1] = -1;
    write_npy(ARRAY, data, sizeof data);
    tombola_params params[ROWS];
    default_params(params, ROWS);
    tombola_sampler_options options = tombola_sampler_options_default();
    options.input = TOMBOLA_PROBABILITIES;
    char *expected = expected_json(data, ROWS, COLUMNS, options, params);
    assert_non_null(strstr(expected, "{\"row\":2,\"token\":-1,\"status\":\"invalid\",\"kept\":0}\n"));
    expect_output(SAMPLE(npy_path, "--probabilities", "--json"), expected);
    free(expected);
}

static void a_single_dimension_is_one_row(void **state)
{
    (void)state;
    write_npy("{'descr': '<f4', 'fortran_order': False, 'shape': (300,), }", logits, COLUMNS * sizeof *logits);
    tombola_params params = tombola_params_default();
    char *expected = expected_json(logits, 1, COLUMNS, tombola_sampler_options_default(), &params);
    expect_output(SAMPLE(npy_path, "--json"), expected);
    free(expected);
}

/* 72 MB go to the device in two batches. */
static void a_large_array_is_drawn_row_by_row_all_the_same(void **state)
{
    (void)state;
    enum { LARGE_ROWS = 18, LARGE_COLUMNS = 1 << 20 };
    float *data = allocate((size_t)LARGE_ROWS * LARGE_COLUMNS, sizeof *data);
    uint64_t random = 3;
    for (size_t i = 0; i < (size_t)LARGE_ROWS * LARGE_COLUMNS; i++)
        data[i] = (float)random_below(&random, 64) / 4;
    write_npy("{'descr': '<f4', 'fortran_order': False, 'shape': (18, 1048576), }", data,
              (size_t)LARGE_ROWS * LARGE_COLUMNS * sizeof *data);
    tombola_params params[LARGE_ROWS];
    default_params(params, LARGE_ROWS);
    char *expected = expected_json(data, LARGE_ROWS, LARGE_COLUMNS, tombola_sampler_options_default(), params);
    free(data);
    expect_output(SAMPLE(npy_path, "--json"), expected);
    free(expected);
}

static void a_csv_file_overrides_the_options_row_by_row(void **state)
{
    (void)state;
    write_npy(ARRAY, logits, sizeof logits);
    tombola_params params[ROWS];
    default_params(params, ROWS);
    const float temperatures[ROWS] = {0, 0.5f, 1, 100, INFINITY};
    for (uint32_t row = 0; row < ROWS; row++) {
        params[row].top_k = 20; /* from the options */
        params[row].temperature = temperatures[row];
        params[row].seed = UINT64_MAX - row;
        params[row].stream = 3;
    }
    char *expected = expected_json(logits, ROWS, COLUMNS, tombola_sampler_options_default(), params);
    static const char *const FILES[] = {
        "seed,temperature,stream\n18446744073709551615,0,3\n18446744073709551614,0.5,3\n"
        "18446744073709551613,1,3\n18446744073709551612,1e2,3\n18446744073709551611,inf,3\n",
        /* A byte order mark, CR LF, quotes, blanks, an empty line, and no end of the last line. */
        "\xEF\xBB\xBFseed, \"temperature\",stream\r\n18446744073709551615,0,3\r\n18446744073709551614,\"0.5\",3\r\n\r\n"
        "18446744073709551613, 1 ,3\r\n18446744073709551612,100,3\r\n\"18446744073709551611\",inf,3",
    };
    for (size_t i = 0; i < COUNT_OF(FILES); i++) {
        write_file(csv_path, FILES[i], strlen(FILES[i]));
        expect_output(
            SAMPLE(npy_path, "--json", "--top-k", "20", "--seed", "1", "--temperature", "9", "--params", csv_path),
            expected);
    }
    free(expected);
}

static void what_is_wrong_with_a_csv_file_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        const char *message;
    } CASES[] = {
        {"", "no header with the names of the columns"},
        {"heat\n",
         "line 1: unknown column 'heat'; there are temperature, top_k, top_p, min_p, seed, offset and stream"},
        {"top_k,seed,top_k\n", "line 1: column 'top_k' comes twice"},
        {"top_k,\n", "line 1: unknown column ''; there are temperature, top_k, top_p, min_p, seed, offset and stream"},
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
        {"top_p\n\"1\n", "a quote is not closed"},
        {"top_p\n1\"0\"\n", "line 2: a quote where none may be"},
    };
    write_npy(ARRAY, logits, sizeof logits);
    char message[512];
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        write_file(csv_path, CASES[i].file, strlen(CASES[i].file));
        snprintf(message, sizeof message, "tombola sample: %s: %s\n", csv_path, CASES[i].message);
        expect_failure(SAMPLE(npy_path, "--params", csv_path), message);
    }
    write_file(csv_path, "seed\n1\0002\n", 9);
    snprintf(message, sizeof message, "tombola sample: %s: line 2: a NUL byte\n", csv_path);
    expect_failure(SAMPLE(npy_path, "--params", csv_path), message);
    expect_failure(SAMPLE(npy_path, "--params", "/nonexistent.csv"),
                   "tombola sample: /nonexistent.csv: No such file or directory\n");
}

static void what_is_wrong_with_an_array_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        const char *message;
    } CASES[] = {
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (5, 300), }",
         "an array of '<f8'; float32 ('<f4') and float16 ('<f2') can be read"},
        {"{'descr': '>f4', 'fortran_order': False, 'shape': (5, 300), }",
         "big-endian ('>f4'); float32 ('<f4') and float16 ('<f2') can be read"},
        {"{'descr': '<u2', 'fortran_order': False, 'shape': (5, 600), }",
         "an array of uint16 ('<u2'); if it holds bfloat16, say --dtype bf16"},
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
        write_npy(CASES[i].header, logits, sizeof logits);
        snprintf(message, sizeof message, "tombola sample: %s: %s\n", npy_path, CASES[i].message);
        expect_failure(SAMPLE(npy_path), message);
    }
    write_npy(ARRAY, logits, sizeof logits);
    snprintf(message, sizeof message,
             "tombola sample: %s: with --dtype bf16 the array is uint16 ('<u2'), but this is '<f4'\n", npy_path);
    expect_failure(SAMPLE(npy_path, "--dtype", "bf16"), message);
    expect_failure(SAMPLE("/nonexistent.npy"), "tombola sample: /nonexistent.npy: No such file or directory\n");
    expect_failure(SAMPLE("/tmp"), "tombola sample: /tmp: cannot read: Is a directory\n");
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
        expect_failure(sample(file, CASES[i].size, (const char *const[]){"-", NULL}), message);
    }
    file[0] = 'P';
    expect_failure(sample(file, size, (const char *const[]){"-", NULL}),
                   "tombola sample: standard input: not a .npy file: it starts with other bytes than \\x93NUMPY\n");
    file[0] = '\x93';
    file[6] = 4;
    expect_failure(sample(file, size, (const char *const[]){"-", NULL}),
                   "tombola sample: standard input: .npy version 4.0; versions 1 to 3 can be read\n");
    file[6] = 3; /* and the header's length now holds its first bytes */
    expect_failure(sample(file, size, (const char *const[]){"-", NULL}),
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
        {{"a.npy", "--dtype=f64"}, "--dtype: 'f64' is not auto or bf16"},
        {{"a.npy", "--temperature=1,2"}, "--temperature: takes a single value here, not '1,2'"},
        {{"a.npy", "--temperature="}, "--temperature: '' is not a number from 0 to inf"},
        {{"a.npy", "--top-p=2"}, "--top-p: '2' is not a number from 0 to 1"},
        {{"a.npy", "--min-p=-1"}, "--min-p: '-1' is not a number from 0 to 1"},
        {{"a.npy", "--top-k=many"}, "--top-k: 'many' is not a whole number from 0 to 4294967295"},
        {{"a.npy", "--offset=-1"}, "--offset: '-1' is not a whole number from 0 to 18446744073709551615"},
    };
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        process got = sample("", 0, CASES[i].arguments);
        char message[512];
        snprintf(message, sizeof message,
                 "tombola sample: %s\n"
                 "Try `tombola sample --help' or `tombola sample --usage' for more information.\n",
                 CASES[i].message);
        assert_string_equal(got.err, message);
        assert_string_equal(got.out, "");
        assert_int_equal(got.status, 2);
        process_release(&got);
    }
}

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(npy_path, sizeof npy_path, "%s/logits.npy", folder);
    snprintf(csv_path, sizeof csv_path, "%s/params.csv", folder);
    uint64_t random = 1;
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        logits[i] = (float)random_below(&random, 48) / 4 - 6;
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(npy_path);
    unlink(csv_path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_an_object_with_four_keys),
        cmocka_unit_test(every_type_gives_the_tokens_of_the_library_from_file_and_standard_input),
        cmocka_unit_test(rows_of_probabilities_are_taken_as_such),
        cmocka_unit_test(a_single_dimension_is_one_row),
        cmocka_unit_test(a_large_array_is_drawn_row_by_row_all_the_same),
        cmocka_unit_test(a_csv_file_overrides_the_options_row_by_row),
        cmocka_unit_test(what_is_wrong_with_a_csv_file_is_said),
        cmocka_unit_test(what_is_wrong_with_an_array_is_said),
        cmocka_unit_test(an_array_cut_off_anywhere_is_truncated),
        cmocka_unit_test(options_out_of_range_are_usage_errors),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
