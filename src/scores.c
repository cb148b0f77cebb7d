#include "scores.h"

#include "batch.h"
#include "error.h"

#include <string.h>

size_t scores_count(const tombola_rows *rows)
{
    return rows->score_ends ? rows->score_ends[rows->count - 1] : 0;
}

static size_t first_of(const tombola_rows *rows, size_t row)
{
    return row ? rows->score_ends[row - 1] : 0;
}

static tombola_status check_row(const struct plan *p, const tombola_rows *rows, size_t row, tombola_error *error)
{
    for (size_t i = first_of(rows, row); i < rows->score_ends[row]; i++)
        if (rows->score_tokens[i] < 0 || (size_t)rows->score_tokens[i] >= p->vocabulary)
            return fail(error, TOMBOLA_INVALID_ARGUMENT,
                        "rows.score_tokens[%zu], of row %zu, is %ld, not from 0 to %zu", i, row,
                        (long)rows->score_tokens[i], p->vocabulary - 1);
    return TOMBOLA_OK;
}

tombola_status scores_check(const struct plan *p, const tombola_rows *rows, tombola_error *error)
{
    if (!rows->score_ends)
        return rows->score_tokens
                   ? fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.score_ends is NULL, but rows.score_tokens is not")
                   : TOMBOLA_OK;
    for (size_t row = 0; row < rows->count; row++)
        if (rows->score_ends[row] < first_of(rows, row))
            return fail(error, TOMBOLA_INVALID_ARGUMENT,
                        "rows.score_ends[%zu] is %zu, less than the end before it, %zu", row, rows->score_ends[row],
                        first_of(rows, row));
    size_t count = scores_count(rows);
    if (count > 0 && !rows->score_tokens)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.score_tokens is NULL, but rows.score_ends[%zu] is %zu",
                    rows->count - 1, count);
    if (count > UINT32_MAX)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.score_ends[%zu] is %zu, more than %lu", rows->count - 1,
                    count, (unsigned long)UINT32_MAX);
    tombola_status status = TOMBOLA_OK;
    for (size_t row = 0; row < rows->count && !status; row++)
        status = check_row(p, rows, row, error);
    return status;
}

tombola_status scores_copy(struct batch *b, const tombola_rows *rows, tombola_error *error)
{
    const size_t count = scores_count(rows), bytes = count * sizeof(s32);
    b->scores.count = count;
    for (size_t row = 0; row < rows->count; row++) {
        b->host_params[row].score_first = count ? (u32)first_of(rows, row) : 0;
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
