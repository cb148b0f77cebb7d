/* What a row costs at most, whatever its data, alone and in a group: passes over its blocks and barriers. */
#include "counted.h"
#include "expect.h"
#include "harness.h"

enum { ROWS = 3 };

/* One selection by histograms, of a key and then of an id among up to 2^23, with two turns over block maxima before. */
enum { KEY_TURNS = 4, ID_TURNS = 3, BOUND_TURNS = 2, TURNS = KEY_TURNS + ID_TURNS };

/* Passes of a selection by a work-item alone, where all shortcuts fail: a list that overflows, five pivot intervals
 * that miss, each after two looks, and histograms. */
enum { ALONE_SELECTION = 1 + 5 * 2 + TURNS };

/* Barriers of a group. A draw waits so often whatever it does; each step of the row's order, each turn of a selection,
 * each chunk of blocks in a pass that leaves facts, and each sweep over up to 256 blocks adds its own. */
enum { DRAW_BARRIERS = 41, STEP_BARRIERS = 5, TURN_BARRIERS = 5, CHUNK_BARRIERS = 3, SWEEP_BARRIERS = 4 };

struct params_case {
    const char *name;
    tombola_params params;
    uint32_t steps;    /* filters in force, a late temperature among them */
    uint32_t selected; /* of which so many select */
    uint32_t summed;   /* and so many passes make sums in between */
};

static size_t params_cases(struct params_case cases[8])
{
    const struct params_case all[] = {
        {"greedy", with_filters(50, .9f, .05f), 0, 0, 0}, {"temperature", at_temperature(), 0, 0, 0},
        {"top-k", with_filters(40, 1.0f, 0.0f), 1, 1, 0}, {"many by top-k", with_filters(700, 1.0f, 0.0f), 1, 1, 0},
        {"top-p", with_filters(0, .9f, 0.0f), 1, 1, 0},   {"min-p", with_filters(0, 1.0f, .05f), 1, 0, 0},
        {"all", with_filters(700, .9f, .01f), 3, 2, 1},   {"late temperature", with_filters(700, .9f, .01f), 4, 2, 1}};
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        cases[i] = all[i];
    }
    cases[0].params.temperature = 0.0f;
    static const uint8_t late[] = {TOMBOLA_FILTER_TOP_K, TOMBOLA_FILTER_TOP_P, TOMBOLA_FILTER_TEMPERATURE,
                                   TOMBOLA_FILTER_MIN_P};
    for (size_t i = 0; i < COUNT_OF(late); i++) {
        cases[7].params.filters[i] = late[i];
    }
    return COUNT_OF(all);
}

/* A first pass, and a second one where the first can't tell the number of tokens; the filters; the tokens kept; the
 * last of them; and what is drawn from: a sweep of the race, or sums. */
static uint32_t most_passes(const struct params_case *p, struct group_shape shape)
{
    const uint32_t selection = shape.lanes * shape.teams == 1 ? ALONE_SELECTION : TURNS;
    return 2 + p->summed + p->selected * selection + 3;
}

static uint32_t most_barriers(const struct params_case *p, struct counted_rows r, uint32_t turns)
{
    const uint32_t blocks = (r.vocabulary + 255) / 256, chunk = r.shape.teams * 8;
    const uint32_t chunks = (blocks + chunk - 1) / chunk, sweeps = (blocks + 255) / 256;
    return DRAW_BARRIERS + p->steps * STEP_BARRIERS + turns * TURN_BARRIERS + sweeps * SWEEP_BARRIERS +
           (3 + p->summed) * chunks * CHUNK_BARRIERS;
}

static void check_bounds(struct counted_rows r, const struct params_case *p)
{
    const struct counts c = count_draws(r, p->params);
    const uint32_t turns = c.most[COUNTER_TURNS] + c.most[COUNTER_BOUND_TURNS];
    assert_that(c.most[COUNTER_PASSES] <= most_passes(p, r.shape), "%s, kind %d, %u tokens: %u passes, %u at most",
                p->name, r.kind, (unsigned)r.vocabulary, (unsigned)c.most[COUNTER_PASSES],
                (unsigned)most_passes(p, r.shape));
    assert_at_most(c.most[COUNTER_TURNS], p->selected * TURNS);
    assert_at_most(c.most[COUNTER_BOUND_TURNS], p->selected * BOUND_TURNS);
    if (r.shape.lanes * r.shape.teams == 1) {
        assert_int_equal(c.sum[COUNTER_BARRIERS], 0);
    } else {
        assert_that(c.most[COUNTER_BARRIERS] <= most_barriers(p, r, turns),
                    "%s, kind %d, %u tokens: %u barriers, %u at most", p->name, r.kind, (unsigned)r.vocabulary,
                    (unsigned)c.most[COUNTER_BARRIERS], (unsigned)most_barriers(p, r, turns));
    }
}

static void check_odd_rows(struct group_shape shape, uint32_t vocabulary)
{
    struct params_case cases[8];
    const size_t count = params_cases(cases);
    for (int kind = 0; kind < ROW_KINDS; kind++) {
        for (size_t i = 0; i < count; i++) {
            const struct counted_rows rows = {shape, ODD_ROWS + kind, vocabulary, ROWS, UNCONSTRAINED, 1, 1};
            check_bounds(rows, &cases[i]);
        }
    }
}

static void no_row_costs_a_work_item_more_than_its_bound(void **state)
{
    (void)state;
    check_odd_rows(ALONE, 1000);
    if (test_level() != TEST_SMALL) {
        check_odd_rows(ALONE, 20000);
    }
}

static void no_row_costs_a_group_more_than_its_bound(void **state)
{
    (void)state;
    check_odd_rows(TEAMS_OF_LANES, 1000);
    if (test_level() != TEST_SMALL) {
        check_odd_rows(TEAMS_OF_LANES, 5000);
    }
}

/* What a row of a language model costs a group, in all. */
static void usual_draws_of_a_group_cost_what_they_did(void **state)
{
    (void)state;
    struct params_case cases[8];
    static const struct {
        uint32_t passes, barriers;
    } most[8] = {{1, 26}, {2, 51}, {7, 89}, {8, 89}, {8, 95}, {2, 54}, {14, 146}, {14, 141}};
    const size_t count = params_cases(cases);
    for (size_t i = 0; i < (test_level() != TEST_SMALL ? count : 0); i++) {
        const struct counted_rows rows = {TEAMS_OF_LANES, WORKLOAD_LM, 20000, ROWS, UNCONSTRAINED, 0, 0};
        const struct counts c = count_draws(rows, cases[i].params);
        assert_at_most(c.most[COUNTER_PASSES], most[i].passes);
        assert_at_most(c.most[COUNTER_BARRIERS], most[i].barriers);
    }
}

static void a_group_draws_no_numbers_for_blocks_without_a_runner(void **state)
{
    (void)state;
    const struct counted_rows rows = {TEAMS_OF_LANES, WORKLOAD_PEAKED, 5000, ROWS, UNCONSTRAINED, 0, 0};
    const struct counts c = count_draws(rows, with_filters(0, 1.0f, .5f));
    assert_int_equal(c.sum[COUNTER_QUADS], ROWS * (1 + 16)); /* one of blocks, and those of a block's tokens */
    assert_int_equal(c.sum[COUNTER_QUADS_IDLE], ROWS * 3);
}

/* The passes of rows with masks or biases are those of the rows without, but for a turn more where the logits that are
 * left take one. Only what is read in them takes longer, and of rows with biases only where these are. */
static void masks_and_biases_add_no_pass(void **state)
{
    (void)state;
    static const struct group_shape shapes[] = {{16, 1, 1}, {4, 4, 2}};
    struct params_case cases[8];
    const size_t count = params_cases(cases);
    for (size_t i = 0; i < COUNT_OF(shapes) * count; i++) {
        const uint32_t vocabulary = test_level() == TEST_SMALL ? 1000 : 20000;
        struct counted_rows rows = {shapes[i / count], WORKLOAD_LM, vocabulary, ROWS, UNCONSTRAINED, 0, 0};
        const struct params_case *p = &cases[i % count];
        const struct counts plain = count_draws(rows, p->params);
        for (int constraint = MASKED; constraint <= MASKED_AND_BIASED; constraint++) {
            rows.constraint = (enum constraint)constraint;
            const struct counts c = count_draws(rows, p->params);
            assert_at_most(c.most[COUNTER_PASSES], plain.most[COUNTER_PASSES] + (p->selected ? 1 : 0));
            if (constraint == BIASED) {
                assert_at_most(c.most[COUNTER_SLOW_BLOCKS], 2 * 41 * c.most[COUNTER_PASSES]);
            } else {
                assert_int_equal(c.sum[COUNTER_PLAIN_BLOCKS], 0);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_row_costs_a_work_item_more_than_its_bound),
        cmocka_unit_test(no_row_costs_a_group_more_than_its_bound),
        cmocka_unit_test(usual_draws_of_a_group_cost_what_they_did),
        cmocka_unit_test(a_group_draws_no_numbers_for_blocks_without_a_runner),
        cmocka_unit_test(masks_and_biases_add_no_pass),
    };
    return cmocka_run_group_tests(tests, kernels_open, counted_close);
}
