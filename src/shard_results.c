#include "shard_results.h"

#include "error.h"
#include "order.h"
#include "results.h"

#include <math.h>
#include <stdlib.h>

/* That only what shards tell is asked for, in host memory. */
tombola_status shard_results_check(const tombola_results *r, tombola_error *error)
{
    for (int column = 0; column < COLUMNS; column++) {
        const struct member *m = column_member(column);
        const struct place place = member_place(r, m);
        const int is_told = column <= COLUMNS_OF_REPORT + REPORT_RAW_SCORES;
        if (place_is_wanted(place) && !is_told)
            return fail(error, TOMBOLA_INVALID_ARGUMENT, "results.%s is wanted, which shards do not tell", m->name);
        if (place.buffer)
            return fail(error, TOMBOLA_INVALID_ARGUMENT, "results.%s is in a buffer, where shards do not write",
                        m->name);
    }
    for (int i = 0; i < OUTPUTS; i++)
        if (place_is_wanted(member_place(r, output_member(i))))
            return fail(error, TOMBOLA_INVALID_ARGUMENT, "results.%s is wanted, which shards do not tell",
                        output_member(i)->name);
    if (r->candidate_count)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "results.candidate_count is %lu, but shards tell no candidates",
                    (unsigned long)r->candidate_count);
    return TOMBOLA_OK;
}

tombola_status shard_results_reserve(tombola_shard *s, tombola_error *error)
{
    const size_t samples = s->batch->rows.count * s->batch->counts.samples, scores = s->batch->counts.scores;
    if (s->samples_room < samples) {
        free(s->known.samples);
        s->known.samples = malloc(samples * sizeof *s->known.samples);
        s->samples_room = s->known.samples ? samples : 0;
    }
    if (s->scores_room < scores) {
        free(s->known.scores);
        s->known.scores = malloc(scores * sizeof *s->known.scores);
        s->scores_room = s->known.scores ? scores : 0;
    }
    return s->samples_room >= samples && s->scores_room >= scores
               ? TOMBOLA_OK
               : fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for what shards tell of tokens");
}

/* ----------------------------------------------------------------- delivery */

static tombola_boundary boundary_of(const struct shard_row *row, const u64 *pair, int is_greedy)
{
    if (is_greedy)
        return (tombola_boundary){value_of((u32)pair[1]), (int32_t)(pair[1] >> 32)};
    return (tombola_boundary){value_of((u32)(row->last >> 32)), (int32_t) ~(u32)row->last};
}

static void deliver_row(const tombola_shard *s, size_t row, int is_greedy, int is_drawn)
{
    const tombola_results *r = &s->batch->results;
    const struct shard_row *from = &s->known.rows[row];
    if (r->status.host)
        r->status.host[row] = status_of_state(from->state);
    if (r->kept.host)
        r->kept.host[row] = !is_drawn ? 0 : is_greedy ? 1 : from->kept;
    if (r->boundary.host)
        r->boundary.host[row] = is_drawn ? boundary_of(from, s->known.samples[row * s->call.samples].pair, is_greedy)
                                         : (tombola_boundary){-INFINITY, -1};
    if (r->entropies.host)
        r->entropies.host[row] = is_drawn && !is_greedy ? float_of(from->entropy) : 0.0f;
}

static void deliver_sample(const tombola_shard *s, size_t at, int is_greedy, int is_drawn)
{
    const tombola_results *r = &s->batch->results;
    const struct shard_sample *from = &s->known.samples[at];
    if (r->tokens.host)
        r->tokens.host[at] = is_drawn ? (int32_t)(from->pair[1] >> 32) : -1;
    if (r->margins.host)
        r->margins.host[at] = !is_drawn ? 0.0f : is_greedy ? INFINITY : float_of((u32)from->margin);
    if (r->ranks.host)
        r->ranks.host[at] = !is_drawn ? 0 : is_greedy ? 1 : (u32)from->rank;
    if (r->logprobs.host)
        r->logprobs.host[at] = !is_drawn ? -INFINITY : is_greedy ? 0.0f : float_of((u32)from->logprobs);
    if (r->observed.host)
        r->observed.host[at] = !is_drawn ? -INFINITY : is_greedy ? 0.0f : float_of((u32)(from->logprobs >> 32));
    if (r->raw_logprobs.host)
        r->raw_logprobs.host[at] = is_drawn ? float_of((u32)from->raw) : -INFINITY;
}

/* Of a row's ids; a greedy row keeps its token alone. */
static void deliver_scores(const tombola_shard *s, size_t row, int is_greedy, int is_drawn)
{
    const struct batch *b = s->batch;
    const struct row_params *p = &b->host_params[row];
    const u32 *ids = b->scores.copy.host; /* the caller's need not be there any more */
    const u32 token = (u32)(s->known.samples[row * s->call.samples].pair[1] >> 32);
    for (u32 i = p->score_first; i < p->score_end; i++) {
        const int is_token = ids[i] == token;
        const float score = !is_greedy ? float_of(s->known.scores[i].score) : is_token ? 0.0f : -INFINITY;
        if (b->results.scores.host)
            b->results.scores.host[i] = is_drawn ? score : -INFINITY;
        if (b->results.raw_scores.host)
            b->results.raw_scores.host[i] = is_drawn ? float_of(s->known.scores[i].raw) : -INFINITY;
    }
}

void shard_results_deliver(const tombola_shard *s)
{
    const struct batch *b = s->batch;
    const size_t n = s->call.samples;
    for (size_t row = 0; row < b->rows.count; row++) {
        const struct row_params *p = &b->host_params[row];
        const int is_good = status_of_state(s->known.rows[row].state) == ROW_OK,
                  is_greedy = (p->flags & ROW_GREEDY) != 0;
        deliver_row(s, row, is_greedy, is_good);
        deliver_scores(s, row, is_greedy, is_good);
        for (size_t i = 0; i < n; i++) {
            const int is_other =
                (p->others[i / 32] >> i % 32 & 1) != 0; /* whose filters may find the row good, or not */
            const int has_token = s->known.samples[row * n + i].pair[1] != ~(u64)0;
            deliver_sample(s, row * n + i, is_greedy, has_token && (is_good || is_other));
        }
    }
}
