#include "results_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "entries.h"
#include "oracle.h"
#include "rows.h"

enum { LOGITS_OFFSET = 3, PADDING = 5, BEHIND = 4, UNTOUCHED = 0x5A };
#define UNTOUCHED_WORD 0x5A5A5A5Au

static const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, CASE_VOCABULARY};

/* Side by side, and with a stride that is no vocabulary. */
static struct {
    size_t stride;
    float *host;
    cl_mem buffer; /* behind LOGITS_OFFSET elements of NaN */
} sources[2] = {{.stride = CASE_VOCABULARY}, {.stride = CASE_VOCABULARY + PADDING}};

static tombola_params params[SOURCE_KINDS];
static uint32_t *expected[ARRAYS][SOURCE_KINDS];
static tombola_sampler *samplers[3][2]; /* by transfer and dispatch */

static tombola_sampler *sampler_for(tombola_transfer transfer, tombola_dispatch dispatch)
{
    tombola_sampler **made = &samplers[transfer][dispatch == TOMBOLA_DISPATCH_SPREAD];
    if (!*made)
        *made = make_sampler_that(context, &make, CASE_MOST_ROWS, dispatch, transfer);
    return *made;
}

struct results_case usual_case(void)
{
    return (struct results_case){
        .dispatch = TOMBOLA_DISPATCH_ROW, .wanted = (1u << ARRAYS) - 1, .rows = SOURCE_KINDS, .candidate_count = 5};
}

const uint32_t *expected_of(enum array array, size_t source_row)
{
    return expected[array][source_row % SOURCE_KINDS];
}

tombola_row_status status_expected(size_t source_row)
{
    return (tombola_row_status)expected_of(ARRAY_STATUS, source_row)[0];
}

/* ------------------------------------------------------------------ a case */

/* An array's memory: `before` words, rows, and some words behind them in a buffer, none in host memory. */
struct area {
    size_t before, width, stride, words; /* words: of all */
    uint32_t *host;                      /* the array itself, or what was read from the buffer */
    cl_mem buffer;
};

static size_t width_of(const struct results_case *c, enum array array)
{
    return array_width(array, CASE_VOCABULARY, c->candidate_count);
}

static int is_in(unsigned set, enum array array)
{
    return (int)(set >> array & 1);
}

/* Where arrays lie in a buffer that they share; in a buffer of its own each lies as if it were the first. */
static void lay_out(const struct results_case *c, struct area *areas)
{
    size_t place = 0;
    for (enum array array = 0; array < ARRAYS; array++) {
        struct area *area = &areas[array];
        *area = (struct area){.width = width_of(c, array), .stride = width_of(c, array)};
        if (!is_in(c->wanted, array))
            continue;
        if (array_has_stride(array))
            area->stride += c->probability_padding;
        const size_t own = (c->rows - 1) * area->stride + area->width;
        if (!is_in(c->in_buffer, array)) {
            area->words = own;
            continue;
        }
        area->before = c->offset + (c->one_buffer ? place : 0);
        area->before += area->before % array_element(array);
        area->words = area->before + own + BEHIND;
        place = area->words;
    }
}

static void make_area(struct area *area, int in_buffer)
{
    area->host = memset(allocate(area->words, sizeof *area->host), UNTOUCHED, area->words * sizeof *area->host);
    if (in_buffer)
        area->buffer = entry_buffer(context, area->words * sizeof *area->host, area->host);
}

static void make_areas(const struct results_case *c, struct area *areas, tombola_results *results)
{
    size_t most = 0;
    cl_mem shared = NULL;
    lay_out(c, areas);
    for (enum array array = 0; array < ARRAYS; array++)
        if (areas[array].words > most && is_in(c->in_buffer, array))
            most = areas[array].words;
    for (enum array array = 0; array < ARRAYS; array++) {
        struct area *area = &areas[array];
        const int in_buffer = is_in(c->in_buffer, array);
        if (!is_in(c->wanted, array))
            continue;
        if (in_buffer && c->one_buffer)
            area->words = most;
        make_area(area, in_buffer && !(c->one_buffer && shared));
        if (in_buffer && c->one_buffer) {
            if (shared)
                clRetainMemObject(shared);
            else
                shared = area->buffer;
            area->buffer = shared;
        }
        array_set(results, array, in_buffer ? NULL : area->host, area->buffer,
                  in_buffer ? area->before / array_element(array) : 0);
    }
}

static size_t source_row(const struct results_case *c, size_t row)
{
    return c->indices ? c->indices[row] : row;
}

/* The word that is to be at this place behind an array's beginning. */
static uint32_t word_at(const struct results_case *c, enum array array, size_t row, size_t place)
{
    return place < width_of(c, array) ? expected_of(array, source_row(c, row))[place] : UNTOUCHED_WORD;
}

static void expect_area(const struct results_case *c, enum array array, const struct area *area)
{
    const size_t begin = area->before, end = begin + (c->rows - 1) * area->stride + area->width;
    for (size_t i = 0; i < area->words; i++) {
        const int is_result = i >= begin && i < end;
        const size_t row = is_result ? (i - begin) / area->stride : 0,
                     place = is_result ? (i - begin) % area->stride : i;
        const uint32_t word = is_result ? word_at(c, array, row, place) : UNTOUCHED_WORD;
        if (!is_result && c->one_buffer && is_in(c->in_buffer, array))
            continue; /* another array may be there */
        if (area->host[i] != word)
            fail_msg(
                "%s by call %d, transfer %d, dispatch %d, wanted %#x, in buffers %#x, logits %s: element %zu of row "
                "%zu (source %zu) is %#x, not %#x",
                array_name(array), (int)c->call, (int)c->transfer, (int)c->dispatch, c->wanted, c->in_buffer,
                c->logits_in_buffer ? "in a buffer" : "in host memory", place, row, source_row(c, row), area->host[i],
                word);
    }
}

void expect_results(const struct results_case *c)
{
    struct area areas[ARRAYS];
    tombola_params row_params[CASE_MOST_ROWS];
    tombola_results results = tombola_results_default();
    for (size_t row = 0; row < c->rows; row++)
        row_params[row] = params[source_row(c, row) % SOURCE_KINDS];
    tombola_rows rows = host_rows(NULL, c->rows, c->is_wide ? sources[1].stride : 0, row_params);
    rows.indices = c->indices;
    if (c->logits_in_buffer) {
        rows.logits.buffer = sources[c->is_wide].buffer;
        rows.logits.offset = LOGITS_OFFSET;
    } else {
        rows.logits.host = sources[c->is_wide].host;
    }
    results.candidate_count = c->candidate_count;
    results.probability_stride = c->probability_padding ? CASE_VOCABULARY + c->probability_padding : 0;
    make_areas(c, areas, &results);
    if (call_as(c->call, sampler_for(c->transfer, c->dispatch), &rows, &results))
        fail_msg("call %d, wanted %#x, in buffers %#x: %s", (int)c->call, c->wanted, c->in_buffer, error.message);
    for (enum array array = 0; array < ARRAYS; array++) {
        struct area *area = &areas[array];
        if (!is_in(c->wanted, array))
            continue;
        if (area->buffer) {
            assert_int_equal(clEnqueueReadBuffer(queues[0], area->buffer, CL_TRUE, 0, area->words * sizeof *area->host,
                                                 area->host, 0, NULL, NULL),
                             CL_SUCCESS);
            clReleaseMemObject(area->buffer);
        }
        expect_area(c, array, area);
        free(area->host);
    }
}

/* -------------------------------------------------------------- the source */

/* The rows' kinds, and the parameters that they are drawn with. */
static void fill_kind(size_t kind, float *row)
{
    static const enum row_kind kinds[SOURCE_KINDS] = {ROW_GAUSSIAN, ROW_NAN,  ROW_MOSTLY_MASKED, ROW_EMPTY,
                                                      ROW_TIES,     ROW_FLAT, ROW_PEAKED};
    static const float temperatures[SOURCE_KINDS] = {1.0f, 1.0f, 0.7f, 1.0f, 0.0f, 2.0f, 0.9f};
    const struct row_recipe recipe = {kinds[kind], (uint32_t)kind, CASE_VOCABULARY, TOMBOLA_FLOAT32, TOMBOLA_LOGITS};
    row_fill(&recipe, row, NULL);
    params[kind] = params_at(temperatures[kind]);
    params[kind].seed = 5;
    params[kind].stream = (uint32_t)kind;
    params[kind].top_k = kind == 5 ? 40 : 0;
    params[kind].top_p = kind == 0 ? 0.9f : 1.0f;
}

static void ask_alone(tombola_sampler *alone, const float *row, size_t kind, enum array array)
{
    const size_t width = array_width(array, CASE_VOCABULARY, CASE_MOST_CANDIDATES);
    const tombola_rows rows = host_rows(row, 1, 0, &params[kind]);
    tombola_results results = tombola_results_default();
    results.candidate_count = array >= ARRAY_CANDIDATE_TOKENS ? CASE_MOST_CANDIDATES : 0;
    expected[array][kind] = allocate(width, sizeof(uint32_t));
    array_set(&results, array, expected[array][kind], NULL, 0);
    if (tombola_sampler_sample(alone, &rows, &results, &error))
        fail_msg("%s alone: %s", array_name(array), error.message);
}

/* The boundary is where the rank order stands after as many tokens as are kept. */
static void expect_boundary(const float *row, size_t kind)
{
    tombola_boundary got;
    uint32_t before = 0, kept = expected_of(ARRAY_KEPT, kind)[0];
    memcpy(&got, expected_of(ARRAY_BOUNDARY, kind), sizeof got);
    if (kept == 0) {
        if (got.token != -1 || got.logit != -INFINITY)
            die("row kind %zu alone: boundary %d of %g, but nothing is kept", kind, (int)got.token, (double)got.logit);
        return;
    }
    for (int32_t id = 0; id < CASE_VOCABULARY; id++)
        before += row[id] > row[got.token] || (row[id] == row[got.token] && id < got.token);
    if (before != kept - 1 || got.logit != row[got.token])
        die("row kind %zu alone: boundary %d of %g, with %u before it of %u kept, but a logit of %g", kind,
            (int)got.token, (double)got.logit, before, kept, (double)row[got.token]);
}

/* What the calls for one result each give is right where the oracle knows. */
static void expect_oracle(const float *row, size_t kind)
{
    struct oracle_row *oracle = oracle_row_create(row, CASE_VOCABULARY, TOMBOLA_LOGITS);
    const struct draw draw = oracle_draw(oracle, &params[kind]);
    if (draw.token != (int32_t)expected_of(ARRAY_TOKENS, kind)[0] || draw.kept != expected_of(ARRAY_KEPT, kind)[0] ||
        draw.status != (int32_t)status_expected(kind))
        fail_msg("row kind %zu alone: token %d, kept %u, status %d, where the oracle has %d, %u, %d", kind,
                 (int)expected_of(ARRAY_TOKENS, kind)[0], expected_of(ARRAY_KEPT, kind)[0], (int)status_expected(kind),
                 draw.token, draw.kept, draw.status);
    oracle_row_release(oracle);
    expect_boundary(row, kind);
}

static void make_source(size_t which, const float *kinds)
{
    const size_t stride = sources[which].stride, floats = (SOURCE_ROWS - 1) * stride + CASE_VOCABULARY;
    float *padded = allocate(LOGITS_OFFSET + floats, sizeof *padded), *host = allocate(floats, sizeof *host);
    memset(padded, 0xFF, (LOGITS_OFFSET + floats) * sizeof *padded);
    for (size_t row = 0; row < SOURCE_ROWS; row++)
        memcpy(padded + LOGITS_OFFSET + row * stride, kinds + row % SOURCE_KINDS * CASE_VOCABULARY,
               CASE_VOCABULARY * sizeof *padded);
    memcpy(host, padded + LOGITS_OFFSET, floats * sizeof *host);
    sources[which].host = host;
    sources[which].buffer = entry_buffer(context, (LOGITS_OFFSET + floats) * sizeof *padded, padded);
    free(padded);
}

int open_source(void **state)
{
    open_queues(state);
    float *kinds = allocate(SOURCE_KINDS * CASE_VOCABULARY, sizeof *kinds);
    tombola_sampler *alone = make_sampler(context, &make, 1, TOMBOLA_DISPATCH_ROW);
    for (size_t kind = 0; kind < SOURCE_KINDS; kind++) {
        float *row = kinds + kind * CASE_VOCABULARY;
        fill_kind(kind, row);
        for (enum array array = 0; array < ARRAYS; array++)
            ask_alone(alone, row, kind, array);
        expect_oracle(row, kind);
    }
    tombola_sampler_release(alone);
    for (size_t which = 0; which < COUNT_OF(sources); which++)
        make_source(which, kinds);
    free(kinds);
    return 0;
}

int close_source(void **state)
{
    for (size_t i = 0; i < 6; i++)
        tombola_sampler_release(samplers[i / 2][i % 2]);
    for (size_t which = 0; which < COUNT_OF(sources); which++) {
        free(sources[which].host);
        clReleaseMemObject(sources[which].buffer);
    }
    for (size_t i = 0; i < (size_t)ARRAYS * SOURCE_KINDS; i++)
        free(expected[i / SOURCE_KINDS][i % SOURCE_KINDS]);
    return close_queues(state);
}
