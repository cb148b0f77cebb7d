/* Text files that `tombola sample` reads, of biases, words and configurations: their encoding is looked at first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "command.h"
#include "files.h"
#include "harness.h"
#include "sample_files.h"

#define MARK "\xEF\xBB\xBF"
#define SAMPLE(...) RUN("sample", npy_path, "--json", __VA_ARGS__)

/* A file's bytes, of which some are 0. */
struct bytes {
    const char *bytes;
    size_t size;
    const char *message;
};
#define BYTES(text, message)                                                                                           \
    {                                                                                                                  \
        text, sizeof(text) - 1, message                                                                                \
    }

/* An option, a file that it takes, and one that says nothing. */
static const struct {
    const char *option, *text, *nothing;
} FILES[] = {
    {"--bias-file", "row,token,value\n0,7,-inf\n", "row,token,value\n"},
    {"--banned-words", "[7]\n", ""},
    {"--config", "{\"top_k\": 3}", "{}"},
};

static void expect_refused(const char *option, const struct bytes *content)
{
    char message[256];
    write_file(csv_path, content->bytes, content->size);
    snprintf(message, sizeof message, "tombola sample: %s: %s\n", csv_path, content->message);
    expect_message(SAMPLE(option, csv_path), message);
}

static void biases_that_are_not_utf_8_are_refused_with_the_line(void **state)
{
    (void)state;
    static const struct bytes CASES[] = {
        BYTES("row,token,value\n0,\0"
              "7,1\n0,8,1\n",
              "line 2: a NUL byte"),
        BYTES("\0", "line 1: a NUL byte"),
        BYTES("row,token,value\r\n0,7,1\r\n\r\n0,8,1\xF6\r\n", "line 4: not UTF-8"),
        BYTES("row,token,value\r0,7,\xE4", "line 2: not UTF-8"),
        BYTES("row,token,value\n0,7,\xC3", "line 2: not UTF-8"),
        BYTES("\xED\xA0\x80\n", "line 1: not UTF-8"), /* a surrogate, an over-long form, beyond the last character */
        BYTES("row\xC3x\n", "line 1: not UTF-8"),
        BYTES("row\xE0\x80\x80\n", "line 1: not UTF-8"),
        BYTES("\n\xF4\x90\x80\x80\n", "line 2: not UTF-8"),
    };
    write_npy(npy_path, ARRAY, logits, sizeof logits);
    for (size_t i = 0; i < COUNT_OF(CASES); i++)
        expect_refused("--bias-file", &CASES[i]);
}

static void utf_16_is_told_from_text_with_a_mark_and_without(void **state)
{
    (void)state;
    static const struct bytes CASES[] = {
        BYTES("\xFF\xFE[\0"
              "7\0]\0\n\0",
              "looks like UTF-16, save it as UTF-8"),
        BYTES("\xFE\xFF\0[\0"
              "7\0]\0\n",
              "looks like UTF-16, save it as UTF-8"),
        BYTES("[\0"
              "7\0,\0 \0"
              "8\0]\0\n\0",
              "looks like UTF-16, save it as UTF-8"),
        BYTES("\0[\0"
              "7\0,\0 \0"
              "8\0]\0\n",
              "looks like UTF-16, save it as UTF-8"),
        BYTES("\xFF\xFE\x2D\x4E\x87\x65", "looks like UTF-16, save it as UTF-8"), /* no letter of it has a 0 in it */
    };
    write_npy(npy_path, ARRAY, logits, sizeof logits);
    for (size_t i = 0; i < COUNT_OF(CASES); i++)
        expect_refused(FILES[0].option, &CASES[i]);
    for (size_t file = 1; file < COUNT_OF(FILES); file++)
        expect_refused(FILES[file].option, &CASES[0]);
}

static void a_byte_order_mark_is_no_part_of_a_text(void **state)
{
    (void)state;
    char marked[64];
    write_npy(npy_path, ARRAY, logits, sizeof logits);
    process plain = SAMPLE("--stream=0");
    for (size_t file = 0; file < COUNT_OF(FILES); file++) {
        const char *option = FILES[file].option;
        write_file(csv_path, FILES[file].text, strlen(FILES[file].text));
        process expected = SAMPLE(option, csv_path);
        assert_int_equal(expected.status, 0);
        snprintf(marked, sizeof marked, MARK "%s", FILES[file].text);
        write_file(csv_path, marked, strlen(marked));
        expect_output(SAMPLE(option, csv_path), expected.out);
        snprintf(marked, sizeof marked, MARK "%s", FILES[file].nothing);
        write_file(csv_path, marked, strlen(marked));
        expect_output(SAMPLE(option, csv_path), plain.out);
        process_release(&expected);
    }
    process_release(&plain);
}

/* Breaks of all kinds. */
static void lines_end_as_they_like(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {"row,token,value\n0,7,-inf\n1,8,2\n",
                                        "row,token,value\r\n0,7,-inf\r\n1,8,2\r\n",
                                        "row,token,value\n\n0,7,-inf\r\n\n1,8,2"};
    write_npy(npy_path, ARRAY, logits, sizeof logits);
    process expected = {0};
    for (size_t i = 0; i < COUNT_OF(TEXTS); i++) {
        write_file(csv_path, TEXTS[i], strlen(TEXTS[i]));
        process got = SAMPLE("--bias-file", csv_path);
        assert_int_equal(got.status, 0);
        if (i == 0)
            expected = got;
        else
            expect_output(got, expected.out);
    }
    process_release(&expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(biases_that_are_not_utf_8_are_refused_with_the_line),
        cmocka_unit_test(utf_16_is_told_from_text_with_a_mark_and_without),
        cmocka_unit_test(a_byte_order_mark_is_no_part_of_a_text),
        cmocka_unit_test(lines_end_as_they_like),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
