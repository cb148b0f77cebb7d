#include "cache_entries.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"
#include "siphash.h"

static unsigned char content[3500];
const struct bytes key = {(unsigned char *)"device\0options\0text", 20};
const struct bytes other_key = {(unsigned char *)"device\0options\0tint", 20};
struct bytes binary = {content, sizeof content};

int make_entries(void **state)
{
    uint64_t random = 7;
    for (size_t i = 0; i < sizeof content; i++)
        content[i] = (unsigned char)random_bits(&random);
    return make_top(state);
}

const char *path_of(struct bytes at)
{
    static char path[PATH + 64];
    struct siphash hash = siphash(at.data, at.size);
    snprintf(path, sizeof path, "%s/%016llx%016llx", folder, (unsigned long long)hash.high,
             (unsigned long long)hash.low);
    return path;
}

void expect_nothing(struct bytes at)
{
    struct bytes loaded = kernel_cache_load(folder, at);
    assert_null(loaded.data);
    assert_int_equal(loaded.size, 0);
}

void expect_loaded(struct bytes at, struct bytes expected)
{
    struct bytes loaded = kernel_cache_load(folder, at);
    assert_non_null(loaded.data);
    assert_int_equal(loaded.size, expected.size);
    assert_memory_equal(loaded.data, expected.data, expected.size);
    free(loaded.data);
}

struct bytes read_entry(struct bytes at)
{
    struct stat status;
    int file = open(path_of(at), O_RDONLY);
    assert_int_not_equal(file, -1);
    assert_int_equal(fstat(file, &status), 0);
    struct bytes whole = {allocate((size_t)status.st_size, 1), (size_t)status.st_size};
    assert_int_equal(read(file, whole.data, whole.size), whole.size);
    close(file);
    return whole;
}

void write_entry(struct bytes at, struct bytes whole)
{
    int file = open(path_of(at), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_not_equal(file, -1);
    assert_int_equal(write(file, whole.data, whole.size), whole.size);
    close(file);
}
