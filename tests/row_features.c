#include "row_features.h"

#include <math.h>
#include <string.h>

typedef void setter(struct featured_row *row, uint64_t *random);

/* Between 0 and 1, neither of them. */
static float share(uint64_t *random)
{
    return ((float)random_below(random, 1u << 22) + 0.5f) * 0x1p-22f;
}

static uint32_t one_in(uint64_t *random, uint32_t count)
{
    return random_below(random, count) == 0;
}

#define SETTER(name) static void name(struct featured_row *row, uint64_t *random)

SETTER(set_temperature)
{
    static const float temperatures[] = {0.7f, 1.5f, 0.0f, INFINITY, 0.05f, 3.0f};
    row->params.temperature = temperatures[random_below(random, COUNT_OF(temperatures))];
}

SETTER(set_inverse_cdf)
{
    (void)random;
    row->params.method = TOMBOLA_INVERSE_CDF;
}

/* At temperature 1 an order would say little. */
static void leave_temperature_1(struct featured_row *row)
{
    if (row->params.temperature == 1.0f)
        row->params.temperature = 0.7f;
}

SETTER(set_temperature_last)
{
    (void)random;
    leave_temperature_1(row);
    tombola_filters_temperature_last(&row->params);
}

SETTER(set_order)
{
    uint8_t filters[TOMBOLA_MAX_FILTERS] = TOMBOLA_TEMPERATURE_FIRST;
    uint32_t count = 0;
    while (filters[count] != TOMBOLA_FILTER_END)
        count++;
    for (uint32_t i = count - 1; i > 0; i--) {
        const uint32_t other = random_below(random, i + 1);
        const uint8_t filter = filters[i];
        filters[i] = filters[other];
        filters[other] = filter;
    }
    memcpy(row->params.filters, filters, sizeof filters);
    leave_temperature_1(row);
}

SETTER(set_top_k)
{
    row->params.top_k = 1 + random_below(random, one_in(random, 2) ? 10 : row->recipe.vocabulary + 2);
}

SETTER(set_top_p)
{
    row->params.top_p = share(random);
}

SETTER(set_min_p)
{
    row->params.min_p = share(random) * 0.2f;
}

SETTER(set_top_n_sigma)
{
    row->params.top_n_sigma = share(random) * 3.0f;
}

SETTER(set_xtc)
{
    row->params.xtc_probability = one_in(random, 2) ? 1.0f : share(random);
    row->params.xtc_threshold = share(random) * 0.3f;
}

SETTER(set_epsilon)
{
    row->params.epsilon_cutoff = share(random) * 0.05f;
}

SETTER(set_eta)
{
    row->params.eta_cutoff = share(random) * 0.05f;
}

SETTER(set_top_a)
{
    row->params.top_a = share(random);
}

SETTER(set_p_less)
{
    row->params.p_less = one_in(random, 2) ? TOMBOLA_P_LESS : TOMBOLA_P_LESS_NORM;
}

SETTER(set_min_k)
{
    row->params.min_k = share(random) * 20.0f;
}

SETTER(set_typical_p)
{
    row->params.typical_p = share(random);
}

SETTER(set_top_h)
{
    row->params.top_h = share(random);
}

SETTER(set_min_keep)
{
    row->params.min_keep = 2 + random_below(random, 6);
}

SETTER(set_dynatemp)
{
    row->params.dynatemp_range = share(random) * 2.0f;
    row->params.dynatemp_exponent = share(random) * 3.0f;
}

/* A state that a text may have come to, or its beginning. */
static void set_mirostat(struct featured_row *row, uint64_t *random, uint32_t mirostat)
{
    row->params.mirostat = mirostat;
    row->params.mirostat_entropy = share(random) * 8.0f;
    row->params.mirostat_mu = one_in(random, 5) ? INFINITY : share(random) * 30.0f - 5.0f;
}

SETTER(set_mirostat_1)
{
    set_mirostat(row, random, 1);
}

SETTER(set_mirostat_2)
{
    set_mirostat(row, random, 2);
}

SETTER(set_adaptive_p)
{
    row->params.adaptive_target = one_in(random, 8) ? (float)random_below(random, 2) : share(random);
    row->params.adaptive_decay = share(random) * 0.99f;
    row->params.adaptive_weight = one_in(random, 3) ? 0.0f : 1.0f + share(random) * 9.0f;
    row->params.adaptive_sum = row->params.adaptive_weight * share(random);
}

SETTER(set_mask)
{
    row->mask = 1 + random_below(random, 1000);
}

SETTER(set_biases)
{
    row->biases = 1 + random_below(random, 1000);
}

SETTER(set_repetition)
{
    row->params.repetition_penalty = one_in(random, 4) ? 0.5f + share(random) : 1.0f + share(random);
}

SETTER(set_frequency)
{
    row->params.frequency_penalty = share(random) * 4.0f - 2.0f;
}

SETTER(set_presence)
{
    row->params.presence_penalty = share(random) * 4.0f - 2.0f;
}

SETTER(set_counted)
{
    row->params.penalty_window = one_in(random, 3) ? 0 : random_below(random, 50);
    row->params.penalty_prompt = 1 + random_below(random, 2);
}

static void give_end_tokens(struct featured_row *row)
{
    struct past *past = row->past;
    past->all.end_tokens = row->made.end_tokens;
    if (past->all.end_tokens.count == 0) {
        past->end_tokens[0] = (int32_t)(row->recipe.vocabulary / 2);
        past->all.end_tokens = (struct oracle_tokens){past->end_tokens, 1};
    }
}

SETTER(set_min_tokens)
{
    give_end_tokens(row);
    row->params.min_tokens = 1 + random_below(random, 60);
}

SETTER(set_length_penalty)
{
    give_end_tokens(row);
    row->params.length_penalty_start = random_below(random, 20);
    row->params.length_penalty_factor = 1.0f + share(random) * 0.3f;
}

SETTER(set_dry)
{
    row->params.dry_multiplier = share(random) * 2.0f;
    row->params.dry_base = 1.0f + share(random);
    row->params.dry_allowed_length = random_below(random, 4);
    row->params.dry_window = one_in(random, 2) ? 0 : random_below(random, 60);
}

SETTER(set_dry_with_breakers)
{
    set_dry(row, random);
    row->past->all.breakers = row->made.breakers;
}

SETTER(set_no_repeat_ngram)
{
    row->params.no_repeat_ngram = 1 + random_below(random, 4);
}

SETTER(set_banned_words)
{
    (void)random;
    row->past->all.banned = row->made.banned;
}

/* A start is put near the end of the history. */
SETTER(set_thinking)
{
    struct past *past = row->past;
    const struct oracle_tokens start = past->all.thinking_start;
    const size_t count = past->all.history.count, back = start.count + random_below(random, 12);
    if (back <= count)
        memcpy(past->tokens + (count - back), start.tokens, start.count * sizeof *start.tokens);
    row->params.thinking_budget = 1 + random_below(random, 6);
}

/* Most often one of the tokens is due. */
SETTER(set_forced)
{
    struct past *past = row->past;
    past->all.forced = row->made.forced;
    if (past->all.forced.count == 0) {
        past->forced[0] = (int32_t)random_below(random, row->recipe.vocabulary);
        past->all.forced = (struct oracle_tokens){past->forced, 1};
    }
    const uint32_t generated = (uint32_t)(past->all.history.count - past->all.prompt_length);
    const uint32_t place = random_below(random, (uint32_t)past->all.forced.count);
    row->params.forced_from = place > generated || one_in(random, 4) ? random_below(random, 60) : generated - place;
}

/* A watermark is one of the race. */
SETTER(set_watermark)
{
    row->params.watermark = 1 + random_below(random, 5);
    row->params.method = TOMBOLA_RACE;
}

static const struct {
    const char *name;
    setter *set;
    int is_of_logits; /* alone */
} features[] = {
    {"temperature", set_temperature, 0},
    {"inverse CDF", set_inverse_cdf, 0},
    {"temperature last", set_temperature_last, 0},
    {"an order", set_order, 0},
    {"top-k", set_top_k, 0},
    {"top-p", set_top_p, 0},
    {"min-p", set_min_p, 0},
    {"top-n-sigma", set_top_n_sigma, 0},
    {"XTC", set_xtc, 0},
    {"epsilon", set_epsilon, 0},
    {"eta", set_eta, 0},
    {"top-a", set_top_a, 0},
    {"p-less", set_p_less, 0},
    {"min-k", set_min_k, 0},
    {"typical-p", set_typical_p, 0},
    {"top-H", set_top_h, 0},
    {"min-keep", set_min_keep, 0},
    {"dynamic temperature", set_dynatemp, 0},
    {"mirostat 1", set_mirostat_1, 0},
    {"mirostat 2", set_mirostat_2, 0},
    {"adaptive-p", set_adaptive_p, 0},
    {"a mask", set_mask, 0},
    {"biases", set_biases, 1},
    {"repetition penalty", set_repetition, 1},
    {"frequency penalty", set_frequency, 1},
    {"presence penalty", set_presence, 1},
    {"what penalties count", set_counted, 1},
    {"min-tokens", set_min_tokens, 1},
    {"length penalty", set_length_penalty, 1},
    {"DRY", set_dry, 1},
    {"DRY with breakers", set_dry_with_breakers, 1},
    {"n-grams", set_no_repeat_ngram, 0},
    {"banned words", set_banned_words, 0},
    {"thinking", set_thinking, 0},
    {"forced tokens", set_forced, 0},
    {"a watermark", set_watermark, 0},
};

size_t features_count(void)
{
    return COUNT_OF(features);
}

const char *feature_name(size_t feature)
{
    return features[feature].name;
}

int feature_suits(size_t feature, tombola_input input)
{
    return input == TOMBOLA_LOGITS || !features[feature].is_of_logits;
}

void feature_set(size_t feature, struct featured_row *row, uint64_t *random)
{
    features[feature].set(row, random);
    row->features |= UINT64_C(1) << feature;
}
