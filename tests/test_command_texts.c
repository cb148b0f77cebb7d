/* `tombola generate`: the texts that it reads, as text files, files of prompts and prompts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "files.h"
#include "harness.h"

#define MARK "\xEF\xBB\xBF"

static char folder[] = "/tmp/tombola-test-XXXXXX";
static char text_path[64], prompts_path[64];

static const char TEXT[] = "the cat sat on the mat and the dog sat on the log";

#define GENERATE(...) RUN("generate", "--max-tokens", "1", "--text", text_path, __VA_ARGS__)

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

static void write_text(const char *path, const char *text)
{
    write_file(path, text, strlen(text));
}

static void expect_prompts(process got, const char *const *prompts, size_t count)
{
    json_t *lines = parse_lines(got);
    assert_int_equal(json_array_size(lines), count + 1);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(json_string_value(json_object_get(json_array_get(lines, i), "prompt")), prompts[i]);
    json_decref(lines);
}

static void a_file_of_prompts_that_is_not_utf_8_is_refused_with_the_line(void **state)
{
    (void)state;
    static const struct bytes CASES[] = {
        BYTES("the cat\nthe\0 dog\nthe\n", "line 2: a NUL byte"),
        BYTES("\0", "line 1: a NUL byte"),
        BYTES("the cat\r\nthe dog\r\n\r\nthe l\xF6g\r\n", "line 4: not UTF-8"),
        BYTES("the cat\rthe \xE4 dog", "line 2: not UTF-8"),
        BYTES("the cat\nthe \xC3", "line 2: not UTF-8"),
        BYTES("\xFF\xFEt\0h\0e\0\n\0", "looks like UTF-16, save it as UTF-8"),
        BYTES("\xFE\xFF\0t\0h\0e\0\n", "looks like UTF-16, save it as UTF-8"),
        BYTES("t\0h\0e\0 \0c\0a\0t\0\n\0", "looks like UTF-16, save it as UTF-8"),
        BYTES("\0t\0h\0e\0 \0c\0a\0t\0\n", "looks like UTF-16, save it as UTF-8"),
    };
    write_text(text_path, TEXT);
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        char message[256];
        write_file(prompts_path, CASES[i].bytes, CASES[i].size);
        snprintf(message, sizeof message, "tombola generate: %s: %s\n", prompts_path, CASES[i].message);
        expect_message(GENERATE("--prompts", prompts_path), message);
        expect_message(GENERATE("--prompts", prompts_path, "--json"), message);
    }
}

static void a_prompt_that_is_not_utf_8_is_refused_with_its_number(void **state)
{
    (void)state;
    write_text(text_path, TEXT);
    expect_usage_error(GENERATE("--json", "--prompt", "the cat", "--prompt", "the d\xF6g"), "tombola generate",
                       "--prompt: number 2 is not UTF-8");
    expect_usage_error(GENERATE("--prompt", "\xFF\xFEt"), "tombola generate", "--prompt: number 1 is not UTF-8");
}

static void a_byte_order_mark_is_no_part_of_a_prompt(void **state)
{
    (void)state;
    static const char *const PROMPTS[] = {"the cat", "the dog"};
    write_text(text_path, TEXT);
    write_text(prompts_path, MARK "the dog\n");
    process got = GENERATE("--prompt", MARK "the cat", "--prompts", prompts_path, "--json");
    assert_null(strstr(got.err, "is not in the text"));
    expect_prompts(got, PROMPTS, 2);
    write_text(prompts_path, MARK);
    expect_failure(GENERATE("--prompts", prompts_path), "no prompts in it");
}

static void a_byte_order_mark_is_no_part_of_a_text(void **state)
{
    (void)state;
    static const char *const PROMPTS[] = {"the cat"};
    write_text(text_path, TEXT);
    process expected = GENERATE("--prompt", "the cat");
    write_text(text_path, MARK "the cat sat on the mat and the dog sat on the log");
    process got = GENERATE("--prompt", "the cat");
    assert_int_equal(got.status, 0);
    /* The texts and "1 tokens of a vocabulary of 11": a mark would be one more word. */
    const char *end = strstr(expected.out, " at ");
    assert_non_null(end);
    assert_memory_equal(got.out, expected.out, (size_t)(end - expected.out));
    process_release(&got);
    process_release(&expected);
    expect_prompts(GENERATE("--prompt", "the cat", "--json"), PROMPTS, 1);
}

static void a_text_in_utf_16_is_refused_and_other_bytes_are_not(void **state)
{
    (void)state;
    static const struct bytes REFUSED[] = {
        BYTES("\xFF\xFEt\0h\0e\0 \0c\0a\0t\0", NULL), BYTES("\xFE\xFF\0t\0h\0e\0 \0c\0a\0t", NULL),
        BYTES("t\0h\0e\0 \0c\0a\0t\0", NULL),         BYTES("\0t\0h\0e\0 \0c\0a\0t", NULL),
        BYTES("\xFF\xFE\x2D\x4E\x87\x65", NULL), /* no letter of these has a 0 in it */
    };
    char message[256];
    snprintf(message, sizeof message, "tombola generate: %s: looks like UTF-16, save it as UTF-8\n", text_path);
    for (size_t i = 0; i < COUNT_OF(REFUSED); i++) {
        write_file(text_path, REFUSED[i].bytes, REFUSED[i].size);
        expect_message(GENERATE("--json"), message);
    }
    static const struct bytes TAKEN[] = {
        BYTES("the c\xE4t sat on\0 the mat.", NULL), /* of even length, as is the next */
        BYTES("the\0\0\0\0\0\0\0\0\0\0\0\0\0 cat", NULL),
        BYTES("the cat\x08 \xFF sat", NULL),
    };
    for (size_t i = 0; i < COUNT_OF(TAKEN); i++) {
        write_file(text_path, TAKEN[i].bytes, TAKEN[i].size);
        process got = GENERATE("--json");
        assert_int_equal(got.status, 0);
        process_release(&got);
    }
}

/* Breaks of all three kinds end a prompt, in any number. */
static void every_line_is_a_prompt_however_it_ends(void **state)
{
    (void)state;
    enum { LINES = 600 };
    static const char *const ENDS[] = {"\n", "\r\n", "\r"};
    write_text(text_path, TEXT);
    for (size_t end = 0; end < COUNT_OF(ENDS); end++) {
        char content[LINES * 9 + 1] = "";
        const char *prompts[LINES];
        for (size_t i = 0, at = 0; i < LINES; i++) {
            prompts[i] = i % 2 ? "the cat" : "dog";
            at += (size_t)sprintf(content + at, "%s%s", prompts[i], ENDS[end]);
        }
        write_text(prompts_path, content);
        expect_prompts(GENERATE("--prompts", prompts_path, "--json"), prompts, LINES);
    }
}

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(text_path, sizeof text_path, "%s/text", folder);
    snprintf(prompts_path, sizeof prompts_path, "%s/prompts", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(text_path);
    unlink(prompts_path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_of_prompts_that_is_not_utf_8_is_refused_with_the_line),
        cmocka_unit_test(a_prompt_that_is_not_utf_8_is_refused_with_its_number),
        cmocka_unit_test(a_byte_order_mark_is_no_part_of_a_prompt),
        cmocka_unit_test(a_byte_order_mark_is_no_part_of_a_text),
        cmocka_unit_test(a_text_in_utf_16_is_refused_and_other_bytes_are_not),
        cmocka_unit_test(every_line_is_a_prompt_however_it_ends),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
