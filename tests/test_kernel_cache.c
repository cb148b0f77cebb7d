/* The files of the kernel cache: what was stored comes back whole or not at all, whatever became of the files and
 * their folder, and whoever else is at work in it. */
#define _GNU_SOURCE /* mkdtemp, setresuid */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faults.h"
#include "harness.h"
#include "kernel_cache.h"
#include "siphash.h"

#define PATH 512
#define NOBODY 65534

static char top[] = "/tmp/tombola-test-XXXXXX"; /* removed at the end */
static char folder[PATH];                       /* a new one for each test */
static const struct bytes key = {(unsigned char *)"device\0options\0text", 20};
static const struct bytes other_key = {(unsigned char *)"device\0options\0tint", 20};
static struct bytes binary; /* long enough for several writes */

static int make_top(void **state)
{
    (void)state;
    uint64_t random = 7;
    binary = (struct bytes){allocate(3500, 1), 3500};
    for (size_t i = 0; i < binary.size; i++)
        binary.data[i] = (unsigned char)random_bits(&random);
    return mkdtemp(top) == NULL;
}

static int remove_top(void **state)
{
    (void)state;
    char command[PATH];
    snprintf(command, sizeof command, "rm -rf %s", top);
    free(binary.data);
    return system(command);
}

static int new_folder(void **state)
{
    (void)state;
    static int count;
    snprintf(folder, sizeof folder, "%s/%d", top, count++);
    faults_begin();
    return 0;
}

static size_t count_files(void)
{
    size_t count = 0;
    DIR *opened = opendir(folder);
    if (!opened)
        return 0;
    for (struct dirent *entry; (entry = readdir(opened));)
        count += entry->d_name[0] != '.';
    closedir(opened);
    return count;
}

/* Where a key's entry is. */
static const char *path_of(struct bytes of)
{
    static char path[PATH + 64];
    struct siphash hash = siphash(of.data, of.size);
    snprintf(path, sizeof path, "%s/%016llx%016llx", folder, (unsigned long long)hash.high,
             (unsigned long long)hash.low);
    return path;
}

static void expect_nothing(struct bytes at)
{
    struct bytes loaded = kernel_cache_load(folder, at);
    assert_null(loaded.data);
    assert_int_equal(loaded.size, 0);
}

static void expect_loaded(struct bytes at, struct bytes expected)
{
    struct bytes loaded = kernel_cache_load(folder, at);
    assert_non_null(loaded.data);
    assert_int_equal(loaded.size, expected.size);
    assert_memory_equal(loaded.data, expected.data, expected.size);
    free(loaded.data);
}

static struct bytes read_file(const char *path)
{
    struct stat status;
    int file = open(path, O_RDONLY);
    assert_true(file >= 0 && fstat(file, &status) == 0);
    struct bytes whole = {allocate((size_t)status.st_size, 1), (size_t)status.st_size};
    assert_int_equal(read(file, whole.data, whole.size), whole.size);
    close(file);
    return whole;
}

static void write_file(const char *path, struct bytes whole)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(file >= 0);
    assert_int_equal(write(file, whole.data, whole.size), whole.size);
    close(file);
}

static void the_hash_is_the_published_one(void **state)
{
    (void)state;
    static const struct {
        size_t size;
        uint64_t low, high;
    } known[] = {{0, 0xE6A825BA047F81A3u, 0x930255C71472F66Du},
                 {1, 0x44AF996BD8C187DAu, 0x45FC229B11597634u},
                 {15, 0x11A8B03399E99354u, 0xD9C3CF970FEC087Eu},
                 {16, 0xBB54B067CAA4E26Eu, 0x77052385BF1533FDu},
                 {63, 0x4A83502F77D15051u, 0x7CBD3F979A063E50u}};
    unsigned char bytes[64];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)i;
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        struct siphash hash = siphash(bytes, known[i].size);
        assert_int_equal(hash.low, known[i].low);
        assert_int_equal(hash.high, known[i].high);
    }
}

static void what_is_stored_is_loaded_again_and_the_latest_counts(void **state)
{
    (void)state;
    expect_nothing(key);
    kernel_cache_store(folder, key, binary);
    expect_loaded(key, binary);
    struct bytes shorter = {binary.data + 1, 1};
    kernel_cache_store(folder, key, shorter);
    expect_loaded(key, shorter);
    assert_int_equal(count_files(), 1);
}

static void each_key_has_its_own(void **state)
{
    (void)state;
    struct bytes other = {binary.data + 5, 100};
    kernel_cache_store(folder, key, binary);
    expect_nothing(other_key);
    kernel_cache_store(folder, other_key, other);
    expect_loaded(key, binary);
    expect_loaded(other_key, other);
    expect_nothing((struct bytes){key.data, key.size - 1});
}

static void a_key_whose_hash_meets_another_is_told_apart(void **state)
{
    (void)state;
    char first[PATH + 64];
    kernel_cache_store(folder, key, binary);
    snprintf(first, sizeof first, "%s", path_of(key));
    assert_int_equal(rename(first, path_of(other_key)), 0);
    expect_nothing(other_key);
}

static void every_byte_that_changes_is_noticed(void **state)
{
    (void)state;
    kernel_cache_store(folder, key, binary);
    struct bytes whole = read_file(path_of(key));
    for (size_t i = 0; i < whole.size; i++) {
        unsigned char flip = (unsigned char)(1u << i % 8);
        whole.data[i] ^= flip;
        write_file(path_of(key), whole);
        expect_nothing(key);
        whole.data[i] ^= flip;
    }
    write_file(path_of(key), whole);
    expect_loaded(key, binary);
    free(whole.data);
}

static void a_file_of_another_length_is_noticed_and_written_anew(void **state)
{
    (void)state;
    kernel_cache_store(folder, key, binary);
    struct bytes whole = read_file(path_of(key));
    for (size_t size = 0; size < whole.size; size += size < 200 ? 1 : 97) {
        assert_int_equal(truncate(path_of(key), (off_t)size), 0);
        expect_nothing(key);
        write_file(path_of(key), whole);
    }
    assert_int_equal(truncate(path_of(key), (off_t)whole.size + 1), 0);
    expect_nothing(key);
    assert_int_equal(truncate(path_of(key), (off_t)1 << 40), 0);
    expect_nothing(key);
    free(whole.data);
    kernel_cache_store(folder, key, binary);
    expect_loaded(key, binary);
}

static void a_size_beyond_all_memory_is_noticed(void **state)
{
    (void)state;
    kernel_cache_store(folder, key, binary);
    struct bytes whole = read_file(path_of(key));
    for (size_t field = 8; field <= 16; field += 8) { /* the sizes in the header */
        uint64_t kept, huge = UINT64_MAX - 40;
        memcpy(&kept, whole.data + field, sizeof kept);
        memcpy(whole.data + field, &huge, sizeof huge);
        write_file(path_of(key), whole);
        expect_nothing(key);
        memcpy(whole.data + field, &kept, sizeof kept);
    }
    free(whole.data);
}

static void what_is_not_a_file_of_ours_alone_is_ignored_and_replaced(void **state)
{
    (void)state;
    char elsewhere[PATH + 64];
    snprintf(elsewhere, sizeof elsewhere, "%s-elsewhere", folder);
    kernel_cache_store(folder, key, binary);
    assert_int_equal(rename(path_of(key), elsewhere), 0);

    assert_int_equal(symlink(elsewhere, path_of(key)), 0);
    expect_nothing(key);
    kernel_cache_store(folder, key, (struct bytes){binary.data, 10});
    expect_loaded(key, (struct bytes){binary.data, 10});
    struct stat status;
    assert_int_equal(stat(elsewhere, &status), 0);
    assert_true((size_t)status.st_size > binary.size); /* not written through the link */

    assert_int_equal(unlink(path_of(key)), 0);
    assert_int_equal(mkfifo(path_of(key), 0600), 0);
    expect_nothing(key); /* and does not wait */
    kernel_cache_store(folder, key, binary);
    expect_loaded(key, binary);

    assert_int_equal(chmod(path_of(key), 0620), 0);
    expect_nothing(key);
    assert_int_equal(chmod(path_of(key), 0600), 0);
    expect_loaded(key, binary);
    if (geteuid() == 0) {
        assert_int_equal(chown(path_of(key), NOBODY, NOBODY), 0);
        expect_nothing(key);
    }
    assert_int_equal(unlink(path_of(key)), 0);
    assert_int_equal(mkdir(path_of(key), 0700), 0);
    expect_nothing(key);
    kernel_cache_store(folder, key, binary);
    expect_nothing(key);
    assert_int_equal(count_files(), 1); /* no draft is left */
}

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
    write_file(folder, binary);
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
    assert_true(child >= 0);
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
    assert_true(child >= 0);
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
        assert_true(children[i] >= 0);
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
        TEST(the_hash_is_the_published_one),
        TEST(what_is_stored_is_loaded_again_and_the_latest_counts),
        TEST(each_key_has_its_own),
        TEST(a_key_whose_hash_meets_another_is_told_apart),
        TEST(every_byte_that_changes_is_noticed),
        TEST(a_file_of_another_length_is_noticed_and_written_anew),
        TEST(a_size_beyond_all_memory_is_noticed),
        TEST(what_is_not_a_file_of_ours_alone_is_ignored_and_replaced),
        TEST(the_folder_is_made_for_this_user_alone_with_the_one_above_it),
        TEST(no_folder_but_one_of_ours_alone_is_used),
        TEST(a_folder_that_can_not_be_made_is_done_without),
        TEST(a_folder_that_can_not_be_written_is_still_read),
        TEST(a_full_disk_keeps_what_was_there_and_leaves_nothing),
        TEST(a_limit_on_the_size_of_files_is_no_way_to_die),
        TEST(without_memory_nothing_is_loaded_and_nothing_lost),
        TEST(eight_processes_at_once_see_whole_files_only),
        TEST(the_environment_names_the_folder_or_switches_it_off),
    };
    return cmocka_run_group_tests(tests, make_top, remove_top);
}
