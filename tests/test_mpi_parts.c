/* Parts of batches: each row has there what it has in the whole, field by field. No field of rows or results may be
 * forgotten: all are in the tables below, and what is not makes the tests fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "expect.h"
#include "harness.h"
#include "part.h"

/* A batch, of which rows [FIRST, FIRST + COUNT) are taken. */
enum { ALL = 6, FIRST = 2, COUNT = 3, V = 700, COLUMNS = 256, STRIDE = 300, MASK_STRIDE = 25, SAMPLES = 3, K = 4 };
static const struct part_shape shape = {V, COLUMNS, 2};

/* ------------------------------------------------------------------ fields */

enum kind {
    SAME,
    NUMBER, /* of rows */
    LOGITS,
    MASKS,
    MASK_COUNT,
    EACH,   /* has an element for each row */
    PARAMS, /* likewise, as far apart as the first one says */
    ENTRIES,
    INNER_ENDS,
    ENDS, /* of a list: its entries come before */
    EACH_SAMPLE,
    EACH_CANDIDATE,
    EACH_TOKEN,
    EACH_SCORE,
    LISTED, /* one behind another, so that there are no parts */
};

struct field {
    const char *name;
    size_t offset, size;
    enum kind kind;
    size_t element; /* bytes */
};

#define FIELD_OF(type, field, kind, element)                                                                           \
    {                                                                                                                  \
#field, offsetof(type, field), sizeof(((type *)0)->field), kind, element                                       \
    }
#define ROWS_FIELD(field, kind, element) FIELD_OF(tombola_rows, field, kind, element)
#define RESULTS_FIELD(field, kind, element) FIELD_OF(tombola_results, field, kind, element)

static const struct field rows_fields[] = {
    ROWS_FIELD(struct_size, SAME, 0),
    ROWS_FIELD(reserved, SAME, 0),
    ROWS_FIELD(count, NUMBER, 0),
    ROWS_FIELD(logits, LOGITS, 0),
    ROWS_FIELD(stride, SAME, 0),
    ROWS_FIELD(indices, EACH, sizeof(uint32_t)),
    ROWS_FIELD(params, PARAMS, 0),
    ROWS_FIELD(masks, MASKS, 0),
    ROWS_FIELD(mask_stride, SAME, 0),
    ROWS_FIELD(mask_count, MASK_COUNT, 0),
    ROWS_FIELD(mask_of_row, EACH, sizeof(int32_t)),
    ROWS_FIELD(biases, ENTRIES, sizeof(tombola_bias)),
    ROWS_FIELD(bias_ends, ENDS, 0),
    ROWS_FIELD(history, ENTRIES, sizeof(int32_t)),
    ROWS_FIELD(history_ends, ENDS, 0),
    ROWS_FIELD(prompt_lengths, EACH, sizeof(size_t)),
    ROWS_FIELD(end_tokens, ENTRIES, sizeof(int32_t)),
    ROWS_FIELD(end_token_ends, ENDS, 0),
    ROWS_FIELD(words, ENTRIES, sizeof(int32_t)),
    ROWS_FIELD(word_ends, INNER_ENDS, 0),
    ROWS_FIELD(banned_ends, ENDS, 0),
    ROWS_FIELD(breakers, ENTRIES, sizeof(int32_t)),
    ROWS_FIELD(breaker_ends, INNER_ENDS, 0),
    ROWS_FIELD(breaker_row_ends, ENDS, 0),
    ROWS_FIELD(forced, ENTRIES, sizeof(int32_t)),
    ROWS_FIELD(forced_ends, ENDS, 0),
    ROWS_FIELD(thinking_start, SAME, 0),
    ROWS_FIELD(thinking_start_count, SAME, 0),
    ROWS_FIELD(thinking_end, SAME, 0),
    ROWS_FIELD(thinking_end_count, SAME, 0),
    ROWS_FIELD(score_tokens, ENTRIES, sizeof(int32_t)),
    ROWS_FIELD(score_ends, ENDS, 0),
};

static const struct field results_fields[] = {
    RESULTS_FIELD(struct_size, SAME, 0),
    RESULTS_FIELD(candidate_count, SAME, 0),
    RESULTS_FIELD(tokens, EACH_SAMPLE, 4),
    RESULTS_FIELD(status, EACH, 4),
    RESULTS_FIELD(kept, EACH, 4),
    RESULTS_FIELD(probabilities, EACH_TOKEN, 4),
    RESULTS_FIELD(log_probabilities, EACH_TOKEN, 4),
    RESULTS_FIELD(probability_stride, SAME, 0),
    RESULTS_FIELD(candidate_tokens, EACH_CANDIDATE, 4),
    RESULTS_FIELD(candidate_logits, EACH_CANDIDATE, 4),
    RESULTS_FIELD(candidate_probabilities, EACH_CANDIDATE, 4),
    RESULTS_FIELD(boundary, EACH, sizeof(tombola_boundary)),
    RESULTS_FIELD(logprobs, EACH_SAMPLE, 4),
    RESULTS_FIELD(raw_logprobs, EACH_SAMPLE, 4),
    RESULTS_FIELD(ranks, EACH_SAMPLE, 4),
    RESULTS_FIELD(margins, EACH_SAMPLE, 4),
    RESULTS_FIELD(entropies, EACH, 4),
    RESULTS_FIELD(scores, EACH_SCORE, 4),
    RESULTS_FIELD(raw_scores, EACH_SCORE, 4),
    RESULTS_FIELD(kept_probabilities, EACH_TOKEN, 4),
    RESULTS_FIELD(processed_logits, EACH_TOKEN, 4),
    RESULTS_FIELD(kept_ends, LISTED, 0),
    RESULTS_FIELD(kept_tokens, LISTED, 0),
    RESULTS_FIELD(kept_capacity, SAME, 0),
    RESULTS_FIELD(samples, SAME, 0),
    RESULTS_FIELD(reserved, SAME, 0),
    RESULTS_FIELD(observed, EACH_SAMPLE, 4),
    RESULTS_FIELD(candidate_logprobs, EACH_CANDIDATE, 4),
    RESULTS_FIELD(candidate_raw_logprobs, EACH_CANDIDATE, 4),
};

/* Fields in their order, with no gap that another would fit into: all of them are wider than what pads them. */
static void expect_all(const struct field *fields, size_t count, size_t size)
{
    size_t end = 0;
    for (size_t i = 0; i < count; i++) {
        assert_that(fields[i].offset >= end && fields[i].offset - end < 4, "something lies before %s", fields[i].name);
        end = fields[i].offset + fields[i].size;
    }
    assert_that(size >= end && size - end < 4, "something lies behind %s", fields[count - 1].name);
}

static void no_field_is_forgotten(void **state)
{
    (void)state;
    expect_all(rows_fields, COUNT_OF(rows_fields), sizeof(tombola_rows));
    expect_all(results_fields, COUNT_OF(results_fields), sizeof(tombola_results));
}

/* ------------------------------------------------------------------ a batch */

struct array {
    char *host;
    void *buffer;
    size_t offset;
};

/* Nobody reads these, but for ends and params. */
static char elements[1 << 16];
static const size_t ends[ALL] = {1, 1, 4, 6, 6, 9}, inner_ends[9] = {2, 3, 5, 6, 8, 9, 11, 12, 14};
static tombola_params params[ALL];
static int a_buffer;

static void *at(void *base, const struct field *field)
{
    return (char *)base + field->offset;
}

/* Sets each field to something of its own: arrays to places far apart. */
static void fill(void *base, const struct field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        void *const place = at(base, &fields[i]);
        const void *pointer = fields[i].kind == ENDS         ? (const void *)ends
                              : fields[i].kind == INNER_ENDS ? (const void *)inner_ends
                              : fields[i].kind == PARAMS     ? (const void *)params
                                                             : elements + 1024 * i;
        if (fields[i].size >= sizeof pointer)
            memcpy(place, &pointer, sizeof pointer);
    }
}

static tombola_rows rows_of_batch(void)
{
    tombola_rows rows = tombola_rows_default();
    fill(&rows, rows_fields, COUNT_OF(rows_fields));
    tombola_params_fill(params, ALL, tombola_params_default());
    rows.count = ALL;
    rows.stride = STRIDE;
    rows.mask_stride = MASK_STRIDE;
    rows.mask_count = 40;
    return rows;
}

static tombola_results results_of_batch(void)
{
    tombola_results results = tombola_results_default();
    fill(&results, results_fields, COUNT_OF(results_fields));
    results.probability_stride = V + 3;
    results.candidate_count = K;
    results.samples = SAMPLES;
    results.kept_ends.host = NULL;
    results.kept_tokens.host = NULL;
    return results;
}

static struct part take(const tombola_rows *rows, const tombola_results *results)
{
    static struct part part;
    assert_true(part_can(rows));
    assert_false(part_is_listed(results));
    assert_int_equal(part_take(&part, &shape, rows, results, FIRST, COUNT, NULL), TOMBOLA_OK);
    return part;
}

/* ------------------------------------------------------------------ checks */

/* How far an array has moved: in bytes in host memory, in elements in a buffer. */
static void expect_moved(const struct field *field, const void *whole, const void *part, size_t number, size_t element)
{
    struct array before, after;
    memcpy(&before, at((void *)(uintptr_t)whole, field), sizeof before);
    memcpy(&after, at((void *)(uintptr_t)part, field), sizeof after);
    assert_that(after.host == (before.host ? before.host + number * element : NULL) && after.buffer == before.buffer &&
                    after.offset == before.offset + (before.buffer ? number : 0),
                "%s has moved wrongly", field->name);
}

static void expect_pointer(const struct field *field, const void *whole, const void *part, size_t bytes)
{
    const char *before, *after;
    memcpy(&before, at((void *)(uintptr_t)whole, field), sizeof before);
    memcpy(&after, at((void *)(uintptr_t)part, field), sizeof after);
    assert_that(after == before + bytes, "%s has moved by %td, not %zu", field->name, after - before, bytes);
}

static void expect_ends(const struct field *field, const void *part, const size_t *whole, size_t first, size_t count)
{
    const size_t *after;
    memcpy(&after, at((void *)(uintptr_t)part, field), sizeof after);
    for (size_t i = 0; i < count; i++)
        assert_that(after[i] == whole[first + i] - whole[first - 1], "%s[%zu] is %zu", field->name, i, after[i]);
}

static void expect_same(const struct field *field, const void *whole, const void *part)
{
    assert_that(memcmp(at((void *)(uintptr_t)whole, field), at((void *)(uintptr_t)part, field), field->size) == 0,
                "%s has changed", field->name);
}

static void expect_rows_field(const struct field *f, const tombola_rows *whole, const tombola_rows *part)
{
    const size_t entries = ends[FIRST - 1], inner = ends[FIRST + COUNT - 1] - entries;
    switch (f->kind) {
    case NUMBER:
        assert_int_equal(part->count, COUNT);
        break;
    case LOGITS:
        expect_moved(f, whole, part, whole->indices ? 0 : FIRST * STRIDE, shape.logit_bytes);
        break;
    case MASKS:
        expect_moved(f, whole, part, whole->mask_of_row ? 0 : FIRST * MASK_STRIDE, sizeof(uint32_t));
        break;
    case MASK_COUNT:
        assert_int_equal(part->mask_count, whole->mask_of_row ? whole->mask_count : whole->mask_count - FIRST);
        break;
    case EACH:
        if (*(void **)at((void *)(uintptr_t)whole, f))
            expect_pointer(f, whole, part, FIRST * f->element);
        break;
    case PARAMS:
        expect_pointer(f, whole, part, FIRST * params[0].struct_size);
        break;
    case ENDS:
        expect_ends(f, part, ends, FIRST, COUNT);
        break;
    case INNER_ENDS:
        expect_ends(f, part, inner_ends, entries, inner);
        break;
    case ENTRIES: /* lists of lists come before their inner ends */
        expect_pointer(f, whole, part, (f[1].kind == INNER_ENDS ? inner_ends[entries - 1] : entries) * f->element);
        break;
    default:
        expect_same(f, whole, part);
    }
}

static void expect_results_field(const struct field *f, const tombola_results *whole, const tombola_results *part)
{
    switch (f->kind) {
    case EACH:
        expect_moved(f, whole, part, FIRST, f->element);
        break;
    case EACH_SAMPLE:
        expect_moved(f, whole, part, FIRST * SAMPLES, f->element);
        break;
    case EACH_CANDIDATE:
        expect_moved(f, whole, part, FIRST * K, f->element);
        break;
    case EACH_TOKEN:
        expect_moved(f, whole, part, FIRST * (V + 3), f->element);
        break;
    case EACH_SCORE:
        expect_moved(f, whole, part, ends[FIRST - 1], f->element);
        break;
    default:
        expect_same(f, whole, part);
    }
}

static void expect_part(const tombola_rows *rows, const tombola_results *results)
{
    const struct part part = take(rows, results);
    for (size_t i = 0; i < COUNT_OF(rows_fields); i++)
        expect_rows_field(&rows_fields[i], rows, &part.rows);
    for (size_t i = 0; i < COUNT_OF(results_fields); i++)
        expect_results_field(&results_fields[i], results, &part.results);
}

static void each_field_is_the_rows_own(void **state)
{
    (void)state;
    tombola_rows rows = rows_of_batch();
    tombola_results results = results_of_batch();
    expect_part(&rows, &results);
    rows.indices = NULL;
    rows.mask_of_row = NULL;
    expect_part(&rows, &results);
    rows.logits.host = NULL;
    rows.logits.buffer = (void *)&a_buffer;
    rows.logits.offset = 5;
    rows.masks.host = NULL;
    rows.masks.buffer = (void *)&a_buffer;
    results.tokens.host = NULL;
    results.tokens.buffer = (void *)&a_buffer;
    expect_part(&rows, &results);
}

static void what_is_not_there_stays_so(void **state)
{
    (void)state;
    tombola_rows rows = tombola_rows_default();
    tombola_results results = tombola_results_default();
    rows.params = params;
    rows.count = ALL;
    rows.logits.host = elements;
    const struct part part = take(&rows, &results);
    assert_ptr_equal(part.rows.logits.host, elements + FIRST * COLUMNS * shape.logit_bytes);
    assert_memory_equal(&part.results, &results, sizeof results);
    rows.logits.host = part.rows.logits.host;
    rows.params = part.rows.params;
    rows.count = COUNT;
    assert_memory_equal(&part.rows, &rows, sizeof rows);
    float *const probabilities = (float *)(void *)elements; /* of the columns at hand */
    results.probabilities.host = probabilities;
    rows.count = ALL;
    assert_ptr_equal(take(&rows, &results).results.probabilities.host, probabilities + FIRST * COLUMNS);
    rows.mask_of_row = (const int32_t *)(const void *)elements; /* as many masks as rows, of the whole */
    rows.count = ALL;
    rows.masks.host = (const uint32_t *)(const void *)elements;
    assert_int_equal(take(&rows, &results).rows.mask_count, ALL);
}

static void mistakes_are_left_whole(void **state)
{
    (void)state;
    static const size_t descending[ALL] = {1, 2, 3, 2, 5, 6};
    const tombola_rows rows = rows_of_batch();
    for (size_t i = 0; i < COUNT_OF(rows_fields); i++) {
        tombola_rows wrong = rows;
        const size_t *pointer = descending;
        if (rows_fields[i].kind != ENDS && rows_fields[i].kind != INNER_ENDS)
            continue;
        memcpy(at(&wrong, &rows_fields[i]), &pointer, sizeof pointer);
        assert_that(!part_can(&wrong), "%s descends", rows_fields[i].name);
        pointer = NULL;
        memcpy(at(&wrong, &rows_fields[i]), &pointer, sizeof pointer);
        assert_int_equal(part_can(&wrong), rows_fields[i].kind == ENDS);
    }
    tombola_rows wrong = rows;
    wrong.params = NULL;
    assert_false(part_can(&wrong));
    wrong = rows;
    wrong.mask_of_row = NULL;
    wrong.mask_count = ALL - 1;
    assert_false(part_can(&wrong));
}

static void lists_of_kept_tokens_are_left_whole(void **state)
{
    (void)state;
    tombola_results listed = results_of_batch();
    listed.kept_ends.host = (uint64_t *)(void *)elements;
    assert_true(part_is_listed(&listed));
    listed = results_of_batch();
    listed.kept_tokens.buffer = (void *)elements;
    assert_true(part_is_listed(&listed));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_field_is_forgotten),
        cmocka_unit_test(each_field_is_the_rows_own),
        cmocka_unit_test(what_is_not_there_stays_so),
        cmocka_unit_test(mistakes_are_left_whole),
        cmocka_unit_test(lists_of_kept_tokens_are_left_whole),
    };
    return cmocka_run_group_tests_name("parts of batches", tests, NULL, NULL);
}
