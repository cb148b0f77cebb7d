/* An array of many small rows in a folder of its own, and what a run of `tombola sample` over it leaves there. Each of
 * these ends the test where something is wrong. */
#ifndef LARGE_JOB_H
#define LARGE_JOB_H

#include <stddef.h>

#include "process.h"

#define JOB_ROWS 4000
#define JOB_COLUMNS 64

/* A group's setup and teardown. */
int job_make_folder(void **state);
int job_remove_folder(void **state);

/* A file of the folder; the name lives until the eighth next call. */
const char *job_path(const char *name);
#define JOB_ARRAY job_path("logits.npy")

/* What MPI keeps to the end is no leak of the command's. */
#define JOB_RANKS_ENVIRONMENT                                                                                          \
    (const char *const[])                                                                                              \
    {                                                                                                                  \
        "ASAN_OPTIONS", "intercept_tls_get_addr=0:detect_leaks=0", NULL                                                \
    }

/* Starts the command with these arguments behind `sample` and the array, on so many ranks; 0: without mpirun. */
running_process job_start(int ranks, const char *const *arguments);
process job_run(int ranks, const char *const *arguments);

/* Waits until so many lines of a journal tell of rows that are done. */
void job_wait_for_rows(const char *journal, size_t lines);

/* A file as a text, which the caller frees; NULL where there is none. */
char *job_read_text(const char *path);

/* A text of the file that follows `before`, up to a comma or brace: a number. */
long job_number_behind(const char *path, const char *before);

/* Puts `to` in place of `from`, of the same length, wherever it stands. */
void job_replace(const char *path, const char *from, const char *to);

void expect_same_files(const char *one, const char *other);
int file_is_there(const char *path);

/* Looks at status and the message, releases the process. */
void expect_end_of_job(process got, int status, const char *part_of_message);

#endif
