/* DRY, "don't repeat yourself", as llama.cpp has it: a token falls that would go on with a repetition, the more the
 * longer the repetition is already. */
#include "breakers.h"
#include "repeats.h"

static int is_breaker(const struct breakers *b, int32_t token)
{
    return breakers_longest(b, &token, 1) == 1;
}

/* How many tokens came after the breaker that begins last. */
static size_t count_unbroken(const struct breakers *b, const int32_t *tokens, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const size_t length = breakers_longest(b, tokens + count - 1 - i, i + 1);
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

size_t dry_slots(const struct processor_input *in)
{
    return dry_most(in) > 0 ? breakers_slots(&in->breakers) : 0;
}

void dry_run(const struct processor_input *in, const struct processor_output *out)
{
    const size_t allowed = in->params->dry_allowed_length, window = window_of(in);
    struct breakers breakers;
    size_t longest = 0;
    const int32_t *end = in->history + in->length;
    breakers_make(&breakers, &in->breakers, in->slots);
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
