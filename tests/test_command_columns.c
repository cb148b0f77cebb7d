/* `tombola sample --columns`: what is told of tokens, in the order asked for, in the table and as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "command.h"
#include "expect.h"
#include "files.h"
#include "sample_files.h"

#define SAMPLE(...) RUN("sample", npy_path, __VA_ARGS__)
#define SMALL "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 4), }"

static void write_small(void)
{
    static const float rows[2][4] = {{1, 3, 2, -INFINITY}, {-INFINITY, -INFINITY, -INFINITY, -INFINITY}};
    write_npy(npy_path, SMALL, rows, sizeof rows);
}

static void columns_stand_in_the_order_asked_for(void **state)
{
    (void)state;
    write_small();
    expect_output(SAMPLE("--columns=rank,logprob,margin", "--temperature=0"),
                  "row  token  status    kept          rank       logprob        margin\n"
                  "  0      1  ok           1             1             0           inf\n"
                  "  1     -1  empty        0             0          -inf             0\n");
    expect_output(SAMPLE("--columns=entropy", "--boundary", "--temperature=0"),
                  "row  token  status    kept       entropy  boundary  logit\n"
                  "  0      1  ok           1             0         1  3\n"
                  "  1     -1  empty        0             0        -1  -inf\n");
}

static void json_has_null_for_what_is_infinite(void **state)
{
    (void)state;
    write_small();
    expect_output(
        SAMPLE("--columns=rank,logprob,margin", "--temperature=0", "--json"),
        "{\"row\":0,\"token\":1,\"status\":\"ok\",\"kept\":1,\"rank\":1,\"logprob\":0.0,\"margin\":null}\n"
        "{\"row\":1,\"token\":-1,\"status\":\"empty\",\"kept\":0,\"rank\":0,\"logprob\":null,\"margin\":0.0}\n");
}

static void numbers_are_those_of_softmax(void **state)
{
    (void)state;
    write_small();
    const double total = exp(1) + exp(3) + exp(2), kept = exp(3) + exp(2);
    json_t *lines = parse_lines(SAMPLE("--columns=logprob,raw_logprob,entropy", "--top-k=2", "--json"));
    const json_t *line = json_array_get(lines, 0);
    const double z = json_integer_value(json_object_get(line, "token")) == 1 ? 3 : 2;
    assert_near(json_real_value(json_object_get(line, "logprob")), z - log(kept), 1e-6);
    assert_near(json_real_value(json_object_get(line, "raw_logprob")), z - log(total), 1e-6);
    assert_near(json_real_value(json_object_get(line, "entropy")), log(kept) - (3 * exp(3) + 2 * exp(2)) / kept, 1e-5);
    json_decref(lines);
}

static void what_is_no_column_is_said(void **state)
{
    (void)state;
    write_small();
    expect_usage_error(
        SAMPLE("--columns=rank,token"), "tombola sample",
        "--columns: 'token' is none of logprob, raw_logprob, rank, margin, entropy, observed, or comes twice");
    expect_usage_error(
        SAMPLE("--columns=rank,rank"), "tombola sample",
        "--columns: 'rank' is none of logprob, raw_logprob, rank, margin, entropy, observed, or comes twice");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_stand_in_the_order_asked_for),
        cmocka_unit_test(json_has_null_for_what_is_infinite),
        cmocka_unit_test(numbers_are_those_of_softmax),
        cmocka_unit_test(what_is_no_column_is_said),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
