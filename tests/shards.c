#include "shards.h"

#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "harness.h"

struct shard_results *shard_results_make(size_t rows, size_t samples, size_t ids, int is_told)
{
    struct shard_results *r = allocate(1, sizeof *r);
    r->rows = rows;
    r->samples = samples;
    r->is_told = is_told;
    r->tokens = allocate(rows * samples, sizeof *r->tokens);
    r->status = allocate(rows, sizeof *r->status);
    r->kept = allocate(rows, sizeof *r->kept);
    r->boundary = allocate(rows, sizeof *r->boundary);
    r->entropies = allocate(rows, sizeof *r->entropies);
    r->ranks = allocate(rows * samples, sizeof *r->ranks);
    r->logprobs = allocate(rows * samples, sizeof *r->logprobs);
    r->raw_logprobs = allocate(rows * samples, sizeof *r->raw_logprobs);
    r->observed = allocate(rows * samples, sizeof *r->observed);
    r->margins = allocate(rows * samples, sizeof *r->margins);
    r->ids = ids;
    r->scores = allocate(ids, sizeof *r->scores);
    r->raw_scores = allocate(ids, sizeof *r->raw_scores);
    return r;
}

void shard_results_release(struct shard_results *r)
{
    void *const all[] = {r->tokens,       r->status,   r->kept,    r->boundary, r->entropies,  r->ranks, r->logprobs,
                         r->raw_logprobs, r->observed, r->margins, r->scores,   r->raw_scores, r};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        free(all[i]);
}

tombola_results shard_results_columns(struct shard_results *r)
{
    tombola_results results = tombola_results_default();
    results.samples = (uint32_t)r->samples;
    results.tokens.host = r->tokens;
    results.status.host = r->status;
    results.kept.host = r->kept;
    results.boundary.host = r->boundary;
    if (!r->is_told)
        return results;
    results.entropies.host = r->entropies;
    results.ranks.host = r->ranks;
    results.logprobs.host = r->logprobs;
    results.raw_logprobs.host = r->raw_logprobs;
    results.observed.host = r->observed;
    results.margins.host = r->margins;
    results.scores.host = r->ids ? r->scores : NULL;
    results.raw_scores.host = r->ids ? r->raw_scores : NULL;
    return results;
}

int shard_results_same(const struct shard_results *a, const struct shard_results *b, size_t row)
{
    if (memcmp(a->scores, b->scores, a->ids * sizeof *a->scores) ||
        memcmp(a->raw_scores, b->raw_scores, a->ids * sizeof *a->raw_scores))
        return 0;
    const size_t first = row * a->samples, bytes = a->samples * sizeof(float);
    return a->status[row] == b->status[row] && a->kept[row] == b->kept[row] &&
           memcmp(&a->boundary[row], &b->boundary[row], sizeof a->boundary[row]) == 0 &&
           memcmp(&a->entropies[row], &b->entropies[row], sizeof a->entropies[row]) == 0 &&
           memcmp(a->tokens + first, b->tokens + first, bytes) == 0 &&
           memcmp(a->ranks + first, b->ranks + first, bytes) == 0 &&
           memcmp(a->logprobs + first, b->logprobs + first, bytes) == 0 &&
           memcmp(a->raw_logprobs + first, b->raw_logprobs + first, bytes) == 0 &&
           memcmp(a->margins + first, b->margins + first, bytes) == 0 &&
           memcmp(a->observed + first, b->observed + first, bytes) == 0;
}

static int by_size(const void *a, const void *b)
{
    const size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return x < y ? -1 : x > y;
}

void shards_open(struct shards *s, tombola_context *const *on, size_t contexts, const struct make *make, size_t rows,
                 size_t count, uint64_t *random)
{
    tombola_error error = tombola_error_default();
    tombola_sampler_options options = tombola_sampler_options_default();
    options.type = make->type;
    options.input = make->input;
    s->make = *make;
    s->count = count;
    s->cuts[0] = 0;
    for (size_t i = 1; i < count; i++)
        s->cuts[i] = random_below(random, make->vocabulary / 256 + 1) * 256;
    s->cuts[count] = make->vocabulary;
    qsort(s->cuts, count + 1, sizeof *s->cuts, by_size);
    for (size_t i = 0; i < count; i++) {
        options.transfer = random_below(random, 4) ? TOMBOLA_TRANSFER_AUTO : TOMBOLA_TRANSFER_STAGED;
        if (tombola_shard_create(on[i % contexts], make->vocabulary, s->cuts[i], s->cuts[i + 1], rows, &options,
                                 &s->shards[i], &error))
            fail_msg("%s", error.message);
    }
}

void shards_close(struct shards *s)
{
    for (size_t i = 0; i < s->count; i++)
        tombola_shard_release(s->shards[i]);
}

tombola_rows shards_rows(const struct shards *s, size_t shard, const tombola_rows *rows)
{
    tombola_rows own = *rows;
    own.stride = rows->stride ? rows->stride : s->make.vocabulary;
    own.logits.host = (const char *)rows->logits.host + s->cuts[shard] * tombola_type_size(s->make.type);
    if (s->cuts[shard] == s->cuts[shard + 1])
        own.logits.host = NULL;
    return own;
}

/* One round: all messages, in an order of their own for each shard. */
static int draw_round(struct shards *s, uint64_t *random)
{
    tombola_error error = tombola_error_default();
    size_t sizes[MOST_SHARDS], most = 0;
    int is_done[MOST_SHARDS];
    for (size_t i = 0; i < s->count; i++) {
        tombola_shard_partial(s->shards[i], NULL, 0, &sizes[i], NULL);
        most = sizes[i] > most ? sizes[i] : most;
    }
    char *messages = allocate(s->count, most), *shuffled = allocate(s->count, most);
    for (size_t i = 0; i < s->count; i++)
        if (tombola_shard_partial(s->shards[i], messages + i * most, most, &sizes[i], &error))
            fail_msg("shard %zu of %zu: %s", i, s->count, error.message);
    for (size_t i = 0; i < s->count; i++) {
        const size_t turn = random_below(random, (uint32_t)s->count);
        for (size_t j = 0; j < s->count; j++)
            memcpy(shuffled + (j * 3 % 8 % s->count == j ? j : j) * most, messages + (j + turn) % s->count * most,
                   most);
        if (tombola_shard_merge(s->shards[i], shuffled, most, s->count, &is_done[i], &error))
            fail_msg("shard %zu of %zu: %s", i, s->count, error.message);
        assert_int_equal(is_done[i], is_done[0]);
    }
    free(messages);
    free(shuffled);
    return is_done[0];
}

void shards_draw(struct shards *s, const tombola_rows *rows, struct shard_results *results, uint64_t *random)
{
    struct shard_results *all[MOST_SHARDS];
    tombola_error error = tombola_error_default();
    for (size_t i = 0; i < s->count; i++) {
        all[i] = i ? shard_results_make(results->rows, results->samples, results->ids, results->is_told) : results;
        const tombola_results columns = shard_results_columns(all[i]);
        const tombola_rows own = shards_rows(s, i, rows);
        if (tombola_shard_begin(s->shards[i], &own, &columns, &error))
            fail_msg("shard %zu of %zu: %s", i, s->count, error.message);
    }
    while (!draw_round(s, random))
        ;
    for (size_t i = 1; i < s->count; i++) {
        for (size_t row = 0; row < results->rows; row++)
            assert_that(shard_results_same(all[i], results, row), "shards %zu and 0 differ in row %zu", i, row);
        shard_results_release(all[i]);
    }
    s->call.struct_size = sizeof s->call;
    tombola_shard_last_call(s->shards[0], &s->call);
}
