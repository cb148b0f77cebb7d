/* Features together: each alone, every pair of them, and mixes of all at random, one row after another in a batch. All
 * that is told has the bits that the oracle has, by either dispatch, in blocks of one work-item and of several. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "group.h"
#include "mix_told.h"

enum { EVERYTHING = (1u << TOLD_ALL) - 1, ROWS = 10 };

static void expect_on(tombola_context *on, const struct mix_told *right, tombola_dispatch dispatch, uint32_t wanted,
                      const char *name)
{
    tombola_sampler *sampler = make_sampler(on, &right->mix->make, right->mix->count, dispatch);
    mix_told_expect(right, sampler, wanted, name);
    tombola_sampler_release(sampler);
}

/* A token at least, and one in two of the rest. */
static uint32_t some_of_it(uint64_t *random)
{
    return 1u << ARRAY_TOKENS | (uint32_t)(random_bits(random) & EVERYTHING);
}

/* Finishes the mix and releases it. Groups of several work-items are compiled for binary32 alone, unless all is
 * tested. */
static void expect_mix(struct mix *mix, uint32_t samples, uint32_t candidates)
{
    mix_finish(mix);
    struct mix_told *right = mix_told_by_oracle(mix, samples, candidates);
    const int in_groups = mix->make.type == TOMBOLA_FLOAT32 || test_level() == TEST_ALL;
    const int is_small = test_level() == TEST_SMALL; /* one dispatch each has to do */
    expect_on(context, right, TOMBOLA_DISPATCH_ROW, EVERYTHING, "row");
    if (!is_small || !in_groups)
        expect_on(context, right, TOMBOLA_DISPATCH_SPREAD, some_of_it(&mix->random), "spread");
    if (in_groups && !is_small)
        expect_on(by_groups, right, TOMBOLA_DISPATCH_ROW, some_of_it(&mix->random), "row, in groups");
    if (in_groups)
        expect_on(by_groups, right, TOMBOLA_DISPATCH_SPREAD, EVERYTHING, "spread, in groups");
    mix_told_release(right);
    mix_release(mix);
}

/* ------------------------------------------------------------------ pairs */

/* The feature alone, and with each that comes after it, in a row each. */
static void expect_pairs_of(size_t feature, struct make make, uint64_t seed)
{
    size_t others[MIX_MOST_ROWS], count = 0;
    for (size_t other = feature; other < features_count(); other++)
        if (feature_suits(feature, make.input) && feature_suits(other, make.input))
            others[count++] = other;
    if (count == 0)
        return;
    struct mix *mix = mix_create(make, count, seed);
    for (size_t row = 0; row < count; row++) {
        if (mix->rows[row].recipe.kind >= ROW_NEGATIVE) /* nothing can come of those */
            mix->rows[row].recipe.kind = ROW_GAUSSIAN;
        feature_set(feature, &mix->rows[row], &mix->random);
        if (others[row] != feature)
            feature_set(others[row], &mix->rows[row], &mix->random);
    }
    expect_mix(mix, 1, 4);
}

static void each_feature_alone_and_every_pair_of_them_are_as_the_oracle_has_them(void **state)
{
    (void)state;
    static const tombola_type types[] = {TOMBOLA_FLOAT32, TOMBOLA_BFLOAT16};
    const uint64_t rounds = test_level() == TEST_ALL ? 20 : test_level() == TEST_SMALL ? 1 : 2;
    assert_true(features_count() <= MIX_MOST_ROWS);
    for (uint64_t round = 0; round < rounds; round++)
        for (size_t feature = 0; feature < features_count(); feature++)
            for (int input = TOMBOLA_LOGITS; input <= TOMBOLA_PROBABILITIES; input++) {
                const uint64_t seed = (round * 64 + feature) * 2 + (uint64_t)input;
                const uint32_t vocabulary = test_level() == TEST_SMALL ? 40 : seed % 4 < 2 ? 300 : 600;
                const struct make make = {types[(feature + round) % COUNT_OF(types)], (tombola_input)input, vocabulary};
                expect_pairs_of(feature, make, seed);
            }
}

/* ------------------------------------------------------------------ mixes */

/* Each feature in one row of so many, `sparse`. */
static void add_features(struct mix *mix, uint32_t sparse)
{
    for (size_t row = 0; row < mix->count; row++)
        for (size_t feature = 0; feature < features_count(); feature++)
            if (random_below(&mix->random, sparse) == 0 && feature_suits(feature, mix->make.input))
                feature_set(feature, &mix->rows[row], &mix->random);
}

static void expect_mixture(uint64_t seed)
{
    enum { SMALL = 5, USUAL = 10 }; /* so many vocabularies, of a small share of the tests and of most mixes */
    static const uint32_t vocabularies[] = {1, 5, 37, 100, 255, 256, 257, 300, 600, 1500, 4000, 20000};
    uint64_t random = seed;
    const uint32_t most = random_below(&random, 8) ? USUAL : COUNT_OF(vocabularies);
    const uint32_t vocabulary = vocabularies[random_below(&random, test_level() == TEST_SMALL ? SMALL : most)];
    const struct make make = {random_below(&random, 3) ? TOMBOLA_FLOAT32 : TOMBOLA_BFLOAT16,
                              random_below(&random, 4) ? TOMBOLA_LOGITS : TOMBOLA_PROBABILITIES, vocabulary};
    struct mix *mix = mix_create(make, 1 + random_below(&random, vocabulary > 1500 ? 3 : ROWS), seed);
    const uint32_t samples = random_below(&random, 2) ? 1 : 1 + random_below(&random, 5);
    add_features(mix, 2 + random_below(&random, 8));
    expect_mix(mix, samples, 1 + random_below(&random, vocabulary > 300 ? 5 : 40));
}

static void mixes_at_random_are_as_the_oracle_has_them(void **state)
{
    (void)state;
    enum { FIRST = 1000000 };
    const uint64_t mixes = test_level() == TEST_ALL ? 2000 : test_level() == TEST_SMALL ? 20 : 200;
    for (uint64_t seed = FIRST; seed < FIRST + mixes; seed++)
        expect_mixture(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_feature_alone_and_every_pair_of_them_are_as_the_oracle_has_them),
        cmocka_unit_test(mixes_at_random_are_as_the_oracle_has_them),
    };
    return cmocka_run_group_tests(tests, open_contexts, close_contexts);
}
