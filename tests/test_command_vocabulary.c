/* --vocabulary: rows that are longer than what counts of them. */
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

#define FIRST 277
#define CUT "{'descr': '<f4', 'fortran_order': False, 'shape': (5, 277), }"
#define SAMPLE(...) RUN("sample", npy_path, __VA_ARGS__)

static process bench(const char *const *arguments)
{
    return command_run(arguments, (const char *const[]){"POCL_AFFINITY", "1", NULL}, "", 0);
}

#define BENCH(...) bench((const char *const[]){"bench", __VA_ARGS__, NULL})

/* Padding that would be drawn, or spoil its row, if it counted. */
static void spoil_padding(float *values)
{
    static const float PADDING[ROWS] = {100, NAN, INFINITY, 0, 1e30f};
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        values[i] = i % COLUMNS < FIRST ? logits[i] : PADDING[i / COLUMNS];
}

static void cut_rows(float *values)
{
    for (size_t i = 0; i < ROWS * FIRST; i++)
        values[i] = logits[i / FIRST * COLUMNS + i % FIRST];
}

static void what_lies_beyond_the_vocabulary_does_not_count(void **state)
{
    (void)state;
    float values[ROWS * COLUMNS];
    cut_rows(values);
    write_npy(npy_path, CUT, values, ROWS * FIRST * sizeof *values);
    process expected = SAMPLE("--seed", "3"), json = SAMPLE("--json", "--temperature", "0");
    assert_int_equal(expected.status, 0);
    assert_null(strstr(expected.out, "invalid"));
    spoil_padding(values);
    write_npy(npy_path, ARRAY, values, sizeof values);
    expect_output(SAMPLE("--seed", "3", "--vocabulary", "277"), expected.out);
    expect_output(SAMPLE("--json", "--temperature", "0", "--vocabulary=277"), json.out);
    process_release(&expected);
    process_release(&json);
}

static void padding_in_double_precision_need_not_be_exact(void **state)
{
    (void)state;
    double values[ROWS * COLUMNS];
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        values[i] = i % COLUMNS < FIRST ? (double)logits[i] : -1e300;
    write_npy(npy_path, "{'descr': '<f8', 'fortran_order': False, 'shape': (5, 300), }", values, sizeof values);
    process got = SAMPLE("--vocabulary", "277");
    assert_int_equal(got.status, 0);
    process_release(&got);
    expect_failure(SAMPLE("--vocabulary", "278"), "row 0, column 277 of this float64 array is -1");
}

static void a_vocabulary_of_all_columns_changes_nothing(void **state)
{
    (void)state;
    write_npy(npy_path, ARRAY, logits, sizeof logits);
    process expected = SAMPLE("--json");
    expect_output(SAMPLE("--json", "--vocabulary", "300"), expected.out);
    process_release(&expected);
    expect_output(SAMPLE("--json", "--vocabulary", "1"), "{\"row\":0,\"token\":0,\"status\":\"ok\",\"kept\":1}\n"
                                                         "{\"row\":1,\"token\":0,\"status\":\"ok\",\"kept\":1}\n"
                                                         "{\"row\":2,\"token\":0,\"status\":\"ok\",\"kept\":1}\n"
                                                         "{\"row\":3,\"token\":0,\"status\":\"ok\",\"kept\":1}\n"
                                                         "{\"row\":4,\"token\":0,\"status\":\"ok\",\"kept\":1}\n");
}

static void a_vocabulary_out_of_range_is_refused_with_both_numbers(void **state)
{
    (void)state;
    static const char *const NUMBERS[] = {"0", "301", "18446744073709551615"};
    char message[512];
    write_npy(npy_path, ARRAY, logits, sizeof logits);
    for (size_t i = 0; i < COUNT_OF(NUMBERS); i++) {
        snprintf(message, sizeof message, "%s: --vocabulary %s is not from 1 to 300, the columns that there are\n",
                 npy_path, NUMBERS[i]);
        expect_failure(SAMPLE("--vocabulary", NUMBERS[i]), message);
        expect_failure(BENCH("--logits", npy_path, "--vocabulary", NUMBERS[i]), message);
    }
    expect_usage_error(SAMPLE("--vocabulary", "-1"), "tombola sample", "--vocabulary: '-1' is not a whole number");
    expect_usage_error(
        BENCH("--vocabulary", "100"), "tombola bench",
        "--vocabulary: it cuts the rows of --logits or --real-rows, and there are none; --shapes has that of others");
}

static void bench_measures_rows_where_they_lie_apart(void **state)
{
    (void)state;
    float values[ROWS * COLUMNS];
    char saved[80];
    size_t size;
    snprintf(saved, sizeof saved, "%s.saved", npy_path);
    spoil_padding(values);
    write_npy(npy_path, ARRAY, values, sizeof values);
    json_t *lines = parse_lines(BENCH("--logits", npy_path, "--vocabulary", "277", "--shapes", "2x277", "--repeats",
                                      "2", "--where", "host,device,staged", "--save-logits", saved, "--json"));
    for (size_t i = 1; i < json_array_size(lines); i++) {
        const json_t *line = json_array_get(lines, i);
        assert_int_equal(json_integer_value(json_object_get(line, "vocabulary")), 277);
        assert_int_equal(json_integer_value(json_object_get(line, "distinct_rows")), 4);
    }
    json_decref(lines);
    char *content = read_file(saved, &size);
    unlink(saved);
    cut_rows(values);
    assert_int_equal(size, 128 + 4 * FIRST * sizeof *values);
    assert_memory_equal(content + 128, values, 4 * FIRST * sizeof *values);
    free(content);
    expect_failure(BENCH("--logits", npy_path, "--vocabulary", "277", "--shapes", "2x300"),
                   "--shapes: 2x300 cannot be cut from the 5 x 277");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_lies_beyond_the_vocabulary_does_not_count),
        cmocka_unit_test(padding_in_double_precision_need_not_be_exact),
        cmocka_unit_test(a_vocabulary_of_all_columns_changes_nothing),
        cmocka_unit_test(a_vocabulary_out_of_range_is_refused_with_both_numbers),
        cmocka_unit_test(bench_measures_rows_where_they_lie_apart),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
