/* The entropy of windows, alone on the device: against the same integers from a sorted row, and against binary64. */
#include <math.h>
#include <stdlib.h>

#include "expect.h"
#include "logarithm.h"
#include "queries.h"
#include "weight.h"

enum { BLOCK_TOKENS = 256 };

#define assert_for(q, i, got, right)                                                                                   \
    assert_that((got) == (right), "%u x %u x %u, %u tokens, ranks %u to %u: " #got " is %llu, not %llu",               \
                (q)->shape.lanes, (q)->shape.width, (q)->shape.teams, (unsigned)(q)->model->vocabulary,                \
                (unsigned)(q)->ranks[i].first, (unsigned)(q)->ranks[i].end, (unsigned long long)(got),                 \
                (unsigned long long)(right))

/* What the contract says that a window's entropy is made of. */
struct sums {
    uint64_t mass, depth;
};

static uint32_t depth_of_token(const struct model *m, uint32_t id)
{
    const float t = model_exponent(m, id);
    if (!(t > -126.0f)) {
        return 0;
    }
    return (uint32_t)fmaf(scaled_exp2(t), 1.0f - t, 0.5f);
}

static struct sums sums_of(const struct model *m, struct ranks ranks)
{
    struct sums all = {0, 0};
    uint64_t *weights = allocate(m->blocks, sizeof *weights), *depths = allocate(m->blocks, sizeof *depths);
    for (uint32_t rank = ranks.first; rank < ranks.end; rank++) {
        weights[m->order[rank] / BLOCK_TOKENS] += m->weight[m->order[rank]];
        depths[m->order[rank] / BLOCK_TOKENS] += depth_of_token(m, m->order[rank]);
    }
    for (uint32_t b = 0; b < m->blocks; b++) {
        all.mass += weights[b] << 12 >> m->shift[b];
        all.depth += (depths[b] + weights[b] * m->shift[b]) << 12 >> m->shift[b];
    }
    free(weights);
    free(depths);
    return all;
}

static uint32_t mean_depth_of(struct sums sums)
{
    uint32_t shift = 0;
    while (sums.mass >> shift >= UINT64_C(1) << 32) {
        shift++;
    }
    const uint64_t mean = ((sums.depth >> shift) << 24) / (sums.mass >> shift);
    return mean < 0x3FFFFFFF ? (uint32_t)mean : 0x3FFFFFFFu;
}

static float nats_of(struct sums sums)
{
    uint32_t shift = 0;
    if (sums.mass < 256) {
        return 0.0f;
    }
    while (sums.mass >> shift >= UINT64_C(1) << 32) {
        shift++;
    }
    const float total = ldexpf((float)(uint32_t)(sums.mass >> shift), (int)shift - 39);
    const float mean = ldexpf((float)mean_depth_of(sums), -24);
    const float nats = fmaf(mean, 0x1.62e43p-1f, logarithm(total) - 0x1.62e43p-1f);
    return nats > 0.0f ? nats : 0.0f;
}

/* The entropy of the ranks' softmax in binary64. */
static double exact_entropy(const struct model *m, struct ranks ranks)
{
    const double first = (double)m->logits[m->order[ranks.first]], rate = (double)m->scale * 0.6931471805599453;
    double total = 0.0, descent = 0.0;
    for (uint32_t rank = ranks.first; rank < ranks.end; rank++) {
        const double below = (first - (double)m->logits[m->order[rank]]) * rate;
        total += exp(-below);
        descent += below < 700.0 ? below * exp(-below) : 0.0;
    }
    return log(total) + descent / total;
}

static void check_windows(struct group_shape shape, const struct model *m)
{
    struct queries *q = queries_make(shape, m);
    queries_add_windows(q);
    for (uint32_t i = 0; i < q->count; i++) {
        q->query[i].by_mass = i / 2 % 2;
    }
    queries_run(q, "entropic");
    for (uint32_t i = 0; i < q->count; i++) {
        const struct ranks ranks = q->ranks[i];
        const struct answer *a = &q->answer[i];
        const struct sums sums = sums_of(m, ranks);
        const float nats = nats_of(sums);
        assert_for(q, i, a->mass, sums.mass);
        assert_for(q, i, a->last_key | (uint64_t)a->last_id << 32, sums.depth);
        assert_for(q, i, a->count, ranks.end - ranks.first);
        assert_for(q, i, a->counted, sums.mass < 256 ? 0 : mean_depth_of(sums));
        assert_for(q, i, a->top, words_of(nats));
        if (sums.mass >> 36 > 0 && fabsf(m->logits[m->order[0]]) * m->scale < 0x1p22f) {
            assert_that(fabs((double)nats - exact_entropy(m, ranks)) <= 1e-5,
                        "%u tokens, ranks %u to %u: the entropy is %.9g, not %.9g", (unsigned)m->vocabulary,
                        (unsigned)ranks.first, (unsigned)ranks.end, (double)nats, exact_entropy(m, ranks));
        }
    }
    queries_release(q);
}

static void entropies_of_windows_are_made_of_exact_sums(void **state)
{
    (void)state;
    for_rows(20000, check_windows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entropies_of_windows_are_made_of_exact_sums),
    };
    return cmocka_run_group_tests(tests, kernels_open, queries_close);
}
