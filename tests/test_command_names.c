/* Names with hyphens and with underscores: options of every command, and columns of parameters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "files.h"
#include "sample_files.h"

static void underscores_in_the_names_of_options_are_hyphens(void **state)
{
    (void)state;
    write_npy(npy_path, ARRAY, logits, sizeof logits);
    process expected = RUN("sample", npy_path, "--json", "--top-k", "7", "--top-p=0.9", "--min-p", "0.01");
    assert_int_equal(expected.status, 0);
    expect_output(RUN("sample", npy_path, "--json", "--top_k", "7", "--top_p=0.9", "--min_p", "0.01"), expected.out);
    expect_output(RUN("sample", "--top_k", "7", "--json", npy_path, "--top_p", "0.9", "--min-p", "0.01"), expected.out);
    process_release(&expected);

    process shown = RUN("show", "--logits", "1,2,3", "--top-k", "2");
    expect_output(RUN("show", "--logits", "1,2,3", "--top_k", "2"), shown.out);
    process_release(&shown);
    expect_usage_error(RUN("bench", "--save_logits", "a.npy", "--shapes", "1x2,3x4"), "tombola bench",
                       "--save-logits: takes a single shape, workload and type");
    expect_usage_error(RUN("detect", "--prompt_length", "x", "1"), "tombola detect",
                       "--prompt-length: 'x' is not a whole number");
    expect_usage_error(RUN("detect", "--prompt_le=x", "1"), "tombola detect",
                       "--prompt-length: 'x' is not a whole number");
}

static void values_and_arguments_keep_their_underscores(void **state)
{
    (void)state;
    process spaced = RUN("show", "--logits", "1,2", "--labels", "--top_k,a_b"),
            joined = RUN("show", "--logits", "1,2", "--labels=--top_k,a_b");
    assert_int_equal(spaced.status, 0);
    assert_non_null(strstr(spaced.out, "\n--top_k "));
    assert_non_null(strstr(spaced.out, "\na_b "));
    expect_output(joined, spaced.out);
    process_release(&spaced);
    expect_failure(RUN("sample", "--", "--top_k"), "--top_k: No such file");
    expect_failure(RUN("show", "--logits", "1,2", "--device=no_such_thing"), "no_such_thing");
    expect_usage_error(RUN("show", "--logits", "1,2", "--top_q", "1"), "tombola show", "unrecognized option '--top_q'");
    expect_usage_error(RUN("devices", "--js_on"), "tombola devices", "unrecognized option '--js_on'");
}

static void hyphens_in_the_names_of_columns_are_underscores(void **state)
{
    (void)state;
    static const char UNDERSCORES[] = "top_k,min_p\n1,0\n2,0\n3,0\n4,0.1\n5,0\n",
                      HYPHENS[] = "top-k,min-p\n1,0\n2,0\n3,0\n4,0.1\n5,0\n", TWICE[] = "top-k,top_k\n";
    write_npy(npy_path, ARRAY, logits, sizeof logits);
    write_file(csv_path, UNDERSCORES, strlen(UNDERSCORES));
    process expected = RUN("sample", npy_path, "--params", csv_path);
    assert_int_equal(expected.status, 0);
    write_file(csv_path, HYPHENS, strlen(HYPHENS));
    expect_output(RUN("sample", npy_path, "--params", csv_path), expected.out);
    process_release(&expected);
    write_file(csv_path, TWICE, strlen(TWICE));
    expect_failure(RUN("sample", npy_path, "--params", csv_path), "line 1: column 'top_k' comes twice");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(underscores_in_the_names_of_options_are_hyphens),
        cmocka_unit_test(values_and_arguments_keep_their_underscores),
        cmocka_unit_test(hyphens_in_the_names_of_columns_are_underscores),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
