#include "scores.h"

#include "batch.h"
#include "error.h"
#include "lists.h"

#include <string.h>

static struct lists scores_of(const tombola_rows *rows)
{
    return (struct lists){"score_tokens",   "score_ends", "row",   rows->score_tokens,
                          rows->score_ends, rows->count,  SIZE_MAX};
}

size_t scores_count(const tombola_rows *rows)
{
    const struct lists scores = scores_of(rows);
    return lists_total(&scores);
}

tombola_status scores_check(const struct plan *p, const tombola_rows *rows, tombola_error *error)
{
    const struct lists scores = scores_of(rows);
    const size_t count = scores_count(rows);
    tombola_status status = lists_check_ends(&scores, scores.tokens != NULL, error);
    if (!status && count > UINT32_MAX)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.score_ends[%zu] is %zu, more than %lu", rows->count - 1,
                    count, (unsigned long)UINT32_MAX);
    return status ? status : lists_check_tokens(&scores, p->vocabulary, error);
}

tombola_status scores_copy(struct batch *b, const tombola_rows *rows, tombola_error *error)
{
    const struct lists scores = scores_of(rows);
    const size_t count = lists_total(&scores), bytes = count * sizeof(s32);
    b->scores.count = count;
    for (size_t row = 0; row < rows->count; row++) {
        b->host_params[row].score_first = count ? (u32)list_first(&scores, row) : 0;
        b->host_params[row].score_end = count ? (u32)rows->score_ends[row] : 0;
    }
    if (count == 0)
        return TOMBOLA_OK;
    tombola_status status = upload_reserve(b, &b->scores.copy, bytes, "ids to score", error);
    if (!status)
        memcpy(b->scores.copy.host, rows->score_tokens, bytes);
    return status;
}

tombola_status scores_bring(struct batch *b, tombola_error *error)
{
    b->scores.buffer = NULL;
    if (b->scores.count == 0)
        return TOMBOLA_OK;
    return upload_send(b, &b->scores.copy, b->scores.count * sizeof(s32), "ids to score", &b->scores.buffer, error);
}
