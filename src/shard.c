#include "shard.h"

#include "error.h"
#include "process.h"
#include "program.h"
#include "results.h"
#include "shard_agreement.h"
#include "shard_results.h"
#include "shard_rounds.h"
#include "sized.h"
#include "trust.h"

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

static tombola_status make(tombola_context *context, cl_program program, const struct plan *plan, tombola_shard *s,
                           tombola_error *error)
{
    tombola_status status = sampler_create_from(context, program, plan, &s->sampler, error);
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

tombola_status shard_create_from(tombola_context *context, cl_program program, const struct plan *plan,
                                 tombola_shard **shard, tombola_error *error)
{
    tombola_shard *s = calloc(1, sizeof *s);
    tombola_status status =
        s ? make(context, program, plan, s, error) : fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for a shard");
    if (status) {
        tombola_shard_release(s);
        return status;
    }
    *shard = s;
    return TOMBOLA_OK;
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
    cl_program program;
    tombola_status status = plan_make_shard(context, vocabulary, first, last, max_rows, options, &plan, error);
    if (!status)
        status = context_program(context, PROGRAM_SHARDS, plan.options.type, plan.options.input, &program, error);
    if (!status)
        status = shard_create_from(context, program, &plan, shard, error);
    if (status)
        return status;
    status = trust_shard(&(*shard)->sampler->engine, error);
    if (status) {
        tombola_shard_release(*shard);
        *shard = NULL;
    }
    return status;
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
    free(s->places.lists);
    free(s->known.rows);
    free(s->known.samples);
    free(s->known.scores);
    free(s->known.candidates);
    free(s->zeros);
    free(s);
}

/* ------------------------------------------------------------------ begin */

static void describe(tombola_shard *s)
{
    struct batch *b = s->batch;
    const struct plan *p = &b->engine->plan;
    size_t words = 0;
    for (size_t row = 0; row < b->rows.count; row++) {
        const size_t own =
            shard_row_words(&b->host_params[row], p->vocabulary, b->counts.samples, s->results.candidate_count);
        words = own > words ? own : words;
    }
    s->call.stride = words;
    s->call.samples = b->counts.samples;
    s->call.candidates = s->results.candidate_count;
    s->call.params = b->host_params;
    s->call.head.rows = (uint32_t)b->rows.count;
    shard_agreement_tell(b, (u64)s->call.candidates << 32 | shard_results_wanted(&s->results), &s->call.head);
    s->taken.most = sizeof s->call.head + b->rows.count * words * sizeof(u64);
}

static tombola_status begin(tombola_shard *s, const tombola_rows *theirs, const tombola_results *results,
                            tombola_error *error)
{
    tombola_rows rows = tombola_rows_default();
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
    status = shard_results_begin(s, error);
    if (status)
        return status;
    describe(s);
    return shard_rounds_begin(s, error);
}

/* Waits for what is running, which is passed on if it has failed. */
static tombola_status finish(tombola_shard *s, tombola_status status, tombola_error *error)
{
    if (s->batch)
        status = batch_finish(s->batch, status, error);
    upload_settle(&s->answers);
    return status;
}

/* The call goes on only to tell that it has failed. */
static tombola_status fail_call(tombola_shard *s, tombola_status status, tombola_error *error)
{
    finish(s, status, error);
    s->batch = NULL;
    s->stage = SHARD_FAILED;
    s->call.head.status = (uint32_t)status;
    s->call.head.size = sizeof s->call.head;
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

/* What every call of a round begins with: that it has a shard, what it tells of goes somewhere, and it is its turn. */
static tombola_status check_turn(const tombola_shard *s, const char *call, const void *told, const char *name,
                                 tombola_error *error)
{
    if (!s)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "shard is NULL");
    if (process_check(error))
        return TOMBOLA_FORKED;
    if (!told)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "%s is NULL", name);
    const int is_merge = call[0] == 'm';
    if (s->stage == SHARD_FAILED || (s->stage == SHARD_SENT ? is_merge : s->stage == SHARD_RUNS && !is_merge))
        return TOMBOLA_OK;
    return fail(error, TOMBOLA_INVALID_ARGUMENT, "%s comes out of turn: %s", call,
                s->stage == SHARD_IDLE   ? "no call of the shard is under way"
                : s->stage == SHARD_SENT ? "the message is there, and merge is next"
                                         : "partial is next");
}

tombola_status tombola_shard_partial(tombola_shard *s, void *message, size_t capacity, size_t *size,
                                     tombola_error *error)
{
    tombola_status status = check_turn(s, "partial", size, "size", error);
    if (status)
        return status;
    if (s->stage == SHARD_RUNS) {
        status = shard_rounds_wait(s, error);
        if (status)
            return fail_call(s, status, error);
        s->call.head.size = shard_message_size(&s->call, s->told);
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

static tombola_status end(tombola_shard *s, tombola_error *error)
{
    tombola_status status = shard_results_need_last(s) ? shard_rounds_end(s, error) : TOMBOLA_OK;
    status = finish(s, status, error);
    if (!status) {
        results_deliver(s->batch);
        shard_results_deliver(s);
    }
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

size_t tombola_shard_largest(const void *messages, size_t stride, size_t count)
{
    if (check_place(messages, stride, count, NULL))
        return 0;
    size_t largest = 0;
    for (size_t i = 0; i < count; i++) {
        const tombola_shard_head *head = (const void *)((const char *)messages + i * stride);
        if (head->magic != TOMBOLA_SHARD_MAGIC)
            return 0;
        largest = head->size > largest ? (size_t)head->size : largest;
    }
    return largest;
}

/* Room to look at so many messages. */
static tombola_status reserve_places(tombola_shard *s, size_t count, tombola_error *error)
{
    struct shard_places p = {.room = count};
    if (s->places.room >= count)
        return TOMBOLA_OK;
    const size_t each = sizeof *p.lists + sizeof *p.heads + sizeof *p.rows;
    p.lists = count > SIZE_MAX / each ? NULL : malloc(count * each);
    if (!p.lists)
        return fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for %zu messages", count);
    p.heads = (const void **)(p.lists + count);
    p.rows = (const u64 **)(p.heads + count);
    free(s->places.lists);
    s->places = p;
    return TOMBOLA_OK;
}

tombola_status tombola_shard_merge(tombola_shard *s, const void *messages, size_t stride, size_t count, int *is_done,
                                   tombola_error *error)
{
    tombola_status status = check_turn(s, "merge", is_done, "is_done", error);
    if (status)
        return status;
    status = check_place(messages, stride, count, error);
    if (status)
        return status;
    *is_done = shard_message_is_last(&s->call, s->told);
    status = reserve_places(s, count, error);
    if (status && !*is_done) /* which the others don't know of */
        return fail_call(s, status, error);
    if (!status)
        status = shard_messages_merge(&s->call, s->told, messages, stride, count, &s->places, s->answers.host,
                                      &s->known, error);
    if (!status && !*is_done) {
        s->call.head.round++;
        s->stage = SHARD_RUNS;
        status = shard_rounds_go_on(s, error);
        return status ? fail_call(s, status, error) : TOMBOLA_OK;
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
    if (!process_is_forked())
        finish(s, TOMBOLA_OK, NULL);
    s->batch = NULL;
    s->stage = SHARD_IDLE;
}

void tombola_shard_last_call(const tombola_shard *s, tombola_shard_call *call)
{
    sized_write(call, &s->taken, sizeof *call);
}
