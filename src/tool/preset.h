/* Presets of the library's, and the command's own, which are temperatures by their use. */
#ifndef PRESET_H
#define PRESET_H

#include "tool.h"

/* Sets all parameters. 0, or -1 where none has this name. */
int preset_read(const char *name, tombola_params *params);

/* All names: "default, greedy, ... and brainstorm". */
tool_text preset_names(void);

#endif
