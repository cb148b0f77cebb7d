/* All that is told of a mix: by a sampler, or by the oracle. */
#ifndef MIX_TOLD_H
#define MIX_TOLD_H

#include "arrays.h"
#include "mix.h"

/* What is asked for: a bit for each enum array, and for these. */
enum { TOLD_SCORES = ARRAYS, TOLD_RAW_SCORES, TOLD_KEPT_LISTS, TOLD_ALL };

struct mix_told {
    const struct mix *mix;
    uint32_t samples, candidates;
    uint32_t *words[ARRAYS]; /* as the library lays them out */
    float *scores, *raw_scores;
    uint64_t *kept_ends;
    int32_t *kept_tokens;
};

/* All of it, as the oracle has it, but for probabilities at the temperature alone, which stay 0; and of rows of
 * probabilities, logits that are told as these. */
struct mix_told *mix_told_by_oracle(const struct mix *mix, uint32_t samples, uint32_t candidates);

/* Has a sampler tell of the same mix, and fails the test unless what is wanted has the same bits.
 * on  the sampler, in words */
void mix_told_expect(const struct mix_told *right, tombola_sampler *sampler, uint32_t wanted, const char *on);

void mix_told_release(struct mix_told *told);

#endif
