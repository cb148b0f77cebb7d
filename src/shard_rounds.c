#include "shard_rounds.h"

#include "error.h"
#include "launch.h"
#include "logits.h"
#include "results.h"
#include "run.h"
#include "shard_results.h"

#include <stdlib.h>

/* Room for the messages and answers of the batch. */
static tombola_status reserve(tombola_shard *s, tombola_error *error)
{
    struct batch *b = s->batch;
    const struct plan *p = &b->engine->plan;
    const size_t words = b->rows.count * s->call.stride;
    tombola_status status = TOMBOLA_OK;
    if (!s->quests)
        status =
            batch_make_buffer(b, CL_MEM_READ_WRITE, p->max_rows * SHARD_STATE_BYTES, "shards' rows", &s->quests, error);
    if (!status)
        status = upload_reserve(b, &s->answers, words * sizeof(u64), "shards' answers", error);
    if (status || s->message_words >= words)
        return status;
    u64 *told = malloc(words * sizeof *told);
    cl_mem messages = NULL;
    if (!told)
        return fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for shards' messages: %zu bytes", words * sizeof *told);
    status = batch_make_buffer(b, CL_MEM_READ_WRITE, words * sizeof(u64), "shards' messages", &messages, error);
    if (status) {
        free(told);
        return status;
    }
    if (s->messages)
        clReleaseMemObject(s->messages);
    free(s->told);
    s->messages = messages;
    s->told = told;
    s->message_words = words;
    return TOMBOLA_OK;
}

static tombola_status send_answers(tombola_shard *s, cl_mem *answers, tombola_error *error)
{
    const size_t bytes = s->batch->rows.count * s->call.stride * sizeof(u64);
    return upload_send(s->batch, &s->answers, bytes, "shards' answers", answers, error);
}

static tombola_status read_messages(tombola_shard *s, tombola_error *error)
{
    const size_t words = s->batch->rows.count * s->call.stride * (sizeof(u64) / sizeof(u32));
    return batch_read(s->batch, s->messages, 0, words, s->told, error);
}

/* A launch for each part, and the reading of what they tell. answers: NULL in the first round */
static tombola_status run(tombola_shard *s, cl_mem answers, tombola_error *error)
{
    struct batch *b = s->batch;
    const struct dispatch a_group_each = {0, 1};
    tombola_status status = TOMBOLA_OK;
    for (int i = 0; i < b->part_count && !status; i++) {
        struct launching l = {.kernel = KERNEL_SHARD,
                              .logits = s->logits[i],
                              .params = s->params,
                              .first_row = b->parts[i].first,
                              .rows = b->parts[i].rows,
                              .stride = s->call.stride,
                              .samples = (u32)s->call.samples,
                              .finds = shard_results_wanted(&s->results),
                              .candidates = (u32)s->call.candidates};
        l.columns[SHARD_QUESTS].buffer = s->quests;
        l.columns[SHARD_ANSWERS].buffer = answers;
        l.columns[SHARD_MESSAGES].buffer = s->messages;
        l.columns[SHARD_SCORE_TOKENS].buffer = b->scores.buffer;
        status = launch_rows(b, &l, a_group_each, answers ? NULL : s->after[i], error);
    }
    if (!status)
        status = read_messages(s, error);
    return status ? status : run_flush(b, error);
}

tombola_status shard_rounds_begin(tombola_shard *s, tombola_error *error)
{
    struct batch *b = s->batch;
    tombola_status status = reserve(s, error);
    if (!status)
        status = run_prepare(b, error);
    if (!status)
        status = run_bring(b, &s->params, error);
    if (status)
        return status;
    for (int part = 0; part < b->part_count && !status; part++)
        status = logits_bring(b, part, &s->logits[part], &s->after[part], error);
    return status ? status : run(s, NULL, error);
}

tombola_status shard_rounds_go_on(tombola_shard *s, tombola_error *error)
{
    cl_mem answers;
    tombola_status status = send_answers(s, &answers, error);
    return status ? status : run(s, answers, error);
}

/* A part's last launch. */
static tombola_status run_last(tombola_shard *s, int part, cl_mem answers, tombola_error *error)
{
    struct batch *b = s->batch;
    const struct dispatch a_group_each = {0, 1};
    struct launching l = {.kernel = KERNEL_SHARD_LAST,
                          .logits = s->logits[part],
                          .params = s->params,
                          .first_row = b->parts[part].first,
                          .rows = b->parts[part].rows,
                          .stride = s->call.stride,
                          .samples = (u32)s->call.samples,
                          .candidates = (u32)s->call.candidates,
                          .finds = b->results.kept_ends.host || b->results.kept_ends.buffer ? FIND_NUMBER : 0};
    l.columns[SHARD_LAST_QUESTS].buffer = s->quests;
    l.columns[SHARD_LAST_ANSWERS].buffer = answers;
    l.columns[SHARD_LAST_MESSAGES].buffer = s->messages;
    l.columns[SHARD_LAST_FINDINGS] = (struct column){b->findings, b->engine->plan.max_rows};
    return launch_rows(b, &l, a_group_each, NULL, error);
}

tombola_status shard_rounds_end(tombola_shard *s, tombola_error *error)
{
    struct batch *b = s->batch;
    const struct dispatch dispatch = launch_dispatch(b->engine, b->parts[0].rows);
    cl_mem answers;
    tombola_status status = send_answers(s, &answers, error);
    for (int part = 0; part < b->part_count && !status; part++)
        status = run_last(s, part, answers, error);
    for (int part = 0; part < b->part_count && !status; part++) {
        const struct launching common = {.logits = s->logits[part],
                                         .params = s->params,
                                         .first_row = b->parts[part].first,
                                         .rows = b->parts[part].rows};
        status = results_report_part(b, part, &common, dispatch, NULL, error);
    }
    if (!status && s->call.candidates)
        status = read_messages(s, error);
    if (!status)
        status = results_collect(b, error);
    return status ? status : run_flush(b, error);
}

tombola_status shard_rounds_wait(tombola_shard *s, tombola_error *error)
{
    tombola_status status = batch_pause(s->batch, error);
    upload_settle(&s->answers);
    return status;
}
