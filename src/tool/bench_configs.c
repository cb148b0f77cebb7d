#include "bench.h"

#include "bench_edits.h"

static const struct {
    const char *name;
    unsigned edits; /* BENCH_HAS_... */
} configs[BENCH_CONFIGS] = {
    [BENCH_GREEDY] = {"greedy", 0},
    [BENCH_TEMPERATURE] = {"temperature", 0},
    [BENCH_TOP_K] = {"top-k", 0},
    [BENCH_TOP_P] = {"top-p", 0},
    [BENCH_TOP_K_TOP_P] = {"top-k-top-p", 0},
    [BENCH_MIN_P] = {"min-p", 0},
    [BENCH_MIXED] = {"mixed", 0},
    [BENCH_TOP_N_SIGMA] = {"top-n-sigma", 0},
    [BENCH_XTC] = {"xtc", 0},
    [BENCH_TYPICAL_P] = {"typical-p", 0},
    [BENCH_EPSILON] = {"epsilon", 0},
    [BENCH_ETA] = {"eta", 0},
    [BENCH_TOP_A] = {"top-a", 0},
    [BENCH_TOP_H] = {"top-h", 0},
    [BENCH_P_LESS] = {"p-less", 0},
    [BENCH_MIN_K] = {"min-k", 0},
    [BENCH_DYNATEMP] = {"dynatemp", 0},
    [BENCH_TOP_P_WARM] = {"top-p-t1", 0},
    [BENCH_TOP_P_HOT] = {"top-p-t1.5", 0},
    [BENCH_TOP_P_COOL] = {"top-p-0.9-t0.7", 0},
    [BENCH_TOP_K_TOP_P_LOW] = {"top-k-top-p-0.9", 0},
    [BENCH_LOGPROBS] = {"logprobs", 0},
    [BENCH_SAMPLES] = {"samples-8", 0},
    [BENCH_N_BEST] = {"n-best-20", 0},
    [BENCH_PRESET] = {"preset", 0},
    [BENCH_MASK] = {"mask", BENCH_HAS_MASK},
    [BENCH_BIAS] = {"bias", BENCH_HAS_BIASES},
    [BENCH_MASK_BIAS] = {"mask-bias", BENCH_HAS_MASK | BENCH_HAS_BIASES},
    [BENCH_REPETITION] = {"repetition", BENCH_HAS_HISTORY},
    [BENCH_PENALTIES] = {"penalties", BENCH_HAS_HISTORY},
    [BENCH_MASK_BIAS_PENALTIES] = {"mask-bias-penalties", BENCH_HAS_MASK | BENCH_HAS_BIASES | BENCH_HAS_HISTORY},
    [BENCH_DRY] = {"dry", BENCH_HAS_HISTORY},
    [BENCH_NGRAM] = {"no-repeat-ngram", BENCH_HAS_HISTORY},
};

const char *bench_config_name(bench_config config)
{
    return configs[config].name;
}

unsigned bench_config_edits(bench_config config)
{
    return configs[config].edits;
}

/* What a configuration has beside the usual temperature. Those that are no filter stand on top-p. */
static void set_params(bench_config config, tombola_params *params)
{
    switch (config) {
    case BENCH_GREEDY:
        params->temperature = 0;
        return;
    case BENCH_TEMPERATURE:
        return;
    case BENCH_TOP_K:
        params->top_k = 50;
        return;
    case BENCH_TOP_K_TOP_P:
        params->top_k = 50;
        break;
    case BENCH_MIN_P:
        params->min_p = 0.05f;
        return;
    case BENCH_TOP_N_SIGMA:
        params->top_n_sigma = 1;
        return;
    case BENCH_XTC:
        params->xtc_probability = 1;
        return;
    case BENCH_TYPICAL_P:
        params->typical_p = 0.95f;
        return;
    case BENCH_EPSILON:
        params->epsilon_cutoff = 3e-4f;
        return;
    case BENCH_ETA:
        params->eta_cutoff = 3e-4f;
        return;
    case BENCH_TOP_A:
        params->top_a = 0.2f;
        return;
    case BENCH_TOP_H:
        params->top_h = 0.4f;
        return;
    case BENCH_P_LESS:
        params->p_less = TOMBOLA_P_LESS;
        return;
    case BENCH_MIN_K:
        params->min_k = 3;
        return;
    case BENCH_DYNATEMP:
        params->dynatemp_range = 0.5f;
        return;
    case BENCH_TOP_P_WARM:
        params->temperature = 1;
        break;
    case BENCH_TOP_P_HOT:
        params->temperature = 1.5f;
        break;
    case BENCH_TOP_P_COOL:
        params->temperature = 0.7f;
        params->top_p = 0.9f;
        return;
    case BENCH_TOP_K_TOP_P_LOW:
        params->top_k = 50;
        params->top_p = 0.9f;
        return;
    case BENCH_REPETITION:
        params->repetition_penalty = 1.1f;
        break;
    case BENCH_PENALTIES:
    case BENCH_MASK_BIAS_PENALTIES:
        params->repetition_penalty = 1.1f;
        params->frequency_penalty = 0.2f;
        params->presence_penalty = 0.1f;
        break;
    case BENCH_DRY:
        params->dry_multiplier = 0.8f;
        break;
    case BENCH_NGRAM:
        params->no_repeat_ngram = 3;
        break;
    default:
        break;
    }
    params->top_p = 0.95f;
}

tombola_params bench_config_params(bench_config config, const bench_options *options, size_t row)
{
    tombola_params params = config == BENCH_PRESET ? options->preset : tombola_params_default();
    params.seed = options->seed;
    params.stream = (uint32_t)row;
    if (config == BENCH_PRESET)
        return params;
    params.temperature = WORKLOAD_TEMPERATURE;
    set_params(config == BENCH_MIXED ? (bench_config)(row % BENCH_MIXED) : config, &params);
    return params;
}
