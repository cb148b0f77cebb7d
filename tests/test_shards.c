/* Rows cut into shards draw what one device draws, to the bit: each feature alone and mixes of all, in shards of any
 * size, with messages in any order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "group.h"
#include "known_batch.h"
#include "mix.h"
#include "shards.h"

static void expect_rows(const struct mix *mix, const struct shard_results *got, const struct shard_results *right,
                        const struct shards *s)
{
    for (size_t row = 0; row < right->wants.rows; row++) {
        const int same = shard_results_same(got, right, row);
        if (same && shard_results_same_outputs(got, right, row))
            continue;
        char text[1024], cuts[128] = "";
        const size_t i = row * right->wants.samples;
        for (size_t c = 0; c <= s->count; c++)
            snprintf(cuts + strlen(cuts), sizeof cuts - strlen(cuts), " %zu", s->cuts[c]);
        mix_describe(mix, row, text, sizeof text);
        fail_msg(
            "%s, cut at%s%s: token %d, status %d, kept %u, boundary %d (%g), entropy %g, rank %u, logprobs %g %g %g, "
            "where one device has %d, %d, %u, %d (%g), %g, %u, %g %g %g",
            text, cuts, same ? ", what there is for each token" : "", got->tokens[i], got->status[row], got->kept[row],
            got->boundary[row].token, (double)got->boundary[row].logit, (double)got->entropies[row], got->ranks[i],
            (double)got->logprobs[i], (double)got->raw_logprobs[i], (double)got->observed[i], right->tokens[i],
            right->status[row], right->kept[row], right->boundary[row].token, (double)right->boundary[row].logit,
            (double)right->entropies[row], right->ranks[i], (double)right->logprobs[i], (double)right->raw_logprobs[i],
            (double)right->observed[i]);
    }
}

/* Finishes the mix and releases it. */
static void expect_mix(struct mix *mix, size_t samples, tombola_context *const *on, size_t contexts)
{
    static const size_t counts[] = {1, 2, 3, 4, 8};
    mix_finish(mix);
    const tombola_rows rows = mix_rows(mix);
    struct shard_wants wants = {.rows = mix->count, .samples = samples, .ids = mix->id_ends[mix->count - 1]};
    wants.is_told = random_below(&mix->random, 2) == 0;
    if (random_below(&mix->random, 4) == 0)
        wants.candidates = 1 + random_below(&mix->random, random_below(&mix->random, 4) ? 30 : 1024);
    if (random_below(&mix->random, 4) == 0)
        wants.vocabulary = mix->make.vocabulary;
    struct shard_results *right = shard_results_make(wants), *got = shard_results_make(wants);
    const tombola_results columns = shard_results_columns(right);
    tombola_sampler *sampler = make_sampler(context, &mix->make, mix->count, TOMBOLA_DISPATCH_AUTO);
    struct shards s;
    call_rows(sampler, &rows, &columns);
    shards_open(&s, on, contexts, &mix->make, mix->count, counts[random_below(&mix->random, 5)], &mix->random);
    shards_draw(&s, &rows, got, &mix->random);
    expect_rows(mix, got, right, &s);
    shards_close(&s);
    tombola_sampler_release(sampler);
    shard_results_release(right);
    shard_results_release(got);
    mix_release(mix);
}

static void expect_feature(size_t feature, struct make make, uint64_t seed)
{
    struct mix *mix = mix_create(make, 4, seed);
    for (size_t row = 0; row < mix->count; row++) {
        if (mix->rows[row].recipe.kind >= ROW_NEGATIVE)
            mix->rows[row].recipe.kind = ROW_GAUSSIAN;
        feature_set(feature, &mix->rows[row], &mix->random);
    }
    expect_mix(mix, 1, &context, 1);
}

static void each_feature_alone_is_as_one_device_has_it(void **state)
{
    (void)state;
    static const uint32_t vocabularies[] = {700, 2100, 5000};
    for (size_t feature = 0; feature < features_count(); feature++)
        for (int input = TOMBOLA_LOGITS; input <= TOMBOLA_PROBABILITIES; input++)
            if (feature_suits(feature, (tombola_input)input))
                for (uint64_t round = 0; round < COUNT_OF(vocabularies); round++) {
                    const struct make make = {TOMBOLA_FLOAT32, (tombola_input)input, vocabularies[round]};
                    expect_feature(feature, make, feature * 64 + round * 2 + (uint64_t)input);
                }
}

/* Those of other files come out in the tests of what they are about. */
static void every_known_answer_comes_out(void **state)
{
    (void)state;
    size_t count;
    struct known_answer *answers = known_answers_read(&count);
    assert_less(1000, count);
    known_answers_run_on_shards(answers, count);
    free(answers);
}

/* One feature in so many. */
static void set_features(struct mix *mix, uint32_t sparse)
{
    for (size_t row = 0; row < mix->count; row++)
        for (size_t feature = 0; feature < features_count(); feature++)
            if (random_below(&mix->random, sparse) == 0 && feature_suits(feature, mix->make.input))
                feature_set(feature, &mix->rows[row], &mix->random);
}

static void expect_mixture(uint64_t seed, tombola_context *const *on, size_t contexts, int is_float)
{
    static const uint32_t vocabularies[] = {1, 200, 256, 257, 600, 1500, 4000, 20000};
    uint64_t random = seed;
    const int is_probable =
        !is_float && random_below(&random, 4) == 0; /* a program to compile less, of binary32 alone */
    const struct make make = {is_float || is_probable || random_below(&random, 2) ? TOMBOLA_FLOAT32 : TOMBOLA_BFLOAT16,
                              is_probable ? TOMBOLA_PROBABILITIES : TOMBOLA_LOGITS,
                              vocabularies[random_below(&random, COUNT_OF(vocabularies))]};
    struct mix *mix = mix_create(make, 1 + random_below(&random, 6), seed);
    set_features(mix, 2 + random_below(&random, 8));
    expect_mix(mix, random_below(&random, 2) ? 1 : 1 + random_below(&random, 5), on, contexts);
}

static void mixes_at_random_are_as_one_device_has_them(void **state)
{
    (void)state;
    const uint64_t mixes = test_level() == TEST_ALL ? 2000 : test_level() == TEST_SMALL ? 20 : 200;
    for (uint64_t seed = 5000000; seed < 5000000 + mixes; seed++)
        expect_mixture(seed, &context, 1, 0);
}

static void shards_by_groups_and_by_work_items_alone_understand_each_other(void **state)
{
    (void)state;
    tombola_context *const both[] = {context, by_groups};
    const uint64_t mixes = test_level() == TEST_ALL ? 500 : test_level() == TEST_SMALL ? 5 : 40;
    for (uint64_t seed = 6000000; seed < 6000000 + mixes; seed++)
        expect_mixture(seed, both, 2, 1);
}

/* Of rows as wide as language models' the nucleus may be any part, and end among thousands of tied tokens. */
static void expect_wide_mixture(uint64_t seed)
{
    static const uint32_t vocabularies[] = {65536, 102400, 128256, 151936};
    static const enum row_kind kinds[] = {ROW_FLAT, ROW_GAUSSIAN, ROW_TIES, ROW_EQUAL};
    static const float masses[] = {0.1f, 0.5f, 0.9f, 0.95f, 0.999f};
    uint64_t random = seed;
    const struct make make = {random_below(&random, 2) ? TOMBOLA_FLOAT32 : TOMBOLA_BFLOAT16, TOMBOLA_LOGITS,
                              vocabularies[random_below(&random, COUNT_OF(vocabularies))]};
    struct mix *mix = mix_create(make, 1 + random_below(&random, 3), seed);
    set_features(mix, 8 + random_below(&random, 40));
    for (size_t row = 0; row < mix->count; row++) {
        mix->rows[row].recipe.kind = kinds[random_below(&random, COUNT_OF(kinds))];
        if (random_below(&random, 4))
            mix->rows[row].params.top_p = masses[random_below(&random, COUNT_OF(masses))];
    }
    expect_mix(mix, 1, &context, 1);
}

static void wide_mixes_at_random_are_as_one_device_has_them(void **state)
{
    (void)state;
    const uint64_t mixes = test_level() == TEST_ALL ? 400 : test_level() == TEST_SMALL ? 2 : 24;
    for (uint64_t seed = 7000000; seed < 7000000 + mixes; seed++)
        expect_wide_mixture(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_feature_alone_is_as_one_device_has_it),
        cmocka_unit_test(every_known_answer_comes_out),
        cmocka_unit_test(mixes_at_random_are_as_one_device_has_them),
        cmocka_unit_test(wide_mixes_at_random_are_as_one_device_has_them),
        cmocka_unit_test(shards_by_groups_and_by_work_items_alone_understand_each_other),
    };
    return cmocka_run_group_tests_name("shards", tests, open_contexts, close_contexts);
}
