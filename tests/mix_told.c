#include "mix_told.h"

#include <stdlib.h>
#include <string.h>

#include "expect.h"

/* One for each sample. */
static int is_sampled(enum array array)
{
    return array == ARRAY_TOKENS || (array >= ARRAY_LOGPROBS && array <= ARRAY_MARGINS) || array == ARRAY_OBSERVED;
}

/* Words that a row has. */
static size_t width_of(const struct mix_told *told, enum array array)
{
    const size_t samples = is_sampled(array) ? told->samples : 1;
    return samples * array_width(array, told->mix->make.vocabulary, told->candidates);
}

static struct mix_told *make_told(const struct mix *mix, uint32_t samples, uint32_t candidates)
{
    struct mix_told *told = allocate(1, sizeof *told);
    told->mix = mix;
    told->samples = samples;
    told->candidates = candidates;
    for (enum array array = 0; array < ARRAYS; array++)
        told->words[array] = allocate(mix->count * width_of(told, array), sizeof(uint32_t));
    told->scores = allocate(mix->count * MIX_IDS, sizeof *told->scores);
    told->raw_scores = allocate(mix->count * MIX_IDS, sizeof *told->raw_scores);
    told->kept_ends = allocate(mix->count, sizeof *told->kept_ends);
    told->kept_tokens = allocate(mix->count * mix->make.vocabulary, sizeof *told->kept_tokens);
    return told;
}

void mix_told_release(struct mix_told *told)
{
    for (enum array array = 0; array < ARRAYS; array++)
        free(told->words[array]);
    free(told->scores);
    free(told->raw_scores);
    free(told->kept_ends);
    free(told->kept_tokens);
    free(told);
}

/* -------------------------------------------------------------- the oracle */

/* Writes a number or a float into an array of the row, behind so many words. */
#define PUT(told, array, row, place, value)                                                                            \
    memcpy((told)->words[array] + (row)*width_of(told, array) + (place), &(value), sizeof(uint32_t))

static void put_samples(struct mix_told *told, size_t row)
{
    struct oracle_row *drawn = told->mix->drawn[row], *given = told->mix->given[row];
    for (uint32_t sample = 0; sample < told->samples; sample++) {
        const tombola_params params = mix_sample_params(told->mix, row, sample);
        const struct draw draw = oracle_draw(drawn, &params);
        const struct told one = oracle_tell(drawn, given, &params);
        PUT(told, ARRAY_TOKENS, row, sample, draw.token);
        PUT(told, ARRAY_LOGPROBS, row, sample, one.logprob);
        PUT(told, ARRAY_RAW_LOGPROBS, row, sample, one.raw_logprob);
        PUT(told, ARRAY_RANKS, row, sample, one.rank);
        PUT(told, ARRAY_MARGINS, row, sample, one.margin);
        PUT(told, ARRAY_OBSERVED, row, sample, one.observed);
        if (sample == 0) {
            const struct boundary last = oracle_boundary(drawn, &params);
            PUT(told, ARRAY_STATUS, row, 0, draw.status);
            PUT(told, ARRAY_KEPT, row, 0, draw.kept);
            PUT(told, ARRAY_ENTROPIES, row, 0, one.entropy);
            PUT(told, ARRAY_BOUNDARY, row, 0, last.logit);
            PUT(told, ARRAY_BOUNDARY, row, 1, last.token);
        }
    }
}

static void put_candidates(struct mix_told *told, size_t row, const tombola_params *params)
{
    struct oracle_row *drawn = told->mix->drawn[row], *given = told->mix->given[row];
    for (uint32_t rank = 0; rank < told->candidates; rank++) {
        const struct placed placed = oracle_placed(drawn, given, params, rank);
        const float logit = placed.token < 0 ? 0.0f : oracle_row_logits(drawn)[placed.token];
        PUT(told, ARRAY_CANDIDATE_TOKENS, row, rank, placed.token);
        PUT(told, ARRAY_CANDIDATE_LOGITS, row, rank, logit);
        PUT(told, ARRAY_CANDIDATE_LOGPROBS, row, rank, placed.logprob);
        PUT(told, ARRAY_CANDIDATE_RAW_LOGPROBS, row, rank, placed.raw_logprob);
    }
}

static void put_scores(struct mix_told *told, size_t row, const tombola_params *params)
{
    const struct mix *mix = told->mix;
    for (size_t i = row ? mix->id_ends[row - 1] : 0; i < mix->id_ends[row]; i++) {
        const struct scored scored = oracle_score(mix->drawn[row], mix->given[row], params, (uint32_t)mix->ids[i]);
        told->scores[i] = scored.score;
        told->raw_scores[i] = scored.raw_score;
    }
}

static void put_kept(struct mix_told *told, size_t row, const tombola_params *params)
{
    const uint32_t V = told->mix->make.vocabulary;
    float *probabilities = (float *)(void *)told->words[ARRAY_KEPT_PROBABILITIES] + row * V;
    float *logits = (float *)(void *)told->words[ARRAY_PROCESSED_LOGITS] + row * V;
    uint64_t end = row ? told->kept_ends[row - 1] : 0;
    oracle_processed(told->mix->drawn[row], params, probabilities, logits);
    for (uint32_t id = 0; id < V; id++)
        if (logits[id] > -INFINITY)
            told->kept_tokens[end++] = (int32_t)id;
    told->kept_ends[row] = end;
}

struct mix_told *mix_told_by_oracle(const struct mix *mix, uint32_t samples, uint32_t candidates)
{
    struct mix_told *told = make_told(mix, samples, candidates);
    for (size_t row = 0; row < mix->count; row++) {
        const tombola_params params = mix_sample_params(mix, row, 0);
        put_samples(told, row);
        put_candidates(told, row, &params);
        put_scores(told, row, &params);
        put_kept(told, row, &params);
    }
    return told;
}

/* -------------------------------------------------------------- a sampler */

static int is_in(uint32_t wanted, int what)
{
    return (int)(wanted >> what & 1);
}

static tombola_results results_to(struct mix_told *got, uint32_t wanted)
{
    tombola_results results = tombola_results_default();
    results.samples = got->samples;
    results.candidate_count = got->candidates;
    for (enum array array = 0; array < ARRAYS; array++)
        if (is_in(wanted, (int)array))
            array_set(&results, array, got->words[array], NULL, 0);
    results.scores.host = is_in(wanted, TOLD_SCORES) ? got->scores : NULL;
    results.raw_scores.host = is_in(wanted, TOLD_RAW_SCORES) ? got->raw_scores : NULL;
    if (is_in(wanted, TOLD_KEPT_LISTS)) {
        results.kept_ends.host = got->kept_ends;
        results.kept_tokens.host = got->kept_tokens;
        results.kept_capacity = got->mix->count * got->mix->make.vocabulary;
    }
    return results;
}

/* Whether the oracle has it to the last bit. Of a row of probabilities, the boundary's token alone. */
static int is_known(const struct mix *mix, enum array array, size_t place)
{
    if (array == ARRAY_PROBABILITIES || array == ARRAY_LOG_PROBABILITIES || array == ARRAY_CANDIDATE_PROBABILITIES)
        return 0;
    return mix->make.input == TOMBOLA_LOGITS ||
           !(array == ARRAY_CANDIDATE_LOGITS || (array == ARRAY_BOUNDARY && place == 0));
}

static void expect_word(const struct mix *mix, size_t row, const char *what, size_t place, const void *got,
                        const void *right, const char *on)
{
    if (memcmp(got, right, sizeof(uint32_t)) == 0)
        return;
    char text[1024];
    float got_real, right_real;
    int32_t got_whole, right_whole;
    memcpy(&got_real, got, sizeof got_real);
    memcpy(&right_real, right, sizeof right_real);
    memcpy(&got_whole, got, sizeof got_whole);
    memcpy(&right_whole, right, sizeof right_whole);
    mix_describe(mix, row, text, sizeof text);
    fail_msg("%s, by %s: %s[%zu] is %.9g (as an integer %d), where the oracle has %.9g (%d)", text, on, what, place,
             (double)got_real, (int)got_whole, (double)right_real, (int)right_whole);
}

static void expect_array(const struct mix_told *got, const struct mix_told *right, enum array array, const char *on)
{
    const size_t width = width_of(right, array);
    for (size_t i = 0; i < right->mix->count * width; i++)
        if (is_known(right->mix, array, i % width))
            expect_word(right->mix, i / width, array_name(array), i % width, got->words[array] + i,
                        right->words[array] + i, on);
}

static void expect_scores(const struct mix *mix, const char *what, const float *got, const float *right, const char *on)
{
    for (size_t row = 0, i = 0; row < mix->count; row++)
        for (const size_t first = i; i < mix->id_ends[row]; i++)
            expect_word(mix, row, what, i - first, got + i, right + i, on);
}

static void expect_kept_lists(const struct mix_told *got, const struct mix_told *right, const char *on)
{
    for (size_t row = 0, i = 0; row < right->mix->count; row++) {
        const uint32_t end = (uint32_t)got->kept_ends[row], right_end = (uint32_t)right->kept_ends[row];
        expect_word(right->mix, row, "kept_ends", 0, &end, &right_end, on);
        for (const size_t first = i; i < right_end; i++)
            expect_word(right->mix, row, "kept_tokens", i - first, got->kept_tokens + i, right->kept_tokens + i, on);
    }
}

/* What counts as 0 comes back as it came, where nothing has been added to it. */
static void make_zeros(struct mix_told *got)
{
    const size_t words = got->mix->count * width_of(got, ARRAY_CANDIDATE_LOGITS);
    for (size_t i = 0; i < words; i++)
        if ((got->words[ARRAY_CANDIDATE_LOGITS][i] & 0x7FFFFFFFu) < 0x800000u) /* the bits of 2^-126 */
            got->words[ARRAY_CANDIDATE_LOGITS][i] = 0;
}

void mix_told_expect(const struct mix_told *right, tombola_sampler *sampler, uint32_t wanted, const char *on)
{
    struct mix_told *got = make_told(right->mix, right->samples, right->candidates);
    const tombola_rows rows = mix_rows(right->mix);
    const tombola_results results = results_to(got, wanted);
    tombola_error error = tombola_error_default();
    if (tombola_sampler_sample(sampler, &rows, &results, &error))
        fail_msg("seed %llu, by %s: %s", (unsigned long long)right->mix->seed, on, error.message);
    make_zeros(got);
    for (enum array array = 0; array < ARRAYS; array++)
        if (is_in(wanted, (int)array))
            expect_array(got, right, array, on);
    if (is_in(wanted, TOLD_SCORES))
        expect_scores(right->mix, "scores", got->scores, right->scores, on);
    if (is_in(wanted, TOLD_RAW_SCORES))
        expect_scores(right->mix, "raw_scores", got->raw_scores, right->raw_scores, on);
    if (is_in(wanted, TOLD_KEPT_LISTS))
        expect_kept_lists(got, right, on);
    mix_told_release(got);
}
