/* Parameters by name, from the library's table of them. */
#include "tool.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Whether two names are the same but for hyphens in place of underscores. */
static int is_called(const tombola_field *field, const char *name)
{
    size_t i = 0;
    while (field->name[i] && field->name[i] == (name[i] == '-' ? '_' : name[i]))
        i++;
    return field->name[i] == '\0' && name[i] == '\0';
}

const tombola_field *tool_params_find(const char *name)
{
    const tombola_field *field;
    for (size_t i = 0; (field = tombola_params_field(i)) && !is_called(field, name);)
        i++;
    return field;
}

size_t tool_params_count(void)
{
    size_t count = 0;
    while (tombola_params_field(count))
        count++;
    return count;
}

tool_text tool_params_names(void)
{
    tool_text names = {""};
    const size_t count = tool_params_count();
    for (size_t i = 0, length = 0; i < count && length < sizeof names.text; i++)
        length += (size_t)snprintf(names.text + length, sizeof names.text - length, "%s%s",
                                   i == 0          ? ""
                                   : i + 1 < count ? ", "
                                                   : " and ",
                                   tombola_params_field(i)->name);
    return names;
}

tool_text tool_params_expected(const tombola_field *field)
{
    tool_text expected;
    if (field->kind == TOMBOLA_KIND_FLOAT)
        snprintf(expected.text, sizeof expected.text, "a number from %g to %g", field->low, field->high);
    else
        snprintf(expected.text, sizeof expected.text, "a whole number from 0 to %llu",
                 field->kind == TOMBOLA_KIND_UINT32 ? (unsigned long long)UINT32_MAX : (unsigned long long)UINT64_MAX);
    return expected;
}

int tool_params_read(tombola_params *params, const tombola_field *field, const char *text)
{
    char *target = (char *)params + field->offset;
    float real;
    uint64_t integer;
    uint32_t narrow;
    switch (field->kind) {
    case TOMBOLA_KIND_FLOAT:
        if (tool_float_read(text, (float)field->low, (float)field->high, &real))
            return -1;
        memcpy(target, &real, sizeof real);
        return 0;
    case TOMBOLA_KIND_UINT32:
        if (tool_integer_read(text, UINT32_MAX, &integer))
            return -1;
        narrow = (uint32_t)integer;
        memcpy(target, &narrow, sizeof narrow);
        return 0;
    case TOMBOLA_KIND_UINT64:
        if (tool_integer_read(text, UINT64_MAX, &integer))
            return -1;
        memcpy(target, &integer, sizeof integer);
        return 0;
    }
    return -1;
}

tool_hint tool_params_hint(const tombola_field *field, const char *text)
{
    return field->kind == TOMBOLA_KIND_FLOAT ? tool_comma_hint(text) : (tool_hint){""};
}
