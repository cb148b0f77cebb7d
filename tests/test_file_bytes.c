/* How the command reads and writes bytes of its files: all of them, though calls are interrupted or take a few. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "file_bytes.h"
#include "harness.h"

/* The linker has pread and pwrite end here: every other call is interrupted, and the others take three bytes at most.
 * Once `fault` is set, the calls that are not interrupted fail by it. */
static unsigned calls;
static int fault;

static int is_kept_from_working(void)
{
    errno = calls++ % 2 == 0 ? EINTR : fault;
    return errno != 0;
}

ssize_t __real_pread(int file, void *bytes, size_t size, off_t at);
ssize_t __real_pwrite(int file, const void *bytes, size_t size, off_t at);
ssize_t __wrap_pread(int file, void *bytes, size_t size, off_t at);
ssize_t __wrap_pwrite(int file, const void *bytes, size_t size, off_t at);

ssize_t __wrap_pread(int file, void *bytes, size_t size, off_t at)
{
    return is_kept_from_working() ? -1 : __real_pread(file, bytes, size < 3 ? size : 3, at);
}

ssize_t __wrap_pwrite(int file, const void *bytes, size_t size, off_t at)
{
    return is_kept_from_working() ? -1 : __real_pwrite(file, bytes, size < 3 ? size : 3, at);
}

static const char TEXT[] = "ten tokens";

static void all_bytes_are_written_and_read_whatever_interrupts(void **state)
{
    (void)state;
    char read[sizeof TEXT] = "";
    const uint64_t at = 5;
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(file_write(fileno(file), TEXT, sizeof TEXT, &at), 0);
    assert_int_equal(file_read_at(fileno(file), read, sizeof read, at), sizeof TEXT);
    assert_string_equal(read, TEXT);
    assert_int_equal(file_write(fileno(file), "begin", 5, NULL), 0); /* where the file stands: at its begin */
    assert_int_equal(file_read_at(fileno(file), read, 9, 0), 9);
    assert_memory_equal(read, "beginten ", 9);
    fclose(file);
}

static void less_is_read_where_the_file_ends(void **state)
{
    (void)state;
    char read[sizeof TEXT];
    const uint64_t at = 0;
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(file_write(fileno(file), TEXT, 7, &at), 0);
    assert_int_equal(file_read_at(fileno(file), read, sizeof read, 3), 4);
    assert_memory_equal(read, " tok", 4);
    assert_int_equal(file_read_at(fileno(file), read, sizeof read, 7), 0);
    fclose(file);
}

static void other_errors_are_told(void **state)
{
    (void)state;
    char read[sizeof TEXT];
    const uint64_t at = 0;
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(file_write(fileno(file), TEXT, sizeof TEXT, &at), 0);
    fault = EIO;
    assert_int_equal(file_read_at(fileno(file), read, sizeof read, 0), -1);
    assert_int_equal(errno, EIO);
    fault = ENOSPC;
    assert_int_equal(file_write(fileno(file), TEXT, sizeof TEXT, &at), -1);
    assert_int_equal(errno, ENOSPC);
    fault = 0;
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_bytes_are_written_and_read_whatever_interrupts),
        cmocka_unit_test(less_is_read_where_the_file_ends),
        cmocka_unit_test(other_errors_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
