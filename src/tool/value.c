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

void tool_text_add(tool_text *text, const char *words)
{
    const size_t length = strlen(text->text);
    snprintf(text->text + length, sizeof text->text - length, "%s", words);
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
