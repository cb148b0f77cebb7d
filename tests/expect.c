#include "expect.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

void expect_whole_order(intmax_t a, intmax_t b, int may_be_equal, const char *text, const char *file, int line)
{
    if (a < b || (may_be_equal && a == b))
        return;
    print_error("not %s: %" PRIdMAX ", %" PRIdMAX "\n", text, a, b);
    _fail(file, line);
}

void expect_real(double a, double b, const char *text, const char *file, int line)
{
    if (memcmp(&a, &b, sizeof a) == 0)
        return;
    print_error("not equal: %s: %a (%.9g), %a (%.9g)\n", text, a, a, b, b);
    _fail(file, line);
}

void expect_real_order(double a, double b, int may_be_equal, const char *text, const char *file, int line)
{
    if (a < b || (may_be_equal && a == b))
        return;
    print_error("not %s: %.17g, %.17g\n", text, a, b);
    _fail(file, line);
}

void expect_near_to(double a, double b, double within, const char *text, const char *file, int line)
{
    if (fabs(a - b) <= within)
        return;
    print_error("not within %.3g: %s: %.17g, %.17g\n", within, text, a, b);
    _fail(file, line);
}
