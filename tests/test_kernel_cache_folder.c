/* The folder of the kernel cache: where it is, whose it must be, and what becomes of calls without one. */
#define _GNU_SOURCE /* setresuid */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cache_entries.h"
#include "files.h"
#include "harness.h"

static void the_folder_is_made_for_this_user_alone_with_the_one_above_it(void **state)
{
    (void)state;
    struct stat status;
    char above[PATH];
    snprintf(above, sizeof above, "%s", folder);
    strcat(folder, "/tombola");
    kernel_cache_store(folder, key, binary);
    expect_loaded(key, binary);
    assert_int_equal(stat(folder, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    assert_int_equal(stat(above, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    assert_int_equal(stat(path_of(key), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
}

static void no_folder_but_one_of_ours_alone_is_used(void **state)
{
    (void)state;
    char link[PATH + 16];
    kernel_cache_store(folder, key, binary);
    assert_int_equal(chmod(folder, 0770), 0);
    expect_nothing(key);
    kernel_cache_store(folder, other_key, binary);
    assert_int_equal(count_files(), 1);
    assert_int_equal(chmod(folder, 0755), 0);
    expect_loaded(key, binary);
    snprintf(link, sizeof link, "%s-link", folder);
    assert_int_equal(symlink(folder, link), 0);
    struct bytes loaded = kernel_cache_load(link, key);
    assert_null(loaded.data);
    kernel_cache_store(link, other_key, binary);
    assert_int_equal(count_files(), 1);
    if (geteuid() == 0) {
        assert_int_equal(chown(folder, NOBODY, NOBODY), 0);
        expect_nothing(key);
        kernel_cache_store(folder, other_key, binary);
        assert_int_equal(count_files(), 1);
    }
}

static void a_folder_that_can_not_be_made_is_done_without(void **state)
{
    (void)state;
    write_file(folder, binary.data, binary.size);
    char below[PATH + 64];
    const char *ends[] = {"", "/tombola", "/no/such/tombola"};
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        snprintf(below, sizeof below, "%s%s", folder, ends[i]);
        kernel_cache_store(below, key, binary);
        assert_null(kernel_cache_load(below, key).data);
    }
    kernel_cache_store("/proc/no/such", key, binary);
    assert_null(kernel_cache_load("/proc/no/such", key).data);
}

static void a_folder_that_can_not_be_written_is_still_read(void **state)
{
    (void)state;
    kernel_cache_store(folder, key, binary);
    pid_t child = fork();
    assert_int_not_equal(child, -1);
    if (child == 0) { /* root may write everywhere, so that it has to be somebody else */
        if (geteuid() == 0 && (chown(folder, NOBODY, NOBODY) || chown(path_of(key), NOBODY, NOBODY) ||
                               chmod(top, 0711) || setresuid(NOBODY, NOBODY, NOBODY)))
            _exit(2);
        if (chmod(folder, 0500))
            _exit(3);
        kernel_cache_store(folder, other_key, binary);
        struct bytes loaded = kernel_cache_load(folder, key);
        _exit(!(loaded.data && loaded.size == binary.size && !kernel_cache_load(folder, other_key).data));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(count_files(), 1);
}

static void expect_folder(const char *xdg, const char *home, const char *off, const char *expected)
{
    const char *names[] = {"XDG_CACHE_HOME", "HOME", "TOMBOLA_CACHE"}, *values[] = {xdg, home, off};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (values[i])
            setenv(names[i], values[i], 1);
        else
            unsetenv(names[i]);
    }
    char *given = kernel_cache_folder();
    if (!expected)
        assert_null(given);
    else
        assert_string_equal(given ? given : "none", expected);
    free(given);
}

static void the_environment_names_the_folder_or_switches_it_off(void **state)
{
    (void)state;
    expect_folder("/x", "/h", NULL, "/x/tombola");
    expect_folder(NULL, "/h", NULL, "/h/.cache/tombola");
    expect_folder("", "/h", NULL, "/h/.cache/tombola");
    expect_folder("relative", "/h", NULL, "/h/.cache/tombola");
    expect_folder(NULL, NULL, NULL, NULL);
    expect_folder("relative", "relative", NULL, NULL);
    expect_folder(NULL, "", NULL, NULL);
    expect_folder("/x", "/h", "off", NULL);
    expect_folder("/x", "/h", "0", NULL);
    expect_folder("/x", "/h", "", "/x/tombola");
    expect_folder("/x", "/h", "on", "/x/tombola");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, new_folder)
    const struct CMUnitTest tests[] = {
        TEST(the_folder_is_made_for_this_user_alone_with_the_one_above_it),
        TEST(no_folder_but_one_of_ours_alone_is_used),
        TEST(a_folder_that_can_not_be_made_is_done_without),
        TEST(a_folder_that_can_not_be_written_is_still_read),
        TEST(the_environment_names_the_folder_or_switches_it_off),
    };
    return cmocka_run_group_tests(tests, make_entries, remove_top);
}
