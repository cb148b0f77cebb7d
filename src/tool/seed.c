#include "tool.h"

#include <string.h>
#include <sys/random.h>

int tool_seed_read(const char *text, uint64_t high, uint64_t *seed, int *is_random)
{
    *is_random = strcmp(text, "random") == 0;
    if (!*is_random)
        return tool_integer_read(text, high, seed);
    uint64_t bits;
    if (getrandom(&bits, sizeof bits, 0) != sizeof bits) /* so few bytes come whole or not at all */
        return -1;
    *seed = bits & high;
    return 0;
}

void tool_seed_print(uint64_t seed)
{
    fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
}
