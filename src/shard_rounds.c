#include "shard_rounds.h"

#include "error.h"
#include "launch.h"
#include "logits.h"
#include "run.h"

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

u32 shard_wanted(const struct batch *b)
{
    u32 wanted = 0;
    for (int i = 0; i < SAMPLE_COLUMNS; i++)
        wanted |= place_is_wanted(member_place(&b->results, column_member(COLUMNS_OF_SAMPLE + i))) ? 1u << i : 0;
    wanted |= b->results.scores.host ? FIND_SHARES : 0;
    wanted |= b->results.raw_scores.host ? FIND_RAW : 0;
    return wanted;
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
                              .finds = shard_wanted(b)};
        l.columns[SHARD_QUESTS].buffer = s->quests;
        l.columns[SHARD_ANSWERS].buffer = answers;
        l.columns[SHARD_MESSAGES].buffer = s->messages;
        l.columns[SHARD_SCORE_TOKENS].buffer = b->scores.buffer;
        status = launch_rows(b, &l, a_group_each, answers ? NULL : s->after[i], error);
    }
    if (!status)
        status =
            batch_read(b, s->messages, 0, b->rows.count * s->call.stride * (sizeof(u64) / sizeof(u32)), s->told, error);
    return status ? status : run_flush(b, error);
}

tombola_status shard_rounds_begin(tombola_shard *s, tombola_error *error)
{
    struct batch *b = s->batch;
    tombola_status status = reserve(s, error);
    if (!status)
        status = logits_prepare(b, b->engine->plan.scratch_rows, error);
    if (!status)
        status = masks_prepare(b, error);
    if (!status)
        status = run_bring(b, &s->params, error);
    if (status)
        return status;
    run_count(b);
    for (int part = 0; part < b->part_count && !status; part++)
        status = logits_bring(b, part, &s->logits[part], &s->after[part], error);
    return status ? status : run(s, NULL, error);
}

tombola_status shard_rounds_go_on(tombola_shard *s, tombola_error *error)
{
    cl_mem answers;
    const size_t bytes = s->batch->rows.count * s->call.stride * sizeof(u64);
    tombola_status status = upload_send(s->batch, &s->answers, bytes, "shards' answers", &answers, error);
    return status ? status : run(s, answers, error);
}

tombola_status shard_rounds_wait(tombola_shard *s, tombola_error *error)
{
    tombola_status status = batch_pause(s->batch, error);
    upload_settle(&s->answers);
    return status;
}
