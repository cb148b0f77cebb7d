/* What `tombola sample` makes beside a token: --score, --samples, --top-logprobs, --kept-ids, --kept-probabilities and
 * --processed-logits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "expect.h"
#include "files.h"
#include "harness.h"
#include "sample_files.h"

#define SAMPLE(...) RUN("sample", npy_path, __VA_ARGS__)
#define SMALL "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 4), }"

static char ids_path[80], out_path[80];

static void write_small(const char *ids)
{
    static const float rows[2][4] = {{1, 3, 2, -INFINITY}, {0, 0, 0, 4}};
    write_npy(npy_path, SMALL, rows, sizeof rows);
    snprintf(ids_path, sizeof ids_path, "%s.ids.jsonl", npy_path);
    snprintf(out_path, sizeof out_path, "%s.out.npy", npy_path);
    write_file(ids_path, ids, strlen(ids));
}

static int remove_files(void **state)
{
    unlink(ids_path);
    unlink(out_path);
    return remove_folder(state);
}

/* The text has less than 63 bytes. */
static void expect_same_bytes(const char *path, const char *text)
{
    char got[64] = "";
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(got, 1, sizeof got - 1, file), strlen(text));
    fclose(file);
    assert_string_equal(got, text);
}

static double number_at(const json_t *line, const char *name, size_t i)
{
    const json_t *value = json_array_get(json_object_get(line, name), i);
    return json_is_null(value) ? -INFINITY : json_real_value(value);
}

static void scores_stand_in_the_order_of_the_ids(void **state)
{
    (void)state;
    write_small("[2, 0, 3, 2]\n[]\n");
    const double total = exp(1) + exp(3) + exp(2), kept = exp(3) + exp(2);
    json_t *lines = parse_lines(SAMPLE("--score", ids_path, "--json", "--top-k=2"));
    const json_t *first = json_array_get(lines, 0), *second = json_array_get(lines, 1);
    assert_near(number_at(first, "scores", 0), 2 - log(kept), 1e-6);
    assert_true(isinf(number_at(first, "scores", 1)) && isinf(number_at(first, "scores", 2)));
    assert_near(number_at(first, "scores", 3), 2 - log(kept), 1e-6);
    assert_near(number_at(first, "raw_scores", 0), 2 - log(total), 1e-6);
    assert_near(number_at(first, "raw_scores", 1), 1 - log(total), 1e-6);
    assert_true(isinf(number_at(first, "raw_scores", 2)));
    assert_int_equal(json_array_size(json_object_get(first, "scores")), 4);
    assert_int_equal(json_array_size(json_object_get(second, "scores")), 0);
    json_decref(lines);
}

/* As in files of histories. */
static void empty_lines_between_ids_do_not_count(void **state)
{
    (void)state;
    char message[sizeof ids_path + 160];
    write_small("[2, 0]\n[]\n");
    process plain = SAMPLE("--score", ids_path, "--json");
    write_small("\xEF\xBB\xBF[2, 0]\r\n \t\n[]\n\n");
    expect_output(SAMPLE("--score", ids_path, "--json"), plain.out);
    process_release(&plain);
    write_small("[1]\n\n[4]\n");
    snprintf(message, sizeof message, "%s:3: id 1 of the line is not an integer from 0 to 3", ids_path);
    expect_failure(SAMPLE("--score", ids_path, "--json"), message);
    write_small("[1]\n\n");
    snprintf(message, sizeof message, "%s has 1 lines, but the array has 2 rows", ids_path);
    expect_failure(SAMPLE("--score", ids_path, "--json"), message);
}

static void samples_are_lines_and_arrays(void **state)
{
    (void)state;
    write_small("");
    expect_output(SAMPLE("--samples=2", "--columns=rank", "--temperature=0"),
                  "row  token  status    kept          rank\n"
                  "  0      1  ok           1             1\n"
                  "  0      1  ok           1             1\n"
                  "  1      3  ok           1             1\n"
                  "  1      3  ok           1             1\n");
    expect_output(SAMPLE("--samples=2", "--columns=rank,entropy", "--temperature=0", "--json"),
                  "{\"row\":0,\"token\":[1,1],\"status\":\"ok\",\"kept\":1,\"rank\":[1,1],\"entropy\":0.0}\n"
                  "{\"row\":1,\"token\":[3,3],\"status\":\"ok\",\"kept\":1,\"rank\":[1,1],\"entropy\":0.0}\n");
    json_t *all = parse_lines(SAMPLE("--samples=8", "--json"));
    for (size_t i = 0; i < 8; i++) {
        char stream[32];
        snprintf(stream, sizeof stream, "--stream=%zu", i);
        json_t *one = parse_lines(SAMPLE(stream, "--json"));
        const json_t *tokens = json_object_get(json_array_get(all, 0), "token");
        assert_true(json_equal(json_array_get(tokens, i), json_object_get(json_array_get(one, 0), "token")));
        json_decref(one);
    }
    json_decref(all);
}

static void arrays_are_written_as_numpy_reads_them(void **state)
{
    (void)state;
    static const float logits[8] = {-INFINITY, 3, 2, -INFINITY, 0, -INFINITY, -INFINITY, 4};
    float got[8];
    write_small("");
    for (int is_logits = 0; is_logits < 2; is_logits++) {
        process run =
            SAMPLE(is_logits ? "--processed-logits" : "--kept-probabilities", out_path, "--top-k=2", "--temperature=2");
        assert_int_equal(run.status, 0);
        FILE *file = fopen(out_path, "rb");
        assert_non_null(file);
        assert_int_equal(fseek(file, 128, SEEK_SET), 0);
        assert_int_equal(fread(got, sizeof *got, 8, file), 8);
        assert_int_equal(fgetc(file), EOF);
        fclose(file);
        for (size_t i = 0; i < 8; i++) {
            const double sum = i < 4 ? exp(1.5) + exp(1) : exp(0) + exp(2);
            assert_near(is_logits ? exp((double)got[i]) : (double)got[i],
                        is_logits ? exp((double)logits[i]) : exp((double)logits[i] / 2) / sum, 1e-5);
        }
        process_release(&run);
    }
}

/* A file that is there already stays until there is something to write in its place. */
static void calls_that_fail_leave_files_alone(void **state)
{
    (void)state;
    static const char before[] = "as it was";
    char message[300], spelled[96];
    write_small("a text");
    write_file(out_path, before, strlen(before));
    expect_failure(SAMPLE("--kept-probabilities", out_path, "--end-tokens=4"), "an end token: 4 is not from 0 to 3");
    expect_failure(SAMPLE("--kept-ids", out_path, "--top-p=0.5", "--filters=temperature"),
                   "params[0].filters has no place for it");
    expect_failure(SAMPLE("--kept-probabilities", out_path, "--top-p=0.5", "--filters=temperature"),
                   "params[0].filters has no place for it");
    expect_same_bytes(out_path, before);
    unlink(out_path);
    expect_failure(SAMPLE("--kept-probabilities", out_path, "--top-p=0.5", "--filters=temperature"),
                   "params[0].filters has no place for it");
    assert_int_not_equal(access(out_path, F_OK), 0);

    snprintf(message, sizeof message, "--kept-probabilities and --processed-logits: both write %s", out_path);
    expect_usage_error(SAMPLE("--kept-probabilities", out_path, "--processed-logits", out_path), "tombola sample",
                       message);
    snprintf(message, sizeof message, "--kept-ids and --kept-probabilities: both write %s", out_path);
    expect_usage_error(SAMPLE("--kept-ids", out_path, "--kept-probabilities", out_path), "tombola sample", message);
    snprintf(message, sizeof message, "--kept-ids and --processed-logits: both write %s", out_path);
    expect_usage_error(SAMPLE("--kept-ids", out_path, "--processed-logits", out_path), "tombola sample", message);
    snprintf(message, sizeof message, "--kept-probabilities and --processed-logits: both write %s", out_path);
    write_file(out_path, before, sizeof before); /* the same by another name */
    assert_int_equal(unlink(ids_path), 0);
    assert_int_equal(symlink(out_path, ids_path), 0);
    expect_usage_error(SAMPLE("--kept-probabilities", ids_path, "--processed-logits", out_path), "tombola sample",
                       message);
    unlink(out_path); /* before there is any, by another spelling */
    snprintf(message, sizeof message, "--kept-probabilities and --processed-logits: both write %s", out_path);
    snprintf(spelled, sizeof spelled, "/tmp/.%s", out_path + strlen("/tmp"));
    expect_usage_error(SAMPLE("--kept-probabilities", spelled, "--processed-logits", out_path), "tombola sample",
                       message);
    process run = SAMPLE("--kept-probabilities=/dev/null", "--processed-logits=/dev/null"); /* it takes both */
    assert_int_equal(run.status, 0);
    process_release(&run);
}

static void what_is_read_is_not_overwritten(void **state)
{
    (void)state;
    static const char *const OUTPUTS[] = {"--kept-ids", "--kept-probabilities", "--processed-logits"};
    static const char *const INPUTS[] = {"--params", "--mask",         "--bias-file", "--histories", "--banned-words",
                                         "--forced", "--dry-breakers", "--score",     "--config"};
    static const char text[] = "{}\n"; /* nothing is wrong with it as a config */
    /* The array and the other file by each of these names: its own, another spelling, a link of either kind. */
    enum { SPELLED = 1, LINKED, HARD, NAMES };
    char arrays[NAMES][96], files[NAMES][96], message[300];
    unlink(ids_path); /* where they are links */
    unlink(out_path);
    write_small(text);
    snprintf(arrays[0], sizeof arrays[0], "%s", npy_path);
    snprintf(files[0], sizeof files[0], "%s", ids_path);
    snprintf(arrays[SPELLED], sizeof arrays[0], "/tmp/.%s", npy_path + strlen("/tmp"));
    snprintf(files[SPELLED], sizeof files[0], "/tmp/.%s", ids_path + strlen("/tmp"));
    for (int name = LINKED; name < NAMES; name++) {
        snprintf(arrays[name], sizeof arrays[0], "%s.%d", npy_path, name);
        snprintf(files[name], sizeof files[0], "%s.%d", ids_path, name);
        assert_int_equal((name == HARD ? link : symlink)(npy_path, arrays[name]), 0);
        assert_int_equal((name == HARD ? link : symlink)(ids_path, files[name]), 0);
    }
    for (size_t i = 0; i < COUNT_OF(OUTPUTS); i++) {
        snprintf(message, sizeof message, "%s /dev/stdin: would overwrite the array", OUTPUTS[i]); /* it is a file */
        expect_usage_error(RUN("sample", "-", OUTPUTS[i], "/dev/stdin"), "tombola sample", message);
        snprintf(message, sizeof message, "%s /dev/stdin: would overwrite the file of --mask", OUTPUTS[i]);
        expect_usage_error(SAMPLE("--mask", "-", OUTPUTS[i], "/dev/stdin"), "tombola sample", message);
        for (size_t name = 0; name < NAMES; name++) {
            snprintf(message, sizeof message, "%s %s: would overwrite the array", OUTPUTS[i], arrays[name]);
            expect_usage_error(SAMPLE(OUTPUTS[i], arrays[name]), "tombola sample", message);
            for (size_t j = 0; j < COUNT_OF(INPUTS); j++) {
                snprintf(message, sizeof message, "%s %s: would overwrite the file of %s", OUTPUTS[i], files[name],
                         INPUTS[j]);
                expect_usage_error(SAMPLE(INPUTS[j], ids_path, OUTPUTS[i], files[name], "--json"), "tombola sample",
                                   message);
            }
        }
    }
    for (int name = LINKED; name < NAMES; name++)
        assert_int_equal(unlink(arrays[name]) | unlink(files[name]), 0);
    expect_same_bytes(ids_path, text);
    process run = SAMPLE("--config", ids_path, "--kept-ids", out_path); /* another file is written */
    assert_int_equal(run.status, 0);
    process_release(&run);
}

static void the_most_likely_tokens_stand_in_their_order(void **state)
{
    (void)state;
    write_small("");
    const double total = exp(1) + exp(3) + exp(2), kept = exp(3) + exp(2);
    json_t *lines = parse_lines(SAMPLE("--top-logprobs=3", "--json", "--top-k=2"));
    const json_t *list = json_object_get(json_array_get(lines, 0), "top_logprobs");
    const int ids[] = {1, 2, 0};
    assert_int_equal(json_array_size(list), 3);
    for (size_t i = 0; i < 3; i++) {
        const json_t *entry = json_array_get(list, i), *logprob = json_object_get(entry, "logprob");
        assert_int_equal(json_integer_value(json_object_get(entry, "token")), ids[i]);
        if (i < 2)
            assert_near(json_real_value(logprob), (double)(3 - (int)i) - log(kept), 1e-6);
        else
            assert_true(json_is_null(logprob));
        assert_near(json_real_value(json_object_get(entry, "raw_logprob")), (double)(3 - (int)i) - log(total), 1e-6);
    }
    json_decref(lines);
    lines = parse_lines(SAMPLE("--top-logprobs=9", "--json")); /* more than can be drawn */
    assert_int_equal(json_array_size(json_object_get(json_array_get(lines, 0), "top_logprobs")), 3);
    assert_int_equal(json_array_size(json_object_get(json_array_get(lines, 1), "top_logprobs")), 4);
    json_decref(lines);
}

static void kept_ids_are_lines_that_score_reads(void **state)
{
    (void)state;
    write_small("");
    process run = SAMPLE("--kept-ids", ids_path, "--top-k=2");
    assert_int_equal(run.status, 0);
    process_release(&run);
    expect_same_bytes(ids_path, "[1,2]\n[0,3]\n");
    json_t *lines = parse_lines(SAMPLE("--score", ids_path, "--json", "--top-k=2"));
    for (size_t row = 0; row < 2; row++) {
        const json_t *line = json_array_get(lines, row);
        assert_near(exp(number_at(line, "scores", 0)) + exp(number_at(line, "scores", 1)), 1.0, 1e-6);
    }
    json_decref(lines);
}

/* As many rows as go to the device in two batches, of which some keep nothing. */
static void kept_ids_of_all_batches_are_there(void **state)
{
    (void)state;
    enum { MANY_ROWS = 65, WIDE = 1 << 18 }; /* of 1 MiB each */
    static const char array[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (65, 262144), }";
    float *rows = allocate((size_t)MANY_ROWS * WIDE, sizeof *rows);
    char expected[64], line[64];
    write_small("");
    for (size_t row = 0; row < MANY_ROWS; row++) {
        rows[row * WIDE + 1000 * row] = row % 10 == 9 ? NAN : 5;
        rows[row * WIDE + 1000 * row + 7] = 4;
    }
    write_npy(npy_path, array, rows, (size_t)MANY_ROWS * WIDE * sizeof *rows);
    free(rows);
    process run = SAMPLE("--kept-ids", ids_path, "--top-k=2");
    assert_int_equal(run.status, 0);
    process_release(&run);
    FILE *file = fopen(ids_path, "r");
    assert_non_null(file);
    for (unsigned row = 0; row < MANY_ROWS; row++) {
        snprintf(expected, sizeof expected, row % 10 == 9 ? "[]\n" : "[%u,%u]\n", 1000 * row, 1000 * row + 7);
        assert_non_null(fgets(line, sizeof line, file));
        assert_string_equal(line, expected);
    }
    assert_null(fgets(line, sizeof line, file));
    fclose(file);
}

static void mistakes_are_named(void **state)
{
    (void)state;
    char message[sizeof ids_path + 160];
    write_small("[1]\n[4]\n");
    expect_usage_error(SAMPLE("--score", ids_path), "tombola sample", "--score: tells its numbers with --json alone");
    snprintf(message, sizeof message, "%s:2: id 1 of the line is not an integer from 0 to 3", ids_path);
    expect_failure(SAMPLE("--score", ids_path, "--json"), message);
    write_small("[1]\n{}\n");
    snprintf(message, sizeof message, "%s:2: this is no array of ids, as [13, 50256]", ids_path);
    expect_failure(SAMPLE("--score", ids_path, "--json"), message);
    write_small("[1]\n");
    snprintf(message, sizeof message, "%s has 1 lines, but the array has 2 rows", ids_path);
    expect_failure(SAMPLE("--score", ids_path, "--json"), message);
    write_small("[1]\n[]\n[]\n");
    snprintf(message, sizeof message, "%s has more lines than the array has rows, 2", ids_path);
    expect_failure(SAMPLE("--score", ids_path, "--json"), message);
    expect_failure(SAMPLE("--score", "/nowhere/ids.jsonl", "--json"), "/nowhere/ids.jsonl: No such file");
    expect_usage_error(SAMPLE("--samples=129"), "tombola sample", "--samples: '129' is not an integer from 1 to 128");
    expect_failure(SAMPLE("--kept-probabilities=/nowhere/p.npy"), "/nowhere/p.npy: No such file");
    expect_usage_error(SAMPLE("--top-logprobs=5"), "tombola sample",
                       "--top-logprobs: tells its tokens with --json alone");
    for (int i = 0; i < 3; i++) {
        const char *const numbers[] = {"0", "1025", "-1"};
        char option[32];
        snprintf(option, sizeof option, "--top-logprobs=%s", numbers[i]);
        snprintf(message, sizeof message, "--top-logprobs: '%s' is not an integer from 1 to 1024", numbers[i]);
        expect_usage_error(SAMPLE(option), "tombola sample", message);
    }
    expect_failure(SAMPLE("--kept-ids=/nowhere/k.jsonl"), "/nowhere/k.jsonl: No such file");
    process full = SAMPLE("--kept-ids=/dev/full"); /* known when all tokens are */
    assert_int_equal(full.status, 1);
    assert_non_null(strstr(full.err, "/dev/full: cannot write: No space left on device"));
    process_release(&full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_stand_in_the_order_of_the_ids),
        cmocka_unit_test(empty_lines_between_ids_do_not_count),
        cmocka_unit_test(samples_are_lines_and_arrays),
        cmocka_unit_test(arrays_are_written_as_numpy_reads_them),
        cmocka_unit_test(calls_that_fail_leave_files_alone),
        cmocka_unit_test(what_is_read_is_not_overwritten),
        cmocka_unit_test(the_most_likely_tokens_stand_in_their_order),
        cmocka_unit_test(kept_ids_are_lines_that_score_reads),
        cmocka_unit_test(kept_ids_of_all_batches_are_there),
        cmocka_unit_test(mistakes_are_named),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_files);
}
