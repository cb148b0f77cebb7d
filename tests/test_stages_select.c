/* Selection alone on the device, in each of its forms, against a sort on the host. */
#include <stdio.h>

#include "expect.h"
#include "harness.h"
#include "order.h"
#include "queries.h"

static uint64_t declined, answered; /* by select_alone */

/* How many of a query's ranks its answer keeps. */
static uint32_t kept_by(const struct queries *q, uint32_t i)
{
    const struct model *m = q->model;
    const struct answer *a = &q->answer[i];
    uint32_t kept = 0;
    for (uint32_t rank = q->ranks[i].first; rank < q->ranks[i].end; rank++, kept++) {
        const uint32_t id = m->order[rank], key = key_of(m->logits[id]);
        if (key < a->last_key || (key == a->last_key && id > a->last_id)) {
            break;
        }
    }
    return kept;
}

static void check_facts(const struct queries *q, uint32_t i, uint32_t kept, uint64_t *sums, uint32_t *numbers)
{
    const struct ranks ranks = {q->ranks[i].first, q->ranks[i].first + kept};
    model_sums(q->model, ranks, sums, numbers);
    for (uint32_t b = 0; b < q->model->blocks; b++) {
        assert_true(q->facts[(size_t)i * q->padded + b] == (sums[b] | (uint64_t)numbers[b] << 40));
    }
}

static void check_answers(const struct queries *q)
{
    uint64_t *sums = allocate(q->model->blocks, sizeof *sums);
    uint32_t *numbers = allocate(q->model->blocks, sizeof *numbers);
    for (uint32_t i = 0; i < q->count; i++) {
        const struct query *query = &q->query[i];
        const uint32_t right = model_select(q->model, q->ranks[i], (int)query->by_mass, query->limit);
        declined += query->way == WAY_ALONE && q->answer[i].is_declined;
        answered += query->way == WAY_ALONE && !q->answer[i].is_declined;
        if (query->way == WAY_ALONE && q->answer[i].is_declined) {
            continue;
        }
        assert_that(kept_by(q, i) == right,
                    "%u x %u x %u, %u tokens, ranks %u to %u, limit %llu by %s, way %u: %u kept, not %u",
                    q->shape.lanes, q->shape.width, q->shape.teams, (unsigned)q->model->vocabulary,
                    (unsigned)q->ranks[i].first, (unsigned)q->ranks[i].end, (unsigned long long)query->limit,
                    query->by_mass ? "mass" : "number", (unsigned)query->way, (unsigned)kept_by(q, i), (unsigned)right);
        if (q->answer[i].is_summed) {
            check_facts(q, i, right, sums, numbers);
        }
    }
    free(sums);
    free(numbers);
}

/* Adds a query in each way that the shape has. */
static void add_in_all_ways(struct queries *q, struct ranks ranks, int ends_by_value, int by_mass, uint64_t limit)
{
    const int is_alone = q->shape.lanes * q->shape.teams == 1;
    for (uint32_t way = WAY_SELECT; way <= (uint32_t)(is_alone ? WAY_ALONE : WAY_ANY); way++) {
        struct query *query = queries_add(q, ranks, ends_by_value);
        if (query) {
            query->way = way;
            query->by_mass = (uint32_t)by_mass;
            query->limit = limit > 0 ? limit : 1;
        }
    }
}

/* Windows of the row: all of it, a beginning cut between equal keys or not, and a middle. */
static struct ranks window_of(const struct model *m, uint32_t which)
{
    const uint32_t n = m->living;
    const struct ranks windows[] = {{0, n}, {0, n - n / 4}, {n / 16, n - n / 3}};
    return windows[which];
}

static void select_by_number(struct group_shape shape, const struct model *m)
{
    struct queries *q = queries_make(shape, m);
    for (uint32_t which = 0; which < 3; which++) {
        const struct ranks ranks = window_of(m, which);
        const uint32_t all = ranks.end - ranks.first;
        const uint64_t limits[] = {1, 2, 49, 50, 51, all / 2, all - all / 8, all - 1, all, all + 1};
        for (size_t i = 0; i < COUNT_OF(limits); i++) {
            add_in_all_ways(q, ranks, which == 0 || i % 2, 0, limits[i]);
        }
    }
    if (q->count > 0) {
        queries_run(q, "selected");
        check_answers(q);
    }
    queries_release(q);
}

/* The mass of the first of some ranks, token by token. */
static uint64_t mass_of_first(const struct model *m, struct ranks ranks, uint32_t count)
{
    uint64_t mass = 0;
    for (uint32_t i = 0; i < count; i++) {
        mass += model_token_mass(m, m->order[ranks.first + i]);
    }
    return mass;
}

static void select_by_mass(struct group_shape shape, const struct model *m)
{
    struct queries *q = queries_make(shape, m);
    uint64_t *sums = allocate(m->blocks, sizeof *sums);
    uint32_t *numbers = allocate(m->blocks, sizeof *numbers);
    for (uint32_t which = 0; which < 3; which++) {
        struct ranks ranks = window_of(m, which);
        if (ranks.first >= ranks.end) {
            continue;
        }
        struct query *last = queries_add(q, ranks, which != 1);
        ranks = q->ranks[--q->count]; /* of a window that ends by value: with all equals of the last */
        (void)last;
        model_sums(m, ranks, sums, numbers);
        const uint64_t all = model_mass(m, sums);
        const uint32_t number = ranks.end - ranks.first;
        const uint32_t counts[] = {1, 2, 50, number / 4, number / 2, number - number / 8, number};
        for (size_t i = 0; i < 3 * COUNT_OF(counts); i++) {
            const uint32_t count = counts[i / 3] < number ? counts[i / 3] : number;
            const uint64_t limit = mass_of_first(m, ranks, count) + i % 3 - 1;
            add_in_all_ways(q, ranks, which != 1, 1, limit > all + 1 ? 1 : limit > all ? all : limit);
        }
        add_in_all_ways(q, ranks, which != 1, 1, all - all / 20);
        add_in_all_ways(q, ranks, which != 1, 1, all);
    }
    if (q->count > 0) {
        queries_run(q, "selected");
        check_answers(q);
    }
    free(sums);
    free(numbers);
    queries_release(q);
}

static void the_last_token_within_a_number_is_the_sorts(void **state)
{
    (void)state;
    for_rows(20000, select_by_number);
}

static void the_last_token_within_a_mass_is_the_sorts(void **state)
{
    (void)state;
    for_rows(20000, select_by_mass);
}

/* Else the tests above would look at nothing. */
static void a_work_item_alone_has_answered_most_queries_by_itself(void **state)
{
    (void)state;
    printf("%llu of %llu\n", (unsigned long long)answered, (unsigned long long)(answered + declined));
    assert_less(declined, answered);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_token_within_a_number_is_the_sorts),
        cmocka_unit_test(the_last_token_within_a_mass_is_the_sorts),
        cmocka_unit_test(a_work_item_alone_has_answered_most_queries_by_itself),
    };
    return cmocka_run_group_tests(tests, kernels_open, queries_close);
}
