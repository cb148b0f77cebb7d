/* The shortcuts of a work-item that has a row to itself, each taken on the rows that it is made for: what they cost in
 * passes over the row and in blocks. Without them tokens are the same, so that no other test would miss them. */
#include "counted.h"
#include "expect.h"
#include "harness.h"

enum { LONG = 128256, MIDDLE = 32000, SHORT = 1000, ROWS = 8 };

#define BLOCKS_OF(vocabulary) (((uint64_t)(vocabulary) + 255) / 256)

/* The workloads below have no -inf: WORKLOAD_MASKED and what is listed behind it stay out. */
enum { PLAIN_WORKLOADS = WORKLOAD_MASKED };

/* Lists are shorter where local memory is small, and slow devices do not see long rows. */
static int is_for_this_device(void)
{
    return test_level() != TEST_SMALL && kernels_candidates() == 4096;
}

static struct counts count_alone(int kind, uint32_t vocabulary, tombola_params params)
{
    const struct counted_rows rows = {ALONE, kind, vocabulary, ROWS, UNCONSTRAINED, 0, 0};
    return count_draws(rows, params);
}

/* Of all rows each takes so many passes at most. */
static void check_passes(const struct counts *c, uint32_t passes)
{
    assert_at_most(c->most[COUNTER_PASSES], passes);
    assert_int_equal(c->sum[COUNTER_BARRIERS], 0);
}

static void no_histograms(const struct counts *c)
{
    assert_int_equal(c->sum[COUNTER_SELECTIONS], 0);
    assert_int_equal(c->sum[COUNTER_TURNS], 0);
}

/* Each row ends with a list, of few blocks beside those of the first looks, and reads nothing else. */
static void check_lists(const struct counts *c, uint32_t vocabulary, uint64_t first_looks)
{
    no_histograms(c);
    assert_int_equal(c->sum[COUNTER_LISTS], ROWS);
    assert_int_equal(c->sum[COUNTER_PARTITIONS], 0);
    assert_at_most(c->sum[COUNTER_PLAIN_BLOCKS] + c->sum[COUNTER_SLOW_BLOCKS],
                   (first_looks + ROWS) * BLOCKS_OF(vocabulary) + ROWS); /* the last block is counted as well */
    assert_int_equal(c->sum[COUNTER_RACE_SUMS], 0);                      /* a list leaves the sums of blocks */
}
static void check_listed(const struct counts *c, uint32_t vocabulary)
{
    check_passes(c, 2);
    check_lists(c, vocabulary, ROWS);
}

/* Top-p takes the mass from estimates. Few rows are left in doubt, and weighed in a pass more: at most one of five. A
 * guess that misses costs one. */
static void check_estimated(const struct counts *c, uint32_t passes)
{
    const uint64_t doubted = c->sum[COUNTER_ESTIMATES_DOUBTED], missed = c->sum[COUNTER_PIVOT_HITS_LATE];
    no_histograms(c);
    assert_int_equal(c->sum[COUNTER_ESTIMATES], ROWS);
    assert_at_most(5 * doubted, ROWS);
    assert_at_most(c->sum[COUNTER_PASSES], passes * ROWS + doubted + missed);
    assert_int_equal(c->sum[COUNTER_BARRIERS], 0);
}

static void a_greedy_row_is_read_once(void **state)
{
    (void)state;
    tombola_params greedy = tombola_params_default();
    greedy.temperature = 0.0f;
    for (int kind = 0; kind < PLAIN_WORKLOADS; kind++) {
        const uint32_t vocabulary = is_for_this_device() ? LONG : SHORT;
        const struct counts c = count_alone(kind, vocabulary, greedy);
        check_passes(&c, 1);
        assert_int_equal(c.sum[COUNTER_PLAIN_BLOCKS] + c.sum[COUNTER_SLOW_BLOCKS], ROWS * BLOCKS_OF(vocabulary));
        assert_int_equal(c.sum[COUNTER_QUADS], 0);
    }
}

static void a_race_without_filters_weighs_few_blocks(void **state)
{
    (void)state;
    static const struct {
        workload kind;
        uint64_t weighed, bounded; /* per cent of the blocks at most */
    } cases[] = {{WORKLOAD_LM, 5, 10},
                 {WORKLOAD_GAUSSIAN, 10, 25},
                 {WORKLOAD_TIES, 10, 25},
                 {WORKLOAD_PEAKED, 1, 1},
                 {WORKLOAD_FLAT, 1, 1}};
    if (!is_for_this_device()) {
        skip();
    }
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct counts c = count_alone((int)cases[i].kind, LONG, at_temperature());
        const uint64_t blocks = ROWS * BLOCKS_OF(LONG);
        check_passes(&c, 2);
        assert_at_most(ROWS, c.sum[COUNTER_RACE_SUMS]);
        assert_at_most(c.sum[COUNTER_RACE_SUMS] * 100, cases[i].weighed * blocks);
        assert_at_most(c.sum[COUNTER_RACE_BOUNDS] * 100, cases[i].bounded * blocks);
        assert_int_equal(c.sum[COUNTER_WEIGHED_BY_RANK], 0);
    }
}

static void a_draw_by_inverse_cdf_reads_the_row_once(void **state)
{
    (void)state;
    tombola_params params = at_temperature();
    params.method = TOMBOLA_INVERSE_CDF;
    for (int kind = 0; kind < PLAIN_WORKLOADS; kind++) {
        const struct counts c = count_alone(kind, SHORT, params);
        check_passes(&c, 1);
        assert_int_equal(c.sum[COUNTER_WEIGHED_WHOLE], ROWS * (SHORT / 256));
        assert_int_equal(c.sum[COUNTER_WEIGHED_COUNTED], ROWS); /* the last block is not whole */
    }
}

static void top_k_50_makes_one_list(void **state)
{
    (void)state;
    static const uint32_t lengths[] = {SHORT, MIDDLE, LONG};
    for (int kind = 0; kind < PLAIN_WORKLOADS; kind++) {
        for (size_t i = 0; i < (is_for_this_device() ? COUNT_OF(lengths) : 0); i++) {
            const struct counts c = count_alone(kind, lengths[i], with_filters(50, 1.0f, 0.0f));
            check_listed(&c, lengths[i]);
            assert_int_equal(c.sum[COUNTER_LISTS_BY_TOPS], ROWS);
        }
    }
}

static void top_p_that_keeps_hundreds_makes_one_list(void **state)
{
    (void)state;
    static const struct {
        workload kind;
        uint32_t vocabulary;
        float top_p;
    } cases[] = {{WORKLOAD_LM, SHORT, .95f},     {WORKLOAD_LM, MIDDLE, .95f},   {WORKLOAD_LM, LONG, .95f},
                 {WORKLOAD_LM, LONG, .5f},       {WORKLOAD_PEAKED, LONG, .95f}, {WORKLOAD_GAUSSIAN, SHORT, .95f},
                 {WORKLOAD_GAUSSIAN, LONG, .5f}, {WORKLOAD_TIES, MIDDLE, .5f},  {WORKLOAD_FLAT, SHORT, .95f}};
    for (size_t i = 0; i < (is_for_this_device() ? COUNT_OF(cases) : 0); i++) {
        const struct counts c =
            count_alone((int)cases[i].kind, cases[i].vocabulary, with_filters(0, cases[i].top_p, 0.0f));
        check_estimated(&c, 2);
        check_lists(&c, cases[i].vocabulary, ROWS);
    }
}

/* Half of equal tokens weigh half of the row, and less than a limit that is estimated a little high. */
static void a_list_that_estimates_leave_in_doubt_is_taken_again(void **state)
{
    (void)state;
    if (!is_for_this_device()) {
        skip();
    }
    const struct counts c = count_alone(ODD_ROWS + ROW_EQUAL, SHORT, with_filters(0, .5f, 0.0f));
    assert_int_equal(c.sum[COUNTER_ESTIMATES_DOUBTED], ROWS);
    assert_int_equal(c.sum[COUNTER_ESTIMATES], ROWS);
    check_passes(&c, 3);
    check_lists(&c, SHORT, 2 * ROWS);
}

static void min_p_is_told_by_value(void **state)
{
    (void)state;
    for (int kind = 0; kind < PLAIN_WORKLOADS; kind++) {
        const uint32_t vocabulary = is_for_this_device() ? MIDDLE : SHORT;
        const struct counts c = count_alone(kind, vocabulary, with_filters(0, 1.0f, .05f));
        check_passes(&c, 2);
        no_histograms(&c);
        assert_at_most(c.sum[COUNTER_WEIGHED_BY_RANK], ROWS); /* the last block is not whole */
        assert_int_equal(c.sum[COUNTER_LISTS] + c.sum[COUNTER_PROBES], 0);
    }
}

static void min_p_that_keeps_all_is_a_race_without_filters(void **state)
{
    (void)state;
    const struct counts c = count_alone(WORKLOAD_FLAT, LONG, with_filters(0, 1.0f, 1e-20f));
    const struct counts plain = count_alone(WORKLOAD_FLAT, LONG, at_temperature());
    for (size_t i = 0; i < COUNTER_COUNT && is_for_this_device(); i++)
        if (i != COUNTER_NUMBERS_TOLD && i != COUNTER_PLAIN_BLOCKS) /* it has no tops */
            assert_int_equal(c.sum[i], plain.sum[i]);
}

static void filters_after_a_list_take_it_again(void **state)
{
    (void)state;
    for (int kind = 0; kind < PLAIN_WORKLOADS; kind++) {
        const uint32_t vocabulary = is_for_this_device() ? LONG : SHORT;
        const struct counts c = count_alone(kind, vocabulary, with_filters(50, .95f, .05f));
        check_listed(&c, vocabulary);
        assert_int_equal(c.sum[COUNTER_LISTS_AGAIN], ROWS);
    }
}

static void thousands_of_tokens_are_cut_by_a_pivot_interval(void **state)
{
    (void)state;
    static const struct {
        workload kind;
        uint32_t top_k;
        float top_p;
    } cases[] = {{WORKLOAD_LM, 5000, 1.0f},   {WORKLOAD_GAUSSIAN, 5000, 1.0f}, {WORKLOAD_TIES, 5000, 1.0f},
                 {WORKLOAD_FLAT, 5000, 1.0f}, {WORKLOAD_GAUSSIAN, 0, .95f},    {WORKLOAD_TIES, 0, .95f},
                 {WORKLOAD_FLAT, 0, .95f},    {WORKLOAD_FLAT, 0, .5f}};
    static const uint32_t lengths[] = {MIDDLE, LONG};
    for (size_t i = 0; i < (is_for_this_device() ? 2 * COUNT_OF(cases) : 0); i++) {
        const tombola_params params = with_filters(cases[i / 2].top_k, cases[i / 2].top_p, 0.0f);
        const struct counts c = count_alone((int)cases[i / 2].kind, lengths[i % 2], params);
        if (params.top_p < 1.0f) {
            check_estimated(&c, 2); /* a sample tells that a list would overflow */
            assert_int_equal(c.sum[COUNTER_PARTITIONS], ROWS + c.sum[COUNTER_PIVOT_HITS_LATE]);
        } else {
            check_passes(&c, 4);
            no_histograms(&c);
        }
        assert_int_equal(c.sum[COUNTER_PIVOT_HITS] + c.sum[COUNTER_PIVOT_HITS_LATE], ROWS);
        assert_at_most(3 * ROWS, 4 * c.sum[COUNTER_PIVOT_HITS]); /* three of four at the first try */
        assert_at_most(c.most[COUNTER_PARTITIONS], 2);
        assert_int_equal(c.sum[COUNTER_LISTS], 0);
    }
}

static void a_key_that_many_tokens_share_is_found_before_its_ids(void **state)
{
    (void)state;
    static const enum row_kind kinds[] = {ROW_EQUAL, ROW_ZEROS};
    static const uint32_t limits[] = {50, 5000};
    for (size_t i = 0; i < (is_for_this_device() ? COUNT_OF(kinds) * COUNT_OF(limits) : 0); i++) {
        const tombola_params params = with_filters(limits[i / 2], 1.0f, 0.0f);
        const struct counts c = count_alone(ODD_ROWS + (int)kinds[i % 2], MIDDLE, params);
        assert_int_equal(c.sum[COUNTER_PIVOT_TIES], ROWS);
        no_histograms(&c);
        check_passes(&c, 4);
    }
}

static void the_read_for_maxima_tells_how_many_tokens_there_are(void **state)
{
    (void)state;
    struct counted_rows rows = {ALONE, WORKLOAD_GAUSSIAN, 4 * 256, ROWS, UNCONSTRAINED, 1, 0};
    struct counts c = count_draws(rows, at_temperature());
    assert_int_equal(c.sum[COUNTER_NUMBERS_TOLD], ROWS);
    check_passes(&c, 2);
    rows.vocabulary = SHORT;
    rows.constraint = MASKED_AND_BIASED;
    c = count_draws(rows, at_temperature());
    assert_int_equal(c.sum[COUNTER_NUMBERS_TOLD], ROWS);
    check_passes(&c, 2);
}

/* A quad has 64 random numbers, of which one in 2048 is so small. */
static void lower_bits_of_random_numbers_are_seldom_drawn(void **state)
{
    (void)state;
    const struct counted_rows rows = {ALONE, WORKLOAD_GAUSSIAN, SHORT, 100, UNCONSTRAINED, 0, 0};
    const struct counts c = count_draws(rows, at_temperature());
    assert_int_equal(c.sum[COUNTER_QUADS], 500); /* one of blocks, four of tokens */
    assert_at_most(1, c.sum[COUNTER_QUADS_TAILED]);
    assert_at_most(c.sum[COUNTER_QUADS_TAILED], 40);
}

static void few_runners_draw_numbers_of_their_own(void **state)
{
    (void)state;
    const struct counts c =
        count_alone(WORKLOAD_PEAKED, is_for_this_device() ? LONG : SHORT, with_filters(2, 1.0f, 0.0f));
    assert_int_equal(c.sum[COUNTER_RACES_OF_FEW], 2 * ROWS); /* of blocks, and of tokens */
    assert_int_equal(c.sum[COUNTER_QUADS], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_greedy_row_is_read_once),
        cmocka_unit_test(a_race_without_filters_weighs_few_blocks),
        cmocka_unit_test(a_draw_by_inverse_cdf_reads_the_row_once),
        cmocka_unit_test(top_k_50_makes_one_list),
        cmocka_unit_test(top_p_that_keeps_hundreds_makes_one_list),
        cmocka_unit_test(a_list_that_estimates_leave_in_doubt_is_taken_again),
        cmocka_unit_test(min_p_is_told_by_value),
        cmocka_unit_test(min_p_that_keeps_all_is_a_race_without_filters),
        cmocka_unit_test(filters_after_a_list_take_it_again),
        cmocka_unit_test(thousands_of_tokens_are_cut_by_a_pivot_interval),
        cmocka_unit_test(a_key_that_many_tokens_share_is_found_before_its_ids),
        cmocka_unit_test(the_read_for_maxima_tells_how_many_tokens_there_are),
        cmocka_unit_test(lower_bits_of_random_numbers_are_seldom_drawn),
        cmocka_unit_test(few_runners_draw_numbers_of_their_own),
    };
    return cmocka_run_group_tests(tests, kernels_open, counted_close);
}
