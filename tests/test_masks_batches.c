/* Batches of rows with masks and biases: in any order, several in flight, and the memory that they take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device_batch.h"
#include "edited.h"

enum { ROWS = EDITED_ROWS, V = 600, K = EDITED_CANDIDATES, TRANSFERS = 3 };

static const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, V};

static void fail_unless_same(const struct whole *a, size_t i, const struct whole *b, size_t j)
{
    for (enum array array = 0; array < ARRAYS; array++) {
        const size_t width = array_width(array, V, K);
        if (a->words[array] &&
            memcmp(a->words[array] + i * width, b->words[array] + j * width, width * sizeof(uint32_t)) != 0)
            fail_msg("%s: row %zu is not as row %zu", array_name(array), i, j);
    }
}

static void the_order_of_rows_masks_and_biases_does_not_matter(void **state)
{
    (void)state;
    uint64_t random = 20251126;
    struct edited edited;
    printf("seed %" PRIu64 "\n", random);
    edited_make(&edited, &make, ROWS, 5);
    struct whole expected = applied_draw(&edited);
    for (int turn = 0; turn < (test_level() == TEST_SMALL ? 2 : 20); turn++) {
        uint32_t order[ROWS];
        int32_t mask_of_row[ROWS];
        size_t ends[ROWS], end = 0;
        tombola_params params[ROWS];
        tombola_bias *biases = allocate(edited.bias_ends[ROWS - 1] + 1, sizeof *biases);
        for (uint32_t row = 0; row < ROWS; row++) {
            const uint32_t other = random_below(&random, row + 1);
            order[row] = row;
            order[row] = order[other];
            order[other] = row;
        }
        for (size_t row = 0; row < ROWS; row++) {
            const size_t from = order[row] ? edited.bias_ends[order[row] - 1] : 0;
            params[row] = edited.params[order[row]];
            mask_of_row[row] = edited.mask_of_row[order[row]];
            for (size_t i = edited.bias_ends[order[row]]; i-- > from;) /* in reverse */
                biases[end++] = edited.biases[i];
            ends[row] = end;
        }
        tombola_rows rows = edited_rows(&edited);
        rows.indices = order;
        rows.params = params;
        rows.mask_of_row = mask_of_row;
        rows.biases = biases;
        rows.bias_ends = ends;
        tombola_sampler *sampler =
            make_sampler_that(context, &make, ROWS, TOMBOLA_DISPATCH_AUTO, (tombola_transfer)(turn % TRANSFERS));
        struct whole got = edited_draw(sampler, WHOLE_SAMPLE, &rows, V);
        for (size_t row = 0; row < ROWS; row++)
            fail_unless_same(&got, row, &expected, order[row]);
        whole_release(&got);
        tombola_sampler_release(sampler);
        free(biases);
    }
    whole_release(&expected);
    edited_release(&edited);
}

/* Without mask_of_row row r has mask r; and masks or biases alone do without the others. */
static void each_row_may_have_a_mask_of_its_own(void **state)
{
    (void)state;
    struct edited edited;
    edited_make(&edited, &make, 6, 7);
    tombola_sampler *sampler = make_sampler(context, &make, ROWS, TOMBOLA_DISPATCH_AUTO);
    for (int turn = 0; turn < 4; turn++) {
        int32_t own[6];
        size_t none[6] = {0};
        for (int32_t row = 0; row < 6; row++)
            own[row] = turn % 2 ? row : -1;
        struct edited other = edited;
        other.mask_of_row = own;
        other.bias_ends = turn / 2 ? edited.bias_ends : none;
        other.applied = allocate((size_t)6 * V, sizeof *other.applied);
        for (size_t i = 0; i < (size_t)6 * V; i++)
            other.applied[i] = edited_value(&other, i / V, (uint32_t)(i % V), ((float *)edited.logits)[i]);
        struct whole expected = applied_draw(&other);
        tombola_rows rows = edited_rows(&other);
        rows.mask_of_row = NULL;
        rows.mask_count = 0;
        rows.masks.host = turn % 2 ? edited.masks : NULL;
        rows.biases = turn / 2 ? edited.biases : NULL;
        rows.bias_ends = turn / 2 ? edited.bias_ends : NULL;
        struct whole got = edited_draw(sampler, WHOLE_SAMPLE, &rows, V);
        expect_whole("masks of rows, or biases, alone", &got, &expected);
        whole_release(&got);
        whole_release(&expected);
        free(other.applied);
    }
    tombola_sampler_release(sampler);
    edited_release(&edited);
}

/* Also all of them from the same masks, which only one batch can have in place. What is free again on return is
 * spoilt. */
static void as_many_batches_as_may_fly_have_masks_and_biases_of_their_own(void **state)
{
    (void)state;
    struct edited edited[TOMBOLA_MAX_IN_FLIGHT];
    struct whole got[TOMBOLA_MAX_IN_FLIGHT];
    tombola_ticket tickets[TOMBOLA_MAX_IN_FLIGHT];
    for (size_t i = 0; i < TOMBOLA_MAX_IN_FLIGHT; i++)
        edited_make(&edited[i], &make, ROWS, 100 + i);
    for (int transfer = 0; transfer < TRANSFERS; transfer++)
        for (int shared = 0; shared < 2; shared++) {
            tombola_sampler_options options = tombola_sampler_options_default();
            tombola_sampler *sampler;
            options.in_flight = TOMBOLA_MAX_IN_FLIGHT;
            options.transfer = (tombola_transfer)transfer;
            assert_int_equal(tombola_sampler_create(context, V, ROWS, &options, &sampler, &error), TOMBOLA_OK);
            for (size_t i = 0; i < TOMBOLA_MAX_IN_FLIGHT; i++) {
                const struct edited *e = &edited[shared ? 0 : i];
                int32_t mask_of_row[ROWS];
                tombola_bias biases[ROWS * 60];
                size_t ends[ROWS];
                memcpy(mask_of_row, e->mask_of_row, sizeof mask_of_row);
                memcpy(ends, e->bias_ends, sizeof ends);
                memcpy(biases, e->biases, ends[ROWS - 1] * sizeof *biases);
                tombola_rows rows = edited_rows(e);
                rows.mask_of_row = mask_of_row;
                rows.biases = biases;
                rows.bias_ends = ends;
                got[i] = whole_make(ROWS, V, K, WHOLE_EFFECTIVE);
                const tombola_results results = whole_results(&got[i]);
                if (tombola_sampler_submit(sampler, &rows, &results, &tickets[i], &error))
                    fail_msg("batch %zu: %s", i, error.message);
                memset(mask_of_row, 0x55, sizeof mask_of_row);
                memset(biases, 0x55, sizeof biases);
                memset(ends, 0x55, sizeof ends);
            }
            for (size_t i = TOMBOLA_MAX_IN_FLIGHT; i-- > 0;) {
                struct whole expected = applied_draw(&edited[shared ? 0 : i]);
                assert_int_equal(tombola_sampler_wait(sampler, tickets[i], &error), TOMBOLA_OK);
                expect_whole("a batch among others", &got[i], &expected);
                whole_release(&expected);
                whole_release(&got[i]);
            }
            tombola_sampler_release(sampler);
        }
    for (size_t i = 0; i < TOMBOLA_MAX_IN_FLIGHT; i++)
        edited_release(&edited[i]);
}

/* ------------------------------------------------------------------- memory */

static tombola_memory memory_of(const tombola_sampler *sampler)
{
    tombola_memory memory = tombola_memory_default();
    tombola_sampler_memory(sampler, &memory);
    return memory;
}

static void draw_again(tombola_sampler *sampler, const tombola_rows *rows)
{
    for (int turn = 0; turn < 3; turn++) { /* each place in flight gets its turn */
        struct whole whole = edited_draw(sampler, WHOLE_SAMPLE, rows, V);
        whole_release(&whole);
    }
}

static void room_for_them_is_made_once_or_at_creation(void **state)
{
    (void)state;
    struct edited edited;
    edited_make(&edited, &make, ROWS, 9);
    const tombola_rows rows = edited_rows(&edited);
    for (int i = 0; i < 2 * TRANSFERS; i++) {
        tombola_sampler_options options = tombola_sampler_options_default();
        tombola_sampler *sampler;
        tombola_memory told = tombola_memory_default();
        options.transfer = (tombola_transfer)(i % TRANSFERS);
        options.max_candidates = K;
        options.probabilities = 1;
        options.masks = i / TRANSFERS;
        options.max_biases = i / TRANSFERS ? edited.bias_ends[ROWS - 1] : 0;
        assert_int_equal(tombola_sampler_memory_before(context, V, ROWS, &options, &told, &error), TOMBOLA_OK);
        assert_int_equal(tombola_sampler_create(context, V, ROWS, &options, &sampler, &error), TOMBOLA_OK);
        const tombola_memory before = memory_of(sampler);
        draw_again(sampler, &rows);
        const tombola_memory with = memory_of(sampler);
        draw_again(sampler, &rows);
        assert_memory_equal(&before, &told, sizeof told);
        const tombola_memory after = memory_of(sampler);
        assert_memory_equal(&after, &with, sizeof with);
        if (options.max_biases)
            assert_memory_equal(&with, &before, sizeof with);
        else
            assert_in_range(with.host_bytes, before.host_bytes + 1, UINT64_MAX);
        tombola_sampler_release(sampler);
    }
    edited_release(&edited);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_order_of_rows_masks_and_biases_does_not_matter),
        cmocka_unit_test(each_row_may_have_a_mask_of_its_own),
        cmocka_unit_test(as_many_batches_as_may_fly_have_masks_and_biases_of_their_own),
        cmocka_unit_test(room_for_them_is_made_once_or_at_creation),
    };
    return cmocka_run_group_tests(tests, open_queues, close_queues);
}
