/* Vocabularies cut over ranks draw what one device draws, to the bit, whatever the ranks and their columns, in one
 * exchange a round. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "group.h"
#include "known_batch.h"
#include "mix.h"
#include "mpi_world.h"
#include "refused.h"
#include "shards.h"

static void columns_are_cut_evenly(void **state)
{
    (void)state;
    static const size_t vocabularies[] = {1, 255, 256, 257, 1024, 2049, 128256, TOMBOLA_MAX_VOCABULARY};
    for (size_t i = 0; i < COUNT_OF(vocabularies); i++)
        for (int ranks = 1; ranks <= 1024; ranks = ranks < 9 ? ranks + 1 : ranks * 2 + 1) {
            const size_t blocks = (vocabularies[i] + 255) / 256, least = blocks / (size_t)ranks;
            size_t end = 0, first, last;
            for (int rank = 0; rank < ranks; rank++) {
                tombola_mpi_columns(vocabularies[i], ranks, rank, &first, &last);
                assert_int_equal(first, end);
                const size_t own = (last - first + 255) / 256;
                assert_true(own == least || own == least + 1);
                assert_true(last % 256 == 0 || last == vocabularies[i]);
                end = last;
            }
            assert_int_equal(end, vocabularies[i]);
            tombola_mpi_columns(vocabularies[i], ranks, ranks, &first, &last);
            assert_int_equal(first, last);
            tombola_mpi_columns(vocabularies[i], ranks, -1, &first, &last);
            assert_int_equal(first, last);
        }
}

/* ------------------------------------------------------------------ mixes */

/* Of what there is for each token, a rank has that of its columns. */
static tombola_results columns_of_rank(const struct spread *s, struct shard_results *got)
{
    tombola_results columns = shard_results_columns(got);
    if (got->wants.vocabulary) {
        columns.probabilities.host += s->first;
        columns.log_probabilities.host += s->first;
        columns.kept_probabilities.host += s->first;
        columns.processed_logits.host += s->first;
    }
    return columns;
}

/* Whether a rank has these of the outputs and kept tokens of all columns. */
static int has_its_own(const struct spread *s, const struct shard_results *got, const struct shard_results *right,
                       size_t row)
{
    const size_t vocabulary = got->wants.vocabulary, at = row * vocabulary + s->first;
    for (int i = 0; i < SHARD_OUTPUTS && vocabulary; i++)
        if (memcmp(got->outputs[i] + at, right->outputs[i] + at, (s->last - s->first) * sizeof(float)) != 0)
            return 0;
    uint64_t own = vocabulary && row ? got->kept_ends[row - 1] : 0;
    for (uint64_t i = vocabulary && row ? right->kept_ends[row - 1] : 0; vocabulary && i < right->kept_ends[row]; i++) {
        const int32_t id = right->kept_tokens[i];
        const int is_own = (size_t)id >= s->first && (size_t)id < s->last;
        if (is_own && (own == got->kept_ends[row] || got->kept_tokens[own++] != id))
            return 0;
    }
    return !vocabulary || own == got->kept_ends[row];
}

static void expect_mix(struct mix *mix, size_t samples, const struct team *team)
{
    mix_finish(mix);
    const tombola_rows rows = mix_rows(mix);
    struct shard_wants wants = {
        .rows = mix->count, .samples = samples, .ids = mix->id_ends[mix->count - 1], .is_told = 1};
    wants.candidates = random_below(&mix->random, 2) ? 20 : 0;
    wants.vocabulary = random_below(&mix->random, 2) ? mix->make.vocabulary : 0;
    struct shard_results *right = shard_results_make(wants), *got = shard_results_make(wants);
    const tombola_results right_columns = shard_results_columns(right);
    tombola_sampler *sampler = make_sampler(context, &mix->make, mix->count, TOMBOLA_DISPATCH_AUTO);
    call_rows(sampler, &rows, &right_columns);
    tombola_sampler_release(sampler);
    struct spread s;
    spread_open(&s, team, &mix->make, mix->count, &mix->random);
    const tombola_results columns = columns_of_rank(&s, got);
    for (size_t from = 0; from < 4; from += 2) {
        assert_int_equal(tombola_mpi_sampler_halve(s.sampler, from, NULL), TOMBOLA_OK);
        spread_draw(&s, &rows, &columns);
        for (size_t row = 0; row < mix->count; row++) {
            char text[1024];
            mix_describe(mix, row, text, sizeof text);
            assert_that(shard_results_same(got, right, row) && has_its_own(&s, got, right, row),
                        "%s on rank %d of %d, columns %zu to %zu, halves from %zu: token %d, where one device has %d",
                        text, team->rank, team->size, s.first, s.last, from, got->tokens[row * samples],
                        right->tokens[row * samples]);
        }
        tombola_mpi_call call = tombola_mpi_call_default();
        tombola_mpi_sampler_last_call(s.sampler, &call);
        assert_int_equal(call.halves, from && mix->count > 1 && !wants.vocabulary ? 2 : 1);
    }
    spread_close(&s);
    shard_results_release(right);
    shard_results_release(got);
    mix_release(mix);
}

static void expect_mixture(uint64_t seed, const struct team *team)
{
    static const uint32_t vocabularies[] = {1, 256, 257, 600, 1500, 4000};
    static const tombola_type types[] = {TOMBOLA_FLOAT32, TOMBOLA_FLOAT16, TOMBOLA_BFLOAT16};
    uint64_t random = seed;
    const struct make make = {types[random_below(&random, COUNT_OF(types))], TOMBOLA_LOGITS,
                              vocabularies[random_below(&random, COUNT_OF(vocabularies))]};
    struct mix *mix = mix_create(make, 1 + random_below(&random, 6), seed);
    const uint32_t sparse = 2 + random_below(&random, 8);
    for (size_t row = 0; row < mix->count; row++)
        for (size_t feature = 0; feature < features_count(); feature++)
            if (random_below(&mix->random, sparse) == 0 && feature_suits(feature, make.input))
                feature_set(feature, &mix->rows[row], &mix->random);
    expect_mix(mix, random_below(&random, 2) ? 1 : 1 + random_below(&random, 5), team);
}

static void mixes_at_random_are_as_one_device_has_them(void **state)
{
    (void)state;
    const uint64_t mixes = test_level() == TEST_ALL ? 300 : test_level() == TEST_SMALL ? 2 : 8;
    for (uint64_t seed = 0; seed < mixes; seed++)
        for (uint64_t split = 0; split < SPLITS; split++)
            expect_mixture(7000000 + (seed * SPLITS + split) * WORLD + teams[split].number, &teams[split]);
}

/* ------------------------------------------------------------------ known answers */

/* Teams of a split. */
static const uint64_t team_counts[SPLITS] = {1, 3, 4};

/* Samplers of this rank's teams, of the make at hand. */
struct spreads {
    struct spread of[SPLITS];
};

static void close_spread(struct spread *s)
{
    if (s->sampler)
        spread_close(s);
    s->sampler = NULL;
}

/* Each batch is drawn by one team. What takes long is for machines that have the time: large vocabularies, and a
 * program that no other test here takes, eight times. */
static int is_wanted(const struct known_batch *batch, void *user)
{
    (void)user;
    const size_t split = batch->number % SPLITS;
    const int is_quick = batch->make.vocabulary <= 5000 && batch->make.input == TOMBOLA_LOGITS;
    return (is_quick || test_level() == TEST_ALL) && batch->number / SPLITS % team_counts[split] == teams[split].number;
}

static void run_on_team(const struct known_batch *batch, void *user)
{
    struct spreads *spreads = user;
    const size_t split = batch->number % SPLITS;
    const struct team *team = &teams[split];
    struct spread *s = &spreads->of[split];
    if (s->sampler && memcmp(&s->make, &batch->make, sizeof s->make) != 0)
        close_spread(s);
    uint64_t random = batch->number;
    if (!s->sampler)
        spread_open(s, team, &batch->make, KNOWN_BATCH_ROWS, &random);
    struct columns columns;
    struct draw draws[KNOWN_BATCH_ROWS];
    char who[64];
    const tombola_results results = columns_results(&columns);
    spread_draw(s, &batch->rows, &results);
    columns_draws(&columns, batch->rows.count, draws);
    snprintf(who, sizeof who, "rank %d of %d, columns %zu to %zu", team->rank, team->size, s->first, s->last);
    known_batch_expect(batch, draws, who);
}

static void known_answers_come_out(void **state)
{
    (void)state;
    static const char *const files[] = {"known_processors.txt", "known_shares.txt", "known_entropy.txt",
                                        "known_mirostat.txt", "known_adaptive.txt"};
    struct spreads spreads = {.of = {{.sampler = NULL}}};
    size_t count;
    struct known_answer *answers = known_answers_read(&count);
    known_batches(answers, count, is_wanted, run_on_team, &spreads);
    free(answers);
    answers = known_restricted_read(&count);
    known_batches(answers, count, is_wanted, run_on_team, &spreads);
    free(answers);
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        answers = known_file_read(files[i], &count);
        known_batches(answers, count, is_wanted, run_on_team, &spreads);
        free(answers);
    }
    for (int i = 0; i < SPLITS; i++)
        close_spread(&spreads.of[i]);
}

/* ------------------------------------------------------------------ costs */

enum { ROWS = 12, V = 3000 };

static const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, V};
static float logits[ROWS * V];
static tombola_params params[ROWS];
static int32_t tokens[ROWS];

static tombola_rows plain_rows(size_t count, tombola_params all)
{
    for (uint32_t row = 0; row < ROWS; row++) {
        const struct row_recipe recipe = {ROW_GAUSSIAN, row, V, TOMBOLA_FLOAT32, TOMBOLA_LOGITS};
        row_fill(&recipe, logits + row * V, NULL);
        params[row] = all;
        params[row].seed = row;
    }
    return host_rows(logits, count, 0, params);
}

static tombola_results plain_results(void)
{
    tombola_results results = tombola_results_default();
    results.tokens.host = tokens;
    return results;
}

static tombola_mpi_call call_of(struct spread *s, size_t count, tombola_params all)
{
    const tombola_rows rows = plain_rows(count, all);
    const tombola_results results = plain_results();
    tombola_mpi_call call = tombola_mpi_call_default();
    spread_draw(s, &rows, &results);
    tombola_mpi_sampler_last_call(s->sampler, &call);
    return call;
}

/* Calls like those before take a collective a round; the first ones, and larger ones, another. */
static void a_round_is_one_exchange(void **state)
{
    (void)state;
    enum { HEAD = 16 + sizeof(tombola_shard_head), DRAWN = 48 };
    tombola_params plain = params_at(0.9f), top_k = plain;
    uint64_t random = 5;
    struct spread s;
    top_k.top_k = 100;
    spread_open(&s, &teams[1], &make, ROWS, &random);
    tombola_mpi_call call = call_of(&s, ROWS, plain);
    assert_int_equal(call.rounds, 1);
    assert_int_equal(call.collectives, 1);
    assert_int_equal(call.bytes, HEAD + ROWS * DRAWN);
    assert_real_less(0, call.exchange_seconds);
    call = call_of(&s, ROWS, top_k);
    const uint32_t rounds = call.rounds;
    assert_less(1, rounds);
    assert_less(rounds, call.collectives);
    for (int turn = 0; turn < 2; turn++) {
        call = call_of(&s, ROWS, top_k);
        assert_int_equal(call.rounds, rounds);
        assert_int_equal(call.collectives, rounds);
    }
    const uint64_t bytes = call.bytes;
    for (int turn = 0; turn < 60; turn++) /* what is not needed any more is sent no longer */
        call = call_of(&s, 2, plain);
    assert_int_equal(call.collectives, 1);
    assert_less(call.bytes, HEAD + 2 * DRAWN + 64);
    call = call_of(&s, ROWS, top_k);
    assert_at_most(call.bytes, 2 * bytes);
    assert_int_equal(tombola_mpi_sampler_halve(s.sampler, 4, NULL), TOMBOLA_OK);
    call = call_of(&s, ROWS, plain);
    assert_int_equal(call.rounds, 2);
    assert_int_equal(call.halves, 2);
    assert_int_equal(call_of(&s, 3, plain).halves, 1);
    assert_int_equal(tombola_mpi_sampler_halve(s.sampler, 0, NULL), TOMBOLA_OK);
    assert_int_equal(call_of(&s, ROWS, plain).halves, 1);
    spread_close(&s);
}

/* Whatever the caller has under way on the communicator, any tag and any source, stays as it is. */
static void callers_messages_stay_theirs(void **state)
{
    (void)state;
    const struct team *team = &teams[0];
    uint64_t random = 9;
    struct spread s;
    int from = -1, to = team->rank;
    MPI_Request receiving, sum;
    MPI_Irecv(&from, 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, team->comm, &receiving);
    int total = 0;
    MPI_Iallreduce(&to, &total, 1, MPI_INT, MPI_SUM, team->comm, &sum);
    spread_open(&s, team, &make, ROWS, &random);
    call_of(&s, ROWS, params_at(1.0f));
    MPI_Send(&to, 1, MPI_INT, (team->rank + 1) % team->size, 7, team->comm);
    call_of(&s, ROWS, params_at(1.0f));
    MPI_Wait(&receiving, MPI_STATUS_IGNORE);
    MPI_Wait(&sum, MPI_STATUS_IGNORE);
    assert_int_equal(from, (team->rank + team->size - 1) % team->size);
    assert_int_equal(total, team->size * (team->size - 1) / 2);
    spread_close(&s);
}

/* ------------------------------------------------------------------ MPI's state */

static void expect_no_sampler(MPI_Comm comm, const char *message)
{
    tombola_error error = tombola_error_default();
    tombola_mpi_sampler *sampler = NULL;
    const tombola_status status = tombola_mpi_sampler_create(context, comm, V, 0, V, ROWS, NULL, &sampler, &error);
    if (status != TOMBOLA_INVALID_ARGUMENT || strcmp(error.message, message) != 0 || sampler)
        die("status %d, \"%s\", not \"%s\"", (int)status, error.message, message);
}

static void communicators_that_will_not_do_are_refused(void **state)
{
    (void)state;
    MPI_Comm half, other;
    expect_no_sampler(MPI_COMM_NULL, "comm is MPI_COMM_NULL");
    MPI_Comm_split(world.comm, world.rank % 2, 0, &half);
    MPI_Intercomm_create(half, 0, world.comm, (world.rank + 1) % 2, 3, &other);
    expect_no_sampler(other, "comm is an inter-communicator: MPI_Intercomm_merge makes one that will do");
    MPI_Comm_free(&other);
    MPI_Comm_free(&half);
    tombola_error error = tombola_error_default();
    const tombola_rows rows = plain_rows(1, params_at(1.0f));
    const tombola_results results = plain_results();
    expect_refusal(tombola_mpi_sampler_sample(NULL, &rows, &results, &error), &error, "sampler is NULL");
    expect_refusal(tombola_mpi_sampler_halve(NULL, 2, &error), &error, "sampler is NULL");
    tombola_mpi_sampler_release(NULL);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_cut_evenly),       cmocka_unit_test(mixes_at_random_are_as_one_device_has_them),
        cmocka_unit_test(known_answers_come_out),       cmocka_unit_test(a_round_is_one_exchange),
        cmocka_unit_test(callers_messages_stay_theirs), cmocka_unit_test(communicators_that_will_not_do_are_refused),
    };
    expect_no_sampler(MPI_COMM_NULL, "MPI is not initialised: call MPI_Init_thread first");
    world_open(&argc, &argv);
    const int failed = cmocka_run_group_tests_name("MPI", tests, open_world, close_context);
    world_close();
    expect_no_sampler(MPI_COMM_NULL, "MPI is finalised already");
    return failed;
}
