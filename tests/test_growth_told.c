/* Structs that the library fills, from callers whose header is older or newer than it: what both know is filled, what
 * is beyond is left alone, and a struct without a size is too. */
#define _DEFAULT_SOURCE /* setenv */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "block.h"
#include "group.h"
#include "refused.h"

enum { LEFT_ALONE = 0x5A };

#define OTHER_SIZE(type, turn) ((turn) % 2 ? sizeof(type) + 8 : sizeof(type) - 8)
enum { TURNS = 2 * BLOCK_KINDS };

/* One struct that is `size` bytes long, LEFT_ALONE but for its size. */
static unsigned char *make_untold(struct block *block, int kind, size_t size)
{
    unsigned char *theirs = block_make(block, (enum block_kind)kind, &size, 0, size, 1);
    if (size > sizeof(uint32_t))
        memset(theirs + sizeof(uint32_t), LEFT_ALONE, size - sizeof(uint32_t));
    return theirs;
}

/* Fails unless a struct of the caller's holds what `told` does as far as both go, and is left alone behind that. */
static void expect_told(const unsigned char *theirs, size_t size, const void *told, size_t told_size)
{
    const size_t both = size < told_size ? size : told_size, skipped = sizeof(uint32_t);
    uint32_t struct_size;
    memcpy(&struct_size, theirs, sizeof struct_size);
    assert_int_equal(struct_size, size);
    assert_memory_equal(theirs + skipped, (const unsigned char *)told + skipped, both - skipped);
    expect_bytes(theirs + both, size - both, LEFT_ALONE);
}

/* Sizes of less than a struct's head, with nothing told. Structs of them are in memory of their full size. */
static const uint32_t no_sizes[] = {0, 1, 4, 7};

static void an_error_gets_as_much_of_the_message_as_it_has_room_for(void **state)
{
    (void)state;
    static const char *const message = "vocabulary is 0, not from 1 to 8388608";
    static const size_t sizes[] = {
        sizeof(tombola_error) + 8, sizeof(tombola_error), sizeof(tombola_error) - 8, 48, 47, 46, 20, 10, 9};
    for (size_t i = 0; i < COUNT_OF(sizes) * BLOCK_KINDS; i++) {
        const size_t size = sizes[i / BLOCK_KINDS], head = offsetof(tombola_error, message), room = size - head;
        const size_t length = strlen(message) < room ? strlen(message) : room - 1;
        struct block block;
        tombola_sampler *made;
        unsigned char *theirs = make_untold(&block, (int)(i % BLOCK_KINDS), size);
        tombola_status told;
        assert_int_equal(tombola_sampler_create(context, 0, 1, NULL, &made, (void *)theirs), TOMBOLA_INVALID_ARGUMENT);
        memcpy(&told, theirs + offsetof(tombola_error, status), sizeof told);
        assert_int_equal(told, TOMBOLA_INVALID_ARGUMENT);
        assert_memory_equal(theirs + head, message, length);
        assert_int_equal(theirs[head + length], '\0');
        if (size > sizeof(tombola_error))
            expect_bytes(theirs + sizeof(tombola_error), size - sizeof(tombola_error), LEFT_ALONE);
        block_release(&block);
    }
}

static void an_error_without_room_is_left_alone(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {0, 1, 4, 7, 8};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        tombola_error error = tombola_error_default();
        tombola_sampler *made;
        memset(&error, LEFT_ALONE, sizeof error);
        error.struct_size = sizes[i];
        assert_int_equal(tombola_sampler_create(context, 0, 1, NULL, &made, &error), TOMBOLA_INVALID_ARGUMENT);
        assert_int_equal(error.struct_size, sizes[i]);
        expect_bytes((const char *)&error + sizeof error.struct_size, sizeof error - sizeof error.struct_size,
                     LEFT_ALONE);
    }
}

static void an_error_is_left_alone_on_success(void **state)
{
    (void)state;
    tombola_error error, before;
    size_t count;
    memset(&error, LEFT_ALONE, sizeof error);
    error.struct_size = sizeof error;
    before = error;
    assert_int_equal(tombola_device_list(NULL, 0, &count, &error), TOMBOLA_OK);
    assert_memory_equal(&error, &before, sizeof error);
}

static void a_context_describes_its_device_in_a_struct_of_any_size(void **state)
{
    (void)state;
    const tombola_device told = device_of(context);
    assert_string_not_equal(told.name, "");
    assert_int_not_equal(told.compute_units, 0);
    for (int turn = 0; turn < TURNS; turn++) {
        const size_t size = OTHER_SIZE(tombola_device, turn);
        struct block block;
        unsigned char *theirs = make_untold(&block, turn / 2, size);
        tombola_context_device(context, (void *)theirs);
        expect_told(theirs, size, &told, sizeof told);
        block_release(&block);
    }
    for (size_t i = 0; i < COUNT_OF(no_sizes); i++) {
        tombola_device device;
        memset(&device, LEFT_ALONE, sizeof device);
        device.struct_size = no_sizes[i];
        tombola_context_device(context, &device);
        expect_bytes((const char *)&device + sizeof device.struct_size, sizeof device - sizeof device.struct_size,
                     LEFT_ALONE);
    }
}

enum { MOST_DEVICES = 16 };
static tombola_device listed[MOST_DEVICES];
static size_t device_count; /* of those that there is room for */

/* Elements lie as far apart as the first one says. There is room for one more than there are devices. */
static void devices_are_listed_in_structs_of_any_size(void **state)
{
    (void)state;
    for (int turn = 0; turn < TURNS; turn++) {
        const size_t size = OTHER_SIZE(tombola_device, turn), room = device_count + 1;
        unsigned char untold[sizeof(tombola_device) + 8];
        struct block block;
        size_t count = 0;
        unsigned char *theirs = block_make(&block, (enum block_kind)(turn / 2), untold, 0, size, room);
        for (size_t i = 0; i < room; i++)
            memset(theirs + i * size + sizeof(uint32_t), LEFT_ALONE, size - sizeof(uint32_t));
        assert_int_equal(tombola_device_list((void *)theirs, room, &count, NULL), TOMBOLA_OK);
        assert_int_equal(count, device_count);
        for (size_t i = 0; i < device_count; i++)
            expect_told(theirs + i * size, size, &listed[i], sizeof listed[i]);
        expect_bytes(theirs + device_count * size + sizeof(uint32_t), size - sizeof(uint32_t), LEFT_ALONE);
        block_release(&block);
    }
}

static void devices_without_a_size_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(no_sizes); i++) {
        tombola_error error = tombola_error_default();
        tombola_device device;
        char message[160];
        size_t count;
        memset(&device, LEFT_ALONE, sizeof device);
        device.struct_size = no_sizes[i];
        snprintf(message, sizeof message, "devices[0].struct_size is %lu: start each from tombola_device_default()",
                 (unsigned long)no_sizes[i]);
        expect_refusal(tombola_device_list(&device, 1, &count, &error), &error, message);
        expect_bytes((const char *)&device + sizeof device.struct_size, sizeof device - sizeof device.struct_size,
                     LEFT_ALONE);
    }
}

/* The second element says that it reaches into memory that is not the caller's, or that it is too short. */
static void devices_of_several_sizes_are_refused(void **state)
{
    (void)state;
    static const uint32_t others[] = {sizeof(tombola_device), sizeof(tombola_device) - 16, 0};
    enum { SIZE = sizeof(tombola_device) - 8 };
    if (device_count < 2)
        skip();
    for (size_t i = 0; i < COUNT_OF(others) * BLOCK_KINDS; i++) {
        tombola_error error = tombola_error_default();
        struct block block;
        char message[160];
        size_t count;
        unsigned char *theirs = block_make(&block, (enum block_kind)(i % BLOCK_KINDS), listed, 0, SIZE, 2);
        memcpy(theirs + SIZE, &others[i / BLOCK_KINDS], sizeof others[0]);
        snprintf(
            message, sizeof message,
            "devices[1].struct_size is %lu, but that of devices[0] is %lu: start each from tombola_device_default()",
            (unsigned long)others[i / BLOCK_KINDS], (unsigned long)SIZE);
        expect_refusal(tombola_device_list((void *)theirs, 2, &count, &error), &error, message);
        block_release(&block);
    }
}

static void times_and_memory_are_told_in_structs_of_any_size(void **state)
{
    (void)state;
    tombola_sampler *sampler;
    tombola_times times = tombola_times_default();
    tombola_memory memory = tombola_memory_default(), before = tombola_memory_default();
    assert_int_equal(tombola_sampler_create(context, PROBE_VOCABULARY, PROBE_ROWS, NULL, &sampler, NULL), TOMBOLA_OK);
    assert_true(probe_passes(&probe, sampler));
    tombola_sampler_times(sampler, &times);
    tombola_sampler_memory(sampler, &memory);
    assert_int_equal(times.calls, 1);
    assert_int_not_equal(memory.device_bytes, 0);
    assert_int_not_equal(memory.host_bytes, 0);
    for (int turn = 0; turn < TURNS; turn++) {
        struct block block;
        size_t size = OTHER_SIZE(tombola_times, turn);
        unsigned char *theirs = make_untold(&block, turn / 2, size);
        tombola_sampler_times(sampler, (void *)theirs);
        expect_told(theirs, size, &times, sizeof times);
        block_release(&block);

        size = OTHER_SIZE(tombola_memory, turn);
        theirs = make_untold(&block, turn / 2, size);
        tombola_sampler_memory(sampler, (void *)theirs);
        expect_told(theirs, size, &memory, sizeof memory);
        block_release(&block);

        assert_int_equal(tombola_sampler_memory_before(context, PROBE_VOCABULARY, PROBE_ROWS, NULL, &before, NULL),
                         TOMBOLA_OK);
        theirs = make_untold(&block, turn / 2, size);
        assert_int_equal(
            tombola_sampler_memory_before(context, PROBE_VOCABULARY, PROBE_ROWS, NULL, (void *)theirs, NULL),
            TOMBOLA_OK);
        expect_told(theirs, size, &before, sizeof before);
        block_release(&block);
    }
    for (size_t i = 0; i < COUNT_OF(no_sizes); i++) {
        memset(&times, LEFT_ALONE, sizeof times);
        memset(&memory, LEFT_ALONE, sizeof memory);
        times.struct_size = memory.struct_size = no_sizes[i];
        tombola_sampler_times(sampler, &times);
        tombola_sampler_memory(sampler, &memory);
        expect_bytes((const char *)&times + 4, sizeof times - 4, LEFT_ALONE);
        expect_bytes((const char *)&memory + 4, sizeof memory - 4, LEFT_ALONE);
    }
    tombola_sampler_release(sampler);
}

static int list_and_open(void **state)
{
    for (size_t i = 0; i < MOST_DEVICES; i++)
        listed[i] = tombola_device_default();
    if (tombola_device_list(listed, MOST_DEVICES, &device_count, NULL) || device_count > MOST_DEVICES)
        return 1;
    return open_and_probe(state);
}

int main(int argc, char **argv)
{
    (void)argc;
    if (!getenv("POCL_DEVICES")) { /* two of them, where PoCL is; it reads that once, before there is a device */
        setenv("POCL_DEVICES", "pthread pthread", 1);
        execv("/proc/self/exe", argv);
        die("cannot start again");
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_gets_as_much_of_the_message_as_it_has_room_for),
        cmocka_unit_test(an_error_without_room_is_left_alone),
        cmocka_unit_test(an_error_is_left_alone_on_success),
        cmocka_unit_test(a_context_describes_its_device_in_a_struct_of_any_size),
        cmocka_unit_test(devices_are_listed_in_structs_of_any_size),
        cmocka_unit_test(devices_without_a_size_are_refused),
        cmocka_unit_test(devices_of_several_sizes_are_refused),
        cmocka_unit_test(times_and_memory_are_told_in_structs_of_any_size),
    };
    return cmocka_run_group_tests(tests, list_and_open, close_context);
}
