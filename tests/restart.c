#define _DEFAULT_SOURCE /* setenv */
#include "restart.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"

void restart_with(char **argv, const char *variable, const char *value)
{
    const char *set = getenv(variable);
    if (set && strcmp(set, value) == 0)
        return;
    setenv(variable, value, 1);
    execv("/proc/self/exe", argv);
    die("cannot start again");
}
