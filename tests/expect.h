/* cmocka, and the assertions that it lacks. Each shows both values, and ends the test, not the program. */
#ifndef EXPECT_H
#define EXPECT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* Whole numbers of any type, up to INT64_MAX. */
#define assert_less(a, b) expect_whole_order((intmax_t)(a), (intmax_t)(b), 0, #a " < " #b, __FILE__, __LINE__)
#define assert_at_most(a, b) expect_whole_order((intmax_t)(a), (intmax_t)(b), 1, #a " <= " #b, __FILE__, __LINE__)

/* Floating-point numbers of any type. Equal: with the same bits, so that NaN equals itself, and +0 is not -0. */
#define assert_real_equal(a, b) expect_real((double)(a), (double)(b), #a ", " #b, __FILE__, __LINE__)
#define assert_real_less(a, b) expect_real_order((double)(a), (double)(b), 0, #a " < " #b, __FILE__, __LINE__)
#define assert_real_at_most(a, b) expect_real_order((double)(a), (double)(b), 1, #a " <= " #b, __FILE__, __LINE__)
#define assert_near(a, b, within)                                                                                      \
    expect_near_to((double)(a), (double)(b), (double)(within), #a ", " #b, __FILE__, __LINE__)

/* A condition about values that only this names. */
#define assert_that(condition, ...)                                                                                    \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            fail_msg(__VA_ARGS__);                                                                                     \
    } while (0)

void expect_whole_order(intmax_t a, intmax_t b, int may_be_equal, const char *text, const char *file, int line);
void expect_real(double a, double b, const char *text, const char *file, int line);
void expect_real_order(double a, double b, int may_be_equal, const char *text, const char *file, int line);
void expect_near_to(double a, double b, double within, const char *text, const char *file, int line);

#endif
