#include "logits.h"

#include "error.h"
#include "memory_object.h"
#include "sized.h"

#include <string.h>

#define WORTH_CUTTING (512u * 1024u) /* bytes of a batch; a part less saves no more than its launch costs */

/* ------------------------------------------------------------------- checks */

static size_t row_index(const tombola_rows *rows, size_t row)
{
    return rows->indices ? rows->indices[row] : row;
}

/* That every row lies in a buffer of so many elements. */
static tombola_status check_places(const struct plan *p, const tombola_rows *rows, size_t elements,
                                   tombola_error *error)
{
    size_t offset = rows->logits.offset;
    if (offset > elements || p->columns > elements - offset)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.logits.offset is %zu: no row of %zu fits behind it into %zu",
                    offset, p->columns, elements);
    size_t last = (elements - offset - p->columns) / rows->stride;
    if (!rows->indices && rows->count - 1 > last)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.count is %zu: row %zu lies beyond the buffer's %zu elements",
                    rows->count, last + 1, elements);
    for (size_t row = 0; rows->indices && row < rows->count; row++)
        if (rows->indices[row] > last)
            return fail(error, TOMBOLA_INVALID_ARGUMENT,
                        "rows.indices[%zu] is %lu: that row lies beyond the buffer's %zu elements", row,
                        (unsigned long)rows->indices[row], elements);
    return TOMBOLA_OK;
}

/* That every row has an address. */
static tombola_status check_addresses(const struct plan *p, const tombola_rows *rows, tombola_error *error)
{
    size_t size = tombola_type_size(p->options.type), last = rows->count - 1;
    if ((uintptr_t)rows->logits.host % size)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.logits.host is not aligned to its type of %zu bytes", size);
    if (rows->logits.offset)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.logits.offset is %zu, but the logits are in host memory",
                    rows->logits.offset);
    for (size_t row = 0; rows->indices && row < rows->count; row++)
        last = rows->indices[row] > last ? rows->indices[row] : last;
    if (rows->stride > SIZE_MAX / size / (last + 1))
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.stride is %zu: %zu such rows do not fit in memory",
                    rows->stride, last + 1);
    return TOMBOLA_OK;
}

tombola_status logits_check(const struct engine *e, const tombola_rows *theirs, tombola_rows *own, tombola_error *error)
{
    const struct plan *p = &e->plan;
    if (!theirs)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows is NULL");
    *own = tombola_rows_default();
    tombola_status status = sized_read("rows", "tombola_rows_default", own, sizeof *own, theirs, error);
    if (status)
        return status;
    if (own->reserved)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.reserved is %lu, not 0", (unsigned long)own->reserved);
    if (!own->logits.host && !own->logits.buffer)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.logits is NULL: neither host memory nor a buffer");
    if (own->logits.host && own->logits.buffer)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.logits is in host memory and in a buffer: one is to be set");
    if (!own->params)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.params is NULL");
    if (own->count < 1 || own->count > p->max_rows)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.count is %zu, not from 1 to the sampler's max_rows %zu",
                    own->count, p->max_rows);
    if (own->stride == 0)
        own->stride = p->columns;
    if (own->stride < p->columns)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "rows.stride is %zu, less than the %s %zu", own->stride,
                    p->is_shard ? "shard's columns," : "vocabulary", p->columns);
    if (own->logits.host)
        return check_addresses(p, own, error);
    size_t bytes;
    status =
        memory_object_check(e->context, "rows.logits.buffer", own->logits.buffer, CL_MEM_WRITE_ONLY, &bytes, error);
    return status ? status : check_places(p, own, bytes / tombola_type_size(p->options.type), error);
}

/* -------------------------------------------------------------------- parts */

static size_t bytes_of(const struct batch *b, size_t elements)
{
    return elements * tombola_type_size(b->engine->plan.options.type);
}

/* Cuts the batch into parts of so many rows each. */
static void cut_evenly(struct batch *b, size_t rows)
{
    b->part_count = 0;
    for (size_t first = 0; first < b->rows.count; first += rows) {
        struct part *part = &b->parts[b->part_count++];
        part->first = first;
        part->rows = b->rows.count - first < rows ? b->rows.count - first : rows;
        part->low = 0;
    }
}

/* From the first to the last element of some rows in host memory. */
struct extent {
    size_t low, high;
};

static struct extent extend(const struct batch *b, struct extent extent, size_t row)
{
    size_t place = row_index(&b->rows, row) * b->rows.stride, end = place + b->engine->plan.columns;
    extent.low = place < extent.low ? place : extent.low;
    extent.high = end > extent.high ? end : extent.high;
    return extent;
}

static void unwrap_parts(struct batch *b)
{
    for (int part = 0; part < b->part_count; part++)
        host_memory_unwrap(b->engine->context, &b->wrapped_logits[part]);
    b->part_count = 0;
}

/* As many rows as may come into a part from `first` on so that a single buffer spans them. */
static struct part next_part(const struct batch *b, size_t first, size_t most_rows, struct extent *extent)
{
    struct part part = {first, 0, 0};
    *extent = (struct extent){SIZE_MAX, 0};
    while (first + part.rows < b->rows.count && part.rows < most_rows) {
        struct extent wider = extend(b, *extent, first + part.rows);
        if (bytes_of(b, wider.high - wider.low) > b->engine->plan.largest_buffer)
            break;
        *extent = wider;
        part.rows++;
    }
    part.low = extent->low;
    return part;
}

/* Cuts the batch into parts of at most so many rows, each of which a single buffer can span, and wraps them. Leaves no
 * parts where that can't be done, which is no failure. */
static tombola_status wrap_parts(struct batch *b, size_t most_rows, tombola_error *error)
{
    const int is_forced = b->engine->plan.options.transfer == TOMBOLA_TRANSFER_IN_PLACE;
    size_t row = 0;
    while (row < b->rows.count && b->part_count < MAX_PARTS) {
        struct extent extent;
        struct part part = next_part(b, row, most_rows, &extent);
        const char *start = (const char *)b->rows.logits.host + bytes_of(b, extent.low);
        struct wrapped *wrapped = &b->wrapped_logits[b->part_count];
        if (!is_forced && !host_memory_is_aligned(b->engine->context, start))
            break;
        tombola_status status = host_memory_wrap(b->engine->context, CL_MEM_READ_ONLY, start,
                                                 bytes_of(b, extent.high - extent.low), wrapped, error);
        if (status)
            return status; /* what is wrapped is let go when the batch finishes */
        if (!wrapped->buffer)
            break;
        b->parts[b->part_count++] = part;
        row += part.rows;
    }
    if (row < b->rows.count)
        unwrap_parts(b);
    return TOMBOLA_OK;
}

/* Rows of a staged part: what a pin holds, or half of the batch if that is less and pays. */
static size_t staged_rows(const struct batch *b, size_t most_rows)
{
    const struct plan *p = &b->engine->plan;
    size_t rows = b->rows.count, half = (rows + 1) / 2;
    size_t most = rows * p->row_bytes < WORTH_CUTTING ? rows : half;
    most = most < p->pin_rows ? most : p->pin_rows;
    return most < most_rows ? most : most_rows;
}

/* Tells the rows of a part where they begin, in the buffer that kernels read. */
static void set_places(struct batch *b, const struct part *part)
{
    const struct plan *p = &b->engine->plan;
    for (size_t row = part->first; row < part->first + part->rows; row++) {
        u64 place = row_index(&b->rows, row) * (u64)b->rows.stride;
        b->host_params[row].begin = b->way == WAY_BUFFER     ? b->rows.logits.offset + place
                                    : b->way == WAY_IN_PLACE ? place - part->low
                                                             : row % b->round_rows * p->columns;
    }
}

static tombola_status prepare_host(struct batch *b, size_t most_rows, tombola_error *error)
{
    struct engine *e = b->engine;
    if (e->plan.shares_memory) {
        b->way = WAY_IN_PLACE;
        tombola_status status = wrap_parts(b, most_rows, error);
        if (status || b->part_count > 0)
            return status;
    }
    size_t rows = staged_rows(b, most_rows);
    b->way = WAY_STAGED;
    b->round_rows = b->rows.count; /* a shard looks at all of them again and again */
    if (e->plan.resident_rows < b->rows.count)
        b->round_rows = e->plan.resident_rows / rows * rows;
    cut_evenly(b, rows);
    return batch_reserve_staging(b, error);
}

tombola_status logits_prepare(struct batch *b, size_t most_rows, tombola_error *error)
{
    tombola_status status = TOMBOLA_OK;
    unwrap_parts(b);
    if (b->rows.logits.buffer) {
        b->way = WAY_BUFFER;
        cut_evenly(b, most_rows);
    } else {
        status = prepare_host(b, most_rows, error);
    }
    for (int part = 0; part < b->part_count && !status; part++)
        set_places(b, &b->parts[part]);
    return status;
}

/* ------------------------------------------------------------------ staging */

/* Rows of a part side by side. */
static void copy_rows(const struct batch *b, char *to, const struct part *part)
{
    size_t bytes = b->engine->plan.row_bytes, stride = bytes_of(b, b->rows.stride);
    const char *from = b->rows.logits.host;
    if (stride == bytes && !b->rows.indices) {
        memcpy(to, from + part->first * bytes, part->rows * bytes);
        return;
    }
    for (size_t row = 0; row < part->rows; row++)
        memcpy(to + row * bytes, from + row_index(&b->rows, part->first + row) * stride, bytes);
}

/* The last kernel that reads what a staged part is going to overwrite; NULL where it comes first there. */
static const cl_event *last_reader(const struct batch *b, int part)
{
    return b->parts[part].first >= b->round_rows ? &b->events[b->chain] : NULL;
}

/* Rows that lie side by side in host memory from this one on, to the end of the part at most. */
static size_t run_of(const struct batch *b, const struct part *part, size_t row)
{
    size_t end = row + 1;
    while (end < part->first + part->rows && row_index(&b->rows, end) == row_index(&b->rows, end - 1) + 1)
        end++;
    return end - row;
}

/* Sends a part from the caller's memory itself, by the queue that its kernels are in: behind those that read what it
 * overwrites, and without waiting for anything on this thread or in a queue that other batches need. */
static tombola_status send_directly(struct batch *b, int index, tombola_error *error)
{
    struct engine *e = b->engine;
    const struct part *part = &b->parts[index];
    const size_t bytes = e->plan.row_bytes, stride = bytes_of(b, b->rows.stride), end = part->first + part->rows;
    cl_int code;
    for (size_t row = part->first, rows; row < end; row += rows) {
        rows = run_of(b, part, row);
        const size_t to[3] = {0, row % b->round_rows, 0}, from[3] = {0, row_index(&b->rows, row), 0},
                     region[3] = {bytes, rows, 1};
        const int is_only = rows == part->rows;
        cl_uint waits = batch_waits(b, NULL);
        code = clEnqueueWriteBufferRect(b->queue, b->logits, CL_FALSE, to, from, region, bytes, 0, stride, 0,
                                        b->rows.logits.host, waits, waits ? b->waits : NULL,
                                        is_only ? batch_event(b) : NULL);
        if (code != CL_SUCCESS)
            return fail_cl(error, "clEnqueueWriteBufferRect for the logits", code);
        e->times.bytes_uploaded += rows * bytes;
        if (is_only)
            batch_enqueued(b, WORK_UPLOAD, 1);
    }
    if (run_of(b, part, part->first) == part->rows)
        return TOMBOLA_OK;
    code = clEnqueueMarkerWithWaitList(b->queue, 0, NULL, batch_event(b)); /* all that came before, in any order */
    if (code != CL_SUCCESS)
        return fail_cl(error, "clEnqueueMarkerWithWaitList", code);
    batch_enqueued(b, WORK_UPLOAD, 1);
    return TOMBOLA_OK;
}

/* Sends a part through a pin, once what was in it has left. */
static tombola_status stage(struct batch *b, int index, const cl_event **after, tombola_error *error)
{
    struct engine *e = b->engine;
    const struct plan *p = &e->plan;
    const struct part *part = &b->parts[index];
    size_t bytes = part->rows * p->row_bytes;
    char *staged = b->staged + (size_t)(index % PINS) * p->pin_rows * p->row_bytes;
    cl_int code = index >= PINS ? clWaitForEvents(1, &b->events[b->uploads[index % PINS]]) : CL_SUCCESS;
    if (code != CL_SUCCESS)
        return fail_cl(error, "clWaitForEvents for a part of the logits", code);
    copy_rows(b, staged, part);
    e->times.bytes_uploaded += bytes;
    const cl_event *reader = last_reader(b, index);
    code = clEnqueueWriteBuffer(e->transfers, b->logits, CL_FALSE, part->first % b->round_rows * p->row_bytes, bytes,
                                staged, reader ? 1 : 0, reader, batch_event(b));
    if (code != CL_SUCCESS)
        return fail_cl(error, "clEnqueueWriteBuffer for the logits", code);
    b->uploads[index % PINS] = b->event_count;
    *after = batch_event(b);
    batch_enqueued(b, WORK_UPLOAD, 0);
    code = clFlush(e->transfers); /* a kernel in the other queue waits for it */
    return code == CL_SUCCESS ? TOMBOLA_OK : fail_cl(error, "clFlush", code);
}

tombola_status logits_bring(struct batch *b, int part, cl_mem *buffer, const cl_event **after, tombola_error *error)
{
    *after = NULL;
    switch (b->way) {
    case WAY_IN_PLACE:
        *buffer = b->wrapped_logits[part].buffer;
        return TOMBOLA_OK;
    case WAY_STAGED:
        *buffer = b->logits;
        /* Where the device's copy is used anew, a pin is free only once earlier parts are decoded, which may wait for
         * events of the caller's. */
        return b->is_enqueued && b->rows.count > b->round_rows ? send_directly(b, part, error)
                                                               : stage(b, part, after, error);
    default:
        *buffer = b->rows.logits.buffer;
        return TOMBOLA_OK;
    }
}
