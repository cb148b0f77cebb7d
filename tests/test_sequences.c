/* What histories and token sequences do: the library's functions beside the oracle's and the published cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "past.h"
#include "known.h"
#include "rules.h"

enum { MOST_TOKENS = 64 };

/* What has been told of tokens. */
struct effects {
    size_t count;
    int is_banned[MOST_TOKENS];
    float penalty[MOST_TOKENS], growth[MOST_TOKENS];
};

static void put(void *list, int32_t token, enum effect effect, float value)
{
    struct effects *effects = list;
    assert_in_range(token, 0, MOST_TOKENS - 1);
    effects->count++;
    switch (effect) {
    case EFFECT_BAN:
        effects->is_banned[token] = 1;
        return;
    case EFFECT_PENALTY:
        effects->penalty[token] = value > effects->penalty[token] ? value : effects->penalty[token];
        return;
    case EFFECT_GROWTH:
        effects->growth[token] = value;
    }
}

static struct processor_input input_of(const struct oracle_sequences *s, const tombola_params *params,
                                       uint32_t *repeats, float *penalties)
{
    return (struct processor_input){
        .params = params,
        .history = s->history.tokens,
        .length = s->history.count,
        .prompt_length = s->prompt_length,
        .end_tokens = {s->end_tokens.tokens, s->end_tokens.count},
        .banned = {s->banned.tokens, s->banned.ends, 0, s->banned.count},
        .breakers = {s->breakers.tokens, s->breakers.ends, 0, s->breakers.count},
        .forced = {s->forced.tokens, s->forced.count},
        .thinking_start = {s->thinking_start.tokens, s->thinking_start.count},
        .thinking_end = {s->thinking_end.tokens, s->thinking_end.count},
        .repeats = repeats,
        .penalties = penalties,
    };
}

static float made_normal(float x)
{
    return fabsf(x) < 0x1p-126f ? 0.0f : x;
}

/* As the contract says, by the library's functions. */
static void apply(const struct oracle_sequences *s, const tombola_params *params, float *logits, uint32_t vocabulary)
{
    static uint32_t repeats[MOST_HISTORY];
    static float penalties[MOST_HISTORY];
    static struct breaker_slot slots[4 * MOST_WORDS * MOST_WORD];
    struct effects effects = {.count = 0};
    struct processor_input input = input_of(s, params, repeats, penalties);
    input.slots = slots;
    assert_at_most(dry_slots(&input), COUNT_OF(slots));
    const struct processor_output output = {&effects, put};
    const int32_t only = rules_only(&input);
    rules_run(&input, &output);
    assert_at_most(effects.count, rules_most(&input));
    for (uint32_t id = 0; id < vocabulary; id++) {
        float z = logits[id];
        if (only >= 0) {
            logits[id] = id == (uint32_t)only ? 0.0f : -INFINITY;
            continue;
        }
        if (effects.penalty[id] > 0.0f) {
            z = made_normal(z - effects.penalty[id]);
        }
        if (effects.growth[id] != 0.0f && z > -INFINITY) {
            z = fmaf(fabsf(z), effects.growth[id], z);
            z = fabsf(z) < 0x1p-125f ? 0.0f : z;
        }
        logits[id] = effects.is_banned[id] ? -INFINITY : z;
    }
}

static void the_oracle_has_the_known_answers(void **state)
{
    (void)state;
    size_t count;
    struct known_answer *answers = known_file_read("known_sequences.txt", &count);
    assert_less(2000, count);
    known_answers_expect_oracle(answers, count);
    free(answers);
}

/* ---------------------------------------------------------------- published */

static struct oracle_tokens tokens_of(const int32_t *tokens, size_t count)
{
    return (struct oracle_tokens){tokens, count};
}

/* llama.cpp's tests/test-sampling.cpp, test_dry. */
static void dry_has_the_published_shares(void **state)
{
    (void)state;
    static const struct {
        uint32_t vocabulary;
        int32_t history[7];
        size_t length;
        float multiplier;
        uint32_t allowed, window;
        size_t breakers; /* how many of {3} */
        double shares[5];
    } cases[] = {
        {4, {0, 1}, 2, 1.0f, 2, 4, 0, {.25, .25, .25, .25}},
        {4, {0, 1, 2, 0, 1}, 5, 1.0f, 2, 5, 0, {.296923, .296923, .109232, .296923}},
        {5, {0, 1, 3, 4, 0, 1}, 6, 1.0f, 2, 6, 1, {.2, .2, .2, .2, .2}},
        {5, {0, 1, 2, 0, 1}, 5, 2.0f, 2, 5, 0, {.241818, .241818, .032727, .241818, .241818}},
        {5, {0, 1, 2, 3, 4, 0, 1}, 7, 1.0f, 4, 7, 0, {.2, .2, .2, .2, .2}},
    };
    static const int32_t breaker[] = {3};
    static const size_t ends[] = {1};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        tombola_params params = tombola_params_default();
        const struct oracle_sequences s = {.history = tokens_of(cases[i].history, cases[i].length),
                                           .breakers = {breaker, ends, cases[i].breakers}};
        float logits[5], oracles[5];
        double total = 0.0;
        params.dry_multiplier = cases[i].multiplier;
        params.dry_base = 1.1f;
        params.dry_allowed_length = cases[i].allowed;
        params.dry_window = cases[i].window;
        for (uint32_t id = 0; id < cases[i].vocabulary; id++) {
            logits[id] = oracles[id] = logf(1.0f / (float)cases[i].vocabulary);
        }
        apply(&s, &params, logits, cases[i].vocabulary);
        oracle_apply_sequences(&s, &params, TOMBOLA_LOGITS, oracles, cases[i].vocabulary);
        for (uint32_t id = 0; id < cases[i].vocabulary; id++) {
            assert_real_equal(logits[id], oracles[id]);
            total += exp((double)logits[id]);
        }
        for (uint32_t id = 0; id < cases[i].vocabulary; id++) {
            assert_near(exp((double)logits[id]) / total, cases[i].shares[id], 1e-5);
        }
    }
}

/* ------------------------------------------------------------- the functions */

static tombola_params random_params(uint64_t *random)
{
    static const float bases[] = {1.75f, 1.0f, 1.1f, 3.0f, 1e20f}, factors[] = {1.0f, 1.01f, 0.9f, 2.0f, 1e10f};
    static const float multipliers[] = {0.0f, 0.8f, 1.0f, 1e35f};
    tombola_params params = tombola_params_default();
    params.dry_multiplier = multipliers[random_below(random, 4)];
    params.dry_base = bases[random_below(random, 5)];
    params.dry_allowed_length = random_below(random, 5);
    params.dry_window = random_below(random, 3) ? 0 : random_below(random, 40);
    params.no_repeat_ngram = random_below(random, 2) ? 0 : random_below(random, 6);
    params.length_penalty_start = random_below(random, 20);
    params.length_penalty_factor = factors[random_below(random, 5)];
    params.forced_from = random_below(random, 4) ? UINT32_MAX : random_below(random, 30);
    params.thinking_budget = random_below(random, 2) ? 0 : 1 + random_below(random, 20);
    return params;
}

static void each_does_to_logits_what_the_oracle_does(void **state)
{
    (void)state;
    static const uint32_t vocabularies[] = {1, 2, 5, 9, 40, 64};
    uint64_t random = 7;
    struct past *history = allocate(1, sizeof *history);
    size_t changed = 0;
    for (uint32_t number = 0; number < 40000; number++) {
        const uint32_t vocabulary = vocabularies[number % COUNT_OF(vocabularies)];
        const tombola_params params = random_params(&random);
        float logits[MOST_TOKENS], oracles[MOST_TOKENS], raw[MOST_TOKENS] = {0.0f};
        past_make(number, (int)random_below(&random, 2), vocabulary, history);
        for (uint32_t id = 0; id < vocabulary; id++) {
            raw[id] = (float)((int)random_below(&random, 4096) - 2048) / 128.0f;
            raw[id] = random_below(&random, 20) ? raw[id] : -INFINITY;
        }
        memcpy(logits, raw, sizeof raw);
        memcpy(oracles, raw, sizeof raw);
        apply(&history->all, &params, logits, vocabulary);
        oracle_apply_sequences(&history->all, &params, TOMBOLA_LOGITS, oracles, vocabulary);
        for (uint32_t id = 0; id < vocabulary; id++) {
            if (memcmp(&logits[id], &oracles[id], sizeof logits[id]) != 0) {
                fail_msg("history %u, token %u of %u: %a, the oracle's is %a", number, id, vocabulary,
                         (double)logits[id], (double)oracles[id]);
            }
        }
        changed += memcmp(raw, logits, vocabulary * sizeof *raw) != 0;
    }
    assert_less(20000, changed);
    free(history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oracle_has_the_known_answers),
        cmocka_unit_test(dry_has_the_published_shares),
        cmocka_unit_test(each_does_to_logits_what_the_oracle_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
