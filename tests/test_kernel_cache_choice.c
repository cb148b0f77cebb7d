/* Where every start compiles the kernels, the context's choice tells so and why. The device under test passes for one
 * of another platform, as some have a cache of their own. */
#define _DEFAULT_SOURCE /* setenv */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <CL/cl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache_entries.h"
#include "faults.h"
#include "harness.h"
#include "tombola_cl.h"

#define TOLD "Compiled kernels are not kept, so that every start compiles them: "

/* PoCL keeps its own kernels below the XDG_CACHE_HOME that it begins with: the one that other tests have. */
static int make_all(void **state)
{
    tombola_context_close(test_context_open(0, 0));
    return make_entries(state);
}

static int begin(void **state)
{
    new_folder(state);
    faults_answer(CL_PLATFORM_NAME, "Another", sizeof "Another");
    setenv("TOMBOLA_CACHE", "on", 1);
    setenv("XDG_CACHE_HOME", folder, 1);
    return mkdir(folder, 0700);
}

/* What the choice tells of the cache; "" if nothing. To be freed. */
static char *told_by(tombola_cache cache)
{
    tombola_context_options options = tombola_context_options_default();
    tombola_context *opened;
    tombola_error error = tombola_error_default();
    options.cache = cache;
    options.build_options = getenv("TOMBOLA_TEST_BUILD_OPTIONS");
    if (tombola_context_open(NULL, &options, &opened, &error))
        fail_msg("%s", error.message);
    const char *place = strstr(tombola_context_choice(opened), TOLD);
    char *told = strdup(place ? place + strlen(TOLD) : "");
    tombola_context_close(opened);
    return told;
}

static void expect_told(const char *format, const char *name)
{
    char expected[PATH + 100];
    snprintf(expected, sizeof expected, format, name);
    char *told = told_by(TOMBOLA_CACHE_AUTO);
    if (strncmp(told, expected, strlen(expected)) != 0 || (!expected[0] && told[0]))
        fail_msg("told \"%s\", where \"%s\" was expected", told, expected);
    free(told);
}

static const char *our_folder(void)
{
    static char path[PATH + 16];
    snprintf(path, sizeof path, "%s/tombola", folder);
    return path;
}

static void a_cache_that_works_is_nothing_to_tell(void **state)
{
    (void)state;
    expect_told("", "");
    expect_told("", "");
    struct stat status;
    assert_int_equal(stat(our_folder(), &status), 0);
    chmod(our_folder(), 0500); /* what is there is read all the same */
    expect_told("", "");
    chmod(our_folder(), 0700);
}

static void a_cache_that_is_switched_off_is_told(void **state)
{
    (void)state;
    setenv("TOMBOLA_CACHE", "0", 1);
    expect_told("TOMBOLA_CACHE is \"0\".", "");
    setenv("TOMBOLA_CACHE", "on", 1);
    setenv("XDG_CACHE_HOME", "relative", 1);
    char *home = strdup(getenv("HOME") ? getenv("HOME") : "");
    setenv("HOME", "", 1);
    expect_told("neither XDG_CACHE_HOME nor HOME is an absolute path.", "");
    setenv("HOME", home, 1);
    free(home);
    char *told = told_by(TOMBOLA_CACHE_OFF);
    assert_string_equal(told, "options.cache is TOMBOLA_CACHE_OFF.\n");
    free(told);
}

static void a_folder_that_can_not_be_made_is_told(void **state)
{
    (void)state;
    setenv("XDG_CACHE_HOME", "/proc/no", 1);
    expect_told("the folder %s can't be made (No such file or directory).", "/proc/no/tombola");
    setenv("XDG_CACHE_HOME", "/dev/null", 1);
    expect_told("the folder %s can't be made (Not a directory).", "/dev/null/tombola");
}

static void a_folder_that_is_not_ours_alone_is_told(void **state)
{
    (void)state;
    assert_int_equal(mkdir(our_folder(), 0700), 0);
    assert_int_equal(chmod(our_folder(), 0770), 0);
    expect_told("others may write to the folder %s, whose mode is 770.", our_folder());
    if (geteuid() == 0) {
        assert_int_equal(chown(our_folder(), NOBODY, NOBODY), 0);
        expect_told("the folder %s belongs to user 65534, not to this one, 0.", our_folder());
    }
    assert_int_equal(rmdir(our_folder()), 0);
    assert_int_equal(symlink("/tmp", our_folder()), 0);
    expect_told("%s is not a folder.", our_folder());
}

static void a_full_disk_is_told(void **state)
{
    (void)state;
    faults_fill_disk(100);
    expect_told("the folder %s can't be written (No space left on device).", our_folder());
}

static void a_context_of_the_callers_tells_it_too(void **state)
{
    (void)state;
    tombola_context *first = test_context_open(0, 0), *opened;
    setenv("TOMBOLA_CACHE", "off", 1);
    assert_int_equal(tombola_context_open_cl(tombola_context_cl_context(first), tombola_context_cl_device(first), NULL,
                                             &opened, NULL),
                     TOMBOLA_OK);
    assert_non_null(strstr(tombola_context_choice(opened), TOLD "TOMBOLA_CACHE is \"off\"."));
    tombola_context_close(opened);
    tombola_context_close(first);
}

static void a_platform_with_a_cache_of_its_own_has_nothing_to_tell(void **state)
{
    (void)state;
    static const char name[] = "Portable Computing Language";
    faults_answer(CL_PLATFORM_NAME, name, sizeof name);
    setenv("TOMBOLA_CACHE", "off", 1);
    expect_told("", "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin)
    const struct CMUnitTest tests[] = {
        TEST(a_cache_that_works_is_nothing_to_tell),
        TEST(a_cache_that_is_switched_off_is_told),
        TEST(a_folder_that_can_not_be_made_is_told),
        TEST(a_folder_that_is_not_ours_alone_is_told),
        TEST(a_full_disk_is_told),
        TEST(a_context_of_the_callers_tells_it_too),
        TEST(a_platform_with_a_cache_of_its_own_has_nothing_to_tell),
    };
    return cmocka_run_group_tests(tests, make_all, remove_top);
}
