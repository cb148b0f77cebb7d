/* The kernel cache where the disk is full, memory runs out, or others are at work in the same folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cache_entries.h"
#include "faults.h"

static void a_full_disk_keeps_what_was_there_and_leaves_nothing(void **state)
{
    (void)state;
    struct bytes old = {binary.data, 20};
    kernel_cache_store(folder, key, old);
    for (size_t room = 0; room < binary.size + 50; room += 83) {
        faults_fill_disk(room);
        kernel_cache_store(folder, key, binary);
        faults_begin();
        expect_loaded(key, old);
        assert_int_equal(count_files(), 1);
    }
    faults_fill_disk(1 << 20); /* enough, in small pieces */
    kernel_cache_store(folder, key, binary);
    expect_loaded(key, binary);
}

static void a_limit_on_the_size_of_files_is_no_way_to_die(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_int_not_equal(child, -1);
    if (child == 0) {
        struct rlimit limit = {1000, 1000};
        if (setrlimit(RLIMIT_FSIZE, &limit))
            _exit(2);
        kernel_cache_store(folder, key, binary);
        kernel_cache_store(folder, other_key, (struct bytes){binary.data, 10});
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    expect_nothing(key);
    expect_loaded(other_key, (struct bytes){binary.data, 10});
}

static void without_memory_nothing_is_loaded_and_nothing_lost(void **state)
{
    (void)state;
    kernel_cache_store(folder, key, binary);
    faults_fail_memory(0);
    expect_nothing(key);
    expect_loaded(key, binary);
    strcat(folder, "-new/tombola");
    faults_fail_memory(0);
    kernel_cache_store(folder, key, binary);
    expect_nothing(key);
}

/* Stores a text of its own length over and over; whatever it loads must be one that somebody stored. */
static int race(unsigned char mine)
{
    for (int round = 0; round < 300; round++) {
        unsigned char text[5000];
        size_t size = 1000u + 400u * mine;
        memset(text, mine, size);
        kernel_cache_store(folder, key, (struct bytes){text, size});
        struct bytes loaded = kernel_cache_load(folder, key);
        if (!loaded.data || loaded.size != 1000u + 400u * loaded.data[0])
            return 1;
        for (size_t i = 1; i < loaded.size; i++)
            if (loaded.data[i] != loaded.data[0])
                return 2;
        free(loaded.data);
    }
    return 0;
}

static void eight_processes_at_once_see_whole_files_only(void **state)
{
    (void)state;
    enum { PROCESSES = 8 };
    pid_t children[PROCESSES];
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        assert_int_not_equal(children[i], -1);
        if (children[i] == 0)
            _exit(race((unsigned char)(i + 1)));
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = -1;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(count_files(), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, new_folder)
    const struct CMUnitTest tests[] = {
        TEST(a_full_disk_keeps_what_was_there_and_leaves_nothing),
        TEST(a_limit_on_the_size_of_files_is_no_way_to_die),
        TEST(without_memory_nothing_is_loaded_and_nothing_lost),
        TEST(eight_processes_at_once_see_whole_files_only),
    };
    return cmocka_run_group_tests(tests, make_entries, remove_top);
}
