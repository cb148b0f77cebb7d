/* DRY, "don't repeat yourself", as llama.cpp has it: a token falls that would go on with a repetition, the more the
 * longer the repetition is already. */
#include "processor.h"
#include "repeats.h"

#define HEADS 256u /* words of 32 bits of a set of tokens, in which several tokens share a bit */

struct breakers {
    const struct token_words *words;
    uint32_t heads[HEADS]; /* a token that begins a breaker has its bit set */
};

static int may_begin(const struct breakers *b, int32_t token)
{
    return b->heads[(uint32_t)token / 32 % HEADS] >> (uint32_t)token % 32 & 1;
}

static void prepare(struct breakers *b, const struct token_words *words)
{
    b->words = words;
    for (size_t i = 0; i < HEADS; i++)
        b->heads[i] = 0;
    for (size_t word = words->first; word < words->end; word++) {
        const uint32_t head = (uint32_t)words->tokens[word_start(words, word)];
        b->heads[head / 32 % HEADS] |= 1u << head % 32;
    }
}

static int is_breaker_at(const struct token_words *words, size_t word, const int32_t *tokens, size_t count)
{
    const int32_t *breaker = words->tokens + word_start(words, word);
    const size_t length = word_length(words, word);
    for (size_t i = 0; i < length; i++)
        if (i >= count || breaker[i] != tokens[i])
            return 0;
    return 1;
}

/* The length of the longest breaker that these tokens begin with; 0: none. */
static size_t longest_breaker(const struct breakers *b, const int32_t *tokens, size_t count)
{
    size_t longest = 0;
    if (!may_begin(b, tokens[0]))
        return 0;
    for (size_t word = b->words->first; word < b->words->end; word++)
        if (word_length(b->words, word) > longest && is_breaker_at(b->words, word, tokens, count))
            longest = word_length(b->words, word);
    return longest;
}

static int is_breaker(const struct breakers *b, int32_t token)
{
    if (!may_begin(b, token))
        return 0;
    for (size_t word = b->words->first; word < b->words->end; word++)
        if (word_length(b->words, word) == 1 && b->words->tokens[word_start(b->words, word)] == token)
            return 1;
    return 0;
}

/* How many tokens came after the breaker that begins last. */
static size_t count_unbroken(const struct breakers *b, const int32_t *tokens, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const size_t length = longest_breaker(b, tokens + count - 1 - i, i + 1);
        if (length > 0)
            return i + 1 - length;
    }
    return count;
}

/* The penalties of repetitions that are longer than allowed by 0, 1, ... tokens. The power grows no more where it would
 * leave binary32. */
static void list_penalties(const tombola_params *p, size_t count, float *penalties)
{
    double power = 1.0;
    for (size_t excess = 0; excess < count; excess++) {
        const double next = power * (double)p->dry_base;
        penalties[excess] = as_float((double)p->dry_multiplier * power);
        power = next <= (double)FLT_MAX ? next : power;
    }
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t window_of(const struct processor_input *in)
{
    return in->params->dry_window ? smaller(in->params->dry_window, in->length) : in->length;
}

size_t dry_most(const struct processor_input *in)
{
    const int is_on = in->params->dry_multiplier > 0.0f && window_of(in) > in->params->dry_allowed_length;
    return is_on ? window_of(in) - 1 : 0;
}

void dry_run(const struct processor_input *in, const struct processor_output *out)
{
    const size_t allowed = in->params->dry_allowed_length, window = window_of(in);
    struct breakers breakers;
    size_t longest = 0;
    const int32_t *end = in->history + in->length;
    prepare(&breakers, &in->breakers);
    const size_t unbroken = count_unbroken(&breakers, end - window, window);
    if (unbroken < allowed)
        return;
    repeats_count(end - window, window, in->repeats);
    for (size_t k = 1; k < window; k++) {
        const size_t repeat = smaller(in->repeats[k], unbroken);
        longest = repeat > longest ? repeat : longest;
    }
    if (longest < allowed)
        return;
    list_penalties(in->params, longest - allowed + 1, in->penalties);
    for (size_t k = 1; k < window; k++) {
        const size_t repeat = smaller(in->repeats[k], unbroken);
        const int32_t next = *(end - k);
        if (repeat >= allowed && !is_breaker(&breakers, next))
            out->put(out->list, next, EFFECT_PENALTY, in->penalties[repeat - allowed]);
    }
}
