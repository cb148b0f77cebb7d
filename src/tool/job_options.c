#include "job_options.h"

#include <string.h>

#include "tool.h"

enum { OUTPUT = 0x500, CHUNK, RESUME, QUIET };

static const struct argp_option OPTIONS[] = {
    {"output", OUTPUT, "FILE", 0,
     "Write to FILE.npy the tokens, an array of int32, or to FILE.jsonl the lines of --json. What is complete is kept "
     "in FILE.part and told in FILE.part.jsonl until all of it is. With this option mpirun may start the command on "
     "several ranks: they draw chunks as they become free, and the file is the same",
     0},
    {"chunk", CHUNK, "ROWS", 0, "Read, draw and write so many rows at a time; by default about 8 MB of logits", 0},
    {"resume", RESUME, 0, 0,
     "Go on with --output where an earlier run of the same options has ended before its time; begin where there was "
     "none",
     0},
    {"quiet", QUIET, 0, 0,
     "No progress; else runs of more than a second tell it on standard error: on a terminal in a line renewed in "
     "place, otherwise a line a minute",
     0},
    {0},
};

static int ends_in(const char *text, const char *end)
{
    const size_t length = strlen(text), end_length = strlen(end);
    return length > end_length && strcmp(text + length - end_length, end) == 0;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    job_options *options = state->input;
    uint64_t number;
    switch (key) {
    case OUTPUT:
        if (!ends_in(text, ".npy") && !ends_in(text, ".jsonl"))
            argp_error(state, "--output: '%s' ends neither in .npy, for an array of tokens, nor in .jsonl", text);
        options->output = text;
        return 0;
    case CHUNK:
        if (tool_integer_read(text, SIZE_MAX, &number) || number == 0)
            argp_error(state, "--chunk: '%s' is not a whole number of rows from 1 on", text);
        options->chunk = (size_t)number;
        return 0;
    case RESUME:
        options->resumes = 1;
        return 0;
    case QUIET:
        options->is_quiet = 1;
        return 0;
    case ARGP_KEY_END:
        if (options->resumes && !options->output)
            argp_error(state, "--resume: goes on with the file of --output, and there is none");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp job_argp = {.options = OPTIONS, .parser = parse};

int job_output_is_array(const job_options *options)
{
    return options->output && ends_in(options->output, ".npy");
}
