/* Tokens from the device: the known answers, and every filter beside every other against the oracle,
 * on every kind of row, in batches of every make. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "expect.h"
#include "grid.h"
#include "known.h"
#include "oracle.h"

#define MOST_ROWS 64u
#define RANDOM_SEED UINT64_C(20250317)

/* A row to draw from, and what must come out. */
struct trial {
    const struct row_recipe *recipe;
    const char *elements;
    tombola_params params;
    struct draw expected;
};

static const tombola_dispatch dispatches[] = {TOMBOLA_DISPATCH_ROW, TOMBOLA_DISPATCH_SPREAD};
static const uint32_t cuts[] = {1, 2, 7, 64};

static tombola_context *context; /* of the block shape under test */
static int each_cut;             /* also all batches of one size, for each size */
static int binary32_alone;       /* of the known answers: each other type is compiled for anew */

static void expect_dispatches(const tombola_sampler *sampler, tombola_dispatch dispatch, uint64_t calls)
{
    tombola_times times = tombola_times_default();
    tombola_sampler_times(sampler, &times);
    assert_int_equal(times.calls, calls);
    assert_int_equal(times.row_dispatches, dispatch == TOMBOLA_DISPATCH_ROW ? calls : 0);
    assert_int_equal(times.spread_dispatches, dispatch == TOMBOLA_DISPATCH_SPREAD ? calls : 0);
}

static void run_batch(tombola_sampler *sampler, const struct make *make, const struct trial *trials, size_t rows,
                      size_t stride, char *batch, const char *who)
{
    tombola_params params[MOST_ROWS];
    struct draw draws[MOST_ROWS];
    tombola_error error = tombola_error_default();
    size_t size = tombola_type_size(make->type);
    for (size_t row = 0; row < rows; row++) {
        char *start = batch + row * stride * size;
        memcpy(start, trials[row].elements, make->vocabulary * size);
        memset(start + make->vocabulary * size, 0xFF, (stride - make->vocabulary) * size); /* NaN: not to be read */
        params[row] = trials[row].params;
    }
    if (draw_rows(sampler, batch, rows, stride, params, draws, &error) != TOMBOLA_OK) {
        fail_msg("%s: %zu rows of %" PRIu32 ": %s", who, rows, make->vocabulary, error.message);
    }
    for (size_t row = 0; row < rows; row++) {
        expect_draw(who, trials[row].recipe, &trials[row].params, &trials[row].expected, &draws[row]);
    }
}

/* Draws from all trials, cut into batches of these sizes in turn. */
static void run_trials(const struct make *make, tombola_dispatch dispatch, const struct trial *trials, size_t count,
                       const uint32_t *sizes, size_t size_count)
{
    static const size_t paddings[] = {0, 5, 0, 16};
    tombola_sampler *sampler = make_sampler(context, make, MOST_ROWS, dispatch);
    char *batch = allocate((make->vocabulary + 16) * MOST_ROWS, tombola_type_size(make->type));
    uint32_t lanes, width;
    uint64_t calls = 0;
    char who[64];
    tombola_context_shape(context, &lanes, &width, NULL);
    for (size_t done = 0; done < count; calls++) {
        size_t rows = sizes[calls % size_count];
        rows = rows < count - done ? rows : count - done;
        snprintf(who, sizeof who, "%s, blocks of %u x %u, batch of %zu",
                 dispatch == TOMBOLA_DISPATCH_ROW ? "row by row" : "spread", lanes, width, rows);
        size_t stride = make->vocabulary + paddings[calls / size_count % COUNT_OF(paddings)];
        run_batch(sampler, make, trials + done, rows, stride, batch, who);
        done += rows;
    }
    expect_dispatches(sampler, dispatch, calls);
    tombola_sampler_release(sampler);
    free(batch);
}

/* So that batch-mates have nothing in common. */
static void shuffle(struct trial *trials, size_t count, uint64_t *random)
{
    for (size_t i = count; i > 1; i--) {
        size_t other = random_below(random, (uint32_t)i);
        struct trial trial = trials[i - 1];
        trials[i - 1] = trials[other];
        trials[other] = trial;
    }
}

/* Each kind's row of one make, with what the oracle draws from it at each of these combinations. */
static size_t make_trials(const struct make *make, const uint32_t *numbers, size_t number_count,
                          struct row_recipe *recipes, char *elements, struct trial *trials, uint64_t *random)
{
    float *values = allocate(make->vocabulary, sizeof *values);
    size_t count = 0, row_size = make->vocabulary * tombola_type_size(make->type);
    for (uint32_t kind = 0; kind < ROW_KINDS; kind++) {
        recipes[kind] = (struct row_recipe){.kind = (enum row_kind)kind,
                                            .seed = random_below(random, UINT32_MAX),
                                            .vocabulary = make->vocabulary,
                                            .type = make->type,
                                            .input = make->input};
        row_fill(&recipes[kind], elements + kind * row_size, values);
        struct oracle_row *row = oracle_row_create(values, make->vocabulary, make->input);
        for (size_t i = 0; i < number_count; i++) {
            struct trial *trial = &trials[count++];
            trial->recipe = &recipes[kind];
            trial->elements = elements + kind * row_size;
            trial->params = grid_params(numbers[i], make->vocabulary);
            trial->params.seed = random_bits(random);
            trial->params.offset = random_bits(random);
            trial->params.stream = (uint32_t)random_bits(random);
            trial->expected = oracle_draw(row, &trial->params);
        }
        oracle_row_release(row);
    }
    free(values);
    return count;
}

/* All kinds of rows of one make, by either dispatch, at the combinations of a cover and at others up to `wanted`. */
static void run_grid(const struct make *make, size_t wanted, uint64_t *random)
{
    static uint32_t cover[GRID_SIZE], numbers[GRID_SIZE];
    static size_t cover_count;
    cover_count = cover_count ? cover_count : grid_cover(cover);
    memcpy(numbers, cover, sizeof numbers);
    const size_t number_count = grid_extend(numbers, cover_count, wanted, random);
    struct row_recipe recipes[ROW_KINDS];
    char *elements = allocate(ROW_KINDS * make->vocabulary, tombola_type_size(make->type));
    struct trial *trials = allocate(ROW_KINDS * number_count, sizeof *trials);
    size_t count = make_trials(make, numbers, number_count, recipes, elements, trials, random);
    for (size_t d = 0; d < COUNT_OF(dispatches); d++) {
        shuffle(trials, count, random);
        /* slow devices draw half of the trials, chosen anew, by each dispatch */
        size_t share = test_level() == TEST_SMALL ? (count + 1) / 2 : count;
        run_trials(make, dispatches[d], trials, share, cuts, COUNT_OF(cuts));
        for (size_t cut = 0; cut < COUNT_OF(cuts) && each_cut; cut++) {
            run_trials(make, dispatches[d], trials, count, &cuts[cut], 1);
        }
    }
    free(elements);
    free(trials);
}

/* Of each make and vocabulary others beside the cover. */
static void run_grids(const uint32_t *vocabularies, size_t vocabulary_count, size_t wanted)
{
    static const struct make makes[] = {{.type = TOMBOLA_FLOAT32},
                                        {.type = TOMBOLA_FLOAT16},
                                        {.type = TOMBOLA_BFLOAT16},
                                        {.type = TOMBOLA_FLOAT32, .input = TOMBOLA_PROBABILITIES},
                                        {.type = TOMBOLA_FLOAT16, .input = TOMBOLA_PROBABILITIES},
                                        {.type = TOMBOLA_BFLOAT16, .input = TOMBOLA_PROBABILITIES}};
    size_t make_count = test_level() == TEST_ALL ? COUNT_OF(makes) : 4;
    uint64_t random = RANDOM_SEED;
    printf("seed %" PRIu64 "\n", random);
    for (size_t v = 0; v < vocabulary_count; v++) {
        for (size_t m = 0; m < make_count; m++) {
            struct make make = makes[m];
            make.vocabulary = vocabularies[v];
            run_grid(&make, wanted, &random);
        }
    }
}

static void draws_from_small_vocabularies_agree_with_the_oracle(void **state)
{
    (void)state;
    static const uint32_t vocabularies[] = {1, 2, 255, 256, 257, 1000};
    static const size_t wanted[] = {[TEST_SMALL] = 0, [TEST_FAST] = 1000, [TEST_ALL] = 6000};
    run_grids(vocabularies, COUNT_OF(vocabularies), wanted[test_level()]);
}

static void draws_from_large_vocabularies_agree_with_the_oracle(void **state)
{
    (void)state;
    static const uint32_t vocabularies[] = {32000, 128256};
    run_grids(vocabularies, COUNT_OF(vocabularies), 120);
}

static int same_make(const struct row_recipe *a, const struct row_recipe *b)
{
    return a->type == b->type && a->input == b->input && a->vocabulary == b->vocabulary;
}

/* The known answers of the make of the first, in `left` order; takes them off the list. */
static size_t take_make(struct known_answer **left, size_t *left_count, struct known_answer **taken)
{
    size_t count = 0, kept = 0;
    struct row_recipe recipe = left[0]->recipe;
    for (size_t i = 0; i < *left_count; i++) {
        if (same_make(&left[i]->recipe, &recipe)) {
            taken[count++] = left[i];
        } else {
            left[kept++] = left[i];
        }
    }
    *left_count = kept;
    return count;
}

/* Known answers of one make as trials, their rows filled once each. */
static void run_known(struct known_answer *const *answers, size_t count)
{
    struct make make = {answers[0]->recipe.type, answers[0]->recipe.input, answers[0]->recipe.vocabulary};
    int is_left_out = binary32_alone && (make.type != TOMBOLA_FLOAT32 || make.vocabulary > 5003);
    if ((test_level() == TEST_SMALL && make.vocabulary > 1000) || is_left_out) {
        return;
    }
    struct trial *trials = allocate(count, sizeof *trials);
    char *elements = NULL;
    uint64_t random = RANDOM_SEED;
    char **rows = allocate(count, sizeof *rows);
    size_t row_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || memcmp(&answers[i]->recipe, &answers[i - 1]->recipe, sizeof answers[i]->recipe) != 0) {
            elements = rows[row_count++] = allocate(make.vocabulary, tombola_type_size(make.type));
            row_fill(&answers[i]->recipe, elements, NULL);
        }
        trials[i] = (struct trial){&answers[i]->recipe, elements, answers[i]->params, answers[i]->draw};
    }
    for (size_t d = 0; d < COUNT_OF(dispatches); d++) {
        shuffle(trials, count, &random);
        run_trials(&make, dispatches[d], trials, count, cuts, COUNT_OF(cuts));
    }
    for (size_t i = 0; i < row_count; i++) {
        free(rows[i]);
    }
    free(rows);
    free(trials);
}

static void every_known_answer_comes_out_by_either_dispatch(void **state)
{
    (void)state;
    size_t count;
    struct known_answer *answers = known_answers_read(&count);
    struct known_answer **left = allocate(count, sizeof *left), **taken = allocate(count, sizeof *taken);
    size_t step = test_level() == TEST_SMALL ? 8 : 1; /* where the host is looked at, not the device */
    count = (count + step - 1) / step;
    for (size_t i = 0; i < count; i++) {
        left[i] = &answers[i * step];
    }
    while (count > 0) {
        size_t taken_count = take_make(left, &count, taken);
        run_known(taken, taken_count);
    }
    free(left);
    free(taken);
    free(answers);
}

/* Opens the context in blocks of one shape, 0 x 0 the library's own. */
static void open_shape(uint32_t lanes, uint32_t width)
{
    uint32_t got_lanes, got_width, got_teams;
    context = test_context_open(lanes, width);
    tombola_context_shape(context, &got_lanes, &got_width, &got_teams);
    if (lanes && (got_lanes != lanes || got_width != width)) {
        die("asked for blocks of %u x %u, got %u x %u", lanes, width, got_lanes, got_width);
    }
    printf("%s, blocks of %u x %u, %u at a time\n", device_of(context).name, got_lanes, got_width, got_teams);
}

/* All of the above in blocks of one shape. */
static int run_shape(uint32_t lanes, uint32_t width)
{
    const struct CMUnitTest small_tests[] = {
        cmocka_unit_test(every_known_answer_comes_out_by_either_dispatch),
        cmocka_unit_test(draws_from_small_vocabularies_agree_with_the_oracle),
    };
    const struct CMUnitTest large_tests[] = {
        cmocka_unit_test(draws_from_large_vocabularies_agree_with_the_oracle),
    };
    open_shape(lanes, width);
    each_cut = test_level() == TEST_ALL && !lanes;
    int failed = cmocka_run_group_tests(small_tests, NULL, NULL);
    if (test_level() != TEST_SMALL) {
        failed += cmocka_run_group_tests(large_tests, NULL, NULL);
    }
    tombola_context_close(context);
    return failed;
}

/* The known answers in groups of several work-items: two teams of four, so that lanes and teams both meet. */
static int run_group(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_known_answer_comes_out_by_either_dispatch)};
    open_shape(4, 4);
    each_cut = 0;
    binary32_alone = 1;
    int failed = cmocka_run_group_tests_name("groups of several work-items", tests, NULL, NULL);
    tombola_context_close(context);
    return failed;
}

int main(void)
{
    static const uint32_t shapes[][2] = {{0, 0},  {1, 4},   {1, 8},  {1, 16}, {2, 4}, {2, 8},  {2, 16},
                                         {4, 4},  {4, 8},   {4, 16}, {8, 4},  {8, 8}, {8, 16}, {16, 4},
                                         {16, 8}, {16, 16}, {32, 4}, {32, 8}, {64, 4}};
    size_t count = test_level() == TEST_ALL ? COUNT_OF(shapes) : 1;
    int failed = 0;
    for (size_t i = 0; i < count; i++) {
        failed += run_shape(shapes[i][0], shapes[i][1]);
    }
    if (test_level() != TEST_ALL) { /* else among the above */
        failed += run_group();
    }
    return failed != 0;
}
