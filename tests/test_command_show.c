/* `tombola show`: its table, its numbers, and what it cannot show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "calls.h"
#include "expect.h"
#include "harness.h"

static void show_gives_the_temperature_table(void **state)
{
    (void)state;
    expect_output(
        RUN("show", "--probabilities", "0.5,0.3,0.15,0.05", "--temperature", "0.5,1,2,inf", "--labels", "A,B,C,D"),
        "token     T=0.5             T=1               T=2               T=inf\n"
        "A         0.685  ########   0.500  ######     0.379  ####       0.250  ###\n"
        "B         0.247  ###        0.300  ####       0.294  ###        0.250  ###\n"
        "C         0.062  #          0.150  ##         0.208  ##         0.250  ###\n"
        "D         0.007             0.050  #          0.120  #          0.250  ###\n"
        "entropy   1.169 bits        1.648 bits        1.887 bits        2.000 bits\n");
}

static void show_takes_logits_too(void **state)
{
    (void)state;
    expect_output(RUN("show", "--logits", "2,1,-inf,0"), "token     T=1\n"
                                                         "0         0.665  ########################################\n"
                                                         "1         0.245  ###############\n"
                                                         "2         0.000\n"
                                                         "3         0.090  #####\n"
                                                         "entropy   1.201 bits\n");
}

static void show_marks_what_filters_drop_and_renormalises_the_rest(void **state)
{
    (void)state;
    expect_output(RUN("show", "--probabilities", "0.1,0.4,0.2,0.3", "--top-p", "0.7"),
                  "token     T=1\n"
                  "0         -\n"
                  "1         0.571  ########################################\n"
                  "2         -\n"
                  "3         0.429  ##############################\n"
                  "entropy   0.985 bits\n"
                  "kept      2 of 4\n"
                  "\n"
                  "- is dropped; the kept ones share the whole among them\n");
    process got = RUN("show", "--probabilities", "0.4,0.3,0.2,0.1", "--top-k", "3");
    assert_non_null(strstr(got.out, "\n0         0.444  "));
    assert_non_null(strstr(got.out, "\n1         0.333  "));
    assert_non_null(strstr(got.out, "\n2         0.222  "));
    assert_non_null(strstr(got.out, "\n3         -\n"));
    process_release(&got);
    got = RUN("show", "--probabilities", "0.4,0.3,0.2,0.1", "--min-p", "0.6");
    assert_non_null(strstr(got.out, "kept      2 of 4\n"));
    process_release(&got);
    got = RUN("show", "--probabilities", "0.4,0.3,0.2,0.1", "--xtc-probability", "1", "--xtc-threshold", "0.3");
    assert_non_null(strstr(got.out, "\n0         -\n"));
    assert_non_null(strstr(got.out, "\n1         0.500  "));
    assert_non_null(strstr(got.out, "\n3         0.167  "));
    process_release(&got);
    got = RUN("show", "--probabilities", "0.1,0.2,0.3,0.4", "--top-n-sigma", "1");
    assert_non_null(strstr(got.out, "\n1         -\n"));
    assert_non_null(strstr(got.out, "\n3         0.571  "));
    process_release(&got);
}

static void show_fits_the_page_whatever_it_shows(void **state)
{
    (void)state;
    process got =
        RUN("show", "--logits", "1,0.5,-2", "--temperature", "0,0.1,0.333333,0.5,1,2,3,4,5,6,7,inf", "--draws",
            "100000", "--top-k", "2", "--labels", "a label that is much longer than any column,b,c");
    assert_int_equal(got.status, 0);
    assert_non_null(strstr(got.out, "a label that is much lo~ "));
    for (const char *line = got.out; *line; line += strcspn(line, "\n") + 1)
        assert_at_most(strcspn(line, "\n"), 80);
    process_release(&got);
}

static void show_draws_bars_of_blocks_where_the_terminal_has_them(void **state)
{
    (void)state;
    static const char *const UTF8[] = {"LC_ALL", "C.UTF-8", NULL};
    process got = command_run((const char *const[]){"show", "--probabilities", "0.8,0.2", "--labels", "日本,b", NULL},
                              UTF8, "", 0);
    expect_output(got, "token     T=1\n"
                       "日本      0.800  "
                       "████████████████████████████████████████\n"
                       "b         0.200  ██████████\n"
                       "entropy   0.722 bits\n");
}

static void entropy_rises_with_the_temperature(void **state)
{
    (void)state;
    json_t *all = parse_lines(RUN("show", "--probabilities", "0.5,0.3,0.15,0.05", "--json", "--temperature",
                                  "0,0.1,0.25,0.5,0.75,1,1.5,2,4,10,100,inf"));
    assert_int_equal(json_array_size(all), 12);
    double before = -1;
    for (size_t i = 0; i < json_array_size(all); i++) {
        double entropy = json_real_value(json_object_get(json_array_get(all, i), "entropy"));
        assert_real_less(before, entropy);
        before = entropy;
    }
    assert_real_equal(before, 2.0);
    assert_string_equal(json_string_value(json_object_get(json_array_get(all, 11), "temperature")), "inf");
    json_decref(all);
}

static void draws_are_those_of_the_sampler_and_follow_the_probabilities(void **state)
{
    (void)state;
    json_t *all = parse_lines(RUN("show", "--logits", "1,3,2,0", "--top-k", "3", "--draws", "10000", "--seed", "5",
                                  "--offset", "7", "--json"));
    json_t *tokens = json_object_get(json_array_get(all, 0), "tokens");
    assert_int_equal(json_array_size(tokens), 4);

    tombola_context *context = test_context_open(0, 0);
    tombola_sampler *sampler;
    assert_int_equal(tombola_sampler_create(context, 4, 1, NULL, &sampler, NULL), TOMBOLA_OK);
    tombola_params params = tombola_params_default();
    params.top_k = 3;
    params.seed = 5;
    json_int_t counts[4] = {0};
    for (params.offset = 7; params.offset < 7 + 10000; params.offset++) {
        struct draw draw;
        assert_int_equal(draw_rows(sampler, (float[]){1, 3, 2, 0}, 1, 4, &params, &draw, NULL), TOMBOLA_OK);
        counts[draw.token]++;
    }
    tombola_sampler_release(sampler);
    tombola_context_close(context);
    for (size_t i = 0; i < 4; i++) {
        json_t *token = json_array_get(tokens, i);
        json_int_t drawn = json_integer_value(json_object_get(token, "drawn"));
        double expected = 10000 * json_real_value(json_object_get(token, "probability"));
        assert_int_equal(drawn, counts[i]);
        /* Five standard deviations of at most 50 draws. */
        assert_real_less(expected - 250, (double)drawn);
        assert_real_less((double)drawn, expected + 250);
        assert_int_equal(json_is_true(json_object_get(token, "kept")), i != 3);
    }
    assert_int_equal(counts[3], 0);
    json_decref(all);
}

/* Dynamic temperature and adaptive-p change the probabilities of what the filters have left. */
static void changes_of_the_distribution_are_shown_as_they_are_drawn(void **state)
{
    (void)state;
    static const char *const OPTIONS[][3] = {
        {"--adaptive-target=0.3", "--top-k=0", "--min-p=0"},
        {"--dynatemp-range=0.9", "--top-k=0", "--min-p=0"},
        {"--adaptive-target=0.3", "--dynatemp-range=0.9", "--top-k=3"},
    };
    static const double GIVEN[] = {0.5, 0.3, 0.15, 0.05};
    const double draws = 10000;
    for (size_t i = 0; i < COUNT_OF(OPTIONS); i++) {
        json_t *all = parse_lines(RUN("show", "--probabilities=0.5,0.3,0.15,0.05", "--draws=10000", "--json",
                                      OPTIONS[i][0], OPTIONS[i][1], OPTIONS[i][2]));
        const json_t *shown = json_array_get(all, 0), *tokens = json_object_get(shown, "tokens");
        double sum = 0, entropy = 0, change = 0;
        assert_int_equal(json_array_size(tokens), 4);
        for (size_t n = 0; n < 4; n++) {
            const json_t *token = json_array_get(tokens, n);
            const double p = json_real_value(json_object_get(token, "probability"));
            const double drawn = (double)json_integer_value(json_object_get(token, "drawn"));
            assert_real_at_most(fabs(drawn / draws - p), 4 * sqrt(p * (1 - p) / draws));
            sum += p;
            entropy -= p > 0 ? p * log2(p) : 0;
            change += fabs(p - GIVEN[n]);
        }
        assert_near(sum, 1, 1e-5);
        assert_near(json_real_value(json_object_get(shown, "entropy")), entropy, 1e-5);
        assert_real_less(0.1, change);
        json_decref(all);
    }
    process table = RUN("show", "--probabilities", "0.5,0.3,0.15,0.05", "--adaptive-target", "0.3");
    assert_int_equal(table.status, 0);
    assert_null(strstr(table.out, "0.300  "));
    assert_null(strstr(table.out, "1.648 bits"));
    assert_null(strstr(table.out, "dropped"));
    process_release(&table);
}

static void two_temperatures_that_look_like_one_with_a_comma_are_mentioned(void **state)
{
    (void)state;
    static const struct {
        const char *list, *message;
    } CASES[] = {
        {"0,7", "tombola show: --temperature 0,7: these are two temperatures, 0 and 7; for a single one write 0.7\n"},
        {"1,05", "tombola show: --temperature 1,05: these are two temperatures, 1 and 05; for a single one write "
                 "1.05\n"},
        {"0.5,1", NULL},
        {"0,1,2", NULL},
        {"10,20", NULL},
        {"1,inf", NULL},
        {"0.7", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        process got = RUN("show", "--logits", "1,2", "--temperature", CASES[i].list);
        assert_int_equal(got.status, 0);
        if (CASES[i].message && !strstr(got.err, CASES[i].message))
            fail_msg("'%s' should hold '%s'", got.err, CASES[i].message);
        if (!CASES[i].message)
            assert_null(strstr(got.err, "tombola show"));
        process_release(&got);
    }
    json_t *lines = parse_lines(RUN("show", "--logits", "1,2", "--temperature", "0,7", "--json"));
    assert_int_equal(json_array_size(lines), 2);
    json_decref(lines);
}

static void show_refuses_what_it_cannot_show(void **state)
{
    (void)state;
    static const struct {
        const char *arguments[6];
        const char *message;
    } CASES[] = {
        {{NULL}, "which distribution? Give --probabilities or --logits"},
        {{"--probabilities", "1", "--logits", "1"}, "takes one of --probabilities and --logits, once"},
        {{"--probabilities", "1,x"}, "--probabilities: 'x' is not a number of 0 or more"},
        {{"--probabilities", "1,,2"}, "--probabilities: '' is not a number of 0 or more"},
        {{"--probabilities", "-0.1,1"}, "--probabilities: '-0.1' is not a number of 0 or more"},
        {{"--probabilities", "inf"}, "--probabilities: 'inf' is not a number of 0 or more"},
        {{"--logits", "nan"}, "--logits: 'nan' is not a number or -inf"},
        {{"--logits", "inf,1"}, "--logits: 'inf' is not a number or -inf"},
        {{"--logits", "1e99"}, "--logits: '1e99' is not a number or -inf"},
        {{"--logits", "1,2", "--labels", "a"}, "--labels: 1 labels for 2 tokens"},
        {{"--logits", "1,2", "--draws", "-1"}, "--draws: '-1' is not a whole number from 0 to 1000000000"},
        {{"--logits", "1,2", "--temperature", "1,nan"}, "--temperature: 'nan' is not a number from 0 to inf"},
        {{"--logits", "1,2", "--temperature", "-1"}, "--temperature: '-1' is not a number from 0 to inf"},
        {{"--logits", "1,2", "--temperature", "1e99"}, "--temperature: '1e99' is not a number from 0 to inf"},
        {{"--logits", "1,2", "--top-p", "1.5"}, "--top-p: '1.5' is not a number from 0 to 1"},
        {{"--logits", "1,2", "--top-p", "0.5x"}, "--top-p: '0.5x' is not a number from 0 to 1"},
        {{"--logits", "1,2", "--min-p", " 1"}, "--min-p: ' 1' is not a number from 0 to 1"},
        {{"--logits", "1,2", "--top-k", "-1"}, "--top-k: '-1' is not a whole number from 0 to 4294967295"},
        {{"--logits", "1,2", "--top-k", "4294967296"},
         "--top-k: '4294967296' is not a whole number from 0 to 4294967295"},
        {{"--logits", "1,2", "--seed", "18446744073709551616"},
         "--seed: '18446744073709551616' is not random or a whole number from 0 to 18446744073709551615"},
        {{"--logits", "1,2", "more"}, "takes no argument, but got 'more'"},
        {{"--logits", "1,2", "--nonsense"}, "unrecognized option '--nonsense'"},
    };
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        const char *arguments[8] = {"show"};
        memcpy(arguments + 1, CASES[i].arguments, sizeof CASES[i].arguments);
        expect_usage_error(command_run(arguments, NULL, "", 0), "tombola show", CASES[i].message);
    }
    expect_failure(RUN("show", "--probabilities", "0,0"), "tombola show: at temperature 1 the distribution is empty");
    expect_failure(RUN("show", "--logits", "-inf,-inf"), "tombola show: at temperature 1 the distribution is empty");
    expect_failure(RUN("show", "--logits", "1e38,1", "--temperature", "1,0.01"),
                   "tombola show: at temperature 0.01 the distribution is invalid");
    expect_failure(RUN("show", "--logits", "1,2", "--labels", "a,\xff", "--json"), "UTF-8");
}

int main(void)
{
    setenv("LC_ALL", "C", 1); /* the bars below are made of # */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(show_gives_the_temperature_table),
        cmocka_unit_test(show_takes_logits_too),
        cmocka_unit_test(show_marks_what_filters_drop_and_renormalises_the_rest),
        cmocka_unit_test(show_fits_the_page_whatever_it_shows),
        cmocka_unit_test(show_draws_bars_of_blocks_where_the_terminal_has_them),
        cmocka_unit_test(entropy_rises_with_the_temperature),
        cmocka_unit_test(draws_are_those_of_the_sampler_and_follow_the_probabilities),
        cmocka_unit_test(changes_of_the_distribution_are_shown_as_they_are_drawn),
        cmocka_unit_test(two_temperatures_that_look_like_one_with_a_comma_are_mentioned),
        cmocka_unit_test(show_refuses_what_it_cannot_show),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
