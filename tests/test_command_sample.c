/* `tombola sample`: arrays from files and standard input, and parameters from CSV. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "files.h"
#include "calls.h"
#include "harness.h"
#include "sample_files.h"

#define SAMPLE(...) RUN("sample", __VA_ARGS__)

/* What the library draws from the array, as the command would print it. */
static char *expected_json(const void *data, size_t rows, size_t columns, tombola_sampler_options options,
                           const tombola_params *params)
{
    tombola_context *context = test_context_open(0, 0);
    tombola_sampler *sampler;
    assert_int_equal(tombola_sampler_create(context, columns, 1, &options, &sampler, NULL), TOMBOLA_OK);
    char *text = allocate(rows * 100, 1), *end = text;
    for (size_t row = 0; row < rows; row++) {
        struct draw draw;
        const char *start = (const char *)data + row * columns * tombola_type_size(options.type);
        assert_int_equal(draw_rows(sampler, start, 1, columns, &params[row], &draw, NULL), TOMBOLA_OK);
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
    write_npy(npy_path, "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 2), }", data, sizeof data);
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
            const char *all[11] = {"sample", npy_path};
            memcpy(all + 2, arguments, sizeof arguments);
            expect_output(command_run(all, NULL, "", 0), expected);
            all[1] = "-";
            expect_output(command_run(all, NULL, file, size), expected);
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
    write_npy(npy_path, ARRAY, data, sizeof data);
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
    write_npy(npy_path, "{'descr': '<f4', 'fortran_order': False, 'shape': (300,), }", logits,
              COLUMNS * sizeof *logits);
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
    write_npy(npy_path, "{'descr': '<f4', 'fortran_order': False, 'shape': (18, 1048576), }", data,
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
    write_npy(npy_path, ARRAY, logits, sizeof logits);
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

static void methods_and_orders_come_from_options_and_from_columns(void **state)
{
    (void)state;
    write_npy(npy_path, ARRAY, logits, sizeof logits);
    tombola_params params[ROWS];
    default_params(params, ROWS);
    for (uint32_t row = 0; row < ROWS; row++) {
        params[row].temperature = 2.0f;
        params[row].top_p = 0.8f;
        params[row].min_p = 0.001f;
    }
    params[1].method = params[3].method = TOMBOLA_INVERSE_CDF;
    tombola_filters_temperature_first(&params[1]);
    tombola_filters_temperature_last(&params[2]);
    params[3].filters[0] = params[4].filters[0] = TOMBOLA_FILTER_MIN_P;
    params[3].filters[1] = params[4].filters[1] = TOMBOLA_FILTER_TEMPERATURE;
    params[3].filters[2] = params[4].filters[2] = TOMBOLA_FILTER_TOP_P;
    char *expected = expected_json(logits, ROWS, COLUMNS, tombola_sampler_options_default(), params);
    static const char CSV[] = "method,filters\nrace,default\ninverse-cdf,temperature-first\nrace,temperature_last\n"
                              "inverse_cdf,\"min_p,temperature,top-p\"\nrace,min-p+temperature+top_p\n";
    write_file(csv_path, CSV, strlen(CSV));
    process got =
        SAMPLE(npy_path, "--json", "--temperature", "2", "--top-p", ".8", "--min-p", ".001", "--params", csv_path);
    expect_output(got, expected);
    free(expected);

    for (size_t row = 0; row < ROWS; row++) {
        params[row] = params[3];
        params[row].stream = (uint32_t)row;
    }
    expected = expected_json(logits, ROWS, COLUMNS, tombola_sampler_options_default(), params);
    expect_output(SAMPLE(npy_path, "--json", "--temperature", "2", "--top-p", ".8", "--min-p", ".001", "--method",
                         "inverse-cdf", "--filters", "min_p,temperature,top_p"),
                  expected);
    free(expected);
    expect_failure(SAMPLE(npy_path, "--json", "--top-p", ".5", "--filters", "top-k"),
                   "params[0].top_p is 0.5, but params[0].filters has no place for it");
}

/* Equal rows with equal seeds, of which one has moved; what the stream is without a seed stays as it was. */
static void a_row_with_a_seed_of_its_own_draws_the_same_wherever_it_stands(void **state)
{
    (void)state;
    float same[ROWS * COLUMNS];
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        same[i] = logits[i % COLUMNS];
    write_npy(npy_path, ARRAY, same, sizeof same);
    tombola_params params[ROWS];
    default_params(params, ROWS);
    static const uint64_t SEEDS[ROWS] = {7, 8, 7, 7, 9};
    for (size_t row = 0; row < ROWS; row++) {
        params[row].seed = SEEDS[row];
        params[row].stream = 0;
    }
    char *expected = expected_json(same, ROWS, COLUMNS, tombola_sampler_options_default(), params);
    static const char CSV[] = "seed\n7\n8\n7\n7\n9\n", TEMPERATURES[] = "temperature\n1\n1\n1\n1\n1\n";
    write_file(csv_path, CSV, strlen(CSV));
    expect_output(SAMPLE(npy_path, "--json", "--params", csv_path), expected);
    free(expected);
    for (size_t row = 0; row < ROWS; row++)
        params[row].stream = 3;
    expected = expected_json(same, ROWS, COLUMNS, tombola_sampler_options_default(), params);
    expect_output(SAMPLE(npy_path, "--json", "--params", csv_path, "--stream", "3"), expected);
    free(expected);

    process got = SAMPLE(npy_path, "--json");
    write_file(csv_path, TEMPERATURES, strlen(TEMPERATURES));
    expect_output(SAMPLE(npy_path, "--json", "--params", csv_path), got.out);
    process_release(&got);
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
        cmocka_unit_test(methods_and_orders_come_from_options_and_from_columns),
        cmocka_unit_test(a_row_with_a_seed_of_its_own_draws_the_same_wherever_it_stands),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
