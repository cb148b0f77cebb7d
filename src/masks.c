#include "masks.h"

#include "batch.h"
#include "error.h"
#include "memory_object.h"

#include <string.h>

/* ------------------------------------------------------------------- checks */

/* That masks lie in a buffer of so many words. */
static tombola_status check_places(const struct plan *p, const tombola_rows *rows, size_t words, tombola_error *error)
{
    size_t offset = rows->masks.offset;
    if (offset > words || p->mask_words > words - offset)
        return fail(error, TOMBOLA_INVALID_ARGUMENT,
                    "rows.masks.offset is %zu: no mask of %zu words fits behind it into %zu", offset, p->mask_words,
                    words);
    size_t last = (words - offset - p->mask_words) / rows->mask_stride;
    if (rows->mask_count - 1 > last)
        return fail(error, TOMBOLA_INVALID_ARGUMENT,
                    "rows.masks.buffer holds %zu words: mask %zu of %zu, from 0 on, lies beyond them", words, last + 1,
                    rows->mask_count);
    return TOMBOLA_OK;
}

static tombola_status check_addresses(const tombola_rows *rows, tombola_error *error)
{
    if ((uintptr_t)rows->masks.host % sizeof(u32))
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.masks.host is not aligned to its type of %zu bytes",
                    sizeof(u32));
    if (rows->masks.offset)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.masks.offset is %zu, but the masks are in host memory",
                    rows->masks.offset);
    if (rows->mask_count > SIZE_MAX / sizeof(u32) / rows->mask_stride)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.mask_count is %zu: so many masks do not fit in memory",
                    rows->mask_count);
    return TOMBOLA_OK;
}

static tombola_status check_indices(const tombola_rows *rows, tombola_error *error)
{
    for (size_t row = 0; rows->mask_of_row && row < rows->count; row++) {
        int32_t mask = rows->mask_of_row[row];
        if (mask == -1 || (mask >= 0 && (size_t)mask < rows->mask_count))
            continue;
        if (rows->mask_count == 0)
            return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.mask_of_row[%zu] is %ld, but rows.masks is NULL", row,
                        (long)mask);
        return fail(error, TOMBOLA_INVALID_ARGUMENT,
                    "rows.mask_of_row[%zu] is %ld, not from -1 (none) to %zu, the last mask", row, (long)mask,
                    rows->mask_count - 1);
    }
    return TOMBOLA_OK;
}

tombola_status masks_check(const tombola_context *context, const struct plan *p, tombola_rows *rows,
                           tombola_error *error)
{
    if (rows->masks.host && rows->masks.buffer)
        return fail(error, TOMBOLA_INVALID_ARGUMENT,
                    "rows.masks is in host memory and in a buffer: one is to be set, or neither");
    if (!rows->masks.host && !rows->masks.buffer) {
        rows->mask_count = 0;
        return check_indices(rows, error);
    }
    if (rows->mask_stride == 0)
        rows->mask_stride = p->mask_words;
    if (rows->mask_stride < p->mask_words || rows->mask_stride > UINT32_MAX)
        return fail(error, TOMBOLA_INVALID_ARGUMENT,
                    "rows.mask_stride is %zu, not from %zu, the words that hold the vocabulary, to %lu",
                    rows->mask_stride, p->mask_words, (unsigned long)UINT32_MAX);
    if (rows->mask_count == 0)
        rows->mask_count = rows->count;
    if (!rows->mask_of_row && rows->mask_count < rows->count)
        return fail(error, TOMBOLA_INVALID_ARGUMENT,
                    "rows.mask_count is %zu, fewer than the %zu rows, and rows.mask_of_row does not say which have one",
                    rows->mask_count, rows->count);
    tombola_status status = TOMBOLA_OK;
    if (rows->masks.host) {
        status = check_addresses(rows, error);
    } else {
        size_t bytes;
        status =
            memory_object_check(context, "rows.masks.buffer", rows->masks.buffer, CL_MEM_WRITE_ONLY, &bytes, error);
        if (!status)
            status = check_places(p, rows, bytes / sizeof(u32), error);
    }
    return status ? status : check_indices(rows, error);
}

/* ---------------------------------------------------------------------- ways */

static size_t mask_of(const tombola_rows *rows, size_t row)
{
    if (!rows->mask_of_row)
        return rows->mask_count ? row : NO_MASK;
    return rows->mask_of_row[row] < 0 ? NO_MASK : (size_t)rows->mask_of_row[row];
}

/* Wraps all masks, from the first word to the last. Leaves no buffer where that can't be, which is no failure. */
static tombola_status wrap(struct batch *b, tombola_error *error)
{
    const struct plan *p = &b->engine->plan;
    const tombola_rows *rows = &b->rows;
    size_t bytes = ((rows->mask_count - 1) * rows->mask_stride + p->mask_words) * sizeof(u32);
    int is_aligned = host_memory_is_aligned(b->engine->context, rows->masks.host);
    if (!p->shares_memory || bytes > p->largest_buffer ||
        (!is_aligned && p->options.transfer != TOMBOLA_TRANSFER_IN_PLACE))
        return TOMBOLA_OK;
    tombola_status status =
        host_memory_wrap(b->engine->context, CL_MEM_READ_ONLY, rows->masks.host, bytes, &b->masks.wrapped, error);
    b->masks.buffer = status ? NULL : b->masks.wrapped.buffer;
    b->masks.stride = (u32)rows->mask_stride;
    return status;
}

/* Copies the masks that rows have, those that rows side by side have in common once, and tells the rows which they are
 * now. So there are at most as many as rows. */
static tombola_status copy(struct batch *b, tombola_error *error)
{
    const struct plan *p = &b->engine->plan;
    const tombola_rows *rows = &b->rows;
    const size_t bytes = p->mask_words * sizeof(u32);
    size_t needed = 0, last = NO_MASK;
    for (size_t row = 0; row < rows->count; row++) {
        size_t mask = mask_of(rows, row);
        if (mask == NO_MASK)
            continue;
        needed += needed == 0 || mask != last;
        last = mask;
        b->host_params[row].mask = (u32)(needed - 1);
    }
    b->masks.copied = needed;
    b->masks.stride = (u32)p->mask_words;
    if (needed == 0)
        return TOMBOLA_OK;
    size_t usual = plan_mask_bytes(p);
    tombola_status status =
        upload_reserve(b, &b->masks.copy, needed * bytes > usual ? needed * bytes : usual, "masks", error);
    size_t copied = 0;
    for (size_t row = 0; row < rows->count && !status; row++)
        if (b->host_params[row].mask == copied)
            memcpy((char *)b->masks.copy.host + copied++ * bytes,
                   rows->masks.host + mask_of(rows, row) * rows->mask_stride, bytes);
    return status;
}

tombola_status masks_prepare(struct batch *b, tombola_error *error)
{
    const tombola_rows *rows = &b->rows;
    b->masks.buffer = rows->masks.buffer;
    b->masks.begin = rows->masks.offset;
    b->masks.stride = (u32)rows->mask_stride;
    b->masks.copied = 0;
    for (size_t row = 0; row < rows->count; row++)
        b->host_params[row].mask = (u32)mask_of(rows, row);
    if (!rows->masks.host)
        return TOMBOLA_OK;
    tombola_status status = wrap(b, error);
    return status || b->masks.buffer ? status : copy(b, error);
}

tombola_status masks_bring(struct batch *b, tombola_error *error)
{
    if (b->masks.copied == 0)
        return TOMBOLA_OK;
    size_t bytes = b->masks.copied * b->engine->plan.mask_words * sizeof(u32);
    return upload_send(b, &b->masks.copy, bytes, "masks", &b->masks.buffer, error);
}
