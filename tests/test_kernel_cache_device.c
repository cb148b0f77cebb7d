/* Kernels from the cache: taken where they can be, compiled where they can't, the same tokens in any case. The cache
 * is forced upon the device under test, whatever platform it is of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <CL/cl.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache_folder.h"
#include "context.h"
#include "faults.h"
#include "group.h"
#include "harness.h"
#include "kernel_cache.h"
#include "probe.h"
#include "program.h"

#define ANOTHER_OPTION "-D ANOTHER"

static int make_all(void **state)
{
    return open_contexts(state) || make_top(state);
}

static int remove_all(void **state)
{
    return close_contexts(state) || remove_top(state);
}

static int new_cache(void **state)
{
    free(context->cache);
    new_folder(state);
    context->cache = strdup(folder);
    return context->cache == NULL;
}

static tombola_status make_and_release(tombola_type type, tombola_input input)
{
    cl_program program;
    tombola_status status = program_make(context, PROGRAM_ROWS, type, input, &program, NULL);
    if (!status)
        clReleaseProgram(program);
    return status;
}

/* Makes the kernels for logits of this type, or for plain ones, and looks at what that took. */
static void expect_made_for(tombola_type type, size_t compiled, size_t taken)
{
    struct faults_seen before = faults_seen();
    assert_int_equal(make_and_release(type, TOMBOLA_LOGITS), TOMBOLA_OK);
    assert_int_equal(faults_seen().compiled - before.compiled, compiled);
    assert_int_equal(faults_seen().taken - before.taken, taken);
    assert_int_equal(faults_seen().held, before.held);
}
static void expect_made(size_t compiled, size_t taken)
{
    expect_made_for(TOMBOLA_FLOAT32, compiled, taken);
}

static void the_second_time_nothing_is_compiled(void **state)
{
    (void)state;
    expect_made(1, 0);
    assert_int_equal(count_files(), 1);
    expect_made(0, 1);
    expect_made(0, 1);
    assert_int_equal(count_files(), 1);
}

static void without_a_folder_everything_is_compiled_every_time(void **state)
{
    (void)state;
    free(context->cache);
    context->cache = NULL;
    expect_made(1, 0);
    expect_made(1, 0);
    assert_int_equal(count_files(), 0);
}

static void a_sampler_draws_the_same_with_kernels_from_the_cache(void **state)
{
    (void)state;
    struct probe probe;
    probe_make(&probe, TOMBOLA_FLOAT32);
    expect_made(1, 0);
    tombola_context *second = test_context_open(0, 0);
    clReleaseProgram(second->built[PROGRAM_ROWS][TOMBOLA_FLOAT32][TOMBOLA_LOGITS].program);
    second->built[PROGRAM_ROWS][TOMBOLA_FLOAT32][TOMBOLA_LOGITS].program = NULL;
    second->cache = strdup(folder);
    faults_begin();
    assert_true(probe_passes_on(&probe, second));
    assert_int_equal(faults_seen().compiled, 0);
    assert_int_equal(faults_seen().taken, 1);
    tombola_context_close(second);
}

/* Whatever part of the key is another, so is the entry, whose binary does not matter. */
static void each_kind_of_kernels_and_each_device_has_its_own(void **state)
{
    (void)state;
    size_t files = 0;
    faults_answer_binary((const unsigned char *)"no kernels", 10);
    assert_int_equal(make_and_release(TOMBOLA_BFLOAT16, TOMBOLA_LOGITS), TOMBOLA_OK);
    assert_int_equal(count_files(), ++files);
    assert_int_equal(make_and_release(TOMBOLA_FLOAT32, TOMBOLA_PROBABILITIES), TOMBOLA_OK);
    assert_int_equal(count_files(), ++files);
    expect_made(1, 0);
    assert_int_equal(count_files(), ++files);
    tombola_device *info = &context->device.info;
    char *texts[] = {info->platform, info->name, info->version, info->driver};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        char first = texts[i][0];
        texts[i][0] = '_';
        expect_made(1, 0);
        texts[i][0] = first;
        assert_int_equal(count_files(), ++files);
    }
    char *options = context->build_options;
    context->build_options = ANOTHER_OPTION;
    faults_edit_options(ANOTHER_OPTION, options);
    expect_made(1, 0);
    assert_non_null(strstr(faults_options(), ANOTHER_OPTION));
    context->build_options = options;
    assert_int_equal(count_files(), ++files);
    const uint32_t lanes = context->lanes, width = context->width, teams = context->teams;
    context->lanes = by_groups->lanes; /* a shape that other tests have, too: it is compiled before */
    context->width = by_groups->width;
    context->teams = by_groups->teams;
    expect_made(1, 0);
    context->lanes = lanes;
    context->width = width;
    context->teams = teams;
    assert_int_equal(count_files(), ++files);
}

static void a_damaged_file_is_compiled_anew_and_mended(void **state)
{
    (void)state;
    char path[2 * PATH];
    expect_made(1, 0);
    assert_int_equal(list_files(path), 1);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    for (int third = 0; third < 3; third++) {
        int file = open(path, O_RDWR);
        assert_int_not_equal(file, -1);
        unsigned char byte;
        off_t place = status.st_size / 3 * third;
        assert_int_equal(pread(file, &byte, 1, place), 1);
        byte ^= 0x10;
        assert_int_equal(pwrite(file, &byte, 1, place), 1);
        close(file);
        expect_made(1, 0);
        expect_made(0, 1);
    }
}

/* The key and the binary of the folder's only file. */
static struct bytes read_entry(struct bytes *key)
{
    char path[2 * PATH];
    uint64_t sizes[5]; /* magic, the key's, the binary's, two of the hash */
    assert_int_equal(list_files(path), 1);
    int file = open(path, O_RDONLY);
    assert_int_not_equal(file, -1);
    assert_int_equal(read(file, sizes, sizeof sizes), sizeof sizes);
    *key = (struct bytes){allocate(sizes[1], 1), sizes[1]};
    struct bytes binary = {allocate(sizes[2], 1), sizes[2]};
    assert_int_equal(read(file, key->data, key->size), key->size);
    assert_int_equal(read(file, binary.data, binary.size), binary.size);
    close(file);
    return binary;
}

static void what_the_driver_refuses_is_compiled_and_replaced(void **state)
{
    (void)state;
    expect_made(1, 0);
    struct bytes key, binary = read_entry(&key);
    kernel_cache_store(folder, key, (struct bytes){(unsigned char *)"no kernels at all", 17});
    expect_made(1, 1);
    expect_made(0, 1);
    faults_fail("clCreateProgramWithBinary", 0, CL_INVALID_BINARY);
    expect_made(1, 0);
    faults_fail("clBuildProgram", 0, CL_BUILD_PROGRAM_FAILURE);
    expect_made(1, 1);
    free(key.data);
    free(binary.data);
}

static void kernels_that_draw_other_tokens_are_not_taken(void **state)
{
    (void)state;
    expect_made(1, 0);
    struct bytes other_key, other = read_entry(&other_key), key;
    new_cache(NULL);
    faults_answer_binary((const unsigned char *)"no kernels", 10); /* to make others takes PoCL a while */
    expect_made_for(TOMBOLA_BFLOAT16, 1, 0);
    struct bytes binary = read_entry(&key);
    kernel_cache_store(folder, key, other);
    expect_made_for(TOMBOLA_BFLOAT16, 1, 1);
    free(key.data);
    free(binary.data);
    binary = read_entry(&key);
    assert_int_equal(binary.size, 10);
    assert_memory_equal(binary.data, "no kernels", 10);
    free(other_key.data);
    free(other.data);
    free(key.data);
    free(binary.data);
}

static void what_fails_its_known_answers_is_not_kept(void **state)
{
    (void)state;
    faults_edit_options("LOGIT_TYPE=0", "LOGIT_TYPE=2"); /* kernels that others have: they are compiled before */
    assert_int_equal(make_and_release(TOMBOLA_FLOAT32, TOMBOLA_LOGITS), TOMBOLA_SELF_TEST_FAILED);
    assert_int_equal(count_files(), 0);
    faults_begin();
    expect_made(1, 0);
}

static void a_device_that_gives_no_binary_is_compiled_for_every_time(void **state)
{
    (void)state;
    for (size_t nth = 0; nth < 4; nth++) {
        faults_begin();
        faults_fail("clGetProgramInfo", nth, CL_OUT_OF_RESOURCES);
        expect_made(1, 0);
        assert_string_equal(faults_seen().failed, "clGetProgramInfo");
        assert_int_equal(count_files(), 0);
    }
}

/* With and without kernels to be had there. */
static void lacking_memory_is_an_error_or_does_no_harm(void **state)
{
    (void)state;
    const size_t step = test_level() == TEST_ALL ? 1 : 3; /* each takes a self-test */
    for (int stored = 0; stored < 2; stored++) {
        for (size_t nth = 0;; nth += step) {
            if (!stored)
                new_cache(NULL);
            faults_begin();
            long held = faults_seen().held;
            faults_fail_memory(nth);
            tombola_status status = make_and_release(TOMBOLA_FLOAT32, TOMBOLA_LOGITS);
            if (status != TOMBOLA_OK)
                assert_int_equal(status, TOMBOLA_OUT_OF_MEMORY);
            assert_int_equal(faults_seen().held, held);
            if (!faults_seen().failed)
                break;
        }
        faults_begin();
        expect_made(0, 1);
    }
}

static void options_and_platforms_switch_it_off(void **state)
{
    (void)state;
    static const char *const own_way[] = {"Portable Computing Language", "Oclgrind"};
    tombola_device device = {.platform = "Another"};
    setenv("TOMBOLA_CACHE", "on", 1);
    setenv("XDG_CACHE_HOME", top, 1);
    char *given = program_cache_folder(&device, TOMBOLA_CACHE_AUTO);
    assert_non_null(given);
    free(given);
    assert_null(program_cache_folder(&device, TOMBOLA_CACHE_OFF));
    for (size_t i = 0; i < COUNT_OF(own_way); i++) {
        snprintf(device.platform, sizeof device.platform, "%s", own_way[i]);
        assert_null(program_cache_folder(&device, TOMBOLA_CACHE_AUTO));
    }
}

static void an_opened_context_uses_it_unless_told_not_to(void **state)
{
    (void)state;
    tombola_context_options options = tombola_context_options_default();
    tombola_context *opened;
    int is_used = strcmp(context->device.info.platform, "Portable Computing Language") != 0 &&
                  strcmp(context->device.info.platform, "Oclgrind") != 0;
    setenv("TOMBOLA_CACHE", "on", 1);
    setenv("XDG_CACHE_HOME", folder, 1);
    strcat(folder, "/tombola");
    options.build_options = getenv("TOMBOLA_TEST_BUILD_OPTIONS");
    options.cache = TOMBOLA_CACHE_OFF;
    assert_int_equal(tombola_context_open(NULL, &options, &opened, NULL), TOMBOLA_OK);
    tombola_context_close(opened);
    assert_int_equal(count_files(), 0);
    options.cache = TOMBOLA_CACHE_AUTO;
    for (int time = 0; time < 2; time++) {
        struct faults_seen before = faults_seen();
        assert_int_equal(tombola_context_open(NULL, &options, &opened, NULL), TOMBOLA_OK);
        tombola_context_close(opened);
        assert_int_equal(count_files(), is_used);
        assert_int_equal(faults_seen().compiled - before.compiled, !(is_used && time == 1));
    }
    setenv("TOMBOLA_CACHE", "off", 1);
    faults_edit_options(ANOTHER_OPTION, options.build_options ? options.build_options : "");
    options.build_options = ANOTHER_OPTION;
    assert_int_equal(tombola_context_open(NULL, &options, &opened, NULL), TOMBOLA_OK);
    assert_non_null(strstr(faults_options(), ANOTHER_OPTION));
    tombola_context_close(opened);
    assert_int_equal(count_files(), is_used);
    options.cache = (tombola_cache)2;
    assert_int_equal(tombola_context_open(NULL, &options, &opened, NULL), TOMBOLA_INVALID_ARGUMENT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, new_cache)
    const struct CMUnitTest tests[] = {
        TEST(the_second_time_nothing_is_compiled),
        TEST(without_a_folder_everything_is_compiled_every_time),
        TEST(a_sampler_draws_the_same_with_kernels_from_the_cache),
        TEST(each_kind_of_kernels_and_each_device_has_its_own),
        TEST(a_damaged_file_is_compiled_anew_and_mended),
        TEST(what_the_driver_refuses_is_compiled_and_replaced),
        TEST(kernels_that_draw_other_tokens_are_not_taken),
        TEST(what_fails_its_known_answers_is_not_kept),
        TEST(a_device_that_gives_no_binary_is_compiled_for_every_time),
        TEST(lacking_memory_is_an_error_or_does_no_harm),
        TEST(options_and_platforms_switch_it_off),
        TEST(an_opened_context_uses_it_unless_told_not_to),
    };
    return cmocka_run_group_tests(tests, make_all, remove_all);
}
