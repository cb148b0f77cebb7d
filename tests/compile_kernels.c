/* Has kernels compiled that many tests take, before these run side by side: a driver that keeps what it has compiled
 * gives it to all of them, and each test compiles for itself what it does not find.
 * usage: compile_kernels LANES WIDTH TYPE INPUT [shards] (as test_context_open and tombola.h number them) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "late.h"

int main(int argc, char **argv)
{
    uint32_t numbers[4];
    const int is_of_shards = argc == 2 + COUNT_OF(numbers) && strcmp(argv[argc - 1], "shards") == 0;
    if (argc != 1 + COUNT_OF(numbers) && !is_of_shards)
        die("usage: compile_kernels LANES WIDTH TYPE INPUT [shards]");
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        numbers[i] = (uint32_t)strtoul(argv[1 + i], NULL, 10);
    tombola_context *context = test_context_open(numbers[0], numbers[1]);
    (is_of_shards ? want_kernels_of_shards : want_every_kernel)(context, (tombola_type)numbers[2],
                                                                (tombola_input)numbers[3]);
    tombola_context_close(context);
    return 0;
}
