/* The other end of a watermark: how early the tokens of a text arrive in the races that its key would have run. */
#include "tombola.h"

#include <math.h>
#include <stdlib.h>

#include "error.h"
#include "gamma_tail.h"
#include "philox.h"
#include "race.h"
#include "row.h"
#include "sized.h"
#include "watermark.h"

/* A runner of a race. */
struct entry {
    uint64_t seed;
    uint32_t runner;
};

static int compare_entries(const void *one, const void *other)
{
    const struct entry *a = one, *b = other;
    if (a->seed != b->seed)
        return a->seed < b->seed ? -1 : 1;
    return a->runner < b->runner ? -1 : a->runner > b->runner;
}

/* The random bits of runner n. */
static uint32_t word_of_runner(uint32_t use, uint64_t seed, uint32_t n)
{
    return random_words(random_call(n), use, seed, 0, 0).word[random_word(n)] >> 1;
}

/* -ln(1 - exp(-X)) for the runner's exponential random number X: large where it is early, and exponential itself where
 * nobody has chosen it. */
static double earliness(uint32_t use, const struct entry *entry)
{
    const uint32_t high = word_of_runner(use, entry->seed, entry->runner);
    const uint32_t low = word_of_runner(use + PHILOX_TAIL, entry->seed, entry->runner);
    const double x = (double)exponential(high, low);
    return x < 1.0 ? -log(-expm1(-x)) : -log1p(-exp(-x));
}

/* Adds up those of sorted entries, each once: the same runner in the same race is the same random number, and to count
 * it again would let text that repeats itself look marked. Returns how many these are. */
static size_t add_up(const struct entry *entries, size_t count, uint32_t use, double *score)
{
    size_t numbers = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && compare_entries(&entries[i - 1], &entries[i]) == 0)
            continue;
        *score += earliness(use, &entries[i]);
        numbers++;
    }
    return numbers;
}

static tombola_status check(uint32_t width, const int32_t *tokens, size_t count, size_t vocabulary,
                            size_t prompt_length, const tombola_detection *detection, tombola_error *error)
{
    if (width == 0)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "width is 0, must be at least 1");
    if (count > 0 && !tokens)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "tokens is NULL, but count is %zu", count);
    if (vocabulary == 0 || vocabulary > TOMBOLA_MAX_VOCABULARY)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "vocabulary is %zu, not from 1 to %u", vocabulary,
                    TOMBOLA_MAX_VOCABULARY);
    if (prompt_length > count)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "prompt_length is %zu, but there are %zu tokens", prompt_length,
                    count);
    if (!detection)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "detection is NULL");
    if (!sized_is_one(sized_size(detection)))
        return fail(error, TOMBOLA_INVALID_ARGUMENT,
                    "detection.struct_size is %lu: start from tombola_detection_default()",
                    (unsigned long)sized_size(detection));
    for (size_t i = 0; i < count; i++)
        if (tokens[i] < 0 || (size_t)tokens[i] >= vocabulary)
            return fail(error, TOMBOLA_INVALID_ARGUMENT, "tokens[%zu] is %ld, but tokens are 0 to %zu", i,
                        (long)tokens[i], vocabulary - 1);
    return TOMBOLA_OK;
}

tombola_status tombola_watermark_detect(uint64_t key, uint32_t width, const int32_t *tokens, size_t count,
                                        size_t vocabulary, size_t prompt_length, tombola_detection *detection,
                                        tombola_error *error)
{
    tombola_status status = check(width, tokens, count, vocabulary, prompt_length, detection, error);
    if (status)
        return status;
    const size_t drawn = count - prompt_length;
    struct entry *entries = calloc(drawn + 1, sizeof *entries);
    if (!entries)
        return fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for %zu tokens", drawn);
    for (size_t i = 0; i < drawn; i++) {
        const size_t place = prompt_length + i;
        entries[i] = (struct entry){watermark_seed_after(key, width, tokens, place), (uint32_t)tokens[place]};
    }
    qsort(entries, drawn, sizeof *entries, compare_entries);
    tombola_detection own = tombola_detection_default();
    own.scored = add_up(entries, drawn, PHILOX_USE_TOKENS, &own.score);
    own.numbers = own.scored;
    for (size_t i = 0; i < drawn; i++) /* keeps them sorted */
        entries[i].runner /= BLOCK;
    if (vocabulary > BLOCK) /* a single block always wins: its random number tells nothing */
        own.numbers += add_up(entries, drawn, PHILOX_USE_BLOCKS, &own.score);
    free(entries);
    own.p_value = gamma_tail((size_t)own.numbers, own.score);
    sized_write(detection, &own, sizeof own);
    return TOMBOLA_OK;
}
