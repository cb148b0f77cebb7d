/* Runs the command `tombola` and looks at what it said. For its own tests alone, which know where it is. */
#ifndef COMMAND_H
#define COMMAND_H

#include <jansson.h>

#include "process.h"

/* arguments    NULL-terminated, 30 at most, without the program's name
 * environment  as for process_run */
process command_run(const char *const *arguments, const char *const *environment, const void *input, size_t input_size);

#define RUN(...) command_run((const char *const[]){__VA_ARGS__, NULL}, NULL, "", 0)

/* Each of these looks at the exit status and at both streams, and releases the process. */
void expect_output(process got, const char *out);
void expect_failure(process got, const char *part_of_message);
/* The message is all that there is to be read. */
void expect_message(process got, const char *message);
/* command  as it calls itself: "tombola show" */
void expect_usage_error(process got, const char *command, const char *message);

/* The lines of a run that went well, each an object of JSON, as an array for the caller to release. */
json_t *parse_lines(process got);

#endif
