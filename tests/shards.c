#include "shards.h"

#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "harness.h"

struct shard_results *shard_results_make(struct shard_wants w)
{
    struct shard_results *r = allocate(1, sizeof *r);
    const size_t tokens = w.rows * w.samples, candidates = w.rows * w.candidates, values = w.rows * w.vocabulary;
    r->wants = w;
    r->tokens = allocate(tokens, sizeof *r->tokens);
    r->status = allocate(w.rows, sizeof *r->status);
    r->kept = allocate(w.rows, sizeof *r->kept);
    r->boundary = allocate(w.rows, sizeof *r->boundary);
    r->entropies = allocate(w.rows, sizeof *r->entropies);
    r->ranks = allocate(tokens, sizeof *r->ranks);
    r->logprobs = allocate(tokens, sizeof *r->logprobs);
    r->raw_logprobs = allocate(tokens, sizeof *r->raw_logprobs);
    r->observed = allocate(tokens, sizeof *r->observed);
    r->margins = allocate(tokens, sizeof *r->margins);
    r->scores = allocate(w.ids, sizeof *r->scores);
    r->raw_scores = allocate(w.ids, sizeof *r->raw_scores);
    r->candidate_tokens = allocate(candidates, sizeof *r->candidate_tokens);
    r->candidate_logits = allocate(candidates, sizeof *r->candidate_logits);
    r->candidate_probabilities = allocate(candidates, sizeof *r->candidate_probabilities);
    r->candidate_logprobs = allocate(candidates, sizeof *r->candidate_logprobs);
    r->candidate_raw_logprobs = allocate(candidates, sizeof *r->candidate_raw_logprobs);
    r->kept_ends = allocate(w.rows, sizeof *r->kept_ends);
    r->kept_tokens = allocate(values, sizeof *r->kept_tokens);
    for (int i = 0; i < SHARD_OUTPUTS; i++)
        r->outputs[i] = allocate(values, sizeof *r->outputs[i]);
    return r;
}

void shard_results_release(struct shard_results *r)
{
    void *const all[] = {r->tokens,
                         r->status,
                         r->kept,
                         r->boundary,
                         r->entropies,
                         r->ranks,
                         r->logprobs,
                         r->raw_logprobs,
                         r->observed,
                         r->margins,
                         r->scores,
                         r->raw_scores,
                         r->candidate_tokens,
                         r->candidate_logits,
                         r->candidate_probabilities,
                         r->candidate_logprobs,
                         r->candidate_raw_logprobs,
                         r->kept_ends,
                         r->kept_tokens};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        free(all[i]);
    for (int i = 0; i < SHARD_OUTPUTS; i++)
        free(r->outputs[i]);
    free(r);
}

static void want_told(struct shard_results *r, tombola_results *results)
{
    results->entropies.host = r->entropies;
    results->ranks.host = r->ranks;
    results->logprobs.host = r->logprobs;
    results->raw_logprobs.host = r->raw_logprobs;
    results->observed.host = r->observed;
    results->margins.host = r->margins;
    results->scores.host = r->wants.ids ? r->scores : NULL;
    results->raw_scores.host = r->wants.ids ? r->raw_scores : NULL;
}

static void want_candidates(struct shard_results *r, tombola_results *results)
{
    results->candidate_count = (uint32_t)r->wants.candidates;
    results->candidate_tokens.host = r->candidate_tokens;
    results->candidate_logits.host = r->candidate_logits;
    results->candidate_probabilities.host = r->candidate_probabilities;
    results->candidate_logprobs.host = r->candidate_logprobs;
    results->candidate_raw_logprobs.host = r->candidate_raw_logprobs;
}

/* What there is for each token, from this column on; the kept ones are counted from the first. */
static void want_outputs(struct shard_results *r, size_t column, tombola_results *results)
{
    results->probability_stride = r->wants.vocabulary;
    results->probabilities.host = r->outputs[0] + column;
    results->log_probabilities.host = r->outputs[1] + column;
    results->kept_probabilities.host = r->outputs[2] + column;
    results->processed_logits.host = r->outputs[3] + column;
}

tombola_results shard_results_columns(struct shard_results *r)
{
    tombola_results results = tombola_results_default();
    results.samples = (uint32_t)r->wants.samples;
    results.tokens.host = r->tokens;
    results.status.host = r->status;
    results.kept.host = r->kept;
    results.boundary.host = r->boundary;
    if (r->wants.is_told)
        want_told(r, &results);
    if (r->wants.candidates)
        want_candidates(r, &results);
    if (r->wants.vocabulary) {
        want_outputs(r, 0, &results);
        results.kept_ends.host = r->kept_ends;
        results.kept_tokens.host = r->kept_tokens;
        results.kept_capacity = r->wants.rows * r->wants.vocabulary;
    }
    return results;
}

/* Whether so many elements of 32 bits are the same, row by row. */
static int are_same(const void *a, const void *b, size_t row, size_t count)
{
    return memcmp((const char *)a + 4 * row * count, (const char *)b + 4 * row * count, 4 * count) == 0;
}

static int same_candidates(const struct shard_results *a, const struct shard_results *b, size_t row)
{
    const size_t n = a->wants.candidates;
    return are_same(a->candidate_tokens, b->candidate_tokens, row, n) &&
           are_same(a->candidate_logits, b->candidate_logits, row, n) &&
           are_same(a->candidate_probabilities, b->candidate_probabilities, row, n) &&
           are_same(a->candidate_logprobs, b->candidate_logprobs, row, n) &&
           are_same(a->candidate_raw_logprobs, b->candidate_raw_logprobs, row, n);
}

int shard_results_same_outputs(const struct shard_results *a, const struct shard_results *b, size_t row)
{
    int same = 1;
    for (int i = 0; i < SHARD_OUTPUTS; i++)
        same = same && are_same(a->outputs[i], b->outputs[i], row, a->wants.vocabulary);
    const uint64_t first = row ? a->kept_ends[row - 1] : 0;
    return same && (!a->wants.vocabulary ||
                    (a->kept_ends[row] == b->kept_ends[row] &&
                     are_same(a->kept_tokens + first, b->kept_tokens + first, 0, a->kept_ends[row] - first)));
}

int shard_results_same(const struct shard_results *a, const struct shard_results *b, size_t row)
{
    const size_t n = a->wants.samples;
    return are_same(a->scores, b->scores, 0, a->wants.ids) && are_same(a->raw_scores, b->raw_scores, 0, a->wants.ids) &&
           a->status[row] == b->status[row] && a->kept[row] == b->kept[row] &&
           are_same(a->boundary, b->boundary, row, sizeof *a->boundary / 4) &&
           are_same(a->entropies, b->entropies, row, 1) && are_same(a->tokens, b->tokens, row, n) &&
           are_same(a->ranks, b->ranks, row, n) && are_same(a->logprobs, b->logprobs, row, n) &&
           are_same(a->raw_logprobs, b->raw_logprobs, row, n) && are_same(a->margins, b->margins, row, n) &&
           are_same(a->observed, b->observed, row, n) && same_candidates(a, b, row);
}

static int by_size(const void *a, const void *b)
{
    const size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return x < y ? -1 : x > y;
}

void shards_open_at(struct shards *s, tombola_context *const *on, size_t contexts, const struct make *make, size_t rows,
                    const size_t *cuts, size_t count, uint64_t *random)
{
    tombola_error error = tombola_error_default();
    tombola_sampler_options options = tombola_sampler_options_default();
    options.type = make->type;
    options.input = make->input;
    s->make = *make;
    s->count = count;
    memcpy(s->cuts, cuts, (count + 1) * sizeof *cuts);
    for (size_t i = 0; i < count; i++) {
        options.transfer = random_below(random, 4) ? TOMBOLA_TRANSFER_AUTO : TOMBOLA_TRANSFER_STAGED;
        if (tombola_shard_create(on[i % contexts], make->vocabulary, s->cuts[i], s->cuts[i + 1], rows, &options,
                                 &s->shards[i], &error))
            fail_msg("%s", error.message);
    }
}

void shards_open(struct shards *s, tombola_context *const *on, size_t contexts, const struct make *make, size_t rows,
                 size_t count, uint64_t *random)
{
    size_t cuts[MOST_SHARDS + 1] = {0};
    assert_in_range(count, 1, MOST_SHARDS);
    for (size_t i = 1; i < count; i++)
        cuts[i] = random_below(random, make->vocabulary / 256 + 1) * 256;
    cuts[count] = make->vocabulary;
    qsort(cuts, count + 1, sizeof *cuts, by_size);
    shards_open_at(s, on, contexts, make, rows, cuts, count, random);
}

void shards_close(struct shards *s)
{
    for (size_t i = 0; i < s->count; i++)
        tombola_shard_release(s->shards[i]);
}

/* The columns of whole rows that a shard has. */
static tombola_rows shards_rows(const struct shards *s, size_t shard, const tombola_rows *rows)
{
    tombola_rows own = *rows;
    own.stride = rows->stride ? rows->stride : s->make.vocabulary;
    own.logits.host = (const char *)rows->logits.host + s->cuts[shard] * tombola_type_size(s->make.type);
    if (s->cuts[shard] == s->cuts[shard + 1])
        own.logits.host = NULL;
    return own;
}

/* The first bytes of all messages, from one of them on. */
static void gather(char *const *messages, size_t count, size_t turn, size_t bytes, char *to)
{
    for (size_t j = 0; j < count; j++)
        memcpy(to + j * bytes, messages[(j + turn) % count], bytes);
}

/* One round: all messages, in an order of their own for each shard, by collectives of equally many bytes as
 * tombola_shard.h has them. */
static int draw_round(struct shards *s, uint64_t *random)
{
    enum { CAPACITY = sizeof(tombola_shard_head) + 3 * 48 };
    tombola_error error = tombola_error_default();
    tombola_shard_call call = {.struct_size = sizeof call};
    tombola_shard_last_call(s->shards[0], &call);
    const size_t room = call.most > CAPACITY ? call.most : CAPACITY;
    char *messages[MOST_SHARDS], *all = allocate(s->count, room);
    size_t size;
    int is_done[MOST_SHARDS];
    for (size_t i = 0; i < s->count; i++) {
        messages[i] = allocate(1, room);
        if (tombola_shard_partial(s->shards[i], messages[i], room, &size, &error))
            fail_msg("shard %zu of %zu: %s", i, s->count, error.message);
    }
    for (size_t i = 0; i < s->count; i++) {
        const size_t turn = random_below(random, (uint32_t)s->count);
        size_t stride = CAPACITY;
        gather(messages, s->count, turn, CAPACITY, all);
        const size_t largest = tombola_shard_largest(all, CAPACITY, s->count);
        assert_int_equal(largest, size);
        if (largest > CAPACITY && !tombola_shard_check(all, CAPACITY, s->count, NULL, NULL)) {
            stride = largest;
            gather(messages, s->count, turn, largest, all);
        }
        if (tombola_shard_merge(s->shards[i], all, stride, s->count, &is_done[i], &error))
            fail_msg("shard %zu of %zu: %s", i, s->count, error.message);
        assert_int_equal(is_done[i], is_done[0]);
    }
    for (size_t i = 0; i < s->count; i++)
        free(messages[i]);
    free(all);
    return is_done[0];
}

/* Puts together what each shard has listed of its own columns. */
static void gather_kept(const struct shards *s, struct shard_results *const *all, struct shard_results *results)
{
    int32_t *gathered = allocate(results->wants.rows * results->wants.vocabulary, sizeof *gathered);
    uint64_t *ends = allocate(results->wants.rows, sizeof *ends), end = 0;
    for (size_t row = 0; row < results->wants.rows; row++) {
        for (size_t i = 0; i < s->count; i++) {
            const uint64_t first = row ? all[i]->kept_ends[row - 1] : 0, count = all[i]->kept_ends[row] - first;
            memcpy(gathered + end, all[i]->kept_tokens + first, count * sizeof *gathered);
            end += count;
        }
        ends[row] = end;
    }
    free(results->kept_tokens);
    free(results->kept_ends);
    results->kept_tokens = gathered;
    results->kept_ends = ends;
}

void shards_draw(struct shards *s, const tombola_rows *rows, struct shard_results *results, uint64_t *random)
{
    struct shard_results *all[MOST_SHARDS];
    tombola_error error = tombola_error_default();
    for (size_t i = 0; i < s->count; i++) {
        all[i] = i ? shard_results_make(results->wants) : results;
        tombola_results columns = shard_results_columns(all[i]);
        const tombola_rows own = shards_rows(s, i, rows);
        if (results->wants.vocabulary)
            want_outputs(results, s->cuts[i], &columns);
        if (tombola_shard_begin(s->shards[i], &own, &columns, &error))
            fail_msg("shard %zu of %zu: %s", i, s->count, error.message);
    }
    while (!draw_round(s, random))
        ;
    if (results->wants.vocabulary)
        gather_kept(s, all, results);
    for (size_t i = 1; i < s->count; i++) {
        for (size_t row = 0; row < results->wants.rows; row++)
            assert_that(shard_results_same(all[i], results, row), "shards %zu and 0 differ in row %zu", i, row);
        shard_results_release(all[i]);
    }
    s->call.struct_size = sizeof s->call;
    tombola_shard_last_call(s->shards[0], &s->call);
}

/* Where it is wanted. */
static void copy_out(void *to, const void *from, size_t bytes)
{
    if (to && bytes)
        memcpy(to, from, bytes);
}

static struct shard_wants wants_of(const struct shards *s, const tombola_rows *rows, const tombola_results *r)
{
    struct shard_wants w = {.rows = rows->count, .samples = r->samples ? r->samples : 1};
    w.ids = rows->score_ends ? rows->score_ends[rows->count - 1] : 0;
    w.is_told = r->logprobs.host || r->raw_logprobs.host || r->ranks.host || r->margins.host || r->entropies.host ||
                r->observed.host || r->scores.host || r->raw_scores.host;
    w.candidates = r->candidate_count;
    if (r->kept_ends.host || r->kept_probabilities.host || r->processed_logits.host || r->probabilities.host ||
        r->log_probabilities.host)
        w.vocabulary = s->make.vocabulary;
    return w;
}

void shards_call(struct shards *s, const tombola_rows *rows, const tombola_results *r, uint64_t *random)
{
    const struct shard_wants w = wants_of(s, rows, r);
    struct shard_results *got = shard_results_make(w);
    const size_t each = 4 * w.rows, samples = each * w.samples, candidates = each * w.candidates,
                 values = each * w.vocabulary;
    shards_draw(s, rows, got, random);
    copy_out(r->tokens.host, got->tokens, samples);
    copy_out(r->status.host, got->status, each);
    copy_out(r->kept.host, got->kept, each);
    copy_out(r->boundary.host, got->boundary, 2 * each);
    copy_out(r->entropies.host, got->entropies, each);
    copy_out(r->ranks.host, got->ranks, samples);
    copy_out(r->logprobs.host, got->logprobs, samples);
    copy_out(r->raw_logprobs.host, got->raw_logprobs, samples);
    copy_out(r->observed.host, got->observed, samples);
    copy_out(r->margins.host, got->margins, samples);
    copy_out(r->scores.host, got->scores, 4 * w.ids);
    copy_out(r->raw_scores.host, got->raw_scores, 4 * w.ids);
    copy_out(r->candidate_tokens.host, got->candidate_tokens, candidates);
    copy_out(r->candidate_logits.host, got->candidate_logits, candidates);
    copy_out(r->candidate_probabilities.host, got->candidate_probabilities, candidates);
    copy_out(r->candidate_logprobs.host, got->candidate_logprobs, candidates);
    copy_out(r->candidate_raw_logprobs.host, got->candidate_raw_logprobs, candidates);
    copy_out(r->probabilities.host, got->outputs[0], values);
    copy_out(r->log_probabilities.host, got->outputs[1], values);
    copy_out(r->kept_probabilities.host, got->outputs[2], values);
    copy_out(r->processed_logits.host, got->outputs[3], values);
    copy_out(r->kept_ends.host, got->kept_ends, 2 * each);
    if (r->kept_tokens.host)
        copy_out(r->kept_tokens.host, got->kept_tokens, 4 * got->kept_ends[w.rows - 1]);
    shard_results_release(got);
}

int shards_suit(tombola_context *on, const struct make *make)
{
    uint32_t lanes, width, teams;
    tombola_context_shape(on, &lanes, &width, &teams);
    return !(lanes == 4 && width == 4) && make->type != TOMBOLA_FLOAT16 &&
           (make->type == TOMBOLA_FLOAT32 || make->input == TOMBOLA_LOGITS);
}
