/* `tombola sample --output --resume`: what a run that ended before its time has left, and how another goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "expect.h"
#include "files.h"
#include "harness.h"
#include "large_job.h"

#define START(...) job_start(0, (const char *const[]){__VA_ARGS__, NULL})
#define JOB(...) job_run(0, (const char *const[]){__VA_ARGS__, NULL})
#define DONE(...) expect_end_of_job(JOB(__VA_ARGS__), 0, "")

#define OUT job_path("out.jsonl")
#define JOURNAL job_path("out.jsonl.part.jsonl")
#define OPTIONS                                                                                                        \
    "--output", OUT, "--top-k=9", "--kept-ids", job_path("ids.jsonl"), "--kept-probabilities", job_path("p.npy")

/* What all of it comes to in one go. */
static int draw_all(void **state)
{
    if (job_make_folder(state))
        return -1;
    DONE("--output", job_path("all.jsonl"), "--top-k=9", "--kept-ids", job_path("all.ids.jsonl"),
         "--kept-probabilities", job_path("all.p.npy"));
    return 0;
}

static void expect_all(void)
{
    expect_same_files(OUT, job_path("all.jsonl"));
    expect_same_files(job_path("ids.jsonl"), job_path("all.ids.jsonl"));
    expect_same_files(job_path("p.npy"), job_path("all.p.npy"));
    assert_false(file_is_there(job_path("out.jsonl.part")));
    assert_false(file_is_there(JOURNAL));
    assert_false(file_is_there(job_path("ids.jsonl.part")));
    assert_false(file_is_there(job_path("p.npy.part")));
}

/* Ends a run once so many lines of its journal tell of rows that are done. */
static process stop_behind(running_process running, const char *journal, size_t lines, int signal)
{
    job_wait_for_rows(journal, lines);
    kill((pid_t)running.id, signal);
    return process_end(&running);
}

/* Leaves a run behind that some rows, and not all, are complete of. */
static void leave_part(int signal)
{
    process got = stop_behind(START(OPTIONS, "--chunk=1"), JOURNAL, 20, signal);
    assert_int_equal(got.status, 128 + signal);
    if (signal == SIGTERM)
        assert_non_null(strstr(got.err, " of 4000 rows are complete; --resume goes on with the others"));
    process_release(&got);
    assert_true(file_is_there(job_path("out.jsonl.part")));
}

static void a_run_that_was_killed_is_gone_on_with(void **state)
{
    (void)state;
    static const int SIGNALS[] = {SIGKILL, SIGTERM};
    for (size_t i = 0; i < COUNT_OF(SIGNALS); i++) {
        unlink(OUT);
        leave_part(SIGNALS[i]);
        assert_false(file_is_there(OUT));
        const long done = job_number_behind(JOURNAL, "\"done\":[");
        assert_int_equal(done, 0);
        expect_end_of_job(JOB(OPTIONS, "--chunk=700"), 1,
                          "out.jsonl.part.jsonl tells of an earlier run, which has completed ");
        expect_end_of_job(JOB(OPTIONS, "--chunk=700", "--resume"), 0, " not complete when the last run ended");
        expect_all();
    }
}

/* Twice, with half a line and half a row at the end. */
static void a_run_that_went_on_is_gone_on_with(void **state)
{
    (void)state;
    leave_part(SIGKILL);
    FILE *file = fopen(JOURNAL, "ab");
    assert_non_null(file);
    fputs("{\"done\":[3000,1,", file);
    fclose(file);
    file = fopen(job_path("out.jsonl.part"), "ab");
    assert_non_null(file);
    for (int i = 0; i < 100000; i++) /* more than there will be */
        fputs("{\"row\":", file);
    fclose(file);
    running_process running = START(OPTIONS, "--chunk=2", "--resume");
    job_wait_for_rows(JOURNAL, 60);
    kill((pid_t)running.id, SIGKILL);
    process got = process_end(&running);
    process_release(&got);
    DONE(OPTIONS, "--resume");
    expect_all();
    DONE(OPTIONS, "--resume"); /* where there is nothing to go on with it begins */
    expect_all();
}

/* What else there is of the earlier run stays. */
static void a_part_that_is_missing_is_said(void **state)
{
    (void)state;
    leave_part(SIGKILL);
    assert_int_equal(rename(job_path("p.npy.part"), job_path("kept")), 0);
    expect_end_of_job(JOB(OPTIONS, "--resume"), 1, "p.npy.part: No such file");
    assert_true(file_is_there(job_path("out.jsonl.part")));
    assert_true(file_is_there(job_path("ids.jsonl.part")));
    assert_int_equal(rename(job_path("kept"), job_path("p.npy.part")), 0);
    DONE(OPTIONS, "--resume");
    expect_all();
}

static void another_job_is_refused(void **state)
{
    (void)state;
    leave_part(SIGKILL);
    expect_end_of_job(JOB("--output", OUT, "--top-k=8", "--kept-ids", job_path("ids.jsonl"), "--kept-probabilities",
                          job_path("p.npy"), "--resume"),
                      1, "--resume: --top-k was 9 for the run that began ");
    expect_end_of_job(JOB("--output", OUT, "--top-k=9", "--kept-probabilities", job_path("p.npy"), "--resume"), 1,
                      "/ids.jsonl\" for the run that began ");
    expect_end_of_job(JOB(OPTIONS, "--resume", "--vocabulary=63"), 1, "--resume: the array was {");
    job_replace(JOURNAL, "\"the contract\":2", "\"the contract\":1");
    expect_end_of_job(JOB(OPTIONS, "--resume"), 1, "--resume: the contract was 1 for the run that began ");
    job_replace(JOURNAL, "\"the contract\":1", "\"the contract\":2");
    const char *const touch[] = {"/usr/bin/touch", JOB_ARRAY, NULL};
    process touched = process_run(touch, NULL, "", 0);
    process_release(&touched);
    expect_end_of_job(JOB(OPTIONS, "--resume"), 1, "--resume: the array was {");
    unlink(JOURNAL);
    DONE(OPTIONS);
    expect_all();
}

/* The same array under both names, which are no UTF-8. */
static void files_are_told_apart_whatever_bytes_they_are_called_by(void **state)
{
    (void)state;
    size_t size;
    char *array = read_file(JOB_ARRAY, &size);
    write_file(job_path("\xFE.npy"), array, size);
    write_file(job_path("\xFF.npy"), array, size);
    free(array);
    const char *argv[] = {TOMBOLA_COMMAND,
                          "sample",
                          job_path("\xFE.npy"),
                          "--output",
                          job_path("x.jsonl"),
                          "--kept-ids",
                          job_path("\xFE.ids"),
                          "--top-k=9",
                          "--chunk=1",
                          NULL,
                          NULL};
    process got = stop_behind(process_start(argv, NULL, "", 0), job_path("x.jsonl.part.jsonl"), 20, SIGKILL);
    process_release(&got);
    argv[9] = "--resume";
    argv[2] = job_path("\xFF.npy");
    expect_end_of_job(process_run(argv, NULL, "", 0), 1, "--resume: the array was {");
    argv[2] = job_path("\xFE.npy");
    argv[6] = job_path("\xFF.ids");
    expect_end_of_job(process_run(argv, NULL, "", 0), 1, "/%FE.ids\"} for the run that began ");
    argv[6] = job_path("\xFE.ids");
    expect_end_of_job(process_run(argv, NULL, "", 0), 0, "");
    expect_same_files(job_path("\xFE.ids"), job_path("all.ids.jsonl"));
}

/* Starts the job with parameters that come by a pipe. */
static running_process start_from_pipe(const char *option)
{
    const char *pipe = job_path("pipe");
    running_process running = START(OPTIONS, "--chunk=1", "--config", pipe, option);
    const int file = open(pipe, O_WRONLY);
    assert_int_equal(write(file, "{\"top_p\": 1}", 12), 12);
    close(file);
    return running;
}

static void what_comes_by_a_pipe_is_not_gone_on_with(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(job_path("pipe"), 0600), 0);
    process got = stop_behind(start_from_pipe(NULL), JOURNAL, 20, SIGTERM);
    assert_null(strstr(got.err, "--resume goes on"));
    process_release(&got);
    running_process running = start_from_pipe("--resume");
    expect_end_of_job(process_end(&running), 1, "/pipe is no file, and may be another than for the run before");
    unlink(JOURNAL);
}

/* Standard input is another file for each run. */
static void masks_from_standard_input_are_told_apart(void **state)
{
    (void)state;
    char header[] = "{'descr': '<u4', 'fortran_order': False, 'shape': (1, 2), }";
    const uint32_t words[] = {~0u, ~0u};
    size_t size;
    write_npy(job_path("mask.npy"), header, words, sizeof words);
    char *mask = read_file(job_path("mask.npy"), &size);
    const char *const argv[] = {TOMBOLA_COMMAND, "sample", JOB_ARRAY,   "--output", job_path("m.npy"),
                                "--mask",        "-",      "--chunk=1", "--resume", NULL};
    process got = stop_behind(process_start(argv, NULL, mask, size), job_path("m.npy.part.jsonl"), 5, SIGKILL);
    process_release(&got);
    expect_end_of_job(process_run(argv, NULL, mask, size), 1, "--resume: --mask was {");
    free(mask);
}

/* The run stands still meanwhile, so that it can't end before the other has seen it. */
static void expect_another_to_be_refused(running_process running)
{
    job_wait_for_rows(JOURNAL, 5);
    kill((pid_t)running.id, SIGSTOP);
    process other = JOB(OPTIONS, "--resume");
    kill((pid_t)running.id, SIGCONT);
    expect_end_of_job(other, 1, "out.jsonl.part.jsonl: another run is at it");
    expect_end_of_job(process_end(&running), 0, "");
    expect_all();
}

static void two_runs_at_once_are_refused(void **state)
{
    (void)state;
    expect_another_to_be_refused(START(OPTIONS, "--chunk=1"));
}

/* One that ends may remove the journal after another has opened it, and before that has locked it. */
static void a_journal_that_is_removed_by_another_run_is_made_anew(void **state)
{
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip(); /* what does it has to be loaded first itself */
#endif
    const char *const argv[] = {TOMBOLA_COMMAND, "sample", JOB_ARRAY, OPTIONS, "--chunk=1", NULL};
    const char *const environment[] = {"LD_PRELOAD", DISK_FAULT, "REMOVED_BEFORE_LOCK", JOURNAL, NULL};
    expect_another_to_be_refused(process_start(argv, environment, "", 0));
}

/* Adds a line to the journal that brings all before it to the disk. */
static void say_synced(void)
{
    FILE *file = fopen(JOURNAL, "ab");
    assert_non_null(file);
    fputs("{\"synced\":true}\n", file);
    fclose(file);
}

/* Has the journal tell of another start of the machine, and of nothing that was on the disk before: a run that takes
 * longer than a second to begin has said so of its first rows. */
static void let_the_machine_go_down(void)
{
    char *text = job_read_text(JOURNAL), *at = text ? strstr(text, "{\"run\":\"") : NULL;
    assert_non_null(at);
    at[8] = at[8] == 'x' ? 'y' : 'x';
    for (at = text; (at = strstr(at, "\"synced\""));)
        memcpy(at, "\"sunken\"", 8); /* what a journal says that no one knows is passed over */
    write_file(JOURNAL, text, strlen(text));
    free(text);
}

/* Then only what is known to be on the disk counts. */
static void a_machine_that_went_down_is_noticed(void **state)
{
    (void)state;
    leave_part(SIGKILL);
    let_the_machine_go_down();
    write_file(job_path("out.jsonl.part"), "", 0); /* as it may be then */
    DONE(OPTIONS, "--resume");
    expect_all();

    leave_part(SIGKILL);
    let_the_machine_go_down();
    say_synced();
    write_file(job_path("out.jsonl.part"), "", 0);
    expect_end_of_job(JOB(OPTIONS, "--resume"), 1, "out.jsonl.part: is shorter than ");
    unlink(JOURNAL);

    leave_part(SIGKILL); /* which says that it is not so */
    write_file(job_path("out.jsonl.part"), "", 0);
    expect_end_of_job(JOB(OPTIONS, "--resume"), 1, "out.jsonl.part: is shorter than ");
    unlink(JOURNAL);
}

/* As a disk leaves a file that was growing when it lost power. */
static void zeros_within_a_journal_end_it(void **state)
{
    (void)state;
    leave_part(SIGKILL);
    size_t size;
    char *text = read_file(JOURNAL, &size), *middle = strchr(text + size / 2, '\n');
    assert_non_null(middle);
    memset(middle + 1, 0, 20);
    write_file(JOURNAL, text, size);
    free(text);
    DONE(OPTIONS, "--resume");
    expect_all();
}

static void a_full_disk_is_said_and_gone_on_from(void **state)
{
    (void)state;
    running_process running = START(OPTIONS, "--chunk=1");
    job_wait_for_rows(JOURNAL, 10); /* OpenCL has written the files that it may want */
    struct rlimit small;
    assert_int_equal(prlimit((pid_t)running.id, RLIMIT_FSIZE, NULL, &small), 0);
    small.rlim_cur = 150000;
    assert_int_equal(prlimit((pid_t)running.id, RLIMIT_FSIZE, &small, NULL), 0);
    process got = process_end(&running);
    assert_non_null(strstr(got.err, ".part: cannot write: File too large\n"));
    expect_end_of_job(got, 1, " of 4000 rows are complete; --resume goes on with the others");
    DONE(OPTIONS, "--resume", "--chunk=1000");
    expect_all();
}

static process run_on_a_broken_disk(void)
{
    static const char *const BROKEN[] = {"LD_PRELOAD", DISK_FAULT, "DISK_FAULT", ".part", NULL};
    const char *const argv[] = {TOMBOLA_COMMAND, "sample", JOB_ARRAY, OPTIONS, "--chunk=300", "--resume", NULL};
    return process_run(argv, BROKEN, "", 0);
}

/* What the kernel has failed to write it may have dropped, and it says so once. */
static void rows_that_did_not_reach_the_disk_are_drawn_anew(void **state)
{
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip(); /* it has to be loaded first itself */
#endif
    unlink(OUT);
    process got = run_on_a_broken_disk(); /* none has */
    assert_null(strstr(got.err, "--resume goes on"));
    expect_end_of_job(got, 1, ".part: cannot write: Input/output error\n");
    assert_false(file_is_there(JOURNAL));
    assert_false(file_is_there(job_path("out.jsonl.part")));

    leave_part(SIGKILL);
    say_synced(); /* so far they have */
    size_t size, part_size, left_size;
    char *text = read_file(JOURNAL, &size), *part = read_file(job_path("out.jsonl.part"), &part_size);
    expect_end_of_job(run_on_a_broken_disk(), 1, " of 4000 rows are complete; --resume goes on with the");
    char *left = read_file(JOURNAL, &left_size);
    assert_int_equal(left_size, size);
    assert_memory_equal(left, text, size);
    write_file(job_path("out.jsonl.part"), part, part_size); /* as it was then */
    free(text);
    free(part);
    free(left);
    DONE(OPTIONS, "--resume");
    expect_all();
}

static void an_array_that_shrinks_is_an_error(void **state)
{
    (void)state;
    size_t size;
    char *array = read_file(JOB_ARRAY, &size);
    write_file(job_path("shrinks.npy"), array, size);
    free(array);
    const char *const argv[] = {TOMBOLA_COMMAND, "sample", job_path("shrinks.npy"), "--output", job_path("s.npy"),
                                "--chunk=1",     NULL};
    running_process running = process_start(argv, NULL, "", 0);
    job_wait_for_rows(job_path("s.npy.part.jsonl"), 5);
    assert_int_equal(truncate(job_path("shrinks.npy"), 10000), 0);
    process got = process_end(&running);
    assert_non_null(strstr(got.err, " of 4000 rows are complete; "));
    expect_end_of_job(got, 1, "shrinks.npy: has become shorter while it was read: the data has ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_that_was_killed_is_gone_on_with),
        cmocka_unit_test(a_run_that_went_on_is_gone_on_with),
        cmocka_unit_test(a_part_that_is_missing_is_said),
        cmocka_unit_test(another_job_is_refused),
        cmocka_unit_test(files_are_told_apart_whatever_bytes_they_are_called_by),
        cmocka_unit_test(what_comes_by_a_pipe_is_not_gone_on_with),
        cmocka_unit_test(masks_from_standard_input_are_told_apart),
        cmocka_unit_test(two_runs_at_once_are_refused),
        cmocka_unit_test(a_journal_that_is_removed_by_another_run_is_made_anew),
        cmocka_unit_test(a_machine_that_went_down_is_noticed),
        cmocka_unit_test(zeros_within_a_journal_end_it),
        cmocka_unit_test(a_full_disk_is_said_and_gone_on_from),
        cmocka_unit_test(rows_that_did_not_reach_the_disk_are_drawn_anew),
        cmocka_unit_test(an_array_that_shrinks_is_an_error),
    };
    return cmocka_run_group_tests(tests, draw_all, job_remove_folder);
}
