#include "tool.h"

#include <err.h>
#include <math.h>

int tool_json_print(FILE *file, json_t *object)
{
    if (!object) {
        warnx("a text is not UTF-8, or memory ran out: no JSON can be made of it");
        return -1;
    }
    /* Seven digits hold what a probability is good for, and print 0.1f as 0.1. */
    int failed = json_dumpf(object, file, JSON_COMPACT | JSON_REAL_PRECISION(7));
    json_decref(object);
    if (failed || putc('\n', file) == EOF) {
        warn("cannot write");
        return -1;
    }
    return 0;
}

json_t *tool_json_real(float x)
{
    return isfinite(x) ? json_real((double)x) : json_null();
}

json_t *tool_json_add(json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) == 0)
        return array;
    json_decref(array);
    return NULL;
}
