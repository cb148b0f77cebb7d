#include "npy.h"

#include <string.h>

#include "tool.h"

enum { DTYPE = 0x300, VOCABULARY };

static const struct argp_option OPTIONS[] = {
    {"dtype", DTYPE, "TYPE", 0,
     "What the array holds: float32, float16 or bfloat16; auto (default) goes by the file. Bits of bfloat16 in an "
     "array of uint16 need --dtype bfloat16",
     0},
    {"vocabulary", VOCABULARY, "N", 0, "Only the first N columns of each row count; the rest is padding", 0},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state)
{
    npy_wish *wish = state->input;
    switch (key) {
    case DTYPE:
        wish->has_type = strcmp(text, "auto") != 0;
        if (wish->has_type && tool_type_read(text, &wish->type))
            argp_error(state, "--dtype: '%s' is not auto, float32, float16 or bfloat16", text);
        return 0;
    case VOCABULARY: /* how many there are, the file says */
        wish->has_vocabulary = 1;
        if (tool_integer_read(text, UINT64_MAX, &wish->vocabulary))
            argp_error(state, "--vocabulary: '%s' is not a whole number", text);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp npy_argp = {.options = OPTIONS, .parser = parse};
