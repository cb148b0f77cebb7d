/* `mpirun tombola sample --output`: ranks that die, have no device, lose it, or are told something else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "large_job.h"

#define JOURNAL job_path("out.jsonl.part.jsonl")

static int draw_all(void **state)
{
    if (job_make_folder(state))
        return -1;
    expect_end_of_job(job_run(0, (const char *const[]){"--output", job_path("all.jsonl"), NULL}), 0, "");
    return 0;
}

static running_process start(int ranks, const char *chunk)
{
    return job_start(ranks, (const char *const[]){"--output", job_path("out.jsonl"), chunk, "--resume", NULL});
}

static void rows_of_a_rank_that_dies_are_named_and_drawn_by_another_run(void **state)
{
    (void)state;
    running_process running = start(3, "--chunk=1");
    job_wait_for_rows(JOURNAL, 100);
    /* The journal tells which process it is. */
    char host[128], line[200];
    assert_int_equal(gethostname(host, sizeof host), 0);
    snprintf(line, sizeof line, "{\"worker\":1,\"host\":\"%.63s\",\"process\":", host);
    kill((pid_t)job_number_behind(JOURNAL, line), SIGKILL);
    process got = process_end(&running);
    assert_int_not_equal(got.status, 0);
    assert_non_null(strstr(got.err, "not complete; rank 1 on ")); /* at once, by the first rank */
    assert_non_null(strstr(got.err, " of 4000 rows are complete; --resume goes on with the others"));
    process_release(&got);

    running = start(2, "--chunk=100");
    expect_end_of_job(process_end(&running), 0, " not complete when the last run ended; rank 1 on ");
    expect_same_files(job_path("out.jsonl"), job_path("all.jsonl"));
    assert_false(file_is_there(JOURNAL));
}

/* Runs a shell's words, in which $RANK is the rank's number. */
static process run_shell(const char *words)
{
    char script[1024];
    snprintf(script, sizeof script, "RANK=$OMPI_COMM_WORLD_RANK; %s %s sample %s --output %s --chunk 20 \"$@\"", words,
             TOMBOLA_COMMAND, JOB_ARRAY, job_path("out.jsonl"));
    const char *const argv[] = {TEST_DATA "/mpirun.sh", "2", "/bin/sh", "-c", script, NULL};
    return process_run(argv, JOB_RANKS_ENVIRONMENT, "", 0);
}

static void ranks_without_a_device_leave_the_rows_to_others(void **state)
{
    (void)state;
    expect_end_of_job(run_shell("test $RANK = 0 || export TOMBOLA_DEVICE=none;"), 0,
                      "takes no part: tombola sample: no OpenCL device matches \"none\"");
    expect_same_files(job_path("out.jsonl"), job_path("all.jsonl"));
    expect_end_of_job(run_shell("test $RANK = 1 || export TOMBOLA_DEVICE=none;"), 0, "no OpenCL device matches");
    expect_same_files(job_path("out.jsonl"), job_path("all.jsonl"));
}

/* Kernels that run first are those of the known answers. */
static void ranks_that_lose_their_device_leave_the_rows_to_others(void **state)
{
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip(); /* it has to be loaded first itself */
#endif
    unlink(job_path("out.jsonl"));
    expect_end_of_job(run_shell("test $RANK = 0 || export LD_PRELOAD=" LATE_FAULT " LATE_FAULT=40;"), 0,
                      "it draws no more, and others take its rows");
    expect_same_files(job_path("out.jsonl"), job_path("all.jsonl"));
    process got = run_shell("LD_PRELOAD=" LATE_FAULT " LATE_FAULT=40");
    assert_non_null(strstr(got.err, "rank 0 on "));
    assert_non_null(strstr(got.err, "rank 1 on "));
    expect_end_of_job(got, 1, "CL_OUT_OF_RESOURCES");
}

static void ranks_with_other_options_are_refused(void **state)
{
    (void)state;
    expect_end_of_job(run_shell("set -- --top-k $RANK;"), 1, "rank 1 on ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_a_rank_that_dies_are_named_and_drawn_by_another_run),
        cmocka_unit_test(ranks_without_a_device_leave_the_rows_to_others),
        cmocka_unit_test(ranks_that_lose_their_device_leave_the_rows_to_others),
        cmocka_unit_test(ranks_with_other_options_are_refused),
    };
    return cmocka_run_group_tests(tests, draw_all, job_remove_folder);
}
