/* Options that do nothing without others, and the same in files that serve other commands too. */
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

static void write_text(const char *text)
{
    write_file(csv_path, text, strlen(text));
}

static void options_name_what_they_lack(void **state)
{
    (void)state;
    static const struct {
        const char *option, *others, *missing;
    } cases[] = {
        {"--repetition-penalty=1.2", "--end-tokens=1", "--histories"},
        {"--frequency-penalty=0.1", "--end-tokens=1", "--histories"},
        {"--presence-penalty=-1", "--end-tokens=1", "--histories"},
        {"--dry-multiplier=0.8", "--end-tokens=1", "--histories"},
        {"--no-repeat-ngram=3", "--end-tokens=1", "--histories"},
        {"--watermark=4", "--end-tokens=1", "--histories"},
        {"--thinking-budget=4", "--end-tokens=1", "--histories"},
        {"--length-penalty-factor=1.1", "--end-tokens=1", "--histories"},
        {"--length-penalty-factor=1.1", "--histories=h", "--end-tokens"},
        {"--min-tokens=5", "--histories=h", "--end-tokens"},
        {"--forced-from=5", "--histories=h", "--forced"},
        {"--thinking-budget=4", "--histories=h", "--thinking-start and --thinking-end"},
        {"--repetition-penalty=1.1", "--probabilities", "logits in place of --probabilities"},
        {"--min-tokens=5", "--probabilities", "logits in place of --probabilities"},
        {"--no-repeat-ngram=3", "--probabilities", "--histories"},
    };
    char message[128];
    write_npy(npy_path, ARRAY, logits, sizeof logits);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        snprintf(message, sizeof message, "%.*s: does nothing without %s", (int)strcspn(cases[i].option, "="),
                 cases[i].option, cases[i].missing);
        expect_usage_error(RUN("sample", npy_path, cases[i].option, cases[i].others), "tombola sample", message);
    }
    expect_usage_error(RUN("show", "--logits=1,2", "--repetition_penalty=1.2"), "tombola show",
                       "--repetition-penalty: does nothing without --histories, which `tombola sample' takes");
    expect_usage_error(RUN("show", "--logits=1,2", "--min-tokens=2"), "tombola show",
                       "--min-tokens: does nothing without --end-tokens, which `tombola sample' takes");
    expect_usage_error(RUN("show", "--logits=1,2", "--thinking-budget=2"), "tombola show",
                       "--thinking-budget: does nothing without --histories, which `tombola sample' takes");
    expect_usage_error(RUN("show", "--logits=1,2", "--forced-from=2"), "tombola show",
                       "--forced-from: does nothing without --histories, which `tombola sample' takes");
}

/* Neutral values ask for nothing. */
static void options_that_change_nothing_need_nothing(void **state)
{
    (void)state;
    write_npy(npy_path, ARRAY, logits, sizeof logits);
    process plain = RUN("sample", npy_path);
    expect_output(RUN("sample", npy_path, "--repetition-penalty=1", "--frequency-penalty=-0", "--min-tokens=0",
                      "--dry-base=2", "--penalty-window=64", "--length-penalty-start=3"),
                  plain.out);
    process_release(&plain);
}

static void rows_of_a_file_are_named_with_what_they_lack(void **state)
{
    (void)state;
    write_npy(npy_path, ARRAY, logits, sizeof logits);
    write_text("presence_penalty,top_k\n0,1\n0,2\n0.5,3\n0,4\n0,5\n");
    expect_failure(RUN("sample", npy_path, "--params", csv_path),
                   ": row 2: presence_penalty does nothing without --histories");
    expect_failure(RUN("sample", npy_path, "--params", csv_path, "--probabilities"),
                   ": row 2: presence_penalty does nothing without logits in place of --probabilities");
}

static void what_a_file_of_others_says_is_ignored_where_it_does_nothing(void **state)
{
    (void)state;
    char message[512];
    write_npy(npy_path, ARRAY, logits, sizeof logits);
    write_text("{\"repetition_penalty\": 1.05, \"top_k\": 3, \"presence_penalty\": 1, \"min_new_tokens\": 2}");
    process plain = RUN("sample", npy_path, "--top-k=3"), got = RUN("sample", npy_path, "--config", csv_path);
    snprintf(
        message, sizeof message,
        "tombola sample: %s: ignored, as without --histories it does nothing: repetition_penalty, presence_penalty\n"
        "tombola sample: %s: ignored, as without --end-tokens it does nothing: min_tokens\n",
        csv_path, csv_path);
    assert_string_equal(got.err, message);
    assert_string_equal(got.out, plain.out);
    process_release(&got);
    process_release(&plain);
    got = RUN("show", "--logits=1,2", "--config", csv_path);
    assert_int_equal(got.status, 0);
    assert_non_null(strstr(got.err, "ignored, as without --histories it does nothing: repetition_penalty"));
    process_release(&got);
    got = RUN("sample", npy_path, "--config", csv_path, "--probabilities");
    snprintf(message, sizeof message,
             "tombola sample: %s: ignored, as without logits in place of --probabilities it does nothing: "
             "repetition_penalty, presence_penalty, min_tokens\n",
             csv_path);
    assert_int_equal(got.status, 0);
    assert_string_equal(got.err, message);
    process_release(&got);
    expect_usage_error(RUN("sample", npy_path, "--config", csv_path, "--repetition-penalty=1.05"), "tombola sample",
                       "--repetition-penalty: does nothing without --histories");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_name_what_they_lack),
        cmocka_unit_test(options_that_change_nothing_need_nothing),
        cmocka_unit_test(rows_of_a_file_are_named_with_what_they_lack),
        cmocka_unit_test(what_a_file_of_others_says_is_ignored_where_it_does_nothing),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
