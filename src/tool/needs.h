/* Parameters that do nothing without something else, as penalties without histories: what becomes of them in a command
 * that lacks it. */
#ifndef NEEDS_H
#define NEEDS_H

#include "tool.h"

/* An option that lacks something is a mistake; what a preset or the file of --config says is put back, which is told on
 * standard error: such files serve other commands, too.
 * there      what the command has, tombola_need
 * takes_all  whether it has options for what is missing */
void needs_settle(tool_sampling *sampling, uint32_t there, int takes_all, struct argp_state *state);

/* The same for parameters of rows, from a file. 0, or -1 with a message. */
int needs_check(const char *path, const tombola_params *params, size_t rows, uint32_t there);

#endif
