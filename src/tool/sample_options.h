/* What `tombola sample` is asked for. */
#ifndef SAMPLE_OPTIONS_H
#define SAMPLE_OPTIONS_H

#include "constraints.h"
#include "history_file.h"
#include "job_options.h"
#include "npy.h"
#include "reports.h"
#include "sequences.h"
#include "told.h"
#include "tool.h"

typedef enum sample_format {
    SAMPLE_TABLE,
    SAMPLE_JSON, /* an object a line */
    SAMPLE_ARRAY /* the tokens alone */
} sample_format;

typedef struct sample_options {
    tool_sampling sampling;
    const char *logits; /* the file; "-" for standard input */
    const char *params; /* NULL: no file of these */
    npy_wish wish;
    constraints constraints;
    histories histories;
    int has_config_ends; /* the end tokens are those of the file of --config */
    sequences sequences;
    int probabilities;
    int boundary;
    told told;
    reports reports;
    job_options job;
    sample_format format;
} sample_options;

/* Reads the command's arguments; ends the process where these are wrong, and after --help. 0, or an error of argp's.
 * Release the options either way. */
int sample_options_parse(int argc, char **argv, sample_options *options);
void sample_options_release(sample_options *options);

/* A file that an option names. */
typedef struct option_file {
    const char *option;
    const char *path;    /* NULL: the option was not given */
    int may_be_standard; /* - is standard input */
} option_file;

/* The path of an input; where it is standard input, a name that tells which file that is, if it is one. */
const char *option_file_path(const option_file *input);

enum { SAMPLE_INPUTS = 9, SAMPLE_REPORTS = 3 };

typedef struct sample_files {
    option_file inputs[SAMPLE_INPUTS];   /* what is read beside the array */
    option_file reports[SAMPLE_REPORTS]; /* what is written beside the file of --output */
} sample_files;

sample_files sample_options_files(const sample_options *options);

/* What there is for parameters that need something, tombola_need. */
uint32_t sample_options_supply(const sample_options *options);

#endif
