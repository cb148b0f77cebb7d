#include "device_turns.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "tool.h"

/* PoCL's threads: of the cores that this process may use, its share. What the user says counts more. */
static void share_cores(int count)
{
    static const char *const NAMES[] = {"POCL_MAX_PTHREAD_COUNT", "POCL_CPU_MAX_CU_COUNT"};
    cpu_set_t set;
    char text[24];
    const long all = sysconf(_SC_NPROCESSORS_ONLN), share = all / count > 1 ? all / count : 1;
    const long own = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : share;
    snprintf(text, sizeof text, "%ld", own < share ? own : share);
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++)
        setenv(NAMES[i], text, 0);
}

static int choose_listed(const char *list, int local, char *name, size_t size)
{
    size_t count;
    char **names = tool_list_split(list, &count);
    if (!names)
        return 0;
    snprintf(name, size, "%s", names[(size_t)local % count]);
    free(names);
    return 1;
}

static int choose_from_all(int only_gpus, int local, char *name, size_t size)
{
    size_t count = 0, chosen = 0;
    if (tombola_device_list(NULL, 0, &count, NULL) || count == 0)
        return 0;
    tombola_device *devices = calloc(count, sizeof *devices);
    uint32_t *indices = calloc(count, sizeof *indices);
    size_t room = count;
    for (size_t i = 0; devices && i < room; i++)
        devices[i] = tombola_device_default();
    if (devices && indices && tombola_device_list(devices, room, &count, NULL) == TOMBOLA_OK)
        for (size_t i = 0; i < count && i < room; i++)
            if (only_gpus ? devices[i].type == TOMBOLA_DEVICE_GPU : !devices[i].is_in_thread)
                indices[chosen++] = devices[i].index;
    if (chosen)
        snprintf(name, size, "%u", indices[(size_t)local % chosen]);
    free(devices);
    free(indices);
    return chosen > 0;
}

int device_turns_choose(const char *device, int local, int count, char *name, size_t size)
{
    const char *own = getenv("TOMBOLA_DEVICE");
    if (count > 1)
        share_cores(count);
    if (!device && own && *own)
        device = own;
    if (device && strcasecmp(device, "all") == 0)
        return choose_from_all(0, local, name, size);
    if (count == 1)
        return 0;
    if (device && strchr(device, ','))
        return choose_listed(device, local, name, size);
    return !device || strcasecmp(device, "gpu") == 0 ? choose_from_all(1, local, name, size) : 0;
}
