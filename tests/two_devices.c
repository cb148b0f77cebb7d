#define _DEFAULT_SOURCE /* unsetenv */
#include "two_devices.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "faults.h"
#include "restart.h"

tombola_device devices[MOST_DEVICES];
size_t device_count;
size_t order[MOST_DEVICES];

void offer_devices(char **argv, const char *drivers)
{
    restart_with(argv, "POCL_DEVICES", drivers);
}

void offer_two_devices(char **argv)
{
    offer_devices(argv, "pthread pthread");
}

int list_devices(void **state)
{
    (void)state;
    static const tombola_device_type ranks[] = {TOMBOLA_DEVICE_GPU, TOMBOLA_DEVICE_CPU, TOMBOLA_DEVICE_OTHER};
    size_t placed = 0;
    probe_make(&probe, TOMBOLA_FLOAT32);
    for (size_t i = 0; i < MOST_DEVICES; i++)
        devices[i] = tombola_device_default();
    if (tombola_device_list(devices, MOST_DEVICES, &device_count, NULL) != TOMBOLA_OK)
        return 1;
    for (size_t rank = 0; rank < COUNT_OF(ranks); rank++)
        for (size_t i = 0; i < device_count; i++)
            if (devices[i].type == ranks[rank])
                order[placed++] = i;
    return placed != device_count || device_count == 0;
}

int start(void **state)
{
    (void)state;
    unsetenv("TOMBOLA_DEVICE");
    faults_begin();
    return 0;
}

/* Also after an open that failed, nothing is held. */
int end(void **state)
{
    (void)state;
    faults_begin();
    return faults_seen().held != 0;
}

void need_two_devices(void)
{
    if (device_count < 2)
        skip();
}

void expect_text(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in: %s", part, text);
}
