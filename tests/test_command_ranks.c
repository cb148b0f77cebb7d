/* `mpirun tombola sample --output`: several ranks write the file that one process writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "expect.h"
#include "harness.h"
#include "large_job.h"

#define JOB(ranks, ...) job_run(ranks, (const char *const[]){__VA_ARGS__, NULL})

static size_t count_of(const char *text, const char *word)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, word)); at += strlen(word))
        count++;
    return count;
}

static void several_ranks_write_the_file_of_one(void **state)
{
    (void)state;
    static const struct {
        int ranks;
        const char *chunk, *format;
    } CASES[] = {{0, "--chunk=4000", "jsonl"},
                 {0, "--chunk=4000", "npy"},
                 {1, "--chunk=999", "jsonl"},
                 {2, "--chunk=37", "npy"},
                 {3, "--chunk=9", "jsonl"}};
    char out[32], first[32];
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        const char *end = CASES[i].ranks ? "ranks" : "one";
        snprintf(out, sizeof out, "%s.%s", end, CASES[i].format);
        expect_end_of_job(JOB(CASES[i].ranks, "--output", job_path(out), CASES[i].chunk, "--top-p=0.7", "--samples=2",
                              "--kept-ids", job_path(CASES[i].ranks ? "ranks.ids.jsonl" : "one.ids.jsonl"),
                              "--processed-logits", job_path(CASES[i].ranks ? "ranks.l.npy" : "one.l.npy")),
                          0, "");
        snprintf(first, sizeof first, "one.%s", CASES[i].format);
        expect_same_files(job_path(out), job_path(first));
        if (!CASES[i].ranks)
            continue;
        expect_same_files(job_path("ranks.ids.jsonl"), job_path("one.ids.jsonl"));
        expect_same_files(job_path("ranks.l.npy"), job_path("one.l.npy"));
        snprintf(out, sizeof out, "ranks.%s.part", CASES[i].format);
        assert_false(file_is_there(job_path(out)));
        assert_false(file_is_there(job_path("ranks.ids.jsonl.part")));
    }
}

/* Each rank has the seed that the system gave the first. */
static void a_random_seed_is_the_same_on_all_ranks(void **state)
{
    (void)state;
    char seed[40];
    process got = JOB(2, "--output", job_path("random.npy"), "--seed=random", "--chunk=10");
    assert_int_equal(got.status, 0);
    assert_int_equal(count_of(got.err, "seed "), 1);
    assert_int_equal(sscanf(strstr(got.err, "seed "), "seed %24[0-9]", seed + 7), 1);
    memcpy(seed, "--seed=", 7);
    process_release(&got);
    expect_end_of_job(JOB(0, "--output", job_path("given.npy"), seed), 0, "");
    expect_same_files(job_path("random.npy"), job_path("given.npy"));
}

/* What is wrong is said by one rank, and all end. */
static void mistakes_are_told_once(void **state)
{
    (void)state;
    static const struct {
        const char *arguments[3], *message;
        int status;
    } CASES[] = {
        {{"--chunk=0"}, "tombola sample: --chunk: '0' is not a whole number", 2},
        {{"--json"}, "tombola sample: 2 ranks were started, which write to one file: name it by --output", 1},
    };
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        process got = job_run(2, CASES[i].arguments);
        if (count_of(got.err, CASES[i].message) != 1 || count_of(got.err, "tombola sample: ") != 1)
            fail_msg("'%s' should hold '%s' once", got.err, CASES[i].message);
        expect_end_of_job(got, CASES[i].status, CASES[i].message);
    }
}

static void each_rank_says_which_device_it_has_taken(void **state)
{
    (void)state;
    process got = JOB(2, "--output", job_path("told.npy"), "--verbose");
    assert_int_equal(count_of(got.err, " was taken: "), 2);
    assert_int_equal(count_of(got.err, "rank 1 on "), count_of(got.err, "\n") / 2);
    expect_end_of_job(got, 0, ": Device ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_ranks_write_the_file_of_one),
        cmocka_unit_test(a_random_seed_is_the_same_on_all_ranks),
        cmocka_unit_test(mistakes_are_told_once),
        cmocka_unit_test(each_rank_says_which_device_it_has_taken),
    };
    return cmocka_run_group_tests(tests, job_make_folder, job_remove_folder);
}
