/* --seed random: taken from the system, told, and good for repeating the run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "files.h"
#include "harness.h"
#include "sample_files.h"

static const char *const POCL[] = {"POCL_AFFINITY", "1", NULL};

/* Every command that draws, with room for the option. */
static const char *const COMMANDS[][16] = {
    {"sample", npy_path, "--json"},
    {"show", "--logits", "1,2,3,4,5,6,7,8", "--draws", "1000", "--json"},
    {"bench", "--shapes", "1x99", "--repeats", "1", "--configs", "greedy", "--json"},
};

static process run_with_seed(size_t command, const char *seed)
{
    const char *arguments[20];
    size_t count = 0;
    for (; COMMANDS[command][count]; count++)
        arguments[count] = COMMANDS[command][count];
    arguments[count++] = "--seed";
    arguments[count++] = seed;
    arguments[count] = NULL;
    return command_run(arguments, POCL, "", 0);
}

/* What the process says that it took, as text. */
static void find_seed(const process *got, char seed[32])
{
    const char *line = strstr(got->err, "seed ");
    if (got->status != 0 || !line || sscanf(line, "seed %31[0-9]", seed) != 1)
        fail_msg("no seed in '%s'", got->err);
}

/* As much of the output as does not hold times; of the benchmark that is the header, which has the seed. */
static size_t repeatable(size_t command, const process *got)
{
    const char *end = strcmp(COMMANDS[command][0], "bench") == 0 ? strstr(got->out, "\n{") : NULL;
    return end ? (size_t)(end - got->out) : strlen(got->out);
}

static void a_random_seed_is_told_and_repeats_the_run(void **state)
{
    (void)state;
    write_npy(npy_path, ARRAY, logits, sizeof logits);
    for (size_t command = 0; command < COUNT_OF(COMMANDS); command++) {
        char seed[32] = "", other[32] = "";
        process first = run_with_seed(command, "random"), second = run_with_seed(command, "random");
        find_seed(&first, seed);
        find_seed(&second, other);
        assert_string_not_equal(seed, other);
        process again = run_with_seed(command, seed);
        assert_int_equal(again.status, 0);
        assert_null(strstr(again.err, "seed "));
        size_t length = repeatable(command, &first);
        assert_int_not_equal(length, 0);
        assert_int_equal(length, repeatable(command, &again));
        assert_memory_equal(first.out, again.out, length);
        process_release(&first);
        process_release(&second);
        process_release(&again);
    }
}

static void the_last_seed_counts_and_a_mistake_tells_none(void **state)
{
    (void)state;
    write_npy(npy_path, ARRAY, logits, sizeof logits);
    process expected = RUN("sample", npy_path, "--seed", "5");
    process got = RUN("sample", npy_path, "--seed", "random", "--seed", "5");
    assert_null(strstr(got.err, "seed "));
    expect_output(got, expected.out);
    process_release(&expected);
    expect_usage_error(RUN("sample", npy_path, "--seed", "random", "--top-p", "2"), "tombola sample",
                       "--top-p: '2' is not a number from 0 to 1");
    expect_usage_error(RUN("sample", npy_path, "--seed", "randon"), "tombola sample",
                       "--seed: 'randon' is not random or a whole number from 0 to 18446744073709551615");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_random_seed_is_told_and_repeats_the_run),
        cmocka_unit_test(the_last_seed_counts_and_a_mistake_tells_none),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
