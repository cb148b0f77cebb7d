/* The kernel cache does not grow without end: what was used longest ago goes, and what was never finished. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cache_entries.h"
#include "faults.h"
#include "kernel_cache_sweep.h"

#define MIB ((off_t)1 << 20)

static const char *path_to(const char *name)
{
    static char path[2 * PATH];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static const char *fake_name(unsigned number)
{
    static char name[64];
    snprintf(name, sizeof name, "%032x", number);
    return name;
}

/* A file of that name that was last used so many seconds ago. */
static void make_file(const char *name, off_t bytes, time_t age)
{
    int file = open(path_to(name), O_WRONLY | O_CREAT | O_EXCL, 0600);
    const struct timespec then[2] = {{time(NULL) - age, 0}, {time(NULL) - age, 0}};
    assert_int_not_equal(file, -1);
    assert_int_equal(ftruncate(file, bytes), 0);
    assert_int_equal(futimens(file, then), 0);
    close(file);
}

static int is_there(const char *name)
{
    struct stat status;
    return stat(path_to(name), &status) == 0;
}

static int new_and_made(void **state)
{
    return new_folder(state) || mkdir(folder, 0700);
}

static void the_entries_used_longest_ago_make_room(void **state)
{
    (void)state;
    enum { MANY = KERNEL_CACHE_ENTRIES + 72 };
    for (unsigned i = 0; i < MANY; i++)
        make_file(fake_name(i), 10, 100 + (i * 77) % MANY); /* of ages in no order */
    assert_int_equal(kernel_cache_store(folder, key, binary), 0);
    assert_int_equal(count_files(), KERNEL_CACHE_ENTRIES);
    expect_loaded(key, binary);
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(is_there(fake_name(i)), (i * 77) % MANY < KERNEL_CACHE_ENTRIES - 1);
}

static void large_entries_make_room_too(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        make_file(fake_name(i), 100 * MIB, 100 + i);
    assert_int_equal(kernel_cache_store(folder, key, binary), 0);
    assert_int_equal(count_files(), 3);
    assert_true(is_there(fake_name(0)) && is_there(fake_name(1)));
    expect_loaded(key, binary);
}

static void what_is_used_stays(void **state)
{
    (void)state;
    const struct timespec long_ago[2] = {{1000, 0}, {1000, 0}};
    assert_int_equal(kernel_cache_store(folder, key, binary), 0);
    for (unsigned i = 0; i < KERNEL_CACHE_ENTRIES; i++)
        make_file(fake_name(i), 10, 100 + i);
    assert_int_equal(utimensat(AT_FDCWD, path_of(key), long_ago, 0), 0);
    expect_loaded(key, binary);
    assert_int_equal(kernel_cache_store(folder, other_key, binary), 0);
    expect_loaded(key, binary);
    assert_int_equal(utimensat(AT_FDCWD, path_of(key), long_ago, 0), 0);
    make_file(fake_name(KERNEL_CACHE_ENTRIES), 10, 5);
    assert_int_equal(kernel_cache_store(folder, other_key, binary), 0);
    expect_nothing(key);
    expect_loaded(other_key, binary);
}

static void drafts_of_killed_processes_go_after_an_hour(void **state)
{
    (void)state;
    char old[128], young[128];
    snprintf(old, sizeof old, "%s.12345.678.000000009", fake_name(1));
    make_file(old, 10, KERNEL_CACHE_DRAFT_SECONDS + 60);
    snprintf(young, sizeof young, "%s.12345.678.000000009", fake_name(2));
    make_file(young, 10, KERNEL_CACHE_DRAFT_SECONDS - 60);
    assert_int_equal(kernel_cache_store(folder, key, binary), 0);
    assert_false(is_there(old));
    assert_true(is_there(young));
}

static void what_is_not_ours_is_left_alone(void **state)
{
    (void)state;
    static const char *const names[] = {"README", "0123456789abcdef", "0123456789ABCDEF0123456789ABCDEF",
                                        "0123456789abcdef0123456789abcdef0", "0123456789abcdef0123456789abcdef-x"};
    const size_t count = sizeof names / sizeof *names;
    for (size_t i = 0; i < count; i++)
        make_file(names[i], 300 * MIB, 1000000);
    assert_int_equal(mkdir(path_to(fake_name(3)), 0700), 0);
    assert_int_equal(kernel_cache_store(folder, key, binary), 0);
    for (size_t i = 0; i < count; i++)
        assert_true(is_there(names[i]));
    assert_true(is_there(fake_name(3)));
    expect_loaded(key, binary);
}

/* Whatever allocation fails, what was stored is there. */
static void without_memory_nothing_is_lost(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3 * KERNEL_CACHE_ENTRIES; i++)
        make_file(fake_name(i), 10, 100 + i);
    for (size_t nth = 0; nth < 4; nth++) {
        faults_begin();
        faults_fail_memory(nth);
        assert_int_equal(kernel_cache_store(folder, key, binary), 0);
        faults_begin();
        expect_loaded(key, binary);
    }
    assert_int_equal(count_files(), KERNEL_CACHE_ENTRIES);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, new_and_made)
    const struct CMUnitTest tests[] = {
        TEST(the_entries_used_longest_ago_make_room),
        TEST(large_entries_make_room_too),
        TEST(what_is_used_stays),
        TEST(drafts_of_killed_processes_go_after_an_hour),
        TEST(what_is_not_ours_is_left_alone),
        TEST(without_memory_nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, make_entries, remove_top);
}
