/* `tombola bench`: what it prints and refuses. How fast anything is, no test says. */
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

#include "bench.h"
#include "command.h"
#include "expect.h"
#include "files.h"
#include "harness.h"

static char folder[] = "/tmp/tombola-test-XXXXXX";
static char paths[2][64];

static process bench(const char *const *arguments)
{
    return command_run(arguments, (const char *const[]){"POCL_AFFINITY", "1", NULL}, "", 0);
}

#define BENCH(...) bench((const char *const[]){"bench", __VA_ARGS__, NULL})

static void expect_refused(process got, const char *message)
{
    expect_usage_error(got, "tombola bench", message);
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

static void expect_figure(const json_t *figure)
{
    assert_real_less(0, number_of(figure, "min_us"));
    assert_real_at_most(number_of(figure, "min_us"), number_of(figure, "median_us"));
    assert_real_at_most(number_of(figure, "median_us"), number_of(figure, "p95_us"));
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
    assert_near(number_of(figure, "gb_per_s"), speed, speed * 1e-5); /* both printed to 7 digits */
    assert_real_less(0, number_of(figure, "share_of_read"));
}

static void json_has_a_header_and_every_measurement(void **state)
{
    (void)state;
    json_t *lines = parse_lines(BENCH("--shapes", "3x1000", "--configs", "all", "--repeats", "3", "--seed", "9",
                                      "--types", "float32,bfloat16", "--where", "host,device,staged", "--json"));
    const size_t each = 3 + BENCH_CONFIGS - 1; /* no preset */
    assert_int_equal(json_array_size(lines), 1 + 6 * each);
    const json_t *header = json_array_get(lines, 0);
    assert_string_equal(text_of(header, "kind"), "header");
    assert_string_equal(text_of(header, "tombola"), tombola_version_string());
    assert_int_equal((int)number_of(header, "seed"), 9);
    static const char *const TEXTS[] = {"device", "platform", "version", "driver", "processor"};
    for (size_t i = 0; i < COUNT_OF(TEXTS); i++)
        assert_int_not_equal(strlen(text_of(header, TEXTS[i])), 0);

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
        const size_t config = place % each - 3;
        assert_string_equal(text_of(figure, "kind"), "tombola");
        assert_string_equal(text_of(figure, "name"),
                            bench_config_name((bench_config)(config + (config >= BENCH_PRESET))));
        assert_int_equal((int)number_of(figure, "checked_rows"), 64);
        assert_real_at_most(0, number_of(figure, "upload_us"));
        assert_real_less(0, number_of(figure, "kernel_us"));
        assert_real_at_most(0, number_of(figure, "read_back_us"));
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

/* Bits of bfloat16, as the file has them, of rows that differ in how much they keep. */
static void write_real_rows(const char *path)
{
    static uint16_t rows[5 * 300];
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        rows[i] = (uint16_t)(0x3F80u + 16 * (i / 300) * (i * 7 % 11) + i % 3); /* from 1 on */
    write_npy(path, "{'descr': '<u2', 'fortran_order': False, 'shape': (5, 300), }", rows, sizeof rows);
}

static void real_rows_are_a_workload_of_64_rows(void **state)
{
    (void)state;
    write_real_rows(paths[0]);
    json_t *lines = parse_lines(BENCH("--real-rows", paths[0], "--dtype", "bfloat16", "--types", "float32,bfloat16",
                                      "--configs", "top-k,top-p-t1", "--repeats", "1", "--json"));
    assert_int_equal(json_array_size(lines), 1 + 2 * 5);
    for (size_t i = 4; i <= 10; i = i == 5 ? 9 : i + 1) { /* the configurations */
        const json_t *figure = json_array_get(lines, i);
        const int is_top_k = i == 4 || i == 9;
        assert_string_equal(text_of(figure, "workload"), "real");
        assert_string_equal(text_of(figure, "type"), i < 6 ? "float32" : "bfloat16");
        assert_string_equal(text_of(figure, "name"), is_top_k ? "top-k" : "top-p-t1");
        assert_int_equal((int)number_of(figure, "rows"), 64);
        assert_int_equal((int)number_of(figure, "vocabulary"), 300);
        assert_int_equal((int)number_of(figure, "distinct_rows"), 64);
        const double least = number_of(figure, "kept_min"), most = number_of(figure, "kept_max");
        assert_in_range((int)number_of(figure, "kept_median"), (int)least, (int)most);
        if (is_top_k)
            assert_true(least == 50.0 && most == 50.0);
        else
            assert_real_less(least + 20, most);
    }
    json_decref(lines);
}

static void the_table_has_the_range_of_what_real_rows_keep(void **state)
{
    (void)state;
    write_real_rows(paths[0]);
    process got = BENCH("--real-rows", paths[0], "--dtype", "bf16", "--workloads", "real,lm", "--shapes", "2x300",
                        "--configs", "top-k", "--repeats", "1");
    assert_int_equal(got.status, 0);
    assert_non_null(strstr(got.out, "read-back |   kept |         range |"));
    assert_non_null(strstr(got.out, "|     50 |         50-50 |"));
    assert_non_null(strstr(got.out, "\nlm, 2x300 float32, "));
    assert_non_null(strstr(got.out, "\nreal, 2x300 float32, "));
    process_release(&got);
    expect_failure(BENCH("--real-rows", paths[0]), "if it holds bfloat16, say --dtype bfloat16");
    expect_failure(BENCH("--real-rows", paths[0], "--dtype", "bf16", "--shapes", "2x299"),
                   "--shapes: the workload real has no rows of 299, since those of");
}

static void rows_that_nothing_can_be_drawn_from_are_measured_too(void **state)
{
    (void)state;
    float rows[3][4] = {{NAN, 1, 2, 3}, {-INFINITY, -INFINITY, -INFINITY, -INFINITY}, {0, 1, 2, 3}};
    write_npy(paths[0], "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }", rows, sizeof rows);
    json_t *lines =
        parse_lines(BENCH("--logits", paths[0], "--repeats", "2", "--configs", "greedy,temperature,mixed", "--json"));
    const json_t *temperature = json_array_get(lines, 5);
    assert_string_equal(text_of(temperature, "name"), "temperature");
    assert_int_equal((int)number_of(temperature, "kept_median"), 0);
    json_decref(lines);
}

static void a_preset_is_measured_alone_or_beside_what_is_named(void **state)
{
    (void)state;
    json_t *lines = parse_lines(BENCH("--shapes", "2x1000", "--repeats", "1", "--preset", "llama.cpp", "--json"));
    assert_int_equal(json_array_size(lines), 1 + 3 + 1);
    assert_string_equal(text_of(json_array_get(lines, 4), "name"), "preset");
    assert_in_range((int)number_of(json_array_get(lines, 4), "kept_median"), 1, 40); /* of top-k, top-p and min-p */
    json_decref(lines);
    lines = parse_lines(
        BENCH("--shapes", "2x1000", "--repeats", "1", "--preset", "greedy", "--configs", "temperature", "--json"));
    assert_int_equal(json_array_size(lines), 1 + 3 + 2);
    assert_string_equal(text_of(json_array_get(lines, 4), "name"), "temperature");
    assert_string_equal(text_of(json_array_get(lines, 5), "name"), "preset");
    assert_int_equal((int)number_of(json_array_get(lines, 5), "kept_median"), 1);
    json_decref(lines);
}

static process bench_in_turns(const char *turns)
{
    const char *const arguments[] = {"bench", "--turns", "--shapes", "2x1000", "--configs", "greedy", "--json", NULL};
    return command_run(arguments, (const char *const[]){"POCL_AFFINITY", "1", NULL}, turns, strlen(turns));
}

/* Behind what it was ready for. */
static void expect_turns_refused(const char *turns, const char *message)
{
    process got = bench_in_turns(turns);
    assert_int_equal(got.status, 1);
    assert_non_null(strstr(got.err, message));
    process_release(&got);
}

static void turns_are_given_by_lines_and_answered(void **state)
{
    (void)state;
    static const char READY[] = "ready\nready\nready\n{\"kind\":\"header\"";
    process got = bench_in_turns("0\n0\n"); /* a round each */
    assert_int_equal(got.status, 0);
    assert_memory_equal(got.out, READY, sizeof READY - 1);
    memmove(got.out, got.out + strlen("ready\n") * 3, strlen(got.out) - strlen("ready\n") * 3 + 1);
    json_t *lines = parse_lines(got);
    assert_int_equal(json_array_size(lines), 1 + 4);
    for (size_t i = 1; i <= 4; i++)
        assert_int_equal((int)number_of(json_array_get(lines, i), "calls"), 2);
    json_decref(lines);
    expect_turns_refused("", "--turns: standard input ends before the first one");
    expect_turns_refused("0\nsoon\n",
                         "--turns: a line of standard input, 'soon', is not a number of seconds from 0 to 3600");
}

static void bad_options_are_named(void **state)
{
    (void)state;
    expect_refused(BENCH("--configs", "preset"), "--configs: which preset? Give --preset");
    expect_refused(
        BENCH("--preset", "nobody"),
        "--preset: no preset is called 'nobody'; there are default, greedy, transformers, openai, llama.cpp, "
        "vllm, code, factual, creative and brainstorm");
    expect_refused(BENCH("--shapes", "8by100"),
                   "--shapes: '8by100' is not ROWSxVOCAB, as in 8x128256, of at most 1048576 rows and 8388608 "
                   "tokens");
    expect_refused(BENCH("--shapes", "8x100,0x7"),
                   "--shapes: '0x7' is not ROWSxVOCAB, as in 8x128256, of at most 1048576 rows and 8388608 tokens");
    expect_refused(BENCH("--configs", "greedy,top-q"),
                   "--configs: 'top-q' is not greedy, temperature, top-k, top-p, "
                   "top-k-top-p, min-p, mixed, top-n-sigma, xtc, typical-p, epsilon, eta, top-a, top-h, p-less, min-k, "
                   "dynatemp, top-p-t1, top-p-t1.5, top-p-0.9-t0.7, top-k-top-p-0.9, logprobs, samples-8, n-best-20, "
                   "preset, mask, "
                   "bias, mask-bias, repetition, penalties, "
                   "mask-bias-penalties, dry or no-repeat-ngram");
    expect_refused(
        BENCH("--workloads", ""),
        "--workloads: '' is not lm, peaked, gaussian, flat, ties, masked, equal, two-values, subnormal, huge or real");
    expect_refused(BENCH("--types", "float64"), "--types: 'float64' is not float32, float16 or bfloat16");
    expect_refused(BENCH("--where", "there"), "--where: 'there' is not host, device or staged");
    expect_refused(BENCH("--seconds", "-1"), "--seconds: '-1' is not a number from 0 to 3600");
    expect_refused(BENCH("--seconds", "0,5"),
                   "--seconds: '0,5' is not a number from 0 to 3600; write 0.5 if that was meant");
    expect_refused(BENCH("--repeats", "0"), "--repeats: '0' is not a whole number from 1 to 1000000");
    expect_refused(BENCH("--seed", "x"), "--seed: 'x' is not random or a whole number from 0 to 9223372036854775807");
    expect_refused(BENCH("--threads", "0"), "--threads: '0' is not a whole number from 1 to 1024");
    expect_refused(BENCH("--dispatch", "wide"), "--dispatch: 'wide' is not auto, row or spread");
    expect_refused(BENCH("rows.npy"), "takes no argument, but got 'rows.npy'");
}

static void options_that_do_not_go_together_are_named(void **state)
{
    (void)state;
    expect_refused(BENCH("--logits", "a.npy", "--workloads", "lm"),
                   "--workloads: there is none to choose where --logits brings the rows");
    expect_refused(BENCH("--logits", "a.npy", "--types", "float16,float32"), "--logits: takes a single shape and type");
    expect_refused(BENCH("--save-logits", "a.npy", "--shapes", "1x2,3x4"),
                   "--save-logits: takes a single shape, workload and type");
    expect_refused(BENCH("--turns", "--types", "f16,f32"), "--turns: takes a single shape, workload and type");
    expect_refused(BENCH("--turns", "--where", "host,device"), "--turns: takes a single place of --where");
    expect_refused(BENCH("--workloads", "lm,real"),
                   "--workloads: real needs rows; name a file of them with --real-rows");
    expect_refused(BENCH("--workloads", "lm", "--real-rows", "a.npy"), "--real-rows: real is none of the --workloads");
    expect_refused(BENCH("--logits", "a.npy", "--real-rows", "a.npy"),
                   "--real-rows: they are a workload, which there is none of where --logits brings the rows");
    expect_refused(BENCH("--logits", "a.npy", "--save-logits", "./a.npy"),
                   "--save-logits ./a.npy: would overwrite the file of --logits");
    expect_refused(BENCH("--real-rows", "a.npy", "--save-logits", "a.npy"),
                   "--save-logits a.npy: would overwrite the file of --real-rows");
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
        cmocka_unit_test(real_rows_are_a_workload_of_64_rows),
        cmocka_unit_test(the_table_has_the_range_of_what_real_rows_keep),
        cmocka_unit_test(rows_that_nothing_can_be_drawn_from_are_measured_too),
        cmocka_unit_test(a_preset_is_measured_alone_or_beside_what_is_named),
        cmocka_unit_test(turns_are_given_by_lines_and_answered),
        cmocka_unit_test(bad_options_are_named),
        cmocka_unit_test(options_that_do_not_go_together_are_named),
        cmocka_unit_test(what_cannot_be_measured_is_a_failure),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
