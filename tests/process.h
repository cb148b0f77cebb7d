/* Runs a program to its end and keeps what it said. */
#ifndef PROCESS_H
#define PROCESS_H

#include <stddef.h>

typedef struct process {
    int status; /* the exit status; 128 + the signal that ended it */
    char *out;  /* NUL-terminated, as is err */
    char *err;
} process;

/* argv         NULL-terminated; argv[0] is the program's path
 * environment  NULL-terminated pairs of name and value on top of the caller's own; NULL for none
 * input        what it reads from standard input
 * Dies if it can't be started. Free the texts with process_release. */
process process_run(const char *const *argv, const char *const *environment, const void *input, size_t input_size);
void process_release(process *process);

/* The same in two steps, for what is to happen while it runs. */
typedef struct running_process {
    long id;
    void *streams[3]; /* FILE */
    const char *program;
} running_process;

running_process process_start(const char *const *argv, const char *const *environment, const void *input,
                              size_t input_size);
process process_end(running_process *running);

#endif
