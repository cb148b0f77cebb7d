#include "part.h"

#include "columns.h"
#include "error.h"

#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ lists */

/* Lists of each row's entries, one row's behind another's; entries may be lists themselves. Offsets into tombola_rows.
 */
struct list {
    size_t entries, entry_bytes;
    size_t inner; /* ends of entries that are lists; NONE: they are not */
    size_t ends;  /* of rows */
};
#define NONE SIZE_MAX
#define AT(field) offsetof(tombola_rows, field)
static const struct list lists[] = {
    {AT(biases), sizeof(tombola_bias), NONE, AT(bias_ends)},
    {AT(history), sizeof(int32_t), NONE, AT(history_ends)},
    {AT(end_tokens), sizeof(int32_t), NONE, AT(end_token_ends)},
    {AT(words), sizeof(int32_t), AT(word_ends), AT(banned_ends)},
    {AT(breakers), sizeof(int32_t), AT(breaker_ends), AT(breaker_row_ends)},
    {AT(forced), sizeof(int32_t), NONE, AT(forced_ends)},
    {AT(score_tokens), sizeof(int32_t), NONE, AT(score_ends)},
};
enum { LISTS = sizeof lists / sizeof lists[0] };

/* A pointer in the struct; data pointers of all types look alike. */
static const void *pointer_at(const tombola_rows *rows, size_t offset)
{
    const void *pointer;
    memcpy(&pointer, (const char *)rows + offset, sizeof pointer);
    return pointer;
}

static void set_pointer(tombola_rows *rows, size_t offset, const void *pointer)
{
    memcpy((char *)rows + offset, &pointer, sizeof pointer);
}

static void advance(tombola_rows *rows, size_t offset, size_t bytes)
{
    const char *pointer = pointer_at(rows, offset);
    set_pointer(rows, offset, pointer ? pointer + bytes : NULL);
}

static size_t end_before(const size_t *ends, size_t index)
{
    return index ? ends[index - 1] : 0;
}

static int ascend(const size_t *ends, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (ends[i] < ends[i - 1])
            return 0;
    return 1;
}

static int list_can(const struct list *list, const tombola_rows *rows)
{
    const size_t *ends = pointer_at(rows, list->ends);
    if (!ends)
        return 1;
    if (!ascend(ends, rows->count))
        return 0;
    const size_t *inner = list->inner == NONE ? NULL : pointer_at(rows, list->inner);
    return list->inner == NONE || ends[rows->count - 1] == 0 || (inner && ascend(inner, ends[rows->count - 1]));
}

/* Ends that a part needs of its own. */
static size_t list_ends(const struct list *list, const tombola_rows *rows, size_t first, size_t count)
{
    const size_t *ends = pointer_at(rows, list->ends);
    if (!ends || first == 0)
        return 0;
    return count + (list->inner == NONE ? 0 : ends[first + count - 1] - ends[first - 1]);
}

/* Makes `count` ends from the one with index `first` on count from the end before it, which it returns. */
static size_t rebase(tombola_rows *rows, size_t offset, size_t first, size_t count, size_t **room)
{
    const size_t *ends = pointer_at(rows, offset), base = end_before(ends, first);
    for (size_t i = 0; i < count; i++)
        (*room)[i] = ends[first + i] - base;
    set_pointer(rows, offset, *room);
    *room += count;
    return base;
}

/* room: for list_ends; left behind what is taken */
static void list_take(const struct list *list, tombola_rows *rows, size_t first, size_t count, size_t **room)
{
    const size_t *ends = pointer_at(rows, list->ends);
    if (!ends || first == 0)
        return;
    const size_t entries = ends[first + count - 1] - ends[first - 1];
    size_t base = rebase(rows, list->ends, first, count, room);
    if (list->inner != NONE && pointer_at(rows, list->inner))
        base = rebase(rows, list->inner, base, entries, room);
    advance(rows, list->entries, base * list->entry_bytes);
}

/* ------------------------------------------------------------------ results */

static size_t or_else(size_t value, size_t otherwise)
{
    return value ? value : otherwise;
}

static void advance_place(tombola_results *results, const struct member *member, size_t elements)
{
    struct place place = member_place(results, member);
    if (place.host)
        place.host = (char *)place.host + elements * member->words * sizeof(u32);
    if (place.buffer)
        place.offset += elements;
    memcpy((char *)results + member->offset, &place, sizeof place);
}

static void results_take(tombola_results *r, const struct part_shape *shape, const tombola_rows *rows, size_t first)
{
    const size_t samples = or_else(r->samples, 1), stride = or_else(r->probability_stride, shape->columns);
    for (int column = 0; column < COLUMNS; column++) {
        const struct member *m = column_member(column);
        const size_t score = rows->score_ends ? end_before(rows->score_ends, first) : 0;
        advance_place(r, m,
                      m->entries == ENTRIES_SCORES    ? score
                      : m->entries == ENTRIES_SAMPLES ? first * samples
                                                      : first);
    }
    for (int column = 0; column < TOP_K_COLUMNS; column++)
        advance_place(r, candidate_member(column), first * r->candidate_count);
    for (int output = 0; output < OUTPUTS; output++)
        advance_place(r, output_member(output), first * stride);
}

int part_is_listed(const tombola_results *r)
{
    return r->kept_ends.host || r->kept_ends.buffer || r->kept_tokens.host || r->kept_tokens.buffer;
}

/* ------------------------------------------------------------------ parts */

int part_can(const tombola_rows *rows)
{
    if (!rows->params)
        return 0;
    if (!rows->mask_of_row && rows->mask_count && rows->mask_count < rows->count)
        return 0;
    for (int i = 0; i < LISTS; i++)
        if (!list_can(&lists[i], rows))
            return 0;
    return 1;
}

static void take_logits(tombola_rows *rows, const struct part_shape *shape, size_t first)
{
    const size_t elements = first * or_else(rows->stride, shape->columns);
    if (rows->indices)
        rows->indices += first;
    else if (rows->logits.host)
        rows->logits.host = (const char *)rows->logits.host + elements * shape->logit_bytes;
    else
        rows->logits.offset += elements;
}

static void take_masks(tombola_rows *rows, const struct part_shape *shape, size_t all, size_t first)
{
    const size_t words = first * or_else(rows->mask_stride, (shape->vocabulary + 31) / 32);
    if (rows->mask_of_row) {
        rows->mask_of_row += first;
        rows->mask_count = or_else(rows->mask_count, all);
        return;
    }
    if (rows->masks.host)
        rows->masks.host += words;
    else if (rows->masks.buffer)
        rows->masks.offset += words;
    if (rows->mask_count)
        rows->mask_count -= first;
}

tombola_status part_take(struct part *part, const struct part_shape *shape, const tombola_rows *rows,
                         const tombola_results *results, size_t first, size_t count, tombola_error *error)
{
    size_t needed = 0;
    for (int i = 0; i < LISTS; i++)
        needed += list_ends(&lists[i], rows, first, count);
    if (needed > part->ends_room) {
        free(part->ends);
        part->ends = malloc(needed * sizeof *part->ends);
        part->ends_room = part->ends ? needed : 0;
        if (!part->ends)
            return fail(error, TOMBOLA_OUT_OF_MEMORY, "no memory for lists of half a batch: %zu ends", needed);
    }
    part->rows = *rows;
    part->results = *results;
    part->rows.count = count;
    size_t *room = part->ends, params_bytes = *(const uint32_t *)rows->params;
    for (int i = 0; i < LISTS; i++)
        list_take(&lists[i], &part->rows, first, count, &room);
    take_logits(&part->rows, shape, first);
    take_masks(&part->rows, shape, rows->count, first);
    part->rows.params = (const tombola_params *)((const char *)rows->params + first * params_bytes);
    if (rows->prompt_lengths)
        part->rows.prompt_lengths += first;
    results_take(&part->results, shape, rows, first);
    return TOMBOLA_OK;
}

void part_free(struct part *part)
{
    free(part->ends);
}
