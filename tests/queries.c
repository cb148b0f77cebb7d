#include "queries.h"

#include <stdlib.h>

#include "expect.h"
#include "harness.h"
#include "order.h"

enum { TOP = -1, LAST_ID = -1 }; /* of windows that begin with the first token of all, and that end by value */

static cl_program built[COUNT_OF(QUERY_SHAPES)];

static cl_program program_of(struct group_shape shape)
{
    for (size_t i = 0; i < COUNT_OF(QUERY_SHAPES); i++) {
        const struct group_shape *s = &QUERY_SHAPES[i];
        if (s->width == shape.width && s->lanes == shape.lanes && s->teams == shape.teams) {
            built[i] = built[i] ? built[i] : kernels_build("stages_row.cl", shape, TOMBOLA_FLOAT32, "");
            return built[i];
        }
    }
    die("no query has this shape");
}

int queries_close(void **state)
{
    for (size_t i = 0; i < COUNT_OF(built); i++) {
        if (built[i]) {
            clReleaseProgram(built[i]);
        }
        built[i] = NULL;
    }
    return kernels_close(state);
}

struct queries *queries_make(struct group_shape shape, const struct model *model)
{
    struct queries *q = allocate(1, sizeof *q);
    q->shape = shape;
    q->model = model;
    q->padded = (model->blocks + shape.width - 1) / shape.width * shape.width;
    q->maxima = allocate((size_t)MOST_QUERIES * q->padded, sizeof *q->maxima);
    q->facts = allocate((size_t)MOST_QUERIES * q->padded, sizeof *q->facts);
    return q;
}

void queries_release(struct queries *q)
{
    free(q->maxima);
    free(q->facts);
    free(q);
}

struct query *queries_add(struct queries *q, struct ranks ranks, int ends_by_value)
{
    const struct model *m = q->model;
    ranks.end = ranks.end < m->living ? ranks.end : m->living;
    if (ranks.first >= ranks.end || q->count == MOST_QUERIES) {
        return NULL;
    }
    const float last = m->logits[m->order[ranks.end - 1]];
    while (ends_by_value && ranks.end < m->living && m->logits[m->order[ranks.end]] == last) {
        ranks.end++;
    }
    const uint32_t first = m->order[ranks.first];
    struct query *query = &q->query[q->count];
    *query = (struct query){.first_key = ranks.first == 0 ? (uint32_t)TOP : key_of(m->logits[first]),
                            .first_id = ranks.first == 0 ? 0 : first,
                            .last_key = key_of(last),
                            .last_id = ends_by_value ? (uint32_t)LAST_ID : m->order[ranks.end - 1],
                            .scale = m->scale,
                            .unscale = 1.0f / m->scale,
                            .vocabulary = m->vocabulary};
    if (ranks.first == 0 && ranks.end == m->living && ends_by_value) {
        query->last_key = KEY_LOWEST;
    }
    q->ranks[q->count++] = ranks;
    return query;
}

void queries_add_windows(struct queries *q)
{
    const uint32_t n = q->model->living;
    const struct ranks windows[] = {{0, n},         {0, 1},         {0, n / 3},         {0, n - 1}, {0, 40},
                                    {n / 4, n / 2}, {1, n},         {n / 2, n / 2 + 1}, {1, 2},     {n - 1, n},
                                    {3, n / 8},     {n / 8, n - 3}, {n / 3, n / 3 + 9}};
    for (size_t i = 0; i < 2 * COUNT_OF(windows); i++) {
        queries_add(q, windows[i / 2], i % 2 == 0);
    }
}

void queries_run(struct queries *q, const char *kernel)
{
    const size_t places = (size_t)q->count * q->padded;
    struct array arrays[] = {{q->model->logits, q->model->vocabulary * sizeof *q->model->logits},
                             {q->query, q->count * sizeof q->query[0]},
                             {q->maxima, places * sizeof *q->maxima},
                             {q->facts, places * sizeof *q->facts},
                             {q->answer, q->count * sizeof q->answer[0]}};
    assert_less(0, q->count);
    kernels_run(program_of(q->shape), kernel, (size_t)q->count * q->shape.lanes * q->shape.teams, q->shape, arrays,
                COUNT_OF(arrays), 2);
}

void for_rows(uint32_t longest, void (*check)(struct group_shape shape, const struct model *model))
{
    static const enum row_kind kinds[] = {ROW_GAUSSIAN, ROW_TIES,      ROW_EQUAL,  ROW_MOSTLY_MASKED,
                                          ROW_STAIRS,   ROW_FLAT,      ROW_PEAKED, ROW_LOWEST,
                                          ROW_ONE_HOT,  ROW_SUBNORMAL, ROW_HUGE,   ROW_ZEROS};
    static const uint32_t lengths[] = {1, 17, 255, 256, 257, 512, 513, 4095, 4096, 4097, 20000};
    static const float scales[] = {1.4426950f, 2.1f, .36f};
    const int is_small = test_level() == TEST_SMALL;
    for (size_t n = 0; n < COUNT_OF(QUERY_SHAPES) * COUNT_OF(lengths) * COUNT_OF(kinds); n++) {
        const size_t shape = n % COUNT_OF(QUERY_SHAPES), row = n / COUNT_OF(QUERY_SHAPES);
        const uint32_t vocabulary = lengths[row % COUNT_OF(lengths)];
        const enum row_kind kind = kinds[row / COUNT_OF(lengths)];
        /* longer rows meet a group of one shape each */
        const int is_left_out = vocabulary > 513 && shape > 0 && row % 2 != shape % 2;
        /* PoCL takes 15 s to compile for one team of eight work-items, which has no steps of its own */
        const int is_rare = shape == 2 && test_level() != TEST_ALL;
        if (vocabulary > (is_small ? 257 : longest) || is_left_out || is_rare || (is_small && kind > ROW_EQUAL)) {
            continue;
        }
        float *values = allocate(vocabulary, sizeof *values);
        const struct row_recipe recipe = {.kind = kind, .seed = (uint32_t)row + 1, .vocabulary = vocabulary};
        row_fill(&recipe, values, NULL);
        struct model model = model_make(values, vocabulary, scales[row % COUNT_OF(scales)]);
        if (model_is_good(&model)) {
            check(QUERY_SHAPES[shape], &model);
        }
        model_release(&model);
        free(values);
    }
}
