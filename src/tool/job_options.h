/* How a command goes through the rows of a large file, and where the results go. */
#ifndef JOB_OPTIONS_H
#define JOB_OPTIONS_H

#include <argp.h>
#include <stddef.h>

typedef struct job_options {
    const char *output; /* NULL: standard output */
    size_t chunk;       /* rows; 0: the command chooses */
    int resumes;
    int is_quiet;
} job_options;

/* --output, --chunk, --resume and --quiet. Its input is a struct of these, all zero. */
extern const struct argp job_argp;

/* Whether the output is an array of tokens, as its name ends in .npy; else it is lines of JSON. */
int job_output_is_array(const job_options *options);

#endif
