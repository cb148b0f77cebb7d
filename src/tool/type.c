#include "tool.h"

#include <string.h>

/* As numpy calls them, and in short. */
static const struct {
    const char *name, *other;
} NAMES[] = {
    [TOMBOLA_FLOAT32] = {"float32", "f32"},
    [TOMBOLA_FLOAT16] = {"float16", "f16"},
    [TOMBOLA_BFLOAT16] = {"bfloat16", "bf16"},
};

const char *tool_type_name(tombola_type type)
{
    return NAMES[type].name;
}

int tool_type_read(const char *text, tombola_type *type)
{
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++)
        if (strcmp(text, NAMES[i].name) == 0 || strcmp(text, NAMES[i].other) == 0) {
            *type = (tombola_type)i;
            return 0;
        }
    return -1;
}
