/* `tombola bench`: what it prints and refuses, and the parts that measuring rests on: workloads, the check of tokens,
 * the plain read. How fast anything is, no test says. */
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

#include "bench.h"
#include "bench_read.h"
#include "harness.h"
#include "oracle.h"
#include "process.h"

#define SEED 7u
#define VOCABULARY 32000u

static char folder[] = "/tmp/tombola-test-XXXXXX";
static char paths[2][64];

static process bench(const char *const *arguments)
{
    const char *argv[20] = {TOMBOLA_COMMAND, "bench"};
    for (size_t i = 0; arguments[i]; i++)
        argv[2 + i] = arguments[i];
    return process_run(argv, (const char *const[]){"POCL_AFFINITY", "1", NULL}, "", 0);
}

#define BENCH(...) bench((const char *const[]){__VA_ARGS__, NULL})

static void expect_usage_error(process got, const char *message)
{
    char expected[1024];
    snprintf(expected, sizeof expected,
             "tombola bench: %s\nTry `tombola bench --help' or `tombola bench --usage' for more information.\n",
             message);
    assert_string_equal(got.err, expected);
    assert_string_equal(got.out, "");
    assert_int_equal(got.status, 2);
    process_release(&got);
}

static void expect_failure(process got, const char *part_of_message)
{
    if (!strstr(got.err, part_of_message))
        fail_msg("'%s' should hold '%s'", got.err, part_of_message);
    assert_string_equal(got.out, "");
    assert_int_equal(got.status, 1);
    process_release(&got);
}

/* The lines of a run that went well, as an array. */
static json_t *parse_lines(process got)
{
    if (got.status != 0)
        fail_msg("exit status %d: %s", got.status, got.err);
    json_t *lines = json_array();
    for (char *line = strtok(got.out, "\n"); line; line = strtok(NULL, "\n")) {
        json_error_t error;
        json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, &error);
        if (!object)
            fail_msg("%s: %s", error.text, line);
        json_array_append_new(lines, object);
    }
    process_release(&got);
    return lines;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (!text)
        fail_msg("no text called %s", key);
    return text;
}

static double number_of(const json_t *object, const char *key)
{
    if (!json_is_number(json_object_get(object, key)))
        fail_msg("no number called %s", key);
    return json_number_value(json_object_get(object, key));
}

/* ------------------------------------------------------------ the command */

static void expect_figure(const json_t *figure)
{
    assert_true(number_of(figure, "min_us") > 0);
    assert_true(number_of(figure, "min_us") <= number_of(figure, "median_us"));
    assert_true(number_of(figure, "median_us") <= number_of(figure, "p95_us"));
    assert_int_equal((int)number_of(figure, "calls"), 3);
    assert_int_equal((int)number_of(figure, "distinct_rows"), 66);
    assert_int_equal((int)number_of(figure, "rows"), 3);
    assert_int_equal((int)number_of(figure, "vocabulary"), 1000);
    assert_string_equal(text_of(figure, "workload"), "lm");
}

static void expect_speed(const json_t *figure, int bytes)
{
    assert_int_equal((int)number_of(figure, "bytes"), bytes);
    double speed = bytes / number_of(figure, "median_us") * 1e-3;
    assert_true(fabs(number_of(figure, "gb_per_s") - speed) <= speed * 1e-5); /* both printed to 7 digits */
    assert_true(number_of(figure, "share_of_read") > 0);
}

static void json_has_a_header_and_every_measurement(void **state)
{
    (void)state;
    json_t *lines = parse_lines(BENCH("--shapes", "3x1000", "--repeats", "3", "--seed", "9", "--types",
                                      "float32,bfloat16", "--where", "host,device,staged", "--json"));
    const size_t each = 3 + BENCH_CONFIGS;
    assert_int_equal(json_array_size(lines), 1 + 6 * each);
    const json_t *header = json_array_get(lines, 0);
    assert_string_equal(text_of(header, "kind"), "header");
    assert_string_equal(text_of(header, "tombola"), tombola_version_string());
    assert_int_equal((int)number_of(header, "seed"), 9);
    static const char *const TEXTS[] = {"device", "platform", "version", "driver", "processor"};
    for (size_t i = 0; i < COUNT_OF(TEXTS); i++)
        assert_true(strlen(text_of(header, TEXTS[i])) > 0);

    static const char *const WHERES[] = {"host", "device", "staged"};
    for (size_t place = 0; place < 6 * each; place++) {
        const json_t *figure = json_array_get(lines, 1 + place);
        int is_narrow = place / each >= 3;
        expect_figure(figure);
        assert_string_equal(text_of(figure, "where"), WHERES[place / each % 3]);
        assert_string_equal(text_of(figure, "type"), is_narrow ? "bfloat16" : "float32");
        if (place % each != 2)
            expect_speed(figure, 3 * 1000 * (is_narrow ? 2 : 4));
        if (place % each < 3)
            continue;
        assert_string_equal(text_of(figure, "kind"), "tombola");
        assert_string_equal(text_of(figure, "name"), bench_config_name((bench_config)(place % each - 3)));
        assert_int_equal((int)number_of(figure, "checked_rows"), 64);
        assert_true(number_of(figure, "upload_us") >= 0);
        assert_true(number_of(figure, "kernel_us") > 0);
        assert_true(number_of(figure, "read_back_us") >= 0);
    }
    json_decref(lines);
}

static void the_table_has_a_line_for_each_configuration(void **state)
{
    (void)state;
    process got = BENCH("--shapes", "2x500,1x300", "--repeats", "1", "--configs", "min-p,greedy");
    assert_int_equal(got.status, 0);
    const char *rest = got.out;
    static const char *const LINES[] = {"lm, 2x500 float32, ", "\n| read, kernel", "\n| read, plain", "\n| empty call",
                                        "\n| greedy",          "\n| min-p",        "lm, 1x300",       "\n| min-p"};
    for (size_t i = 0; i < COUNT_OF(LINES); i++) {
        rest = strstr(rest, LINES[i]);
        if (!rest)
            fail_msg("no '%s' in its place in\n%s", LINES[i], got.out);
    }
    assert_null(strstr(got.out, "| top-k"));
    process_release(&got);
}

static char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    char *content = allocate(*size, 1);
    assert_int_equal(fread(content, 1, *size, file), *size);
    fclose(file);
    return content;
}

static void save_logits(const char *seed, const char *path)
{
    process got = BENCH("--shapes", "4x300", "--repeats", "1", "--configs", "greedy", "--seed", seed, "--types",
                        "float16", "--save-logits", path);
    assert_int_equal(got.status, 0);
    process_release(&got);
}

static void a_seed_makes_the_same_rows_and_another_makes_others(void **state)
{
    (void)state;
    static const char *const SEEDS[] = {"5", "5", "6"};
    char *content[3];
    size_t size[3];
    for (size_t i = 0; i < 3; i++) {
        save_logits(SEEDS[i], paths[0]);
        content[i] = read_file(paths[0], &size[i]);
        assert_int_equal(size[i], 128 + 64 * 300 * 2);
    }
    assert_memory_equal(content[0], content[1], size[0]);
    assert_memory_not_equal(content[0] + 128, content[2] + 128, size[0] - 128);
    for (size_t i = 0; i < 3; i++)
        free(content[i]);
}

static void saved_rows_are_measured_again_in_batches(void **state)
{
    (void)state;
    save_logits("5", paths[0]);
    process got =
        BENCH("--logits", paths[0], "--shapes", "10x300", "--repeats", "1", "--save-logits", paths[1], "--json");
    json_t *lines = parse_lines(got);
    const json_t *last = json_array_get(lines, json_array_size(lines) - 1);
    assert_string_equal(text_of(last, "workload"), "file");
    assert_string_equal(text_of(last, "type"), "float16");
    assert_int_equal((int)number_of(last, "distinct_rows"), 60);
    json_decref(lines);

    size_t size[2];
    char *content[2] = {read_file(paths[0], &size[0]), read_file(paths[1], &size[1])};
    assert_int_equal(size[1], 128 + 60 * 300 * 2);
    assert_memory_equal(content[0] + 128, content[1] + 128, size[1] - 128);
    free(content[0]);
    free(content[1]);
}

static void rows_that_nothing_can_be_drawn_from_are_measured_too(void **state)
{
    (void)state;
    float rows[3][4] = {{NAN, 1, 2, 3}, {-INFINITY, -INFINITY, -INFINITY, -INFINITY}, {0, 1, 2, 3}};
    const npy array = {3, 4, TOMBOLA_FLOAT32, rows};
    FILE *file = fopen(paths[0], "wb");
    assert_non_null(file);
    char header[128] = "\x93NUMPY\1\0\x76";
    memset(header + 9, ' ', sizeof header - 9);
    header[9] = 0;
    memcpy(header + 10, "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }", 59);
    header[127] = '\n';
    assert_int_equal(fwrite(header, 1, sizeof header, file), sizeof header);
    assert_int_equal(fwrite(array.data, 1, sizeof rows, file), sizeof rows);
    assert_int_equal(fclose(file), 0);
    json_t *lines =
        parse_lines(BENCH("--logits", paths[0], "--repeats", "2", "--configs", "greedy,temperature,mixed", "--json"));
    const json_t *temperature = json_array_get(lines, 5);
    assert_string_equal(text_of(temperature, "name"), "temperature");
    assert_int_equal((int)number_of(temperature, "kept_median"), 0);
    json_decref(lines);
}

static void bad_options_are_named(void **state)
{
    (void)state;
    expect_usage_error(BENCH("--shapes", "8by100"),
                       "--shapes: '8by100' is not ROWSxVOCAB, as in 8x128256, of at most 1048576 rows and 8388608 "
                       "tokens");
    expect_usage_error(BENCH("--shapes", "8x100,0x7"),
                       "--shapes: '0x7' is not ROWSxVOCAB, as in 8x128256, of at most 1048576 rows and 8388608 tokens");
    expect_usage_error(BENCH("--configs", "greedy,top-q"),
                       "--configs: 'top-q' is not greedy, temperature, top-k, top-p, top-k-top-p, min-p or mixed");
    expect_usage_error(BENCH("--workloads", ""), "--workloads: '' is not lm, peaked, gaussian, flat, ties or masked");
    expect_usage_error(BENCH("--types", "float64"), "--types: 'float64' is not float32, float16 or bfloat16");
    expect_usage_error(BENCH("--where", "there"), "--where: 'there' is not host, device or staged");
    expect_usage_error(BENCH("--seconds", "-1"), "--seconds: '-1' is not a number from 0 to 3600");
    expect_usage_error(BENCH("--repeats", "0"), "--repeats: '0' is not a whole number from 1 to 1000000");
    expect_usage_error(BENCH("--seed", "x"), "--seed: 'x' is not a whole number from 0 to 9223372036854775807");
    expect_usage_error(BENCH("--threads", "0"), "--threads: '0' is not a whole number from 1 to 1024");
    expect_usage_error(BENCH("--dispatch", "wide"), "--dispatch: 'wide' is not auto, row or spread");
    expect_usage_error(BENCH("rows.npy"), "takes no argument, but got 'rows.npy'");
}

static void options_that_do_not_go_together_are_named(void **state)
{
    (void)state;
    expect_usage_error(BENCH("--logits", "a.npy", "--workloads", "lm"),
                       "--workloads: there is none to choose where --logits brings the rows");
    expect_usage_error(BENCH("--logits", "a.npy", "--types", "float16,float32"),
                       "--logits: takes a single shape and type");
    expect_usage_error(BENCH("--save-logits", "a.npy", "--shapes", "1x2,3x4"),
                       "--save-logits: takes a single shape, workload and type");
}

static void what_cannot_be_measured_is_a_failure(void **state)
{
    (void)state;
    expect_failure(BENCH("--logits", "/nowhere.npy"), "/nowhere.npy: No such file");
    expect_failure(BENCH("--device", "no such device"), "no such device");
    expect_failure(BENCH("--lanes", "3", "--width", "4"), "options.lanes is 3");
    save_logits("5", paths[0]);
    expect_failure(BENCH("--logits", paths[0], "--shapes", "65x300"),
                   "--shapes: 65x300 cannot be cut from the 64 x 300");
    expect_failure(BENCH("--logits", paths[0], "--shapes", "1x299"), "--shapes: 1x299 cannot be cut from the 64 x 300");
    expect_failure(BENCH("--repeats", "1", "--shapes", "1x9", "--save-logits", "/nowhere/a.npy"), "/nowhere/a.npy");
}

/* -------------------------------------------------------------- workloads */

/* What top-p 0.95 keeps of a row at the temperature of the workloads. */
static struct oracle_row *make_row(workload kind, size_t number, tombola_type type, uint32_t *kept)
{
    bench_pool pool = {.type = type, .rows = 1, .vocabulary = VOCABULARY, .batches = 1};
    pool.data = allocate(VOCABULARY, sizeof(float));
    float *values = allocate(VOCABULARY, sizeof *values);
    struct workload_maker *maker = workload_maker_create(VOCABULARY);
    assert_non_null(maker);
    workload_fill(maker, kind, SEED, number, type, pool.data);
    bench_pool_widen(&pool, 0, values);
    struct oracle_row *row = oracle_row_create(values, VOCABULARY, TOMBOLA_LOGITS);
    tombola_params params = bench_config_params(BENCH_TOP_P, SEED, number);
    tombola_draw draw = oracle_draw(row, &params);
    assert_int_equal(draw.status, TOMBOLA_ROW_OK);
    *kept = draw.kept;
    workload_maker_release(maker);
    free(values);
    free(pool.data);
    return row;
}

static void expect_kept(workload kind, double least, double most)
{
    for (size_t number = 0; number < 24; number++) {
        uint32_t kept;
        oracle_row_release(make_row(kind, number, (tombola_type)(number % 3), &kept));
        if (kept < least || kept > most)
            fail_msg("%s keeps %u of row %zu, which is not %g to %g", workload_name(kind), kept, number, least, most);
    }
}

static void each_workload_has_the_nucleus_it_promises(void **state)
{
    (void)state;
    expect_kept(WORKLOAD_LM, 20, 300);
    expect_kept(WORKLOAD_MASKED, 20, 300);
    expect_kept(WORKLOAD_PEAKED, 1, 1);
    expect_kept(WORKLOAD_FLAT, 0.93 * VOCABULARY, 0.94 * VOCABULARY);
    expect_kept(WORKLOAD_GAUSSIAN, 600, 4000);
    expect_kept(WORKLOAD_TIES, 600, 4000);
}

static void a_peaked_row_has_one_token_of_99_in_100(void **state)
{
    (void)state;
    double *shares = allocate(VOCABULARY, sizeof *shares);
    for (size_t number = 0; number < 8; number++) {
        uint32_t kept;
        struct oracle_row *row = make_row(WORKLOAD_PEAKED, number, TOMBOLA_FLOAT32, &kept);
        assert_int_equal(oracle_softmax(row, WORKLOAD_TEMPERATURE, 0, shares), TOMBOLA_ROW_OK);
        double most = shares[oracle_row_order(row)[0]];
        if (!(most > 0.9895 && most < 0.9905)) /* bodies differ in weight by a percent or two */
            fail_msg("%g of row %zu", most, number);
        oracle_row_release(row);
    }
    free(shares);
}

static size_t count_if_equal_to_next(const struct oracle_row *row)
{
    const uint32_t *order = oracle_row_order(row);
    const float *logits = oracle_row_logits(row);
    size_t equal = 0;
    for (uint32_t rank = 0; rank + 1 < VOCABULARY; rank++)
        equal += logits[order[rank]] == logits[order[rank + 1]];
    return equal;
}

static void ties_are_ties_in_every_type_and_nine_in_ten_are_masked(void **state)
{
    (void)state;
    for (int type = 0; type < 3; type++) {
        uint32_t kept;
        struct oracle_row *row = make_row(WORKLOAD_TIES, 0, (tombola_type)type, &kept);
        assert_true(count_if_equal_to_next(row) > VOCABULARY * 9 / 10);
        oracle_row_release(row);

        row = make_row(WORKLOAD_MASKED, 0, (tombola_type)type, &kept);
        size_t masked = 0;
        for (size_t id = 0; id < VOCABULARY; id++)
            masked += oracle_row_logits(row)[id] == -INFINITY;
        assert_in_range(masked, VOCABULARY * 86 / 100, VOCABULARY * 89 / 100); /* the head is not masked */
        oracle_row_release(row);
    }
}

static void a_pool_holds_64_distinct_rows_that_do_not_depend_on_its_batches(void **state)
{
    (void)state;
    bench_pool narrow, wide;
    assert_int_equal(bench_pool_make(&narrow, WORKLOAD_LM, TOMBOLA_FLOAT32, 3, 700, SEED), 0);
    assert_int_equal(bench_pool_make(&wide, WORKLOAD_LM, TOMBOLA_FLOAT32, 66, 700, SEED), 0);
    assert_int_equal(narrow.batches, 22);
    assert_int_equal(wide.batches, 1);
    assert_memory_equal(narrow.data, wide.data, 66 * 700 * sizeof(float));
    const char *rows = wide.data;
    for (size_t a = 0; a < 66; a++)
        for (size_t b = 0; b < a; b++)
            assert_memory_not_equal(rows + a * 2800, rows + b * 2800, 2800);
    bench_pool_release(&narrow);
    bench_pool_release(&wide);
}

/* ------------------------------------------------------ checks and clocks */

static void a_draw_that_is_not_the_oracles_is_refused(void **state)
{
    (void)state;
    bench_pool pool;
    bench_truth truth;
    assert_int_equal(bench_pool_make(&pool, WORKLOAD_LM, TOMBOLA_BFLOAT16, 5, 900, SEED), 0);
    assert_int_equal(bench_truth_make(&truth, &pool, 1u << BENCH_TOP_P | 1u << BENCH_MIXED, SEED), 0);
    assert_int_equal(truth.count, 64);
    assert_null(truth.draws[BENCH_GREEDY]);

    /* What the oracle says of the second batch is right, and nothing else is. */
    tombola_draw draws[5];
    size_t found = 0;
    for (size_t i = 0; i < truth.count; i++)
        if (truth.rows[i] / 5 == 1) {
            draws[truth.rows[i] % 5] = truth.draws[BENCH_TOP_P][i];
            found++;
        }
    assert_int_equal(found, 5);
    assert_int_equal(bench_truth_check(&truth, &pool, BENCH_TOP_P, 1, draws), 0);
    assert_int_equal(bench_truth_check(&truth, &pool, BENCH_TOP_P, 2, draws), -1);
    for (size_t row = 0; row < 5; row++) {
        tombola_draw right = draws[row];
        draws[row].token++;
        assert_int_equal(bench_truth_check(&truth, &pool, BENCH_TOP_P, 1, draws), -1);
        draws[row] = right;
        draws[row].kept++;
        assert_int_equal(bench_truth_check(&truth, &pool, BENCH_TOP_P, 1, draws), -1);
        draws[row] = right;
        draws[row].status = TOMBOLA_ROW_INVALID;
        assert_int_equal(bench_truth_check(&truth, &pool, BENCH_TOP_P, 1, draws), -1);
        draws[row] = right;
    }
    bench_truth_release(&truth);
    bench_pool_release(&pool);
}

static void a_large_batch_is_checked_from_end_to_end(void **state)
{
    (void)state;
    bench_pool pool;
    bench_truth truth;
    assert_int_equal(bench_pool_make(&pool, WORKLOAD_FLAT, TOMBOLA_FLOAT32, 200, 40, SEED), 0);
    assert_int_equal(bench_truth_make(&truth, &pool, 1u << BENCH_GREEDY, SEED), 0);
    assert_int_equal(truth.count, 64);
    assert_int_equal(truth.rows[0], 0);
    assert_int_equal(truth.rows[63], 63 * 200 / 64);
    for (size_t i = 1; i < 64; i++)
        assert_true(truth.rows[i] > truth.rows[i - 1]);
    bench_truth_release(&truth);
    bench_pool_release(&pool);
}

static void mixed_rows_take_every_other_configuration_in_turn(void **state)
{
    (void)state;
    for (size_t row = 0; row < 12; row++) {
        tombola_params mixed = bench_config_params(BENCH_MIXED, SEED, row);
        tombola_params alone = bench_config_params((bench_config)(row % 6), SEED, row);
        assert_memory_equal(&mixed, &alone, sizeof mixed);
        assert_int_equal(mixed.stream, row);
    }
    tombola_params both = bench_config_params(BENCH_TOP_K_TOP_P, SEED, 3);
    assert_true(both.temperature == 0.8f && both.top_k == 50 && both.top_p == 0.95f && both.min_p == 0.0f);
}

static void the_plain_read_reads_every_word_once(void **state)
{
    (void)state;
    uint64_t random = SEED;
    static uint32_t words[16 * 1000];
    for (size_t threads = 1; threads <= 3; threads++) {
        struct bench_reader *reader = bench_reader_create(threads);
        assert_non_null(reader);
        assert_int_equal(bench_reader_threads(reader), threads);
        for (size_t lines = 1; lines <= 1000; lines = lines * 3 / 2 + 1) {
            uint32_t digest = 0;
            for (size_t i = 0; i < 16 * lines; i++)
                digest ^= words[i] = (uint32_t)random_bits(&random);
            assert_true(bench_reader_read(reader, words, lines * 64 + 63) > 0);
            assert_int_equal(bench_reader_digest(reader), digest);
        }
        bench_reader_release(reader);
    }
}

static void figures_are_the_middle_the_least_and_the_95th_in_a_hundred(void **state)
{
    (void)state;
    double seconds[100];
    for (int i = 0; i < 100; i++)
        seconds[i] = (i * 37) % 100 + 1;
    bench_figure figure = bench_figure_of(seconds, 100);
    assert_true(figure.median == 50.5 && figure.least == 1 && figure.p95 == 95);
    double three[] = {3, 1, 2}, one[] = {4};
    figure = bench_figure_of(three, 3);
    assert_true(figure.median == 2 && figure.least == 1 && figure.p95 == 3);
    figure = bench_figure_of(one, 1);
    assert_true(figure.median == 4 && figure.least == 4 && figure.p95 == 4);
}

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(paths[0], sizeof paths[0], "%s/a.npy", folder);
    snprintf(paths[1], sizeof paths[1], "%s/b.npy", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(paths[0]);
    unlink(paths[1]);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_has_a_header_and_every_measurement),
        cmocka_unit_test(the_table_has_a_line_for_each_configuration),
        cmocka_unit_test(a_seed_makes_the_same_rows_and_another_makes_others),
        cmocka_unit_test(saved_rows_are_measured_again_in_batches),
        cmocka_unit_test(rows_that_nothing_can_be_drawn_from_are_measured_too),
        cmocka_unit_test(bad_options_are_named),
        cmocka_unit_test(options_that_do_not_go_together_are_named),
        cmocka_unit_test(what_cannot_be_measured_is_a_failure),
        cmocka_unit_test(each_workload_has_the_nucleus_it_promises),
        cmocka_unit_test(a_peaked_row_has_one_token_of_99_in_100),
        cmocka_unit_test(ties_are_ties_in_every_type_and_nine_in_ten_are_masked),
        cmocka_unit_test(a_pool_holds_64_distinct_rows_that_do_not_depend_on_its_batches),
        cmocka_unit_test(a_draw_that_is_not_the_oracles_is_refused),
        cmocka_unit_test(a_large_batch_is_checked_from_end_to_end),
        cmocka_unit_test(mixed_rows_take_every_other_configuration_in_turn),
        cmocka_unit_test(the_plain_read_reads_every_word_once),
        cmocka_unit_test(figures_are_the_middle_the_least_and_the_95th_in_a_hundred),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
