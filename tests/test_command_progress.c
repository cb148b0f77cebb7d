/* What `tombola sample` tells of long runs: when, in which words, and on a terminal in one line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "chunks.h"
#include "expect.h"
#include "harness.h"
#include "large_job.h"
#include "progress.h"

static void progress_is_rows_and_a_rate_and_what_is_left(void **state)
{
    (void)state;
    static const struct {
        size_t total, before, now;
        double seconds;
        const char *text;
    } CASES[] = {
        {4096, 0, 1024, 2, "1024 of 4096 rows (25%), 512 rows/s, 0:06 left"},
        {4096, 1024, 2048, 2, "2048 of 4096 rows (50%), 512 rows/s, 0:04 left"}, /* of this run */
        {1000000, 0, 1000, 10, "1000 of 1000000 rows (0%), 100 rows/s, 2:46:30 left"},
        {100, 0, 1, 1.6, "1 of 100 rows (1%), 0.62 rows/s, 2:38 left"},
        {100, 50, 50, 3, "50 of 100 rows (50%)"},
        {100, 0, 100, 3, "100 of 100 rows (100%), 33 rows/s, 0:00 left"},
    };
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        const progress p = {.total = CASES[i].total, .before = CASES[i].before};
        assert_string_equal(progress_describe(&p, CASES[i].now, CASES[i].seconds).text, CASES[i].text);
    }
}

static void short_runs_and_quiet_ones_tell_nothing(void **state)
{
    (void)state;
    progress p = {.is_wanted = 1, .is_terminal = 1};
    assert_false(progress_is_due(&p, 0.9, 0.9));
    assert_true(progress_is_due(&p, 1.1, 1.1));
    assert_false(progress_is_due(&p, 5, 0.1));
    p.is_terminal = 0;
    assert_false(progress_is_due(&p, 59, 59));
    assert_true(progress_is_due(&p, 61, 61));
    assert_false(progress_is_due(&p, 119, 58));
    p.is_wanted = 0;
    assert_false(progress_is_due(&p, 1000, 1000));
}

/* What a terminal gets of a run whose rows come slowly. */
static void read_terminal(const char *options, char *text, size_t size)
{
    const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    char command[512];
    assert_true(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
    const int other = open(ptsname(terminal), O_RDWR | O_NOCTTY);
    assert_true(other >= 0);
    snprintf(command, sizeof command, "(head -c 100000 %s; sleep 1.5; tail -c +100001 %s) | %s sample - %s --output %s",
             JOB_ARRAY, JOB_ARRAY, TOMBOLA_COMMAND, options, job_path("out.npy"));
    const pid_t child = fork();
    if (child == 0) {
        dup2(other, STDERR_FILENO);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    close(other);
    size_t length = 0;
    for (ssize_t got; length < size - 1 && (got = read(terminal, text + length, size - 1 - length)) > 0;)
        length += (size_t)got;
    text[length] = '\0';
    close(terminal);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void a_terminal_has_one_line_that_is_gone_in_the_end(void **state)
{
    (void)state;
    char text[4096], *line;
    read_terminal("--chunk=100", text, sizeof text);
    line = strstr(text, "\r300 of 4000 rows (7%), ");
    if (!line || !strstr(line, " rows/s, 0:") || !strstr(line, " left\033[K\r") || strchr(text, '\n') ||
        strcmp(text + strlen(text) - 4, "\r\033[K") != 0)
        fail_msg("this is no line of progress: %s", text);
}

static void chunks_pass_over_what_is_complete(void **state)
{
    (void)state;
    chunks all;
    extents done = {0};
    static const extent DONE[] = {{.first = 25, .count = 5}, {.first = 4, .count = 1}, {.first = 5, .count = 6}};
    static const chunk EXPECTED[] = {{0, 4}, {11, 10}, {21, 4}, {21, 4}, {30, 10}, {40, 1}, {41, 0}, {11, 10}, {41, 0}};
    for (size_t i = 0; i < COUNT_OF(DONE); i++)
        assert_int_equal(extents_add(&done, &DONE[i]), 0);
    assert_int_equal(done.count, 2); /* the last one goes on */
    assert_int_equal(done.rows, 12);
    assert_int_equal(chunks_begin(&all, 41, 10, &done), 0);
    for (size_t i = 0; i < COUNT_OF(EXPECTED); i++) {
        if (i == 3)
            assert_int_equal(chunks_return(&all, EXPECTED[2]), 0);
        if (i == 7)
            assert_int_equal(chunks_return(&all, EXPECTED[1]), 0);
        const chunk next = chunks_take(&all);
        assert_int_equal(next.count, EXPECTED[i].count);
        if (next.count)
            assert_int_equal(next.first, EXPECTED[i].first);
    }
    chunks_release(&all);
    extents_release(&done);
    assert_string_equal(chunk_describe((chunk){3, 1}).text, "row 3");
    assert_string_equal(chunk_describe((chunk){3, 2}).text, "rows 3 to 4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(progress_is_rows_and_a_rate_and_what_is_left),
        cmocka_unit_test(short_runs_and_quiet_ones_tell_nothing),
        cmocka_unit_test(a_terminal_has_one_line_that_is_gone_in_the_end),
        cmocka_unit_test(chunks_pass_over_what_is_complete),
    };
    return cmocka_run_group_tests(tests, job_make_folder, job_remove_folder);
}
