#include "mpi_world.h"

#include <stdio.h>
#include <stdlib.h>

#include "expect.h"
#include "group.h"

struct team world, teams[SPLITS];

static struct team split(int color)
{
    struct team team = {.number = (uint64_t)color};
    MPI_Comm_split(MPI_COMM_WORLD, color, 0, &team.comm);
    MPI_Comm_size(team.comm, &team.size);
    MPI_Comm_rank(team.comm, &team.rank);
    return team;
}

void world_open(int *argc, char ***argv)
{
    static const int colors[SPLITS][WORLD] = {
        {0, 0, 0, 0, 0, 0, 0, 0}, {0, 1, 0, 1, 2, 0, 1, 0}, {0, 0, 1, 2, 1, 2, 3, 2}};
    int level;
    setenv("CMOCKA_TEST_ABORT", "1", 1);
    MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &level);
    world = split(0);
    if (world.size != WORLD)
        die("there are %d ranks, not %d: see mpi.cmake", world.size, WORLD);
    if (world.rank > 0 && !freopen("/dev/null", "w", stdout))
        die("cannot open /dev/null");
    for (int i = 0; i < SPLITS; i++)
        teams[i] = split(colors[i][world.rank]);
}

/* Of the address sanitizer, where that is there. It looks for leaks then, and not at the end again: once MPI is down,
 * what it had loaded is gone, and nobody knows whose leaks were whose (leaks.supp). */
extern void __lsan_do_leak_check(void) __attribute__((weak));

void world_close(void)
{
    if (__lsan_do_leak_check)
        __lsan_do_leak_check();
    for (int i = 0; i < SPLITS; i++)
        MPI_Comm_free(&teams[i].comm);
    MPI_Comm_free(&world.comm);
    MPI_Finalize();
}

int open_world(void **state)
{
    for (int turn = 0; turn < 2; turn++) {
        if ((world.rank == 0) == (turn == 0))
            open_context(state);
        MPI_Barrier(world.comm);
    }
    return 0;
}

/* ------------------------------------------------------------------ spread */

static int by_size(const void *a, const void *b)
{
    const size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return x < y ? -1 : x > y;
}

/* Which of the team's cuts this rank has: any order will do. */
static int place_of(const struct team *team, uint64_t *random)
{
    int places[WORLD];
    for (int i = 0; i < team->size; i++) {
        const int other = (int)random_below(random, (uint32_t)i + 1);
        places[i] = places[other];
        places[other] = i;
    }
    return places[team->rank];
}

void spread_open(struct spread *s, const struct team *team, const struct make *make, size_t rows, uint64_t *random)
{
    tombola_error error = tombola_error_default();
    tombola_sampler_options options = tombola_sampler_options_default();
    size_t cuts[WORLD + 1] = {0};
    for (int i = 1; i < team->size; i++)
        cuts[i] = random_below(random, make->vocabulary / 256 + 1) * 256;
    cuts[team->size] = make->vocabulary;
    qsort(cuts, (size_t)team->size + 1, sizeof *cuts, by_size);
    const int place = place_of(team, random);
    s->team = team;
    s->make = *make;
    s->first = cuts[place];
    s->last = cuts[place + 1];
    options.type = make->type;
    options.input = make->input;
    if (tombola_mpi_sampler_create(context, team->comm, make->vocabulary, s->first, s->last, rows, &options,
                                   &s->sampler, &error))
        fail_msg("%s", error.message);
}

void spread_close(struct spread *s)
{
    tombola_mpi_sampler_release(s->sampler);
}

/* The columns that this rank has of whole rows in host memory. */
static tombola_rows spread_rows(const struct spread *s, const tombola_rows *rows)
{
    tombola_rows own = *rows;
    own.stride = rows->stride ? rows->stride : s->make.vocabulary;
    own.logits.host = (const char *)rows->logits.host + s->first * tombola_type_size(s->make.type);
    if (s->first == s->last)
        own.logits.host = NULL;
    return own;
}

void spread_draw(struct spread *s, const tombola_rows *rows, const tombola_results *results)
{
    tombola_error error = tombola_error_default();
    const tombola_rows own = spread_rows(s, rows);
    if (tombola_mpi_sampler_sample(s->sampler, &own, results, &error))
        fail_msg("%s", error.message);
}
