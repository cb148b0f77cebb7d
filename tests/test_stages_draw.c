/* The draw from a window, alone on the device: both heats of the race and the inverse CDF, against the contract's
 * arithmetic over a sorted row. */
#include <stdlib.h>

#include "expect.h"
#include "harness.h"
#include "philox.h"
#include "queries.h"
#include "race.h"

enum { BLOCK_TOKENS = 256, NO_ONE = -1 };

/* When runner n of this weight arrives, as bits. */
static uint32_t time_of(const struct query *q, uint32_t use, uint32_t n, uint64_t weight)
{
    const uint32_t call = n / 64 * 16 + n % 16, word = n / 16 % 4;
    const uint32_t high = random_words(call, use, q->seed, q->offset, q->stream).word[word] >> 1;
    const uint32_t low = random_words(call, use + 128, q->seed, q->offset, q->stream).word[word] >> 1;
    const float size = runner_weight((uint32_t)(weight >> 18), (uint32_t)(weight & 0x3FFFF));
    return words_of(runner_time(exponential(high, low), size));
}

/* The block whose kept tokens, of these sums, arrive first; NO_ONE if none weighs anything. */
static uint32_t race_blocks(const struct model *m, const struct query *q, const uint64_t *sums)
{
    uint32_t first = (uint32_t)NO_ONE;
    int64_t best = 0;
    for (uint32_t b = 0; b < m->blocks; b++) {
        if (sums[b] == 0) {
            continue;
        }
        const int64_t arrival = block_arrival(time_of(q, PHILOX_USE_BLOCKS, b, sums[b]), m->rounded[b]);
        if (first == (uint32_t)NO_ONE || arrival < best) {
            first = b;
            best = arrival;
        }
    }
    return first;
}

static uint32_t race_tokens(const struct model *m, const struct query *q, struct ranks ranks, uint32_t block)
{
    uint32_t first = (uint32_t)NO_ONE, best = UINT32_MAX;
    for (uint32_t rank = ranks.first; rank < ranks.end; rank++) {
        const uint32_t id = m->order[rank];
        if (id / BLOCK_TOKENS != block || m->weight[id] == 0) {
            continue;
        }
        const uint32_t time = time_of(q, PHILOX_USE_TOKENS, id, m->weight[id]);
        if (time < best || (time == best && id < first)) {
            first = id;
            best = time;
        }
    }
    return first;
}

/* Tokens are sought by id, so that what ranks stand for has to be marked. */
static uint32_t invert(const struct model *m, const struct query *q, struct ranks ranks, const uint64_t *sums)
{
    __extension__ typedef unsigned __int128 wide;
    const struct philox words = random_words(0, PHILOX_USE_CDF, q->seed, q->offset, q->stream);
    uint64_t rest = (uint64_t)((wide)(words.word[0] | (uint64_t)words.word[1] << 32) * model_mass(m, sums) >> 64);
    unsigned char *is_kept = allocate(m->vocabulary, 1);
    uint32_t b = 0;
    for (uint32_t rank = ranks.first; rank < ranks.end; rank++) {
        is_kept[m->order[rank]] = 1;
    }
    for (; rest >= sums[b] << 12 >> m->shift[b]; b++) {
        rest -= sums[b] << 12 >> m->shift[b];
    }
    rest = m->shift[b] <= 12 ? rest >> (12 - m->shift[b]) : rest << (m->shift[b] - 12);
    uint32_t id = b * BLOCK_TOKENS;
    for (; !is_kept[id] || rest >= m->weight[id]; id++) {
        rest -= is_kept[id] ? m->weight[id] : 0;
    }
    free(is_kept);
    return id;
}

static void add_random_numbers(struct queries *q)
{
    for (uint32_t i = 0; i < q->count; i++) {
        q->query[i].seed = UINT64_C(0x123456789) + i;
        q->query[i].offset = (uint64_t)i << 33;
        q->query[i].stream = 7 * i;
    }
}

static struct queries *draws_of(struct group_shape shape, const struct model *m)
{
    struct queries *q = queries_make(shape, m);
    for (int times = 0; times < (m->vocabulary < 4000 ? 4 : 2); times++) {
        queries_add_windows(q);
    }
    add_random_numbers(q);
    return q;
}

static void race_rows(struct group_shape shape, const struct model *m)
{
    struct queries *q = draws_of(shape, m);
    uint64_t *sums = allocate(m->blocks, sizeof *sums);
    uint32_t *numbers = allocate(m->blocks, sizeof *numbers);
    for (uint32_t i = 0; i < q->count; i++) {
        q->query[i].by_mass = i / 2 % 2; /* blocks weighed beforehand, or as far as they may win */
    }
    queries_run(q, "raced");
    for (uint32_t i = 0; i < q->count; i++) {
        model_sums(m, q->ranks[i], sums, numbers);
        const uint32_t block = race_blocks(m, &q->query[i], sums);
        const uint32_t token = race_tokens(m, &q->query[i], q->ranks[i], block);
        assert_that((block == (uint32_t)NO_ONE || q->answer[i].block == block) && q->answer[i].token == token,
                    "%u x %u x %u, %u tokens, ranks %u to %u, weighed %u: token %u of block %u, not %u of %u",
                    shape.lanes, shape.width, shape.teams, (unsigned)m->vocabulary, (unsigned)q->ranks[i].first,
                    (unsigned)q->ranks[i].end, (unsigned)q->query[i].by_mass, (unsigned)q->answer[i].token,
                    (unsigned)q->answer[i].block, (unsigned)token, (unsigned)block);
    }
    free(sums);
    free(numbers);
    queries_release(q);
}

static void the_first_to_arrive_wins_both_heats(void **state)
{
    (void)state;
    for_rows(20000, race_rows);
}

static void locate_in_rows(struct group_shape shape, const struct model *m)
{
    struct queries *q = draws_of(shape, m);
    uint64_t *sums = allocate(m->blocks, sizeof *sums);
    uint32_t *numbers = allocate(m->blocks, sizeof *numbers);
    queries_run(q, "located");
    for (uint32_t i = 0; i < q->count; i++) {
        model_sums(m, q->ranks[i], sums, numbers);
        if (model_mass(m, sums) == 0) {
            continue;
        }
        const uint32_t token = invert(m, &q->query[i], q->ranks[i], sums);
        assert_that(q->answer[i].token == token, "%u x %u x %u, %u tokens, ranks %u to %u: token %u, not %u",
                    shape.lanes, shape.width, shape.teams, (unsigned)m->vocabulary, (unsigned)q->ranks[i].first,
                    (unsigned)q->ranks[i].end, (unsigned)q->answer[i].token, (unsigned)token);
    }
    free(sums);
    free(numbers);
    queries_release(q);
}

static void a_share_of_the_mass_falls_on_the_token_that_holds_it(void **state)
{
    (void)state;
    for_rows(20000, locate_in_rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_to_arrive_wins_both_heats),
        cmocka_unit_test(a_share_of_the_mass_falls_on_the_token_that_holds_it),
    };
    return cmocka_run_group_tests(tests, kernels_open, queries_close);
}
