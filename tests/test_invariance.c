/* The promise: a row gives the same token, the same probabilities and the same candidates, bit for bit,
 * in any place of any batch, by either dispatch, at any block width, through any entry, at any time, in any process and
 * on any thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "pool.h"
#include "process.h"

#define SEED UINT64_C(20250402)
#define THREADS 8

static const tombola_dispatch dispatches[] = {TOMBOLA_DISPATCH_ROW, TOMBOLA_DISPATCH_SPREAD};
#define USUAL_ENTRY TOMBOLA_TRANSFER_AUTO, ENTRY_SAMPLE

static const struct way usual = {.dispatch = TOMBOLA_DISPATCH_ROW, .max_rows = POOL_MOST_ROWS};

static tombola_context *context;
static struct pool pool;

/* Twenty blocks, or where each takes long, two; the last one is not full. */
static struct make usual_make(void)
{
    return (struct make){TOMBOLA_FLOAT32, TOMBOLA_LOGITS, test_level() == TEST_SMALL ? 300 : 5003};
}

static void shuffle(size_t *order, size_t count, uint64_t *random)
{
    for (size_t i = count; i > 1; i--) {
        size_t other = random_below(random, (uint32_t)i), last = order[i - 1];
        order[i - 1] = order[other];
        order[other] = last;
    }
}

static void fill_order(size_t *order, size_t count)
{
    for (size_t i = 0; i < count; i++)
        order[i] = i;
}

static void expect_dispatched(const tombola_sampler *sampler, tombola_dispatch dispatch)
{
    tombola_times times = tombola_times_default();
    tombola_sampler_times(sampler, &times);
    assert_int_not_equal(times.calls, 0);
    assert_int_equal(times.in_place_calls + times.staged_calls + times.device_calls, times.calls);
    assert_int_equal(times.row_dispatches, dispatch == TOMBOLA_DISPATCH_ROW ? times.calls : 0);
    assert_int_equal(times.spread_dispatches, dispatch == TOMBOLA_DISPATCH_SPREAD ? times.calls : 0);
}

/* All rows of a pool, shuffled, in batches of several sizes by a sampler of their own. Returns whether
 * one gave something else. */
static int run_shuffled(const struct pool *rows, tombola_context *on, const struct way *way, int calls, uint64_t seed,
                        const char *who)
{
    static const size_t sizes[] = {1, 7, 2, 31, 64};
    size_t order[POOL_MOST_ROWS], size, turn = (size_t)seed;
    tombola_sampler *sampler = pool_sampler(rows, on, way);
    int found = 0;
    fill_order(order, rows->count);
    shuffle(order, rows->count, &seed);
    for (size_t done = 0; done < rows->count; done += size) {
        size = sizes[turn++ % COUNT_OF(sizes)];
        size = size < rows->count - done ? size : rows->count - done;
        found |= pool_differs(rows, on, sampler, way, order + done, size, calls, who);
    }
    expect_dispatched(sampler, way->dispatch);
    tombola_sampler_release(sampler);
    return found;
}

static void a_row_gives_the_same_in_every_place_beside_any_others(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 2, 3, 8, 33, 64};
    size_t size_count = test_level() == TEST_SMALL ? 2 : COUNT_OF(sizes);
    uint64_t random = SEED;
    printf("seed %" PRIu64 "\n", random);
    for (size_t d = 0; d < COUNT_OF(dispatches); d++) {
        struct way way = usual;
        way.dispatch = dispatches[d];
        tombola_sampler *sampler = pool_sampler(&pool, context, &way);
        for (size_t row = 0; row < pool.count; row++) {
            for (size_t s = 0; s < size_count; s++) {
                size_t order[POOL_MOST_ROWS], size = sizes[s], step = size > 8 ? size / 2 : 1;
                for (size_t place = 0; place < size; place += test_level() == TEST_ALL ? 1 : step) {
                    for (size_t i = 0; i < size; i++)
                        order[i] = random_below(&random, (uint32_t)pool.count);
                    order[place] = row;
                    assert_false(pool_differs(&pool, context, sampler, &way, order, size, POOL_SAMPLE, "any place"));
                }
            }
        }
        expect_dispatched(sampler, way.dispatch);
        tombola_sampler_release(sampler);
    }
}

static void a_permuted_batch_gives_the_permuted_results(void **state)
{
    (void)state;
    uint64_t random = SEED;
    size_t order[POOL_MOST_ROWS];
    for (size_t d = 0; d < COUNT_OF(dispatches); d++) {
        struct way way = usual;
        way.dispatch = dispatches[d];
        tombola_sampler *sampler = pool_sampler(&pool, context, &way);
        fill_order(order, pool.count);
        for (int turn = 0; turn < 4; turn++) {
            assert_false(pool_differs(&pool, context, sampler, &way, order, pool.count, POOL_ALL, "permuted"));
            assert_false(pool_differs(&pool, context, sampler, &way, order, pool.count, POOL_ALL, "permuted, again"));
            shuffle(order, pool.count, &random);
        }
        expect_dispatched(sampler, way.dispatch);
        tombola_sampler_release(sampler);
    }
}

static void strides_addresses_and_the_sampler_s_size_change_nothing(void **state)
{
    (void)state;
    static const struct way ways[] = {
        {TOMBOLA_DISPATCH_ROW, 64, 0, 1, 0, USUAL_ENTRY},     {TOMBOLA_DISPATCH_ROW, 64, 0, 0, 1, USUAL_ENTRY},
        {TOMBOLA_DISPATCH_ROW, 64, 0, 3, 3, USUAL_ENTRY},     {TOMBOLA_DISPATCH_SPREAD, 64, 0, 5003, 7, USUAL_ENTRY},
        {TOMBOLA_DISPATCH_SPREAD, 64, 0, 13, 5, USUAL_ENTRY}, {TOMBOLA_DISPATCH_ROW, 1000, 0, 0, 0, USUAL_ENTRY},
        {TOMBOLA_DISPATCH_ROW, 65, 1, 0, 0, USUAL_ENTRY},     {TOMBOLA_DISPATCH_SPREAD, 64, 256, 2, 1, USUAL_ENTRY},
        {TOMBOLA_DISPATCH_ROW, 64, 4000, 0, 0, USUAL_ENTRY},  {TOMBOLA_DISPATCH_SPREAD, 99, 4000, 1, 3, USUAL_ENTRY},
    };
    for (size_t i = 0; i < COUNT_OF(ways); i += test_level() == TEST_SMALL ? 3 : 1) {
        char who[64];
        snprintf(who, sizeof who, "way %zu", i);
        assert_false(run_shuffled(&pool, context, &ways[i], POOL_ALL, SEED + i, who));
    }
}

/* 16-bit rows can begin where no 32-bit word does; probabilities have no -inf to be padded with. */
static void strides_and_addresses_change_nothing_for_other_kinds_of_rows(void **state)
{
    (void)state;
    static const struct way ways[] = {{TOMBOLA_DISPATCH_ROW, 64, 0, 1, 1, USUAL_ENTRY},
                                      {TOMBOLA_DISPATCH_SPREAD, 70, 300, 3, 5, USUAL_ENTRY}};
    if (test_level() == TEST_SMALL)
        skip();
    for (int type = 0; type < 3; type++) {
        for (int input = 0; input < 2; input++) {
            if (test_level() == TEST_FAST && type > 0 && input > 0) /* each builds kernels of its own */
                continue;
            const struct make make = {(tombola_type)type, (tombola_input)input, 1003};
            struct pool other;
            pool_make(&other, context, &make, POOL_SAMPLE);
            for (size_t i = 0; i < COUNT_OF(ways); i++)
                assert_false(run_shuffled(&other, context, &ways[i], POOL_SAMPLE, SEED + i, "another type"));
            pool_release(&other);
        }
    }
}

/* Draws by every entry; the other calls, too, by either transfer. */
static void no_transfer_and_no_entry_changes_a_bit(void **state)
{
    (void)state;
    static const tombola_transfer transfers[] = {TOMBOLA_TRANSFER_IN_PLACE, TOMBOLA_TRANSFER_STAGED};
    for (int entry = 0; entry < ENTRIES; entry++) {
        for (size_t i = 0; i < 2 * COUNT_OF(transfers); i++) {
            const struct way way = {dispatches[i / 2], 64, 0, (size_t)entry, 1 + i, transfers[i % 2],
                                    (enum entry)entry};
            char who[64];
            snprintf(who, sizeof who, "entry %d, %s, %s", entry, i % 2 ? "staged" : "in place",
                     i / 2 ? "spread" : "row by row");
            assert_false(run_shuffled(&pool, context, &way, entry ? POOL_SAMPLE : POOL_ALL, SEED + i, who));
        }
    }
}

static tombola_context *open_shape(uint32_t lanes, uint32_t width, uint32_t teams)
{
    tombola_context_options options = tombola_context_options_default();
    tombola_context *opened = NULL;
    tombola_error error = tombola_error_default();
    uint32_t got[3];
    options.lanes = lanes;
    options.width = width;
    options.teams = teams;
    options.build_options = getenv("TOMBOLA_TEST_BUILD_OPTIONS");
    if (tombola_context_open(NULL, &options, &opened, &error) != TOMBOLA_OK)
        fail_msg("no blocks of %u x %u x %u: %s", lanes, width, teams, error.message);
    tombola_context_shape(opened, &got[0], &got[1], &got[2]);
    assert_int_equal(got[0], lanes);
    assert_int_equal(got[1], width);
    assert_int_equal(got[2], teams);
    return opened;
}

static void neither_block_width_nor_dispatch_changes_a_bit(void **state)
{
    (void)state;
    static const struct {
        uint32_t lanes, width, teams;
        enum test_level level;
    } shapes[] = {
        {1, 16, 1, TEST_FAST}, {1, 8, 1, TEST_FAST},  {1, 4, 1, TEST_FAST}, {32, 4, 2, TEST_SMALL},
        {1, 4, 4, TEST_ALL},   {1, 16, 2, TEST_ALL},  {4, 4, 1, TEST_ALL},  {4, 4, 8, TEST_ALL},
        {8, 8, 1, TEST_ALL},   {8, 8, 4, TEST_ALL},   {16, 4, 2, TEST_ALL}, {16, 16, 1, TEST_ALL},
        {16, 16, 4, TEST_ALL}, {32, 4, 8, TEST_FAST}, {64, 4, 1, TEST_ALL}, {64, 4, 4, TEST_ALL},
    };
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        if (shapes[i].level > test_level())
            continue;
        tombola_context *shaped = open_shape(shapes[i].lanes, shapes[i].width, shapes[i].teams);
        for (size_t d = 0; d < COUNT_OF(dispatches); d++) {
            struct way way = usual;
            way.dispatch = dispatches[d];
            char who[64];
            snprintf(who, sizeof who, "blocks of %u x %u, %u at a time, %s", shapes[i].lanes, shapes[i].width,
                     shapes[i].teams, d ? "spread" : "row by row");
            assert_false(run_shuffled(&pool, shaped, &way, POOL_ALL, SEED + i, who));
        }
        tombola_context_close(shaped);
    }
}

static void a_fresh_process_gives_the_same(void **state)
{
    (void)state;
    static const char *const argv[] = {"/proc/self/exe", "digest", NULL};
    static const char *const environments[][5] = {
        {NULL}, {"POCL_MAX_PTHREAD_COUNT", "1", NULL}, {"POCL_KERNEL_CACHE", "0", NULL}};
    size_t count = test_level() == TEST_ALL ? COUNT_OF(environments) : COUNT_OF(environments) - 1;
    char expected[32];
    snprintf(expected, sizeof expected, "%016" PRIx64 "\n", pool_digest(&pool));
    for (size_t i = 0; i < count; i++) {
        process child = process_run(argv, environments[i], "", 0);
        if (child.status != 0)
            fail_msg("the fresh process ended with %d: %s", child.status, child.err);
        assert_string_equal(child.out, expected);
        process_release(&child);
    }
}

/* One thread, with a sampler of its own. */
struct worker {
    pthread_t thread;
    const struct pool *pool;
    tombola_context *context; /* all threads' */
    size_t number;
    int calls;
    int found; /* whether something else came out */
};

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct way way = usual;
    char who[32];
    snprintf(who, sizeof who, "thread %zu", worker->number);
    way.dispatch = dispatches[worker->number % COUNT_OF(dispatches)];
    for (uint64_t turn = 0; turn < (test_level() == TEST_SMALL ? 1 : 10); turn++)
        worker->found |= run_shuffled(worker->pool, worker->context, &way, worker->calls, worker->number + turn, who);
    return NULL;
}

/* Four kinds of rows, so that threads ask for several sets of kernels, and two threads for each of them, at once. */
static void threads_that_share_a_context_give_the_same(void **state)
{
    (void)state;
    static const struct make makes[] = {{TOMBOLA_FLOAT32, TOMBOLA_LOGITS, 1003},
                                        {TOMBOLA_FLOAT16, TOMBOLA_LOGITS, 1003},
                                        {TOMBOLA_BFLOAT16, TOMBOLA_LOGITS, 257},
                                        {TOMBOLA_FLOAT32, TOMBOLA_PROBABILITIES, 2000}};
    size_t count = test_level() == TEST_SMALL ? 1 : COUNT_OF(makes);
    if (strstr(device_of(context).name, "Oclgrind")) /* it runs one kernel at a time, or dies */
        skip();
    struct pool pools[COUNT_OF(makes)];
    struct worker workers[THREADS];
    tombola_context *shared = test_context_open(0, 0);
    for (size_t i = 0; i < count; i++)
        pool_make(&pools[i], context, &makes[i], i == 0 ? POOL_ALL : POOL_SAMPLE);
    for (size_t i = 0; i < THREADS; i++) {
        size_t kind = i / 2 % count;
        workers[i] = (struct worker){
            .pool = &pools[kind], .context = shared, .number = i, .calls = kind == 0 ? POOL_ALL : POOL_SAMPLE};
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            die("no thread %zu", i);
    }
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(workers[i].thread, NULL);
    for (size_t i = 0; i < THREADS; i++)
        assert_false(workers[i].found);
    for (size_t i = 0; i < count; i++)
        pool_release(&pools[i]);
    tombola_context_close(shared);
}

static int make_pool(void **state)
{
    (void)state;
    const struct make make = usual_make();
    context = test_context_open(0, 0);
    pool_make(&pool, context, &make, POOL_ALL);
    return 0;
}

static int release_pool(void **state)
{
    (void)state;
    pool_release(&pool);
    tombola_context_close(context);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "digest") == 0) {
        make_pool(NULL);
        printf("%016" PRIx64 "\n", pool_digest(&pool));
        return release_pool(NULL);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_gives_the_same_in_every_place_beside_any_others),
        cmocka_unit_test(a_permuted_batch_gives_the_permuted_results),
        cmocka_unit_test(strides_addresses_and_the_sampler_s_size_change_nothing),
        cmocka_unit_test(strides_and_addresses_change_nothing_for_other_kinds_of_rows),
        cmocka_unit_test(no_transfer_and_no_entry_changes_a_bit),
        cmocka_unit_test(neither_block_width_nor_dispatch_changes_a_bit),
        cmocka_unit_test(a_fresh_process_gives_the_same),
        cmocka_unit_test(threads_that_share_a_context_give_the_same),
    };
    return cmocka_run_group_tests(tests, make_pool, release_pool);
}
