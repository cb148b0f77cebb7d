#include "tool.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int tool_float_read(const char *text, float low, float high, float *value)
{
    if (isspace((unsigned char)text[0]))
        return -1;
    char *end;
    errno = 0;
    float number = strtof(text, &end);
    if (end == text || *end != '\0')
        return -1;
    if (errno == ERANGE && isinf(number))
        return -1; /* 1e99 is no way to write inf */
    if (!(number >= low && number <= high))
        return -1;
    *value = number;
    return 0;
}

int tool_integer_read(const char *text, uint64_t high, uint64_t *value)
{
    if (!isdigit((unsigned char)text[0]))
        return -1; /* strtoull would take blanks, and turn -1 into the largest of all */
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (*end != '\0' || errno == ERANGE || number > high)
        return -1;
    *value = number;
    return 0;
}

tool_hint tool_comma_hint(const char *text)
{
    static const char DIGITS[] = "0123456789";
    tool_hint hint = {""};
    size_t whole = strspn(text, DIGITS), fraction = text[whole] == ',' ? strspn(text + whole + 1, DIGITS) : 0;
    if (whole > 0 && fraction > 0 && text[whole + 1 + fraction] == '\0' && whole + fraction <= 20)
        snprintf(hint.text, sizeof hint.text, "; write %.*s.%s if that was meant", (int)whole, text, text + whole + 1);
    return hint;
}

typedef enum field_kind { TEMPERATURE, SHARE, U32, U64 } field_kind;

static const char *const EXPECTED[] = {
    [TEMPERATURE] = "a number from 0 to inf",
    [SHARE] = "a number from 0 to 1",
    [U32] = "a whole number from 0 to 4294967295",
    [U64] = "a whole number from 0 to 18446744073709551615",
};

static const struct field {
    const char *name;
    field_kind kind;
    size_t place;
} FIELDS[] = {
    {"temperature", TEMPERATURE, offsetof(tombola_params, temperature)},
    {"top_k", U32, offsetof(tombola_params, top_k)},
    {"top_p", SHARE, offsetof(tombola_params, top_p)},
    {"min_p", SHARE, offsetof(tombola_params, min_p)},
    {"seed", U64, offsetof(tombola_params, seed)},
    {"offset", U64, offsetof(tombola_params, offset)},
    {"stream", U32, offsetof(tombola_params, stream)},
};

/* Whether two names are the same but for hyphens in place of underscores. */
static int is_called(const struct field *field, const char *name)
{
    size_t i = 0;
    while (field->name[i] && field->name[i] == (name[i] == '-' ? '_' : name[i]))
        i++;
    return field->name[i] == '\0' && name[i] == '\0';
}

static const struct field *find_field(const char *name)
{
    for (size_t i = 0; i < sizeof FIELDS / sizeof FIELDS[0]; i++)
        if (is_called(&FIELDS[i], name))
            return &FIELDS[i];
    return NULL;
}

const char *tool_params_name(const char *name)
{
    const struct field *field = find_field(name);
    return field ? field->name : NULL;
}

const char *tool_params_read(tombola_params *params, const char *name, const char *text)
{
    const struct field *field = find_field(name);
    char *target = (char *)params + field->place;
    float real;
    uint64_t integer;
    uint32_t narrow;
    switch (field->kind) {
    case TEMPERATURE:
    case SHARE:
        if (tool_float_read(text, 0, field->kind == SHARE ? 1 : INFINITY, &real))
            return EXPECTED[field->kind];
        memcpy(target, &real, sizeof real);
        return NULL;
    case U32:
        if (tool_integer_read(text, UINT32_MAX, &integer))
            return EXPECTED[field->kind];
        narrow = (uint32_t)integer;
        memcpy(target, &narrow, sizeof narrow);
        return NULL;
    case U64:
        if (tool_integer_read(text, UINT64_MAX, &integer))
            return EXPECTED[field->kind];
        memcpy(target, &integer, sizeof integer);
        return NULL;
    }
    return NULL;
}

tool_hint tool_params_hint(const char *name, const char *text)
{
    field_kind kind = find_field(name)->kind;
    return kind == TEMPERATURE || kind == SHARE ? tool_comma_hint(text) : (tool_hint){""};
}

char **tool_list_split(const char *text, size_t *count)
{
    size_t items = 1;
    for (const char *c = text; *c; c++)
        items += *c == ',';
    char **list = malloc(items * sizeof *list + strlen(text) + 1);
    if (!list)
        return NULL;
    char *rest = strcpy((char *)(list + items), text);
    for (size_t i = 0; i < items; i++)
        list[i] = strsep(&rest, ",");
    *count = items;
    return list;
}
