/* What the subcommands of `tombola` share.
 *
 * A subcommand is one function, called with argv[0] = "tombola <name>" and its own
 * arguments after it; what it returns becomes the exit status. It parses with argp,
 * which prints --help, and on a usage error exits with TOOL_USAGE by itself.
 *
 * Messages go to standard error through warnx() and warn(): main has set the program's
 * name to "tombola <name>". Writes to standard output need no check of their own: main
 * closes it at exit, and a write that failed becomes a message and TOOL_FAILURE. A
 * command that writes for long asks ferror(stdout) now and then. */
#ifndef TOOL_H
#define TOOL_H

#include <argp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <jansson.h>

#include "config.h"
#include "tombola.h"

enum { TOOL_FAILURE = 1, TOOL_USAGE = 2 };

/* argp_parse, for all commands: underscores in the names of options are taken for hyphens, as in --top_p. */
error_t tool_parse(const struct argp *argp, int argc, char **argv, void *input);

int tool_bench(int argc, char **argv);
int tool_detect(int argc, char **argv);
int tool_devices(int argc, char **argv);
int tool_sample(int argc, char **argv);
int tool_show(int argc, char **argv);

/* ------------------------------------------------------------------- values */

/* Each reads the whole of `text` or nothing. 0, or -1 for what is no such number:
 * NaN, overflow, a leading blank, and for integers a sign, included. */
int tool_float_read(const char *text, float low, float high, float *value);
int tool_integer_read(const char *text, uint64_t high, uint64_t *value);

/* A seed from 0 to `high`, which is a power of two less one; "random" takes one from the system. 0, or -1 for what is
 * neither. */
int tool_seed_read(const char *text, uint64_t high, uint64_t *seed, int *is_random);
/* Says on standard error which seed the system gave, so that the run can be repeated. */
void tool_seed_print(uint64_t seed);

/* The end of a message about a text that should be a single number: "; write 0.7 if that was meant" where it looks like
 * one with a comma for a point, as 0,7; else "". */
typedef struct tool_hint {
    char text[64];
} tool_hint;

tool_hint tool_comma_hint(const char *text);
/* A type of logits by its name: float32, float16 or bfloat16, or f32, f16 or bf16 for short. 0, or -1 for no such
 * type. */
int tool_type_read(const char *text, tombola_type *type);
/* "float32" */
const char *tool_type_name(tombola_type type);

/* Cuts "a,b,c" at its commas; an empty text is one empty item. One allocation, freed by
 * the caller with free(); NULL if memory ran out. */
char **tool_list_split(const char *text, size_t *count);

typedef struct tool_text {
    char text[2048];
} tool_text;

/* Adds words, cut to fit. */
void tool_text_add(tool_text *text, const char *words);

/* --------------------------------------------------------------- parameters */

/* The parameter of that name, in which hyphens may stand for underscores; NULL for none. */
const tombola_field *tool_params_find(const char *name);
size_t tool_params_count(void);
/* All names: "temperature, top_k, ... and stream". */
tool_text tool_params_names(void);

/* Its option: "--top-k". */
tool_text tool_params_option(const tombola_field *field);

/* Whether one of them switches a filter on, the temperature aside. */
int tool_params_have_filters(const tombola_params *params);

/* Sets a parameter from text. 0, or -1 where the text is not what is expected: "a number from 0 to 1". */
int tool_params_read(tombola_params *params, const tombola_field *field, const char *text);
tool_text tool_params_expected(const tombola_field *field);
/* tool_comma_hint for a parameter, of which some are no fractions. */
tool_hint tool_params_hint(const tombola_field *field, const char *text);

/* ----------------------------------------------------------------- sampling */

#define TOOL_MAX_TEMPERATURES 64

/* No table of parameters is longer. */
#define TOOL_MAX_PARAMETERS 60

/* An option for each parameter of the library's, --top-k for top_k, and --preset, --config, --device and --verbose; for
 * every command that draws. The preset counts least, then the file of --config, then the other options, in whatever
 * order they come. */
typedef struct tool_sampling {
    size_t temperature_limit; /* in: how many values --temperature may have */
    int takes_tokens;         /* in: what --config says of single tokens is wanted */
    size_t temperature_count; /* 0 where neither option, file nor preset has said it */
    int has_temperature;      /* the option --temperature was given */
    float temperatures[TOOL_MAX_TEMPERATURES];
    tombola_params params;                       /* the rest; its temperature is the first of the above, or 1 */
    unsigned char is_given[TOOL_MAX_PARAMETERS]; /* by an option, for each parameter of the table */
    const char *preset, *config_path;            /* NULL where the option was not given */
    config config;                               /* what the file says besides; config_release it */
    int has_random_seed;
    const char *device; /* NULL where the option was not given */
    int verbose;
} tool_sampling;

tool_sampling tool_sampling_default(size_t temperature_limit);

/* For `.children = (struct argp_child[]){{tool_sampling_argp(), 0, "Sampling:", 1}, {0}}`.
 * The parent's parser hands the struct over in ARGP_KEY_INIT:
 *     state->child_inputs[0] = &options->sampling; */
const struct argp *tool_sampling_argp(void);

/* Opens the device that --device asks for; says what is wrong if it fails, and with
 * --verbose why this device was taken. NULL on failure. */
tombola_context *tool_sampling_open(const tool_sampling *sampling);

/* --------------------------------------------------------------------- JSON */

/* Prints an object on a line of its own, keys in the order they were set, and drops the
 * caller's reference. NULL (a failed json_pack) is an error: 0, or -1 with a message. */
int tool_json_print(FILE *file, json_t *object);

/* Adds a value to an array, and takes it over. It returns the array; NULL without memory, with both dropped. */
json_t *tool_json_add(json_t *array, json_t *value);

/* A number; null for one that JSON has no word for. */
json_t *tool_json_real(float x);

#endif
