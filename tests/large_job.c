#include "large_job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "expect.h"
#include "files.h"
#include "harness.h"

static char folder[] = "/tmp/tombola-job-XXXXXX";

int job_make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    float *logits = allocate(JOB_ROWS * JOB_COLUMNS, sizeof *logits);
    char header[128];
    uint64_t random = 5;
    for (size_t i = 0; i < JOB_ROWS * JOB_COLUMNS; i++)
        logits[i] = (float)random_below(&random, 48) / 4 - 6;
    snprintf(header, sizeof header, "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", JOB_ROWS,
             JOB_COLUMNS);
    write_npy(JOB_ARRAY, header, logits, JOB_ROWS * JOB_COLUMNS * sizeof *logits);
    free(logits);
    return 0;
}

int job_remove_folder(void **state)
{
    (void)state;
    const char *const remove[] = {"/bin/rm", "-r", folder, NULL};
    process got = process_run(remove, NULL, "", 0);
    const int status = got.status;
    process_release(&got);
    return status;
}

const char *job_path(const char *name)
{
    static char paths[8][96];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

running_process job_start(int ranks, const char *const *arguments)
{
    const char *argv[40];
    char count[8];
    size_t n = 0;
    snprintf(count, sizeof count, "%d", ranks);
    if (ranks) {
        argv[n++] = TEST_DATA "/mpirun.sh";
        argv[n++] = count;
    }
    argv[n++] = TOMBOLA_COMMAND;
    argv[n++] = "sample";
    argv[n++] = JOB_ARRAY;
    for (size_t i = 0; arguments[i]; i++)
        argv[n++] = arguments[i];
    argv[n] = NULL;
    return process_start(argv, ranks ? JOB_RANKS_ENVIRONMENT : NULL, "", 0);
}

process job_run(int ranks, const char *const *arguments)
{
    running_process running = job_start(ranks, arguments);
    return process_end(&running);
}

static size_t count_in(const char *text, const char *word)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, word)); at += strlen(word))
        count++;
    return count;
}

char *job_read_text(const char *path)
{
    size_t size;
    if (!file_is_there(path))
        return NULL;
    char *content = read_file(path, &size), *text = allocate(size + 1, 1);
    memcpy(text, content, size);
    text[size] = '\0';
    free(content);
    return text;
}

void job_wait_for_rows(const char *journal, size_t lines)
{
    for (int i = 0; i < 10000; i++) {
        char *text = job_read_text(journal);
        const size_t count = text ? count_in(text, "\"done\"") : 0;
        free(text);
        if (count >= lines)
            return;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    fail_msg("%s does not get %zu lines", journal, lines);
}

long job_number_behind(const char *path, const char *before)
{
    char *text = job_read_text(path), *at = text ? strstr(text, before) : NULL;
    if (!at)
        fail_msg("%s has no %s", path, before);
    const long number = strtol(at + strlen(before), NULL, 10);
    free(text);
    return number;
}

void job_replace(const char *path, const char *from, const char *to)
{
    char *text = job_read_text(path);
    size_t count = 0;
    assert_int_equal(strlen(from), strlen(to));
    for (char *at = text; at && (at = strstr(at, from)); at += strlen(to), count++)
        memcpy(at, to, strlen(to));
    assert_true(count > 0);
    write_file(path, text, strlen(text));
    free(text);
}

void expect_same_files(const char *one, const char *other)
{
    size_t size, other_size;
    char *content = read_file(one, &size), *other_content = read_file(other, &other_size);
    if (size != other_size || memcmp(content, other_content, size) != 0)
        fail_msg("%s, of %zu bytes, and %s, of %zu, should be the same", one, size, other, other_size);
    free(content);
    free(other_content);
}

int file_is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

void expect_end_of_job(process got, int status, const char *part_of_message)
{
    if (!strstr(got.err, part_of_message))
        fail_msg("'%s' should hold '%s'", got.err, part_of_message);
    if (got.status != status)
        fail_msg("exit status %d, not %d: %s", got.status, status, got.err);
    assert_string_equal(got.out, "");
    process_release(&got);
}
