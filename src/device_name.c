#include "device_name.h"

#include "device.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PART "name:" /* before a part of a name that would be read in another way */

/* Words for platforms that do not have them in their names. */
static const struct {
    const char *word, *platform;
} platforms[] = {{"pocl", PLATFORM_POCL}, {"mesa", "Clover"}, {"mesa", "rusticl"}};

static const char *const types[] = {
    [TOMBOLA_DEVICE_CPU] = "CPU", [TOMBOLA_DEVICE_GPU] = "GPU", [TOMBOLA_DEVICE_OTHER] = "other"};

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* Whether the text begins with this, in any case. */
static int begins(const char *text, const char *part)
{
    while (*part && tolower((unsigned char)*text) == tolower((unsigned char)*part))
        text++, part++;
    return !*part;
}

static int is_word(const char *text, const char *word)
{
    return strlen(text) == strlen(word) && begins(text, word);
}

static int contains(const char *text, const char *part)
{
    for (; *text; text++)
        if (begins(text, part))
            return 1;
    return 0;
}

static int has_part(const tombola_device *device, const char *part)
{
    return contains(device->name, part) || contains(device->platform, part);
}

int device_is_index(const char *name)
{
    return name[strspn(name, "0123456789")] == '\0';
}

int device_matches(const tombola_device *device, const char *name)
{
    if (device_is_index(name))
        return strtoull(name, NULL, 10) == device->index;
    if (begins(name, PART))
        return has_part(device, name + strlen(PART));
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (is_word(name, types[i]))
            return device->type == (tombola_device_type)i;
    for (size_t i = 0; i < COUNT_OF(platforms); i++)
        if (is_word(name, platforms[i].word) && contains(device->platform, platforms[i].platform))
            return 1;
    return has_part(device, name);
}

void device_label(const tombola_device *device, char *text, size_t size)
{
    snprintf(text, size, "%u: %s (%s, %s)", (unsigned)device->index, device->name, device->platform,
             types[device->type]);
}
