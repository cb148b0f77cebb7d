/* The files of the kernel cache: what was stored comes back whole or not at all, whatever became of the files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache_entries.h"
#include "expect.h"
#include "harness.h"
#include "siphash.h"

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
    struct bytes whole = read_entry(key);
    for (size_t i = 0; i < whole.size; i++) {
        unsigned char flip = (unsigned char)(1u << i % 8);
        whole.data[i] ^= flip;
        write_entry(key, whole);
        expect_nothing(key);
        whole.data[i] ^= flip;
    }
    write_entry(key, whole);
    expect_loaded(key, binary);
    free(whole.data);
}

static void a_file_of_another_length_is_noticed_and_written_anew(void **state)
{
    (void)state;
    kernel_cache_store(folder, key, binary);
    struct bytes whole = read_entry(key);
    for (size_t size = 0; size < whole.size; size += size < 200 ? 1 : 97) {
        assert_int_equal(truncate(path_of(key), (off_t)size), 0);
        expect_nothing(key);
        write_entry(key, whole);
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
    struct bytes whole = read_entry(key);
    for (size_t field = 8; field <= 16; field += 8) { /* the sizes in the header */
        uint64_t kept, huge = UINT64_MAX - 40;
        memcpy(&kept, whole.data + field, sizeof kept);
        memcpy(whole.data + field, &huge, sizeof huge);
        write_entry(key, whole);
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
    assert_less(binary.size, (size_t)status.st_size); /* not written through the link */

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
    };
    return cmocka_run_group_tests(tests, make_entries, remove_top);
}
