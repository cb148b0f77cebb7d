#include "npy.h"

#include <string.h>

#include "tool.h"

enum { DTYPE = 0x300 };

static const struct argp_option OPTIONS[] = {
    {"dtype", DTYPE, "TYPE", 0,
     "What the array holds: float32, float16 or bfloat16; auto (default) goes by the file. Bits of bfloat16 in an "
     "array of uint16 need --dtype bfloat16",
     0},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state)
{
    npy_wish *wish = state->input;
    if (key != DTYPE)
        return ARGP_ERR_UNKNOWN;
    wish->has_type = strcmp(text, "auto") != 0;
    if (wish->has_type && tool_type_read(text, &wish->type))
        argp_error(state, "--dtype: '%s' is not auto, float32, float16 or bfloat16", text);
    return 0;
}

const struct argp npy_argp = {.options = OPTIONS, .parser = parse};
