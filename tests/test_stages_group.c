/* What the work-items of a group do together, each thing alone on the device: reductions and histograms. */
#include <string.h>

#include "expect.h"
#include "harness.h"
#include "kernels.h"

static const struct group_shape shapes[] = {{16, 1, 1}, {4, 4, 2}, {4, 32, 8}, {8, 1, 3}};

enum { GROUPS = 16, LARGEST = 256, NOT_THERE = -1 };

/* Small numbers as often as large ones, the ends, and many equals. */
static uint64_t number_of(uint64_t *random)
{
    static const uint64_t ends[] = {0, 1, UINT32_MAX, UINT64_C(1) << 32, UINT64_MAX >> 8, UINT64_MAX >> 16};
    const uint32_t which = random_below(random, 24);
    return which < COUNT_OF(ends) ? ends[which] : random_bits(random) >> (8 + random_below(random, 56));
}

static void check_reductions(struct group_shape shape)
{
    static uint64_t numbers[GROUPS * LARGEST * 2], results[GROUPS * LARGEST * 2][4];
    const uint32_t size = shape.lanes * shape.teams;
    uint64_t random = 77;
    for (size_t i = 0; i < (size_t)GROUPS * size * 2; i++) {
        numbers[i] = number_of(&random);
    }
    struct array arrays[] = {{numbers, (size_t)GROUPS * size * 2 * sizeof numbers[0]},
                             {results, (size_t)GROUPS * size * 2 * sizeof results[0]}};
    cl_program program = kernels_build("stages_group.cl", shape, TOMBOLA_FLOAT32, "");
    kernels_run(program, "reduced", (size_t)GROUPS * size, shape, arrays, 2, 1);
    clReleaseProgram(program);
    for (size_t i = 0; i < (size_t)GROUPS * 2; i++) {
        const uint64_t *own = &numbers[i / 2 * size * 2 + i % 2];
        uint64_t sum = 0, highest = 0, lowest = UINT64_MAX;
        for (size_t item = 0; item < size; item++) {
            sum += own[item * 2];
            highest = own[item * 2] > highest ? own[item * 2] : highest;
            lowest = own[item * 2] < lowest ? own[item * 2] : lowest;
        }
        for (size_t item = 0; item < size; item++) {
            const uint64_t *got = results[(i / 2 * size + item) * 2 + i % 2];
            assert_true(got[0] == sum);
            assert_int_equal(got[1], highest >> 32);
            assert_int_equal(got[2], lowest >> 32);
            assert_true(got[3] == lowest);
        }
    }
}

static void reductions_are_the_hosts_and_reach_every_work_item(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        check_reductions(shapes[i]);
    }
}

struct pair {
    uint64_t bin, cost;
};
struct found {
    uint64_t bin, before;
};

enum { PAIRS = 600, HISTOGRAMS = GROUPS * 2 };

/* Histograms of one bin, of few, and of all; costs that are 0, and that do not fit in 32 bits. */
static void fill_pairs(struct pair *pairs, size_t histogram, uint64_t *random)
{
    static const uint32_t bins[] = {1, 2, 16, 17, 255, 256};
    for (size_t i = 0; i < PAIRS; i++) {
        const uint32_t bin = random_below(random, bins[histogram % COUNT_OF(bins)]);
        pairs[i].bin = histogram % 2 ? 255 - bin : bin;
        pairs[i].cost = histogram % 5 == 0 ? 1 : random_bits(random) >> (12 + random_below(random, 52));
    }
}

static struct found search_on_host(const struct pair *pairs, uint64_t target)
{
    uint64_t sums[256] = {0}, before = 0;
    for (size_t i = 0; i < PAIRS; i++) {
        sums[pairs[i].bin] += pairs[i].cost;
    }
    uint32_t bin = 0;
    while (bin < 256 && before + sums[bin] <= target) {
        before += sums[bin++];
    }
    return (struct found){bin < 256 ? bin : (uint32_t)NOT_THERE, before};
}

static uint64_t total_of(const struct pair *pairs)
{
    return search_on_host(pairs, UINT64_MAX).before;
}

static void check_histograms(struct group_shape shape, uint64_t *random)
{
    static struct pair pairs[HISTOGRAMS][PAIRS];
    static uint64_t targets[HISTOGRAMS];
    static struct found results[HISTOGRAMS];
    uint32_t count = PAIRS;
    for (size_t i = 0; i < HISTOGRAMS; i++) {
        fill_pairs(pairs[i], i, random);
        const uint64_t total = total_of(pairs[i]);
        const uint64_t ends[] = {0, total - 1, total, total + 1, total / 2, pairs[i][0].cost};
        targets[i] = i % 3 ? random_bits(random) % (total + 1) : ends[i / 3 % COUNT_OF(ends)];
    }
    struct array arrays[] = {
        {pairs, sizeof pairs}, {targets, sizeof targets}, {&count, sizeof count}, {results, sizeof results}};
    cl_program program = kernels_build("stages_group.cl", shape, TOMBOLA_FLOAT32, "");
    kernels_run(program, "searched", (size_t)GROUPS * shape.lanes * shape.teams, shape, arrays, 4, 3);
    clReleaseProgram(program);
    for (size_t i = 0; i < HISTOGRAMS; i++) {
        const struct found right = search_on_host(pairs[i], targets[i]);
        assert_int_equal(results[i].bin, right.bin);
        assert_true(results[i].before == right.before);
    }
}

static void a_histogram_is_searched_as_on_the_host(void **state)
{
    (void)state;
    uint64_t random = 78;
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        check_histograms(shapes[i], &random);
        check_histograms(shapes[i], &random);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reductions_are_the_hosts_and_reach_every_work_item),
        cmocka_unit_test(a_histogram_is_searched_as_on_the_host),
    };
    return cmocka_run_group_tests(tests, kernels_open, kernels_close);
}
