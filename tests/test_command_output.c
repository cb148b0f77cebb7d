/* `tombola sample --output`: the same rows in whatever chunks, as lines and as an array, of files that may be larger
 * than memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "command.h"
#include "expect.h"
#include "files.h"
#include "harness.h"
#include "large_job.h"

#define JOB(...) job_run(0, (const char *const[]){__VA_ARGS__, NULL})
#define DONE(...) expect_end_of_job(JOB(__VA_ARGS__), 0, "")

static const char *const CHUNKS[] = {"--chunk=1", "--chunk=7", "--chunk=4000", "--chunk=1000000"};

static void lines_are_those_that_are_printed_in_any_chunks(void **state)
{
    (void)state;
    process printed = JOB("--json", "--top-p=0.8", "--columns=logprob,rank", "--boundary");
    assert_int_equal(printed.status, 0);
    write_file(job_path("printed.jsonl"), printed.out, strlen(printed.out));
    process_release(&printed);
    for (size_t i = 0; i < COUNT_OF(CHUNKS); i++) {
        DONE("--output", job_path("out.jsonl"), CHUNKS[i], "--top-p=0.8", "--columns=logprob,rank", "--boundary");
        expect_same_files(job_path("out.jsonl"), job_path("printed.jsonl"));
        assert_false(file_is_there(job_path("out.jsonl.part")));
        assert_false(file_is_there(job_path("out.jsonl.part.jsonl")));
    }
}

static void expect_header(const char *array, const char *header)
{
    if (memcmp(array, "\x93NUMPY\1\0\x76\0", 10) != 0 || strncmp(array + 10, header, strlen(header)) != 0)
        fail_msg("a header like '%.100s', not %s", array + 10, header);
}

static void arrays_hold_the_tokens(void **state)
{
    (void)state;
    size_t size;
    json_t *lines = parse_lines(JOB("--json", "--samples=3"));
    DONE("--output", job_path("out.npy"), "--samples=3", "--chunk=999");
    char *array = read_file(job_path("out.npy"), &size);
    expect_header(array, "{'descr': '<i4', 'fortran_order': False, 'shape': (4000, 3), } ");
    assert_int_equal(size, 128 + 4000 * 3 * 4);
    for (size_t i = 0; i < 4000 * 3; i++) {
        int32_t token;
        memcpy(&token, array + 128 + i * 4, sizeof token);
        const json_t *tokens = json_object_get(json_array_get(lines, i / 3), "token");
        assert_int_equal(token, json_integer_value(json_array_get(tokens, i % 3)));
    }
    free(array);
    json_decref(lines);
    DONE("--output", job_path("out.npy"));
    array = read_file(job_path("out.npy"), &size);
    expect_header(array, "{'descr': '<i4', 'fortran_order': False, 'shape': (4000,), } ");
    assert_int_equal(size, 128 + 4000 * 4);
    free(array);
}

/* What is read and written beside the array, by the chunk. */
static void other_files_are_the_same_in_any_chunks(void **state)
{
    (void)state;
    const size_t words = JOB_COLUMNS / 32, mask_words = words * JOB_ROWS;
    uint32_t *masks = allocate(mask_words, sizeof *masks);
    uint64_t random = 3;
    for (size_t i = 0; i < mask_words; i++)
        masks[i] = (uint32_t)random_bits(&random) | 1;
    write_npy(job_path("masks.npy"), "{'descr': '<u4', 'fortran_order': False, 'shape': (4000, 2), }", masks,
              mask_words * sizeof *masks);
    free(masks);
    char *lists = allocate(JOB_ROWS, 40), *at = lists;
    for (unsigned row = 0; row < JOB_ROWS; row++)
        at += row % 3 ? sprintf(at, "[%u,%u]\n", row % 64, row % 5) : sprintf(at, "[]\n");
    write_file(job_path("lists.jsonl"), lists, strlen(lists));
    free(lists);
    for (size_t i = 0; i < COUNT_OF(CHUNKS); i = i == 1 ? 3 : i + 1) {
        const char *end = i ? "2" : "1";
        char ids[16], probabilities[16], processed[16], out[16];
        snprintf(ids, sizeof ids, "ids%s.jsonl", end);
        snprintf(out, sizeof out, "out%s.jsonl", end);
        snprintf(probabilities, sizeof probabilities, "p%s.npy", end);
        snprintf(processed, sizeof processed, "l%s.npy", end);
        expect_end_of_job(JOB("--output", job_path(out), CHUNKS[i], "--mask", job_path("masks.npy"), "--score",
                              job_path("lists.jsonl"), "--histories", job_path("lists.jsonl"), "--presence-penalty=1.5",
                              "--bias=3=0.5,9=-inf", "--end-tokens=4,5", "--min-tokens=2", "--top-k=5", "--kept-ids",
                              job_path(ids), "--kept-probabilities", job_path(probabilities), "--processed-logits",
                              job_path(processed)),
                          0, "");
        if (i == 0)
            continue;
        expect_same_files(job_path("out1.jsonl"), job_path("out2.jsonl"));
        expect_same_files(job_path("ids1.jsonl"), job_path("ids2.jsonl"));
        expect_same_files(job_path("p1.npy"), job_path("p2.npy"));
        expect_same_files(job_path("l1.npy"), job_path("l2.npy"));
    }
}

/* The same logits in each type that is another in memory than in the file; and what can't be the same is named. */
static void elements_are_converted_by_the_chunk(void **state)
{
    (void)state;
    size_t size;
    char *file = read_file(JOB_ARRAY, &size), message[160];
    const float *logits = (const float *)(const void *)(file + size - JOB_ROWS * JOB_COLUMNS * sizeof(float));
    double *wide = allocate(JOB_ROWS * JOB_COLUMNS, sizeof *wide);
    uint16_t *narrow = allocate(JOB_ROWS * JOB_COLUMNS, sizeof *narrow);
    float values[JOB_COLUMNS];
    for (size_t i = 0; i < JOB_ROWS * JOB_COLUMNS; i++) {
        memcpy(values, logits + i, sizeof *values);
        wide[i] = (double)*values;
        const uint16_t half = narrow_to_half(*values);
        narrow[i] = (uint16_t)(half << 8 | half >> 8);
    }
    free(file);
    DONE("--output", job_path("single.npy"), "--chunk=1000");
    const char *const array = job_path("other.npy");
    write_npy(array, "{'descr': '>f2', 'fortran_order': False, 'shape': (4000, 64), }", narrow,
              JOB_ROWS * JOB_COLUMNS * sizeof *narrow);
    expect_end_of_job(RUN("sample", array, "--chunk=1001", "--output", job_path("half.npy")), 0, "");
    expect_same_files(job_path("half.npy"), job_path("single.npy"));
    write_npy(job_path("other.npy"), "{'descr': '<f8', 'fortran_order': False, 'shape': (4000, 64), }", wide,
              JOB_ROWS * JOB_COLUMNS * sizeof *wide);
    expect_end_of_job(RUN("sample", job_path("other.npy"), "--chunk=1001", "--output", job_path("double.npy")), 0, "");
    expect_same_files(job_path("double.npy"), job_path("single.npy"));
    wide[3001 * JOB_COLUMNS + 7] = 0.1;
    write_npy(job_path("other.npy"), "{'descr': '<f8', 'fortran_order': False, 'shape': (4000, 64), }", wide,
              JOB_ROWS * JOB_COLUMNS * sizeof *wide);
    snprintf(message, sizeof message, "%s: row 3001, column 7 of this float64 array is 0.1", job_path("other.npy"));
    expect_end_of_job(RUN("sample", job_path("other.npy"), "--chunk=1001", "--output", job_path("double.npy")), 1,
                      message);
    free(wide);
    free(narrow);
}

/* A gigabyte of zeros, which take no room on the disk. */
static void files_may_be_larger_than_memory(void **state)
{
    (void)state;
    struct rusage before, after;
    write_npy(job_path("sparse.npy"), "{'descr': '<f4', 'fortran_order': False, 'shape': (2048, 131072), }", "", 0);
    size_t size;
    free(read_file(job_path("sparse.npy"), &size));
    assert_int_equal(truncate(job_path("sparse.npy"), (off_t)(size + ((size_t)1 << 30))), 0);
    getrusage(RUSAGE_CHILDREN, &before);
    expect_end_of_job(RUN("sample", job_path("sparse.npy"), "--temperature=0", "--output", job_path("sparse.out.npy")),
                      0, "");
    getrusage(RUSAGE_CHILDREN, &after);
    assert_less(after.ru_maxrss, 900000); /* KiB; sanitizers take most of it */
    char *array = read_file(job_path("sparse.out.npy"), &size);
    assert_int_equal(size, 128 + 2048 * 4);
    for (size_t i = 128; i < size; i++)
        assert_int_equal(array[i], 0);
    free(array);
}

static void what_can_not_be_is_said(void **state)
{
    (void)state;
    char message[300];
    static const struct {
        const char *arguments[3], *message;
    } CASES[] = {
        {{"--output=a.csv"}, "--output: 'a.csv' ends neither in .npy, for an array of tokens, nor in .jsonl"},
        {{"--output=.npy"}, "--output: '.npy' ends neither in .npy, for an array of tokens, nor in .jsonl"},
        {{"--resume"}, "--resume: goes on with the file of --output, and there is none"},
        {{"--chunk=0"}, "--chunk: '0' is not a whole number of rows from 1 on"},
        {{"--chunk=x"}, "--chunk: 'x' is not a whole number of rows from 1 on"},
        {{"--output=a.npy", "--json"},
         "--json: an array of tokens, a.npy, has no place for it; write to a .jsonl file"},
        {{"--output=a.npy", "--boundary"},
         "--boundary: an array of tokens, a.npy, has no place for it; write to a .jsonl file"},
        {{"--output=a.jsonl", "--kept-ids=a.jsonl"}, "--output and --kept-ids: both write a.jsonl"},
    };
    for (size_t i = 0; i < COUNT_OF(CASES); i++)
        expect_usage_error(job_run(0, CASES[i].arguments), "tombola sample", CASES[i].message);
    snprintf(message, sizeof message, "--output %s: would overwrite the array", JOB_ARRAY);
    expect_usage_error(JOB("--output", JOB_ARRAY), "tombola sample", message);
    assert_int_equal(symlink("/dev/null", job_path("null.npy")), 0);
    expect_failure(JOB("--output", job_path("null.npy")), "null.npy: is no file, but a device or pipe");
    expect_failure(RUN("sample", job_path("sparse.npy"), "--chunk=2048"), "--chunk 2048: so many rows take more than");
    expect_failure(JOB("--output", job_path("x.npy"), "--resume", "--kept-ids=/dev/null"),
                   "/dev/null: is no file, but a device or pipe, which takes all rows in order: not with --resume");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_those_that_are_printed_in_any_chunks),
        cmocka_unit_test(arrays_hold_the_tokens),
        cmocka_unit_test(other_files_are_the_same_in_any_chunks),
        cmocka_unit_test(elements_are_converted_by_the_chunk),
        cmocka_unit_test(files_may_be_larger_than_memory),
        cmocka_unit_test(what_can_not_be_is_said),
    };
    return cmocka_run_group_tests(tests, job_make_folder, job_remove_folder);
}
