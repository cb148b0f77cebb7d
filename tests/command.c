#include "command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

process command_run(const char *const *arguments, const char *const *environment, const void *input, size_t input_size)
{
    const char *argv[32] = {TOMBOLA_COMMAND};
    for (size_t i = 0; arguments[i]; i++)
        argv[1 + i] = arguments[i];
    return process_run(argv, environment, input, input_size);
}

static void expect_end(process *got, int status, const char *out)
{
    assert_string_equal(got->out, out);
    assert_int_equal(got->status, status);
    process_release(got);
}

void expect_output(process got, const char *out)
{
    /* Drivers may talk on standard error as they like. */
    assert_null(strstr(got.err, "tombola "));
    assert_null(strstr(got.err, "tombola: "));
    expect_end(&got, 0, out);
}

void expect_failure(process got, const char *part_of_message)
{
    if (!strstr(got.err, part_of_message))
        fail_msg("'%s' should hold '%s'", got.err, part_of_message);
    expect_end(&got, 1, "");
}

void expect_message(process got, const char *message)
{
    assert_string_equal(got.err, message);
    expect_end(&got, 1, "");
}

/* The first line is the message; argp adds where help is to be had, in one line or two. */
void expect_usage_error(process got, const char *command, const char *message)
{
    char expected[1024];
    int length = snprintf(expected, sizeof expected, "%s: %s\nTry `%s --help' or `%s --usage' for more", command,
                          message, command, command);
    if (strncmp(got.err, expected, (size_t)length) != 0 ||
        (strcmp(got.err + length, " information.\n") != 0 && strcmp(got.err + length, "\ninformation.\n") != 0))
        assert_string_equal(got.err, expected);
    expect_end(&got, 2, "");
}

json_t *parse_lines(process got)
{
    if (got.status != 0)
        fail_msg("exit status %d: %s", got.status, got.err);
    json_t *lines = json_array();
    for (char *line = got.out, *end; *line; line = end + 1) {
        end = strchr(line, '\n');
        assert_non_null(end);
        json_error_t error;
        json_t *object = json_loadb(line, (size_t)(end - line), JSON_REJECT_DUPLICATES, &error);
        if (!object)
            fail_msg("%s: %.*s", error.text, (int)(end - line), line);
        json_array_append_new(lines, object);
    }
    process_release(&got);
    return lines;
}
