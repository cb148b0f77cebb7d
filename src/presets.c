/* Whole sets of parameters by name: what others draw by where nothing is said. */
#include "tombola.h"

#include <stdio.h>
#include <string.h>

#include "error.h"
#include "sized.h"

static void set_nothing(tombola_params *params)
{
    (void)params;
}

static void set_greedy(tombola_params *params)
{
    params->temperature = 0.0f;
}

/* Transformers 5.24.0, generation/configuration_utils.py, GenerationConfig._get_default_generation_params: temperature
 * 1, top_k 50, top_p 1, everything else off. do_sample is taken for true: else it is greedy. generation/utils.py has
 * the order, which is the default one. */
static void set_transformers(tombola_params *params)
{
    params->top_k = 50;
}

/* llama.cpp, common/common.h, struct common_params_sampling, as of commit 001d906a: XTC, top-n-sigma and penalties are
 * off there, but have these values besides; the temperature is the last of its samplers. Its penalties know no
 * prompt. */
static void set_llama_cpp(tombola_params *params)
{
    params->temperature = 0.8f;
    params->top_k = 40;
    params->top_p = 0.95f;
    params->min_p = 0.05f;
    params->xtc_threshold = 0.1f;
    params->penalty_window = 64;
    params->penalty_prompt = TOMBOLA_PROMPT_ALL;
    tombola_filters_temperature_last(params);
}

/* vLLM, vllm/sampling_params.py, class SamplingParams, as of commit 00388f65: temperature 1, all else off. Its order is
 * temperature, min-p, top-k, top-p; what vLLM lacks follows. */
static void set_vllm(tombola_params *params)
{
    static const uint8_t usual[TOMBOLA_MAX_FILTERS] = TOMBOLA_TEMPERATURE_FIRST;
    uint8_t filters[TOMBOLA_MAX_FILTERS] = {TOMBOLA_FILTER_TEMPERATURE, TOMBOLA_FILTER_MIN_P, TOMBOLA_FILTER_TOP_K,
                                            TOMBOLA_FILTER_TOP_P};
    size_t count = 4;
    for (size_t i = 0; i < TOMBOLA_MAX_FILTERS; i++)
        if (usual[i] != TOMBOLA_FILTER_END && !memchr(filters, usual[i], count))
            filters[count++] = usual[i];
    memcpy(params->filters, filters, sizeof filters);
}

static const struct {
    const char *name;
    void (*set)(tombola_params *params); /* from the defaults */
} presets[] = {
    {"default", set_nothing},     {"greedy", set_greedy}, {"transformers", set_transformers},
    {"openai", set_nothing}, /* OpenAI's API reference of chat completions: temperature 1, top_p 1, penalties 0 */
    {"llama.cpp", set_llama_cpp}, {"vllm", set_vllm},
};
enum { PRESETS = sizeof presets / sizeof presets[0] };

const char *tombola_params_preset_name(size_t index)
{
    return index < PRESETS ? presets[index].name : NULL;
}

static tombola_status fail_unknown(const char *name, tombola_error *error)
{
    char known[128] = "";
    for (size_t i = 0, length = 0; i < PRESETS && length < sizeof known; i++)
        length += (size_t)snprintf(known + length, sizeof known - length, "%s%s",
                                   i == 0             ? ""
                                   : i == PRESETS - 1 ? " and "
                                                      : ", ",
                                   presets[i].name);
    return fail(error, TOMBOLA_INVALID_ARGUMENT, "no preset is called '%s'; there are %s", name, known);
}

tombola_status tombola_params_preset(const char *name, tombola_params *params, tombola_error *error)
{
    if (!name)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "name is NULL");
    if (!params)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "params is NULL");
    if (!sized_is_one(sized_size(params)))
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "params.struct_size is %lu: start from tombola_params_default()",
                    (unsigned long)sized_size(params));
    for (size_t i = 0; i < PRESETS; i++)
        if (strcmp(presets[i].name, name) == 0) {
            tombola_params own = tombola_params_default();
            presets[i].set(&own);
            sized_write(params, &own, sizeof own);
            return TOMBOLA_OK;
        }
    return fail_unknown(name, error);
}
