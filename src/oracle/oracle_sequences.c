#include "oracle_sequences.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "oracle_row.h"

static struct oracle_tokens word(const struct oracle_words *words, size_t i)
{
    const size_t start = i == 0 ? 0 : words->ends[i - 1];
    return (struct oracle_tokens){words->tokens + start, words->ends[i] - start};
}

/* Whether the history has these tokens at a place. */
static int stands_at(struct oracle_tokens history, size_t place, struct oracle_tokens sought)
{
    for (size_t i = 0; i < sought.count; i++) {
        if (place + i >= history.count || history.tokens[place + i] != sought.tokens[i]) {
            return 0;
        }
    }
    return 1;
}

static float made_normal(float x)
{
    return fabsf(x) < FLT_MIN ? 0.0f : x;
}

/* ---------------------------------------------------------------------- DRY */

/* Where repetitions may begin at the earliest: behind the breaker that begins last, the longest of those there. */
static size_t unbroken_from(const struct oracle_sequences *s, size_t first)
{
    for (size_t place = s->history.count; place-- > first;) {
        size_t longest = 0;
        for (size_t i = 0; i < s->breakers.count; i++) {
            const struct oracle_tokens breaker = word(&s->breakers, i);
            if (stands_at(s->history, place, breaker) && breaker.count > longest) {
                longest = breaker.count;
            }
        }
        if (longest > 0) {
            return place + longest;
        }
    }
    return first;
}

static int is_breaker(const struct oracle_sequences *s, int32_t token)
{
    for (size_t i = 0; i < s->breakers.count; i++) {
        const struct oracle_tokens breaker = word(&s->breakers, i);
        if (breaker.count == 1 && breaker.tokens[0] == token) {
            return 1;
        }
    }
    return 0;
}

static float dry_penalty(const tombola_params *p, size_t excess)
{
    double power = 1.0;
    for (size_t i = 0; i < excess && power * (double)p->dry_base <= (double)FLT_MAX; i++) {
        power *= (double)p->dry_base;
    }
    const double penalty = (double)p->dry_multiplier * power;
    return made_normal((float)(penalty < (double)FLT_MAX ? penalty : (double)FLT_MAX));
}

static void apply_dry(const struct oracle_sequences *s, const tombola_params *p, float *logits, uint32_t vocabulary)
{
    const size_t count = s->history.count, first = p->dry_window && p->dry_window < count ? count - p->dry_window : 0;
    const int32_t *tokens = s->history.tokens;
    if (p->dry_multiplier == 0.0f || count - first <= p->dry_allowed_length) {
        return;
    }
    const size_t most = count - unbroken_from(s, first);
    size_t *longest = oracle_allocate(vocabulary, sizeof *longest); /* 1 + what the token would go on with */
    for (size_t place = first + 1; place < count; place++) {
        size_t n = 0;
        while (n < most && n < place - first && tokens[place - 1 - n] == tokens[count - 1 - n]) {
            n++;
        }
        if (n + 1 > longest[tokens[place]]) {
            longest[tokens[place]] = n + 1;
        }
    }
    for (uint32_t token = 0; token < vocabulary; token++) {
        if (longest[token] > p->dry_allowed_length && most >= p->dry_allowed_length && !is_breaker(s, (int32_t)token)) {
            logits[token] = made_normal(logits[token] - dry_penalty(p, longest[token] - 1 - p->dry_allowed_length));
        }
    }
    free(longest);
}

/* ----------------------------------------------------------- length penalty */

static double power_of(double base, size_t exponent, size_t bit)
{
    double square = base;
    for (size_t i = 0; i < bit; i++) {
        square *= square;
    }
    return exponent >> bit & 1 ? square : 1.0;
}

static void apply_length(const struct oracle_sequences *s, const tombola_params *p, float *logits)
{
    const size_t generated = s->history.count - s->prompt_length;
    if (p->length_penalty_factor == 1.0f || generated <= p->length_penalty_start) {
        return;
    }
    double power = 1.0;
    for (size_t bit = 0; bit < 32; bit++) { /* a product with 1 changes nothing */
        power *= power_of((double)p->length_penalty_factor, generated - p->length_penalty_start, bit);
    }
    const float growth = made_normal((float)(power - 1.0 < 0x1p64 ? power - 1.0 : 0x1p64));
    for (size_t i = 0; i < s->end_tokens.count; i++) {
        const int32_t token = s->end_tokens.tokens[i];
        int is_first = 1;
        for (size_t before = 0; before < i; before++) {
            is_first = is_first && s->end_tokens.tokens[before] != token;
        }
        if (is_first && logits[token] > -INFINITY) {
            const float grown = fmaf(fabsf(logits[token]), growth, logits[token]);
            logits[token] = fabsf(grown) < 0x1p-125f ? 0.0f : grown;
        }
    }
}

/* --------------------------------------------------------------------- bans */

static void ban_words(const struct oracle_sequences *s, float banned_value, float *values)
{
    for (size_t i = 0; i < s->banned.count; i++) {
        struct oracle_tokens banned = word(&s->banned, i);
        const int32_t last = banned.tokens[--banned.count];
        if (banned.count <= s->history.count && stands_at(s->history, s->history.count - banned.count, banned)) {
            values[last] = banned_value;
        }
    }
}

static void ban_ngrams(const struct oracle_sequences *s, const tombola_params *p, float banned_value, float *values)
{
    const size_t n = p->no_repeat_ngram, count = s->history.count;
    for (size_t place = 0; n > 0 && place + n <= count; place++) {
        const struct oracle_tokens others = {s->history.tokens + count - (n - 1), n - 1};
        if (stands_at(s->history, place, others)) {
            values[s->history.tokens[place + n - 1]] = banned_value;
        }
    }
}

/* ------------------------------------------------------- only one may be drawn */

static int32_t forced(const struct oracle_sequences *s, const tombola_params *p)
{
    const uint64_t generated = s->history.count - s->prompt_length;
    for (size_t i = 0; i < s->forced.count; i++) {
        if ((uint64_t)p->forced_from + i == generated) {
            return s->forced.tokens[i];
        }
    }
    return -1;
}

static int32_t thinking(const struct oracle_sequences *s, const tombola_params *p)
{
    size_t begun = 0;
    int is_open = 0;
    if (p->thinking_budget == 0 || s->thinking_start.count == 0 || s->thinking_end.count == 0) {
        return -1;
    }
    for (size_t place = 0; place < s->history.count; place++) {
        const struct oracle_tokens sought = is_open ? s->thinking_end : s->thinking_start;
        if (stands_at(s->history, place, sought)) {
            is_open = !is_open;
            begun = place + sought.count;
            place = begun - 1;
        }
    }
    if (!is_open || s->history.count - begun < p->thinking_budget) {
        return -1;
    }
    for (size_t place = begun; place < s->history.count; place++) {
        const struct oracle_tokens rest = {s->history.tokens + place, s->history.count - place};
        if (rest.count < s->thinking_end.count && stands_at(s->thinking_end, 0, rest)) {
            return s->thinking_end.tokens[rest.count];
        }
    }
    return s->thinking_end.tokens[0];
}

void oracle_apply_sequences(const struct oracle_sequences *s, const tombola_params *p, tombola_input kind,
                            float *values, uint32_t vocabulary)
{
    const int32_t forced_one = forced(s, p), only = forced_one >= 0 ? forced_one : thinking(s, p);
    const float banned_value = kind == TOMBOLA_PROBABILITIES ? 0.0f : -INFINITY;
    for (uint32_t token = 0; only >= 0 && token < vocabulary; token++) {
        values[token] = token != (uint32_t)only ? banned_value : kind == TOMBOLA_PROBABILITIES ? 1.0f : 0.0f;
    }
    if (only >= 0) {
        return;
    }
    if (kind == TOMBOLA_LOGITS) {
        apply_dry(s, p, values, vocabulary);
        apply_length(s, p, values);
    }
    ban_words(s, banned_value, values);
    ban_ngrams(s, p, banned_value, values);
}
