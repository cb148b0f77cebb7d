#include "refused.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

void expect_error(tombola_status expected, tombola_status status, const tombola_error *error, const char *message)
{
    if (status != expected || error->status != expected || strcmp(error->message, message) != 0)
        fail_msg("%s (told as %s), \"%s\", not %s, \"%s\"", tombola_status_string(status),
                 tombola_status_string(error->status), error->message, tombola_status_string(expected), message);
}

void expect_refusal(tombola_status status, const tombola_error *error, const char *message)
{
    expect_error(TOMBOLA_INVALID_ARGUMENT, status, error, message);
}
