#include "shard.h"

#include "context.h"
#include "error.h"
#include "logits.h"
#include "process.h"
#include "order.h"
#include "program.h"
#include "results.h"
#include "shard_rounds.h"
#include "siphash.h"
#include "sized.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ life */

/* The bits of -inf, or of probability 0, whatever the type. */
static u32 no_logit(const tombola_sampler_options *o)
{
    if (o->input == TOMBOLA_PROBABILITIES)
        return 0;
    return o->type == TOMBOLA_FLOAT32 ? 0xFF800000u : o->type == TOMBOLA_FLOAT16 ? 0xFC00u : 0xFF80u;
}

static tombola_status make(tombola_context *context, const struct plan *plan, tombola_shard *s, tombola_error *error)
{
    cl_program program;
    tombola_status status =
        context_program(context, PROGRAM_SHARDS, plan->options.type, plan->options.input, &program, error);
    if (!status)
        status = sampler_create_from(context, program, plan, &s->sampler, error);
    if (status)
        return status;
    s->known.rows = calloc(plan->max_rows, sizeof *s->known.rows);
    s->none = no_logit(&plan->options);
    if (plan->first == plan->last)
        s->zeros = calloc(plan->max_rows, sizeof *s->zeros);
    return s->known.rows && (s->zeros || plan->first < plan->last)
               ? TOMBOLA_OK
               : fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for a shard of max_rows %zu", plan->max_rows);
}

tombola_status tombola_shard_create(tombola_context *context, size_t vocabulary, size_t first, size_t last,
                                    size_t max_rows, const tombola_sampler_options *options, tombola_shard **shard,
                                    tombola_error *error)
{
    if (!context)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "context is NULL");
    if (process_check(error))
        return TOMBOLA_FORKED;
    if (!shard)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "shard is NULL");
    struct plan plan;
    tombola_status status = plan_make_shard(context, vocabulary, first, last, max_rows, options, &plan, error);
    if (status)
        return status;
    tombola_shard *s = calloc(1, sizeof *s);
    status = s ? make(context, &plan, s, error) : fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for a shard");
    if (status) {
        tombola_shard_release(s);
        return status;
    }
    *shard = s;
    return TOMBOLA_OK;
}

void tombola_shard_release(tombola_shard *s)
{
    if (!s)
        return;
    tombola_shard_cancel(s);
    if (s->sampler && !process_is_forked()) {
        upload_release_cl(&s->sampler->batches[0], &s->answers);
        if (s->quests)
            clReleaseMemObject(s->quests);
        if (s->messages)
            clReleaseMemObject(s->messages);
    }
    if (!s->answers.pinned)
        upload_free(&s->answers);
    tombola_sampler_release(s->sampler);
    free(s->told);
    free(s->known.rows);
    free(s->known.samples);
    free(s->known.scores);
    free(s->zeros);
    free(s);
}

/* ------------------------------------------------------------------ begin */

/* That only what shards tell is asked for, in host memory. */
static tombola_status check_results(const tombola_results *r, tombola_error *error)
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

/* A hash of what all shards have to agree about beside the shape. What a row has where differs. */
static uint64_t hash_of(struct batch *b)
{
    const uint64_t wanted = shard_wanted(b);
    uint64_t hash = siphash(&wanted, sizeof wanted).low ^ b->counts.samples;
    for (size_t row = 0; row < b->rows.count; row++) {
        struct {
            uint64_t before;
            struct row_params params;
        } one;
        memset(&one, 0, sizeof one);
        one.before = hash;
        one.params = b->host_params[row];
        one.params.begin = 0;
        one.params.mask = one.params.adjust_first = one.params.adjust_end = 0;
        hash = siphash(&one, sizeof one).low;
    }
    return hash;
}

/* Room for what is known of samples and scores. */
static tombola_status reserve_known(tombola_shard *s, tombola_error *error)
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

static void describe(tombola_shard *s)
{
    struct batch *b = s->batch;
    const struct plan *p = &b->engine->plan;
    size_t words = 0;
    for (size_t row = 0; row < b->rows.count; row++) {
        const size_t own = shard_row_words(&b->host_params[row], p->vocabulary, b->counts.samples);
        words = own > words ? own : words;
    }
    s->call.stride = words;
    s->call.samples = b->counts.samples;
    s->call.params = b->host_params;
    s->call.head.agreed = hash_of(b);
    s->call.head.rows = (uint32_t)b->rows.count;
    s->taken.most = sizeof s->call.head + b->rows.count * words * sizeof(u64);
}

static tombola_status begin(tombola_shard *s, const tombola_rows *theirs, const tombola_results *results,
                            tombola_error *error)
{
    tombola_rows rows = tombola_rows_default();
    tombola_results own;
    if (!theirs)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows is NULL");
    tombola_status status = sized_read("rows", "tombola_rows_default", &rows, sizeof rows, theirs, error);
    if (status)
        return status;
    if (s->zeros && rows.count <= s->sampler->engine.plan.max_rows) {
        rows.logits.host = &s->none;
        rows.logits.buffer = NULL;
        rows.logits.offset = 0;
        rows.stride = 1;
        rows.indices = s->zeros;
    }
    status = sampler_begin(s->sampler, &rows, results, NULL, 0, &s->batch, error);
    if (status)
        return status;
    own = s->batch->results;
    status = check_results(&own, error);
    if (!status)
        status = reserve_known(s, error);
    if (status)
        return status;
    describe(s);
    return shard_rounds_begin(s, error);
}

/* The call goes on only to tell that it has failed. */
static tombola_status fail_call(tombola_shard *s, tombola_status status, tombola_error *error)
{
    if (s->batch)
        batch_finish(s->batch, status, error);
    upload_settle(&s->answers);
    s->batch = NULL;
    s->stage = SHARD_FAILED;
    s->call.head.status = (uint32_t)status;
    return status;
}

tombola_status tombola_shard_begin(tombola_shard *s, const tombola_rows *rows, const tombola_results *results,
                                   tombola_error *error)
{
    if (!s)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "shard is NULL");
    if (process_check(error))
        return TOMBOLA_FORKED;
    if (s->batch)
        return fail(error, TOMBOLA_BUSY, "a call of the shard is under way: end it first");
    const struct plan *p = &s->sampler->engine.plan;
    s->call.head = (tombola_shard_head){.magic = TOMBOLA_SHARD_MAGIC,
                                        .layout = TOMBOLA_SHARD_LAYOUT,
                                        .contract = TOMBOLA_CONTRACT,
                                        .vocabulary = (uint32_t)p->vocabulary,
                                        .input = p->options.input,
                                        .first = (uint32_t)p->first,
                                        .last = (uint32_t)p->last};
    s->taken = (tombola_shard_call){.struct_size = sizeof s->taken};
    tombola_status status = begin(s, rows, results, error);
    if (status)
        return fail_call(s, status, error);
    s->stage = SHARD_RUNS;
    return TOMBOLA_OK;
}

/* ------------------------------------------------------------------ rounds */

static tombola_status fail_stage(const tombola_shard *s, const char *call, tombola_error *error)
{
    return fail(error, TOMBOLA_INVALID_ARGUMENT, "%s comes out of turn: %s", call,
                s->stage == SHARD_IDLE   ? "no call of the shard is under way"
                : s->stage == SHARD_SENT ? "the message is there, and merge is next"
                                         : "partial is next");
}

tombola_status tombola_shard_partial(tombola_shard *s, void *message, size_t capacity, size_t *size,
                                     tombola_error *error)
{
    if (!s)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "shard is NULL");
    if (process_check(error))
        return TOMBOLA_FORKED;
    if (!size)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "size is NULL");
    if (s->stage == SHARD_IDLE || s->stage == SHARD_SENT)
        return fail_stage(s, "partial", error);
    if (s->stage == SHARD_RUNS) {
        tombola_status status = shard_rounds_wait(s, error);
        if (status)
            return fail_call(s, status, error);
        s->call.head.size = shard_message_size(&s->call, s->told);
    } else {
        s->call.head.size = sizeof s->call.head;
    }
    *size = s->call.head.size;
    if (capacity < *size || !message || (uintptr_t)message % sizeof(u64))
        return fail(error, TOMBOLA_INVALID_ARGUMENT,
                    !message           ? "message is NULL: it needs %zu bytes"
                    : capacity < *size ? "the message needs %zu bytes, more than the capacity"
                                       : "message is not aligned to 8 bytes: it needs %zu",
                    *size);
    if (s->stage == SHARD_FAILED) {
        memcpy(message, &s->call.head, sizeof s->call.head);
        return TOMBOLA_OK;
    }
    shard_message_write(&s->call, s->told, message);
    s->taken.rounds++;
    s->taken.bytes += *size;
    s->stage = SHARD_SENT;
    return TOMBOLA_OK;
}

/* ------------------------------------------------------------------ results */

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

static void deliver(const tombola_shard *s)
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

static tombola_status end(tombola_shard *s, tombola_error *error)
{
    deliver(s);
    tombola_status status = batch_finish(s->batch, TOMBOLA_OK, error);
    s->batch = NULL;
    s->stage = SHARD_IDLE;
    return status;
}

static tombola_status check_place(const void *messages, size_t stride, size_t count, tombola_error *error)
{
    if (!messages || count == 0)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "messages is NULL, or count is 0");
    if ((uintptr_t)messages % sizeof(u64) || stride % sizeof(u64) || stride < sizeof(tombola_shard_head))
        return fail(error, TOMBOLA_INVALID_ARGUMENT,
                    "messages are not aligned to 8 bytes, or stride %zu is none of such messages", stride);
    return TOMBOLA_OK;
}

tombola_status tombola_shard_check(const void *messages, size_t stride, size_t count, size_t *at, tombola_error *error)
{
    size_t place = count;
    tombola_status status = check_place(messages, stride, count, error);
    if (!status)
        status = shard_messages_check(messages, stride, count, &place, error);
    if (at)
        *at = place;
    return status;
}

tombola_status tombola_shard_merge(tombola_shard *s, const void *messages, size_t stride, size_t count, int *is_done,
                                   tombola_error *error)
{
    if (!s)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "shard is NULL");
    if (process_check(error))
        return TOMBOLA_FORKED;
    if (!is_done)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "is_done is NULL");
    if (s->stage == SHARD_IDLE || s->stage == SHARD_RUNS)
        return fail_stage(s, "merge", error);
    tombola_status status = check_place(messages, stride, count, error);
    if (status)
        return status;
    status =
        shard_messages_merge(&s->call, s->told, messages, stride, count, s->answers.host, &s->known, is_done, error);
    if (!status && !*is_done) {
        s->call.head.round++;
        status = shard_rounds_go_on(s, error);
        if (status)
            return fail_call(s, status, error);
        s->stage = SHARD_RUNS;
        return TOMBOLA_OK;
    }
    if (!status)
        return end(s, error);
    tombola_shard_cancel(s);
    return status;
}

void tombola_shard_cancel(tombola_shard *s)
{
    if (!s)
        return;
    if (s->batch && !process_is_forked()) {
        batch_finish(s->batch, TOMBOLA_OK, NULL);
        upload_settle(&s->answers);
    }
    s->batch = NULL;
    s->stage = SHARD_IDLE;
}

void tombola_shard_last_call(const tombola_shard *s, tombola_shard_call *call)
{
    sized_write(call, &s->taken, sizeof *call);
}
