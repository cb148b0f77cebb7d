/* Whole sets of parameters in the command: --preset and --config. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "files.h"
#include "harness.h"
#include "sample_files.h"

static char config_path[64];

static int make_files(void **state)
{
    if (make_folder(state))
        return -1;
    /* The folder is the array's. */
    snprintf(config_path, sizeof config_path, "%.*s/config.json", (int)(strrchr(npy_path, '/') - npy_path), npy_path);
    write_npy(npy_path, ARRAY, logits, sizeof logits);
    return 0;
}

static int remove_files(void **state)
{
    unlink(config_path);
    return remove_folder(state);
}

#define SAMPLE(...) RUN("sample", "--json", npy_path, __VA_ARGS__)

/* Both have gone well and drawn the same. */
static void expect_same(process got, process expected)
{
    assert_int_equal(expected.status, 0);
    assert_string_equal(got.out, expected.out);
    assert_int_equal(got.status, 0);
    process_release(&got);
    process_release(&expected);
}

static void write_config(const char *text)
{
    write_file(config_path, text, strlen(text));
}

/* What is drawn with the file is what these options draw, and this is said of it. */
static void expect_config(const char *text, const char *said, process expected)
{
    char message[300] = "";
    write_config(text);
    if (said)
        snprintf(message, sizeof message, "tombola sample: %s: ignored: %s\n", config_path, said);
    process got = SAMPLE("--config", config_path);
    assert_string_equal(got.err, message);
    expect_same(got, expected);
}

static void presets_are_those_of_the_library(void **state)
{
    (void)state;
    expect_same(SAMPLE("--preset", "greedy"), SAMPLE("--temperature", "0"));
    expect_same(SAMPLE("--preset", "default"), SAMPLE("--temperature", "1"));
    expect_same(SAMPLE("--preset", "openai"), SAMPLE("--temperature", "1"));
    expect_same(SAMPLE("--preset", "transformers"), SAMPLE("--top-k", "50"));
    expect_same(SAMPLE("--preset", "llama.cpp"), SAMPLE("--temperature", "0.8", "--top-k", "40", "--top-p", "0.95",
                                                        "--min-p", "0.05", "--filters", "temperature-last"));
    expect_same(SAMPLE("--preset", "vllm"), SAMPLE("--temperature", "1"));
    expect_same(SAMPLE("--preset", "creative"), SAMPLE("--temperature", "0.85"));
}

static void other_options_count_more_than_a_preset_wherever_they_stand(void **state)
{
    (void)state;
    expect_same(SAMPLE("--temperature", "0.5", "--seed", "9", "--preset", "transformers", "--min-p", "0.1"),
                SAMPLE("--temperature", "0.5", "--seed", "9", "--top-k", "50", "--min-p", "0.1"));
    expect_same(SAMPLE("--top-k", "0", "--preset", "transformers"), SAMPLE("--top-k", "0"));
    expect_same(SAMPLE("--filters", "default", "--preset", "llama.cpp"),
                SAMPLE("--temperature", "0.8", "--top-k", "40", "--top-p", "0.95", "--min-p", "0.05"));
}

static void presets_serve_every_command_that_draws(void **state)
{
    (void)state;
    expect_same(RUN("show", "--logits", "3,2,1,0,-9", "--preset", "llama.cpp", "--json"),
                RUN("show", "--logits", "3,2,1,0,-9", "--temperature", "0.8", "--top-k", "40", "--top-p", "0.95",
                    "--min-p", "0.05", "--filters", "temperature-last", "--json"));
    expect_usage_error(SAMPLE("--preset", "nobody"), "tombola sample",
                       "--preset: no preset is called 'nobody'; there are default, greedy, transformers, openai, "
                       "llama.cpp, vllm, code, factual, creative and brainstorm");
}

static void a_generation_config_sets_what_it_names(void **state)
{
    (void)state;
    expect_config("{\"do_sample\": true, \"temperature\": 0.6, \"top_k\": 20, \"top_p\": 0.9, \"min_p\": null, "
                  "\"eos_token_id\": [1, 2], \"transformers_version\": \"5.24.0\"}",
                  "transformers_version", SAMPLE("--temperature", "0.6", "--top-k", "20", "--top-p", "0.9"));
    expect_config("{\"do_sample\": false, \"temperature\": 0.6, \"top_k\": 20}", NULL, SAMPLE("--temperature", "0"));
    expect_config("{\"temperature\": 0.6, \"do_sample\": false}", NULL, SAMPLE("--temperature", "0"));
    expect_config("{\"suppress_tokens\": [7, 9], \"temperature\": 1}", NULL, SAMPLE("--bias", "7=-inf,9=-inf"));
    /* The rows have no histories, so that none has generated a token yet. */
    expect_config("{\"eos_token_id\": [7, 9], \"min_new_tokens\": 1}", NULL, SAMPLE("--bias", "7=-inf,9=-inf"));
    expect_config("{\"stop_token_ids\": [7], \"eos_token_id\": 9, \"min_tokens\": 1}", NULL,
                  SAMPLE("--bias", "7=-inf,9=-inf"));
    expect_config("{\"sequence_bias\": [[[7], 8.5], [[9], -4]]}", NULL, SAMPLE("--bias", "7=8.5,9=-4"));
    expect_config("{\"sequence_bias\": [[[7, 8], 2], [[250], 9.0], [[1, 2], 3]]}",
                  "sequence_bias of two or more tokens", SAMPLE("--bias", "250=9"));
    expect_config("{\"suppress_tokens\": [], \"temperature\": null}", NULL, SAMPLE("--temperature", "1"));
    expect_config("\xEF\xBB\xBF{}", NULL, SAMPLE("--temperature", "1"));
}

static void a_request_sets_what_it_names(void **state)
{
    (void)state;
    expect_config("{\"model\": \"m\", \"messages\": [{\"role\": \"user\", \"content\": \"x\"}], \"temperature\": 1, "
                  "\"top_p\": 0.5, \"seed\": 42, \"logit_bias\": {\"5\": -100, \"250\": 8.5}, \"n\": 1}",
                  "model, messages", SAMPLE("--top-p", "0.5", "--seed", "42", "--bias", "5=-100,250=8.5"));
    expect_config("{\"top_k\": -1, \"min_p\": 0.1, \"temp\": 2, \"seed\": 9223372036854775807}", NULL,
                  SAMPLE("--min-p", "0.1", "--temperature", "2", "--seed", "9223372036854775807"));
    expect_config("{\"mirostat\": 2, \"mirostat_tau\": 3, \"mirostat_eta\": 0.2, \"mirostat_mu\": 4}", NULL,
                  SAMPLE("--mirostat", "2", "--mirostat-entropy", "3", "--mirostat-rate", "0.2", "--mirostat-mu", "4"));
    /* The rows have no histories: these are known, and change nothing. */
    expect_config("{\"repeat_penalty\": 1, \"repeat_last_n\": -1, \"frequency_penalty\": 0.0, "
                  "\"presence_penalty\": 0, \"min_new_tokens\": 0}",
                  NULL, SAMPLE("--temperature", "1"));
    expect_config("{\"xtc_probability\": 1, \"xtc_threshold\": 0.05, \"method\": \"inverse-cdf\", "
                  "\"filters\": \"temperature-last\", \"top_n_sigma\": 2}",
                  NULL,
                  SAMPLE("--xtc-probability", "1", "--xtc-threshold", "0.05", "--method", "inverse-cdf", "--filters",
                         "temperature-last", "--top-n-sigma", "2"));
}

static void a_ban_counts_more_than_a_bias(void **state)
{
    (void)state;
    expect_config("{\"suppress_tokens\": [5], \"logit_bias\": {\"5\": 30, \"6\": 9}}", NULL,
                  SAMPLE("--bias", "5=-inf,6=9"));
    expect_config("{\"logit_bias\": {\"5\": 30, \"6\": 9}, \"suppress_tokens\": [5, 5]}", NULL,
                  SAMPLE("--bias", "5=-inf,6=9"));
}

static void what_others_turn_off_is_off(void **state)
{
    (void)state;
    expect_config("{\"top_n_sigma\": -1, \"top_k\": -1, \"repeat_last_n\": -1, \"dry_penalty_last_n\": -1}", NULL,
                  SAMPLE("--temperature", "1"));
    expect_config("{\"top_n_sigma\": -1.0}", NULL, SAMPLE("--temperature", "1"));
}

static void the_number_of_samples_is_that_of_the_file(void **state)
{
    (void)state;
    expect_config("{\"n\": 3}", NULL, SAMPLE("--samples", "3"));
    expect_config("{\"num_return_sequences\": 2}", NULL, SAMPLE("--samples", "2"));
    write_config("{\"n\": 3}");
    expect_same(SAMPLE("--config", config_path, "--samples", "2"), SAMPLE("--samples", "2"));
    process got = RUN("show", "--logits", "3,2,1", "--config", config_path, "--json");
    assert_int_equal(got.status, 0);
    assert_non_null(strstr(got.err, "ignored: n\n"));
    process_release(&got);
}

/* The file's end tokens are not wanted where an option gives some. */
static void end_tokens_of_an_option_stand_in_place_of_the_files(void **state)
{
    (void)state;
    write_config("{\"eos_token_id\": 300, \"min_tokens\": 1}");
    expect_same(SAMPLE("--config", config_path, "--end-tokens", "7"), SAMPLE("--end-tokens", "7", "--min-tokens", "1"));
}

static void a_file_counts_more_than_a_preset_and_less_than_options(void **state)
{
    (void)state;
    write_config("{\"temperature\": 0.6, \"top_k\": 20, \"logit_bias\": {\"5\": 30, \"6\": 30}}");
    expect_same(SAMPLE("--top-k", "3", "--bias", "5=-inf", "--config", config_path, "--preset", "llama.cpp"),
                SAMPLE("--top-k", "3", "--bias", "5=-inf,6=30", "--temperature", "0.6", "--top-p", "0.95", "--min-p",
                       "0.05", "--filters", "temperature-last"));
    process got = RUN("show", "--logits", "3,2,1", "--config", config_path, "--json");
    assert_int_equal(got.status, 0);
    assert_non_null(strstr(got.out, "\"temperature\":0.6"));
    assert_non_null(strstr(got.err, "ignored: logit_bias\n"));
    process_release(&got);
}

static void wrong_values_are_named_with_their_field(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"{\"temperature\": \"hot\"}", ": temperature is \"hot\", not a number from 0 to inf"},
        {"{\"temperature\": -1}", ": temperature is -1, not a number from 0 to inf"},
        {"{\"temperature\": 1e39}", ": temperature is 1e39, not a number from 0 to inf"},
        {"{\"temperature\": true}", ": temperature is true, not a number from 0 to inf"},
        {"{\"top_p\": 1.5}", ": top_p is 1.5, not a number from 0 to 1"},
        {"{\"top_p\": [0.5]}", ": top_p is [0.5], not a number from 0 to 1"},
        {"{\"top_k\": 1.5}", ": top_k is 1.5, not a whole number from 0 to 4294967295"},
        {"{\"top_k\": -2}", ": top_k is -2, not a whole number from 0 to 4294967295"},
        {"{\"top_k\": 4294967296}", ": top_k is 4294967296, not a whole number from 0 to 4294967295"},
        {"{\"repeat_last_n\": 0}", ": repeat_last_n is 0, not -1 or more than 0"},
        {"{\"repetition_penalty\": \"high\"}", ": repetition_penalty is \"high\", not a number from 1.17549e-38 to"},
        {"{\"seed\": -5}", ": seed is -5, not a whole number from 0 to 18446744073709551615"},
        {"{\"seed\": \"random\"}", ": seed is \"random\", not a whole number"},
        {"{\"method\": \"best\"}", ": method is \"best\", not race or inverse-cdf"},
        {"{\"do_sample\": 1}", ": do_sample is 1, not true or false"},
        {"{\"logit_bias\": [1]}", ": logit_bias is [1], not an object of finite numbers by ids of tokens"},
        {"{\"logit_bias\": {\"a\": 1}}", ": logit_bias is {\"a\":1}, not an object of finite numbers by ids"},
        {"{\"logit_bias\": {\"8388608\": 1}}", ": logit_bias is {\"8388608\":1}, not an object of finite numbers"},
        {"{\"logit_bias\": {\"5\": \"x\"}}", ": logit_bias is {\"5\":\"x\"}, not an object of finite numbers"},
        {"{\"logit_bias\": {\"5\": 1e39}}", ": logit_bias is {\"5\":1e39}, not an object of finite numbers"},
        {"{\"logit_bias\": {\"300\": 1}}", "config.json: logit_bias has token 300, not from 0 to 299"},
        {"{\"suppress_tokens\": [1, 300]}", "config.json: suppress_tokens has token 300, not from 0 to 299"},
        {"{\"logit_bias\": {\"5\": 1, \"05\": 2}}", "config.json: logit_bias has token 5 twice"},
        {"{\"n\": 0}", ": n is 0, not a whole number from 1 to 128"},
        {"{\"n\": 129}", ": n is 129, not a whole number from 1 to 128"},
        {"{\"n\": 1.5}", ": n is 1.5, not a whole number from 1 to 128"},
        {"{\"top_n_sigma\": \"x\"}", ": top_n_sigma is \"x\", not a number from 0 to"},
        {"{\"eos_token_id\": 1, \"stop_token_ids\": [2, 300]}",
         "config.json: stop_token_ids has token 300, not from 0 to 299"},
        {"{\"eos_token_id\": \"</s>\"}",
         ": eos_token_id is \"</s>\", not an id of a token, or a list of ids of tokens"},
        {"{\"eos_token_id\": [1, -1]}", ": eos_token_id is [1,-1], not an id of a token, or a list of ids of tokens"},
        {"{\"eos_token_id\": 300}", "config.json: eos_token_id has token 300, not from 0 to 299"},
        {"{\"suppress_tokens\": 3}", ": suppress_tokens is 3, not a list of ids of tokens, from 0 to 8388607"},
        {"{\"suppress_tokens\": [-1]}", ": suppress_tokens is [-1], not a list of ids of tokens, from 0 to 8388607"},
        {"{\"sequence_bias\": {\"5\": 1}}",
         ": sequence_bias is {\"5\":1}, not a list of pairs: a list of ids of tokens"},
        {"{\"sequence_bias\": [[5, 1]]}", ": sequence_bias is [[5,1]], not a list of pairs"},
        {"{\"sequence_bias\": [[[], 1]]}", ": sequence_bias is [[[],1]], not a list of pairs"},
        {"{\"sequence_bias\": [[[1, -1], 1]]}", ": sequence_bias is [[[1,-1],1]], not a list of pairs"},
        {"{\"sequence_bias\": [[[5], 1], [[5], 2]]}", "config.json: sequence_bias has token 5 twice"},
        {"{\"sequence_bias\": [[[300], 1]]}", "config.json: sequence_bias has token 300, not from 0 to 299"},
        {"{\"bad_words_ids\": [5]}", ": bad_words_ids is [5], not a list of lists of ids of tokens"},
        {"{\"bad_words_ids\": [[5], []]}", ": bad_words_ids is [[5],[]], not a list of lists of ids of tokens"},
        {"{\"bad_words_ids\": [[5, \"x\"]]}", ": bad_words_ids is [[5,\"x\"]], not a list of lists of ids of tokens"},
        {"{\"bad_words_ids\": [[5, 300]]}", "config.json: bad_words_ids has token 300, not from 0 to 299"},
        {"{\"temperature\": 1, \"temp\": 1}", ": temperature and temp say the same thing: give one of them"},
        {"[1]", ": not an object of JSON"},
        {"{\"top_k\": 1,\n", ": line 2: "},
        {"{\"top_k\": 1, \"top_k\": 2}", "duplicate object key"},
        {"", ": line 1: "},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        write_config(cases[i].text);
        expect_failure(SAMPLE("--config", config_path), cases[i].message);
    }
    expect_failure(SAMPLE("--config", "/nonexistent/file"), "/nonexistent/file");
    write_config("{\"logit_bias\": {\"5\": 1}}");
    expect_usage_error(SAMPLE("--config", config_path, "--probabilities"), "tombola sample",
                       "--probabilities: biases are for logits; --mask is for both");
}

/* Each parameter of the library's is known by its name: one file has them all. */
static void every_parameter_may_stand_in_a_file(void **state)
{
    (void)state;
    const tombola_field *field;
    char *text;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    assert_non_null(file);
    for (size_t i = 0; (field = tombola_params_field(i)); i++) {
        fprintf(file, "%s\"%s\": ", i ? ", " : "{", field->name);
        if (field->kind == TOMBOLA_KIND_CHOICE)
            fprintf(file, "\"%s\"", field->values[(size_t)field->neutral]);
        else if (field->kind == TOMBOLA_KIND_ORDER)
            fprintf(file, "\"default\"");
        else if (isinf(field->neutral)) /* which JSON has no number for */
            fprintf(file, "null");
        else
            fprintf(file, "%.9g", field->neutral);
    }
    fprintf(file, "}");
    fclose(file);
    write_config(text);
    free(text);
    process got = RUN("show", "--logits", "1,2", "--config", config_path);
    assert_string_equal(got.err, "");
    assert_int_equal(got.status, 0);
    process_release(&got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(presets_are_those_of_the_library),
        cmocka_unit_test(other_options_count_more_than_a_preset_wherever_they_stand),
        cmocka_unit_test(presets_serve_every_command_that_draws),
        cmocka_unit_test(a_generation_config_sets_what_it_names),
        cmocka_unit_test(a_request_sets_what_it_names),
        cmocka_unit_test(a_ban_counts_more_than_a_bias),
        cmocka_unit_test(what_others_turn_off_is_off),
        cmocka_unit_test(the_number_of_samples_is_that_of_the_file),
        cmocka_unit_test(end_tokens_of_an_option_stand_in_place_of_the_files),
        cmocka_unit_test(a_file_counts_more_than_a_preset_and_less_than_options),
        cmocka_unit_test(wrong_values_are_named_with_their_field),
        cmocka_unit_test(every_parameter_may_stand_in_a_file),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
