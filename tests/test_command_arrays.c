/* The arrays that the command reads: types, byte orders, and what is not one array. */
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
#include "harness.h"
#include "narrow.h"
#include "sample_files.h"

#define SAMPLE(...) RUN("sample", npy_path, "--json", "--top-k", "40", __VA_ARGS__)
#define BENCH(...) bench((const char *const[]){"bench", "--logits", npy_path, __VA_ARGS__, NULL})

static process bench(const char *const *arguments)
{
    return command_run(arguments, (const char *const[]){"POCL_AFFINITY", "1", NULL}, "", 0);
}

/* How an array may be stored. */
static const struct kind {
    const char *descr;
    size_t size;
    int bfloat16;
    const char *dtype;
} KINDS[] = {
    {"<f4", 4, 0, "auto"},     {">f4", 4, 0, "auto"},     {"<f4", 4, 0, "float32"}, {"<f4", 4, 0, "f32"},
    {"<f2", 2, 0, "auto"},     {">f2", 2, 0, "auto"},     {"<f2", 2, 0, "float16"}, {">f2", 2, 0, "f16"},
    {"<f8", 8, 0, "auto"},     {">f8", 8, 0, "auto"},     {"<f8", 8, 0, "float32"}, {"<V2", 2, 1, "auto"},
    {"|V2", 2, 1, "auto"},     {"<V2", 2, 1, "bfloat16"}, {"|V2", 2, 1, "bf16"},    {"<u2", 2, 1, "bf16"},
    {"<u2", 2, 1, "bfloat16"}, {">u2", 2, 1, "bf16"},
};

static void store(const struct kind *kind, double value, unsigned char *bytes)
{
    float single = (float)value;
    uint16_t half = kind->bfloat16 ? narrow_to_bfloat(single) : narrow_to_half(single);
    const void *from = kind->size == 8 ? (const void *)&value : kind->size == 4 ? (const void *)&single : &half;
    for (size_t i = 0; i < kind->size; i++)
        bytes[i] = ((const unsigned char *)from)[kind->descr[0] == '>' ? kind->size - 1 - i : i];
}

static void write_kind(const struct kind *kind, const double *values)
{
    char header[128];
    unsigned char bytes[ROWS * COLUMNS * 8];
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        store(kind, values[i], bytes + i * kind->size);
    snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': (5, 300), }", kind->descr);
    write_npy(npy_path, header, bytes, ROWS * COLUMNS * kind->size);
}

/* The logits in double precision, row 3 with an infinity and row 4 with no number. */
static void widen_logits(double *values)
{
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        values[i] = (double)logits[i];
    values[3 * COLUMNS + 7] = -INFINITY;
    values[4 * COLUMNS + 7] = NAN;
}

static void every_kind_of_element_gives_the_same_tokens(void **state)
{
    (void)state;
    double values[ROWS * COLUMNS];
    widen_logits(values);
    write_kind(&KINDS[0], values);
    process expected = SAMPLE("--dtype", "auto");
    assert_int_equal(expected.status, 0);
    assert_non_null(strstr(expected.out, "{\"row\":4,\"token\":-1,\"status\":\"invalid\",\"kept\":0}\n"));
    for (size_t i = 1; i < COUNT_OF(KINDS); i++) {
        write_kind(&KINDS[i], values);
        expect_output(SAMPLE("--dtype", KINDS[i].dtype), expected.out);
    }
    process_release(&expected);
}

static void double_precision_is_read_where_nothing_is_lost(void **state)
{
    (void)state;
    static const double LOST[] = {0.1, 1e39, -1e39, 1e-60, 16777217};
    static const struct kind *const DOUBLES[] = {&KINDS[8], &KINDS[9]};
    double values[ROWS * COLUMNS];
    for (size_t i = 0; i < COUNT_OF(LOST); i++) {
        char message[512];
        widen_logits(values);
        values[3 * COLUMNS + 11] = LOST[i];
        values[4 * COLUMNS + 5] = 0.3; /* a later one */
        write_kind(DOUBLES[i % 2], values);
        snprintf(
            message, sizeof message,
            "tombola sample: %s: row 3, column 11 of this float64 array is %.17g, which is no float32; round it with "
            "astype(numpy.float32)\n",
            npy_path, LOST[i]);
        expect_message(SAMPLE("--seed", "1"), message);
    }
}

static void an_array_of_another_type_than_asked_for_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *descr, *dtype, *message;
    } CASES[] = {
        {"<f4", "f16", "with --dtype float16 the array holds float16 ('<f2'), but this is '<f4'"},
        {"<f2", "float32", "with --dtype float32 the array holds float32 ('<f4'), but this is '<f2'"},
        {"<V2", "float16", "with --dtype float16 the array holds float16 ('<f2'), but this is '<V2'"},
        {"<f8", "bf16",
         "with --dtype bfloat16 the array holds bfloat16 ('<V2', or its bits in '<u2'), but this is '<f8'"},
        {">u2", "auto", "an array of uint16 ('>u2'); if it holds bfloat16, say --dtype bfloat16"},
    };
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        char header[128], message[512];
        snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': (5, 300), }", CASES[i].descr);
        write_npy(npy_path, header, logits, sizeof logits);
        snprintf(message, sizeof message, "tombola sample: %s: %s\n", npy_path, CASES[i].message);
        expect_message(SAMPLE("--dtype", CASES[i].dtype), message);
    }
}

static void a_npz_file_is_called_one(void **state)
{
    (void)state;
    static const char *const STARTS[] = {"PK\3\4 and so on", "PK\5\6 and so on"};
    char message[512];
    for (size_t i = 0; i < COUNT_OF(STARTS); i++) {
        write_file(npy_path, STARTS[i], strlen(STARTS[i]));
        snprintf(message, sizeof message,
                 "%s: a .npz file, which may hold several arrays; save the one that is meant with numpy.save\n",
                 npy_path);
        expect_failure(SAMPLE("--seed", "1"), message);
        expect_failure(BENCH("--repeats", "1"), message);
    }
}

static void bench_reads_what_sample_reads(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"float16", "float32", "bfloat16"};
    double values[ROWS * COLUMNS];
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        values[i] = (double)logits[i];
    for (size_t i = 4; i < COUNT_OF(KINDS); i += 4) { /* <f2 <f8 |V2 <u2 */
        write_kind(&KINDS[i], values);
        json_t *lines = parse_lines(
            BENCH("--dtype", KINDS[i].dtype, "--shapes", "5x300", "--repeats", "1", "--configs", "greedy", "--json"));
        const json_t *last = json_array_get(lines, json_array_size(lines) - 1);
        const char *name = NAMES[i < 12 ? i / 8 : 2];
        assert_string_equal(json_string_value(json_object_get(last, "type")), name);
        json_decref(lines);
    }
}

static void bench_takes_types_by_either_name(void **state)
{
    (void)state;
    json_t *lines = parse_lines(RUN("bench", "--types", "f32,f16,bf16", "--shapes", "1x300", "--repeats", "1",
                                    "--configs", "greedy", "--json"));
    static const char *const NAMES[] = {"float32", "float16", "bfloat16"};
    assert_int_equal(json_array_size(lines), 1 + 3 * 4);
    for (size_t i = 0; i < 3 * 4; i++)
        assert_string_equal(json_string_value(json_object_get(json_array_get(lines, 1 + i), "type")), NAMES[i / 4]);
    json_decref(lines);

    write_npy(npy_path, "{'descr': '<u2', 'fortran_order': False, 'shape': (5, 600), }", logits, sizeof logits);
    expect_failure(BENCH("--repeats", "1"), "an array of uint16 ('<u2'); if it holds bfloat16, say --dtype bfloat16");
    process got = BENCH("--repeats", "1", "--types", "bf16", "--configs", "greedy");
    assert_int_equal(got.status, 0);
    process_release(&got);
    expect_failure(BENCH("--types", "f32"), "with --types float32 the array holds float32 ('<f4'), but this is '<u2'");
}

static void what_is_said_of_an_array_is_said_of_one_and_once(void **state)
{
    (void)state;
    expect_usage_error(RUN("bench", "--dtype", "bf16"), "tombola bench",
                       "--dtype: it says what the array of --logits or --real-rows holds, and there is none");
    expect_usage_error(RUN("bench", "--dtype", "bf16", "--types", "bf16", "--logits", "a.npy"), "tombola bench",
                       "--dtype and --types say the same thing of --logits: give one of them");
    expect_usage_error(RUN("bench", "--dtype", "f64"), "tombola bench",
                       "--dtype: 'f64' is not auto, float32, float16 or bfloat16");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_element_gives_the_same_tokens),
        cmocka_unit_test(double_precision_is_read_where_nothing_is_lost),
        cmocka_unit_test(an_array_of_another_type_than_asked_for_is_refused),
        cmocka_unit_test(a_npz_file_is_called_one),
        cmocka_unit_test(bench_reads_what_sample_reads),
        cmocka_unit_test(bench_takes_types_by_either_name),
        cmocka_unit_test(what_is_said_of_an_array_is_said_of_one_and_once),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
