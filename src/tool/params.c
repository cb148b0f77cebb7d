/* Parameters by name, from the library's table of them. */
#include "tool.h"

#include <stdio.h>
#include <string.h>

static char hyphenated(char c)
{
    return c == '_' ? '-' : c;
}

/* Whether the first `length` characters of a text are a name; hyphens and underscores are the same. */
static int is_called(const char *name, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (hyphenated(name[i]) != hyphenated(text[i])) /* which ends at the name's end, too */
            return 0;
    return name[length] == '\0';
}

const tombola_field *tool_params_find(const char *name)
{
    const tombola_field *field;
    for (size_t i = 0; (field = tombola_params_field(i)) && !is_called(field->name, name, strlen(name));)
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

/* What comes before item i of `count` in "a, b and c". */
static const char *joint(size_t i, size_t count, const char *last)
{
    return i == 0 ? "" : i + 1 < count ? ", " : last;
}

tool_text tool_params_names(void)
{
    tool_text names = {""};
    const size_t count = tool_params_count();
    for (size_t i = 0; i < count; i++) {
        tool_text_add(&names, joint(i, count, " and "));
        tool_text_add(&names, tombola_params_field(i)->name);
    }
    return names;
}

tool_text tool_params_option(const tombola_field *field)
{
    tool_text option = {"--"};
    tool_text_add(&option, field->name);
    for (char *c = option.text; *c; c++)
        *c = hyphenated(*c);
    return option;
}

int tool_params_have_filters(const tombola_params *params)
{
    const tombola_params neutral = tombola_params_default();
    const tombola_field *field;
    for (size_t i = 0; (field = tombola_params_field(i)); i++) {
        const size_t size = field->kind == TOMBOLA_KIND_UINT64 ? sizeof(uint64_t) : sizeof(uint32_t);
        if (field->filter > TOMBOLA_FILTER_TEMPERATURE &&
            memcmp((const char *)params + field->offset, (const char *)&neutral + field->offset, size))
            return 1;
    }
    return 0;
}

static tool_text expected_choice(const tombola_field *field)
{
    tool_text expected = {""};
    size_t count = 0;
    while (field->values[count])
        count++;
    for (size_t i = 0; i < count; i++) {
        tool_text_add(&expected, joint(i, count, " or "));
        tool_text_add(&expected, field->values[i]);
    }
    return expected;
}

static tool_text expected_order(const tombola_field *field)
{
    tool_text expected = {"an order of "};
    size_t count = 0, done = 0;
    for (size_t i = 1; field->values[i]; i++)
        count += *field->values[i] != '\0';
    for (size_t i = 1; field->values[i]; i++)
        if (*field->values[i]) {
            tool_text_add(&expected, joint(done++, count, " and "));
            tool_text_add(&expected, field->values[i]);
        }
    tool_text_add(&expected, ", each at most once, with commas between, nor ");
    for (size_t i = 0; field->presets[i].name; i++) {
        tool_text_add(&expected, joint(i, field->presets[i + 1].name ? i + 2 : i + 1, " or "));
        tool_text_add(&expected, field->presets[i].name);
    }
    return expected;
}

tool_text tool_params_expected(const tombola_field *field)
{
    tool_text expected = {""};
    switch (field->kind) {
    case TOMBOLA_KIND_FLOAT:
        snprintf(expected.text, sizeof expected.text, "a number from %g to %g", field->low, field->high);
        break;
    case TOMBOLA_KIND_UINT32:
    case TOMBOLA_KIND_UINT64:
        snprintf(expected.text, sizeof expected.text, "a whole number from 0 to %llu",
                 field->kind == TOMBOLA_KIND_UINT32 ? (unsigned long long)UINT32_MAX : (unsigned long long)UINT64_MAX);
        break;
    case TOMBOLA_KIND_CHOICE:
        return expected_choice(field);
    case TOMBOLA_KIND_ORDER:
        return expected_order(field);
    }
    return expected;
}

/* The value of the choice or order that has this name; 0 or more, or -1 for none. */
static int find_value(const tombola_field *field, int first, const char *text, size_t length)
{
    for (int value = first; field->values[value]; value++)
        if (*field->values[value] && is_called(field->values[value], text, length))
            return value;
    return -1;
}

static int read_order(const tombola_field *field, const char *text, uint8_t *filters)
{
    uint8_t order[TOMBOLA_MAX_FILTERS] = {0};
    for (size_t i = 0; field->presets[i].name; i++)
        if (is_called(field->presets[i].name, text, strlen(text))) {
            memcpy(filters, field->presets[i].filters, sizeof order);
            return 0;
        }
    for (size_t count = 0;; count++) {
        const size_t length = strcspn(text, ",+");
        const int value = find_value(field, 1, text, length);
        if (value < 0 || count == TOMBOLA_MAX_FILTERS || memchr(order, value, sizeof order))
            return -1;
        order[count] = (uint8_t)value;
        if (text[length] == '\0')
            break;
        text += length + 1;
    }
    memcpy(filters, order, sizeof order);
    return 0;
}

int tool_params_read(tombola_params *params, const tombola_field *field, const char *text)
{
    char *target = (char *)params + field->offset;
    float real;
    uint64_t integer;
    uint32_t narrow;
    int value;
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
    case TOMBOLA_KIND_CHOICE:
        value = find_value(field, 0, text, strlen(text));
        if (value < 0)
            return -1;
        narrow = (uint32_t)value;
        memcpy(target, &narrow, sizeof narrow);
        return 0;
    case TOMBOLA_KIND_ORDER:
        return read_order(field, text, (uint8_t *)target);
    }
    return -1;
}

tool_hint tool_params_hint(const tombola_field *field, const char *text)
{
    return field->kind == TOMBOLA_KIND_FLOAT ? tool_comma_hint(text) : (tool_hint){""};
}
