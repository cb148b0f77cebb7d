#include "shard_results.h"

#include "error.h"
#include "order.h"
#include "results.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* That only what shards tell is asked for, in host memory. */
/* Results that hosts write, by what messages tell them; else the device does, for the columns that it has. */
static int is_told(int column)
{
    return column <= COLUMNS_OF_REPORT + REPORT_RAW_SCORES;
}

static tombola_status check_place(const struct member *m, const tombola_results *r, tombola_error *error)
{
    if (!member_place(r, m).buffer)
        return TOMBOLA_OK;
    return fail(error, TOMBOLA_INVALID_ARGUMENT, "results.%s is in a buffer, where shards do not write", m->name);
}

static tombola_status check(const tombola_results *r, tombola_error *error)
{
    tombola_status status = TOMBOLA_OK;
    for (int column = 0; column < COLUMNS && !status; column++)
        if (is_told(column))
            status = check_place(column_member(column), r, error);
    for (int column = 0; column < TOP_K_COLUMNS && !status; column++)
        status = check_place(candidate_member(column), r, error);
    return status;
}

/* What is left for the device to write; a shard without columns has nothing for each token. */
static tombola_results rest_of(const tombola_results *r, int has_columns)
{
    tombola_results rest = tombola_results_default();
    rest.samples = r->samples;
    rest.probability_stride = r->probability_stride;
    memcpy(&rest.kept_ends, &r->kept_ends, sizeof rest.kept_ends);
    memcpy(&rest.kept_tokens, &r->kept_tokens, sizeof rest.kept_tokens);
    rest.kept_capacity = r->kept_capacity;
    for (int i = 0; i < OUTPUTS && has_columns; i++)
        memcpy((char *)&rest + output_member(i)->offset, (const char *)r + output_member(i)->offset,
               sizeof(struct place));
    return rest;
}

u32 shard_results_wanted(const tombola_results *r)
{
    static const u32 finds[TOP_K_COLUMNS] = {
        [TOP_K_TOKENS] = FIND_CANDIDATES,
        [TOP_K_LOGITS] = FIND_CANDIDATES,
        [TOP_K_PROBABILITIES] = FIND_CANDIDATES | FIND_ROW,
        [TOP_K_LOGPROBS] = FIND_CANDIDATES | FIND_SHARES,
        [TOP_K_RAW_LOGPROBS] = FIND_CANDIDATES | FIND_RAW,
    };
    u32 wanted = 0;
    for (int i = 0; i < SAMPLE_COLUMNS; i++)
        wanted |= place_is_wanted(member_place(r, column_member(COLUMNS_OF_SAMPLE + i))) ? 1u << i : 0;
    for (int i = 0; i < TOP_K_COLUMNS; i++)
        wanted |= place_is_wanted(member_place(r, candidate_member(i))) ? finds[i] : 0;
    wanted |=
        r->scores.host || place_is_wanted(member_place(r, output_member(OUTPUT_KEPT_PROBABILITIES))) ? FIND_SHARES : 0;
    wanted |= r->raw_scores.host ? FIND_RAW : 0;
    for (int i = OUTPUT_PROBABILITIES; i <= OUTPUT_LOG_PROBABILITIES; i++)
        wanted |= place_is_wanted(member_place(r, output_member(i))) ? FIND_ROW : 0;
    return wanted;
}

int shard_results_need_last(const tombola_shard *s)
{
    const tombola_results *r = &s->batch->results;
    int need = s->results.candidate_count > 0;
    for (int column = 0; column < COLUMNS; column++)
        need |= place_is_wanted(member_place(r, column_member(column)));
    for (int i = 0; i < OUTPUTS; i++)
        need |= place_is_wanted(member_place(r, output_member(i)));
    return need;
}

/* Room for what is known of the batch's samples, scores and candidates. */
static tombola_status reserve(tombola_shard *s, tombola_error *error)
{
    const size_t samples = s->batch->rows.count * s->batch->counts.samples, scores = s->batch->counts.scores;
    const size_t candidates = 2 * s->batch->rows.count * s->results.candidate_count;
    if (s->candidates_room < candidates) {
        free(s->known.candidates);
        s->known.candidates = malloc(candidates * sizeof *s->known.candidates);
        s->candidates_room = s->known.candidates ? candidates : 0;
    }
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
    return s->samples_room >= samples && s->scores_room >= scores && s->candidates_room >= candidates
               ? TOMBOLA_OK
               : fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for what shards tell of tokens");
}

tombola_status shard_results_begin(tombola_shard *s, tombola_error *error)
{
    s->results = s->batch->results;
    s->batch->results = rest_of(&s->results, !s->zeros);
    tombola_status status = check(&s->results, error);
    return status ? status : reserve(s, error);
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
    const tombola_results *r = &s->results;
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
    const tombola_results *r = &s->results;
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
        if (s->results.scores.host)
            s->results.scores.host[i] = is_drawn ? score : -INFINITY;
        if (s->results.raw_scores.host)
            s->results.raw_scores.host[i] = is_drawn ? float_of(s->known.scores[i].raw) : -INFINITY;
    }
}

/* Of a row that is good; what the last launch has told of them is where messages are. */
static void deliver_candidates(const tombola_shard *s, size_t row, int is_good)
{
    const tombola_results *r = &s->results;
    const size_t n = s->call.candidates, first = row * n;
    const u64 *listed = s->known.candidates + 2 * first, *told = s->told + row * s->call.stride + 1;
    for (size_t i = 0; i < n; i++) {
        const int is_there = is_good && listed[i] != NO_CANDIDATE;
        if (r->candidate_tokens.host)
            r->candidate_tokens.host[first + i] = is_there ? (int32_t)(u32)listed[i] : -1;
        if (r->candidate_logits.host)
            r->candidate_logits.host[first + i] = is_there ? float_of((u32)listed[n + i]) : 0.0f;
        if (r->candidate_probabilities.host)
            r->candidate_probabilities.host[first + i] = is_there ? float_of((u32)(told[i] >> 32)) : 0.0f;
        if (r->candidate_logprobs.host)
            r->candidate_logprobs.host[first + i] = is_there ? float_of((u32)told[i]) : -INFINITY;
        if (r->candidate_raw_logprobs.host)
            r->candidate_raw_logprobs.host[first + i] = is_there ? float_of((u32)told[n + i]) : -INFINITY;
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
        deliver_candidates(s, row, is_good);
        for (size_t i = 0; i < n; i++) {
            const int is_other =
                (p->others[i / 32] >> i % 32 & 1) != 0; /* whose filters may find the row good, or not */
            const int has_token = s->known.samples[row * n + i].pair[1] != ~(u64)0;
            deliver_sample(s, row * n + i, is_greedy, has_token && (is_good || is_other));
        }
    }
}
