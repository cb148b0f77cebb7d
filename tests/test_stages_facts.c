/* Passes over a row that leave facts, alone on the device: what they tell of windows, against sums over a sort. */
#include <stdlib.h>

#include "expect.h"
#include "order.h"
#include "queries.h"

#define assert_for(q, i, got, right)                                                                                   \
    assert_that((got) == (right), "%u x %u x %u, %u tokens, ranks %u to %u: " #got " is %llu, not %llu",               \
                (q)->shape.lanes, (q)->shape.width, (q)->shape.teams, (unsigned)(q)->model->vocabulary,                \
                (unsigned)(q)->ranks[i].first, (unsigned)(q)->ranks[i].end, (unsigned long long)(got),                 \
                (unsigned long long)(right))

/* The row's largest logit, and that of each block, as keys. */
static void check_maxima(const struct queries *q, uint32_t i)
{
    const struct model *m = q->model;
    const uint32_t *maxima = q->maxima + (size_t)i * q->padded;
    assert_for(q, i, q->answer[i].top, key_of(m->logits[m->order[0]]));
    for (uint32_t b = 0; b < q->padded; b++) {
        assert_for(q, i, maxima[b], b < m->blocks ? key_of(m->top[b]) : 0);
    }
}

static void check_window(const struct queries *q, uint32_t i, uint64_t *sums, uint32_t *numbers)
{
    const struct model *m = q->model;
    const struct ranks ranks = q->ranks[i];
    const struct answer *a = &q->answer[i];
    const uint64_t *facts = q->facts + (size_t)i * q->padded;
    const uint32_t last = m->order[ranks.end - 1];
    model_sums(m, ranks, sums, numbers);
    for (uint32_t b = 0; b < m->blocks; b++) {
        assert_for(q, i, facts[b], sums[b] | (uint64_t)numbers[b] << 40);
    }
    assert_for(q, i, a->mass, model_mass(m, sums));
    assert_for(q, i, a->count, ranks.end - ranks.first);
    assert_for(q, i, a->counted, ranks.end - ranks.first);
    assert_for(q, i, a->last_key, key_of(m->logits[last]));
    assert_for(q, i, a->last_id, last);
}

static void check_sums(struct group_shape shape, const struct model *m)
{
    struct queries *q = queries_make(shape, m);
    uint64_t *sums = allocate(m->blocks, sizeof *sums);
    uint32_t *numbers = allocate(m->blocks, sizeof *numbers);
    queries_add_windows(q);
    queries_run(q, "measured");
    for (uint32_t i = 0; i < q->count; i++) {
        check_maxima(q, i);
        check_window(q, i, sums, numbers);
    }
    free(sums);
    free(numbers);
    queries_release(q);
}

static void facts_of_windows_are_sums_over_a_sort(void **state)
{
    (void)state;
    for_rows(20000, check_sums);
}

static void check_numbers(struct group_shape shape, const struct model *m)
{
    struct queries *q = queries_make(shape, m);
    queries_add(q, (struct ranks){0, m->living}, 1);
    queries_run(q, "numbered");
    check_maxima(q, 0);
    assert_for(q, 0, q->answer[0].count, m->living);
    queries_release(q);
}

static void tokens_that_can_be_drawn_are_counted_with_the_maxima(void **state)
{
    (void)state;
    for_rows(20000, check_numbers);
}

static void check_extended(struct group_shape shape, const struct model *m)
{
    struct queries *q = queries_make(shape, m);
    queries_add(q, (struct ranks){0, m->living}, 1);
    queries_run(q, "extended");
    check_maxima(q, 0);
    for (uint32_t b = 0; b < m->blocks; b++) {
        assert_for(q, 0, q->facts[b], model_extended_sum(m, b));
    }
    queries_release(q);
}

static void extended_sums_keep_what_weights_lose(void **state)
{
    (void)state;
    for_rows(4097, check_extended);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_of_windows_are_sums_over_a_sort),
        cmocka_unit_test(tokens_that_can_be_drawn_are_counted_with_the_maxima),
        cmocka_unit_test(extended_sums_keep_what_weights_lose),
    };
    return cmocka_run_group_tests(tests, kernels_open, queries_close);
}
