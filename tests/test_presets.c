/* Whole sets of parameters by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "calls.h"
#include "expect.h"
#include "group.h"
#include "harness.h"

enum { T = TOMBOLA_FILTER_TEMPERATURE, K = TOMBOLA_FILTER_TOP_K, P = TOMBOLA_FILTER_TOP_P, M = TOMBOLA_FILTER_MIN_P };

static tombola_params preset(const char *name)
{
    tombola_params params;
    memset(&params, 0xA5, sizeof params); /* all of it is set */
    params.struct_size = sizeof params;
    tombola_error error = tombola_error_default();
    const tombola_status status = tombola_params_preset(name, &params, &error);
    assert_string_equal(error.message, "");
    assert_int_equal(status, TOMBOLA_OK);
    return params;
}

static void default_and_openai_are_the_defaults(void **state)
{
    (void)state;
    const tombola_params usual = tombola_params_default(), named = preset("default"), openai = preset("openai");
    assert_memory_equal(&named, &usual, sizeof usual);
    assert_memory_equal(&openai, &usual, sizeof usual);
    assert_real_equal(openai.temperature, 1.0f);
    assert_real_equal(openai.top_p, 1.0f);
    assert_int_equal(openai.top_k, 0);
}

static void greedy_is_temperature_0(void **state)
{
    (void)state;
    tombola_params params = preset("greedy"), usual = tombola_params_default();
    assert_real_equal(params.temperature, 0.0f);
    params.temperature = usual.temperature;
    assert_memory_equal(&params, &usual, sizeof usual);
}

static void transformers_has_top_k_50(void **state)
{
    (void)state;
    tombola_params params = preset("transformers"), usual = tombola_params_default();
    assert_int_equal(params.top_k, 50);
    assert_real_equal(params.temperature, 1.0f);
    assert_real_equal(params.top_p, 1.0f);
    assert_real_equal(params.min_p, 0.0f);
    params.top_k = 0;
    assert_memory_equal(&params, &usual, sizeof usual);
}

static void llama_cpp_has_three_filters_and_the_temperature_last(void **state)
{
    (void)state;
    tombola_params params = preset("llama.cpp"), last = tombola_params_default();
    tombola_filters_temperature_last(&last);
    assert_real_equal(params.temperature, 0.8f);
    assert_int_equal(params.top_k, 40);
    assert_real_equal(params.top_p, 0.95f);
    assert_real_equal(params.min_p, 0.05f);
    assert_real_equal(params.xtc_probability, 0.0f);
    assert_real_equal(params.xtc_threshold, 0.1f);
    assert_real_equal(params.top_n_sigma, 0.0f);
    assert_real_equal(params.repetition_penalty, 1.0f);
    assert_real_equal(params.frequency_penalty, 0.0f);
    assert_real_equal(params.presence_penalty, 0.0f);
    assert_int_equal(params.penalty_window, 64);
    assert_int_equal(params.penalty_prompt, TOMBOLA_PROMPT_ALL);
    assert_memory_equal(params.filters, last.filters, sizeof last.filters);
}

static void vllm_has_min_p_before_top_k(void **state)
{
    (void)state;
    static const uint8_t first[] = {T, M, K, P};
    tombola_params params = preset("vllm"), usual = tombola_params_default();
    assert_real_equal(params.temperature, 1.0f);
    assert_real_equal(params.top_p, 1.0f);
    assert_int_equal(params.top_k, 0);
    assert_real_equal(params.min_p, 0.0f);
    assert_memory_equal(params.filters, first, sizeof first);
    memset(params.filters, 0, sizeof params.filters);
    assert_memory_equal(&params, &usual, sizeof usual);
}

/* Whoever starts from a preset may turn on any filter. */
static void orders_of_presets_have_every_step(void **state)
{
    (void)state;
    for (size_t i = 0; tombola_params_preset_name(i); i++) {
        const tombola_params params = preset(tombola_params_preset_name(i));
        const uint8_t usual[TOMBOLA_MAX_FILTERS] = TOMBOLA_TEMPERATURE_FIRST;
        for (size_t n = 0; params.filters[0] && n < TOMBOLA_MAX_FILTERS && usual[n]; n++)
            assert_non_null(memchr(params.filters, usual[n], sizeof params.filters));
    }
}

static void names_are_listed_and_every_one_draws(void **state)
{
    (void)state;
    static const char *const names[] = {"default", "greedy", "transformers", "openai", "llama.cpp", "vllm"};
    tombola_sampler *sampler = make_sampler(context, &probe_like, 1, TOMBOLA_DISPATCH_AUTO);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct draw draw;
        const tombola_params params = preset(names[i]);
        assert_string_equal(tombola_params_preset_name(i), names[i]);
        assert_int_equal(draw_rows(sampler, probe.logits, 1, PROBE_STRIDE, &params, &draw, NULL), TOMBOLA_OK);
        assert_int_equal(draw.status, TOMBOLA_ROW_OK);
    }
    assert_null(tombola_params_preset_name(COUNT_OF(names)));
    assert_null(tombola_params_preset_name(SIZE_MAX));
    tombola_sampler_release(sampler);
}

static void smaller_structs_are_filled_as_far_as_they_go(void **state)
{
    (void)state;
    struct {
        tombola_params params;
        char behind;
    } old;
    memset(&old, 0x5A, sizeof old);
    old.params.struct_size = offsetof(tombola_params, min_p);
    assert_int_equal(tombola_params_preset("llama.cpp", &old.params, NULL), TOMBOLA_OK);
    assert_int_equal(old.params.struct_size, offsetof(tombola_params, min_p));
    assert_int_equal(old.params.top_k, 40);
    for (size_t i = offsetof(tombola_params, min_p); i < sizeof old; i++)
        assert_int_equal(((unsigned char *)&old)[i], 0x5A);
}

static void mistakes_are_named(void **state)
{
    (void)state;
    tombola_error error = tombola_error_default();
    tombola_params params = tombola_params_default(), before = params;
    assert_int_equal(tombola_params_preset("Llama", &params, &error), TOMBOLA_INVALID_ARGUMENT);
    assert_string_equal(error.message, "no preset is called 'Llama'; there are default, greedy, transformers, openai, "
                                       "llama.cpp and vllm");
    assert_memory_equal(&params, &before, sizeof params);
    assert_int_equal(tombola_params_preset(NULL, &params, &error), TOMBOLA_INVALID_ARGUMENT);
    assert_string_equal(error.message, "name is NULL");
    assert_int_equal(tombola_params_preset("vllm", NULL, &error), TOMBOLA_INVALID_ARGUMENT);
    assert_string_equal(error.message, "params is NULL");
    params.struct_size = 0;
    assert_int_equal(tombola_params_preset("vllm", &params, &error), TOMBOLA_INVALID_ARGUMENT);
    assert_string_equal(error.message, "params.struct_size is 0: start from tombola_params_default()");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(default_and_openai_are_the_defaults),
        cmocka_unit_test(greedy_is_temperature_0),
        cmocka_unit_test(transformers_has_top_k_50),
        cmocka_unit_test(llama_cpp_has_three_filters_and_the_temperature_last),
        cmocka_unit_test(vllm_has_min_p_before_top_k),
        cmocka_unit_test(orders_of_presets_have_every_step),
        cmocka_unit_test(names_are_listed_and_every_one_draws),
        cmocka_unit_test(smaller_structs_are_filled_as_far_as_they_go),
        cmocka_unit_test(mistakes_are_named),
    };
    return cmocka_run_group_tests(tests, open_and_probe, close_context);
}
