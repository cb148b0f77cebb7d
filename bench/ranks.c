/* Times calls of tombola_mpi_sampler_sample by configuration, one JSON object a line; with --alone those of one process
 * and a whole device, to compare. Takes turns with other programs as turns.py has it:
 *
 *     bench/turns.py 20 -- build/tombola_ranks --alone -- tests/mpirun.sh 2 build/tombola_ranks
 *     mpirun -n 4 build/tombola_ranks --rows 64 --vocabulary 128256 --seconds 1
 *
 * Each rank makes rows like a language model's, whole, and takes its columns of them. Columns:
 * ranks           1 and alone: true where there is no MPI
 * us, best_us     a call: median and least, of rank 0, whose calls begin when all ranks are ready
 * rounds, collectives, bytes    of a call; bytes that a rank sends to each other one
 * exchange_us     of a call, in collectives, median; waiting for slower ranks included */
#include "clock.h"
#include "columns.h"
#include "tombola_mpi.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MOST_CALLS = 100000 };

struct options {
    struct columns columns;
    size_t halve;
    double seconds; /* 0: turns, from standard input */
    int alone;
};

/* What draws, and what it has measured. */
struct bench {
    struct options options;
    int ranks, rank;
    tombola_context *context;
    tombola_sampler *sampler;
    tombola_mpi_sampler *shard;
    float *logits;
    tombola_params *params;
    int32_t *tokens;
    struct times {
        size_t count;
        double call[MOST_CALLS], exchange[MOST_CALLS];
        tombola_mpi_call last;
    } times[COLUMN_CONFIGS];
};

/* ------------------------------------------------------------------ ranks */

/* Rank 0's number, which the others wait for asleep: their cores belong to whoever has the turn. */
static double told(const struct bench *b, double number)
{
    const struct timespec nap = {0, 1000000};
    MPI_Request request;
    int is_there = 0;
    if (b->options.alone)
        return number;
    MPI_Ibcast(&number, 1, MPI_DOUBLE, 0, MPI_COMM_WORLD, &request);
    while (MPI_Test(&request, &is_there, MPI_STATUS_IGNORE), !is_there)
        nanosleep(&nap, NULL);
    return number;
}

static void open_bench(struct bench *b)
{
    const struct options *o = &b->options;
    tombola_error error = tombola_error_default();
    size_t first, last;
    if (!o->alone) {
        MPI_Comm_size(MPI_COMM_WORLD, &b->ranks);
        MPI_Comm_rank(MPI_COMM_WORLD, &b->rank);
    }
    tombola_mpi_columns(o->columns.vocabulary, b->ranks, b->rank, &first, &last);
    b->logits = columns_make(&o->columns, first, last);
    b->params = columns_allocate(o->columns.rows, sizeof *b->params);
    b->tokens = columns_allocate(o->columns.rows, sizeof *b->tokens);
    if (tombola_context_open(NULL, NULL, &b->context, &error) ||
        (o->alone
             ? tombola_sampler_create(b->context, o->columns.vocabulary, o->columns.rows, NULL, &b->sampler, &error)
             : tombola_mpi_sampler_create(b->context, MPI_COMM_WORLD, o->columns.vocabulary, first, last,
                                          o->columns.rows, NULL, &b->shard, &error)) ||
        (b->shard && tombola_mpi_sampler_halve(b->shard, o->halve, &error)))
        columns_fail(error.message);
}

/* ------------------------------------------------------------------ measuring */

static void call(struct bench *b, const tombola_rows *rows, const tombola_results *results)
{
    tombola_error error = tombola_error_default();
    if (b->shard ? tombola_mpi_sampler_sample(b->shard, rows, results, &error)
                 : tombola_sampler_sample(b->sampler, rows, results, &error))
        columns_fail(error.message);
}

/* A call that is measured. */
static void measure(struct bench *b, struct times *t, const tombola_rows *rows, const tombola_results *results)
{
    if (b->shard)
        MPI_Barrier(MPI_COMM_WORLD);
    const double begin = clock_now();
    call(b, rows, results);
    const double seconds = clock_now() - begin;
    t->last = tombola_mpi_call_default();
    if (b->shard)
        tombola_mpi_sampler_last_call(b->shard, &t->last);
    if (t->count == MOST_CALLS)
        return;
    t->call[t->count] = seconds;
    t->exchange[t->count++] = t->last.exchange_seconds;
}

static void run(struct bench *b, size_t config, double seconds)
{
    tombola_rows rows = tombola_rows_default();
    tombola_results results = tombola_results_default();
    columns_params(&b->options.columns, b->options.columns.configs[config], b->params);
    rows.count = b->options.columns.rows;
    rows.logits.host = b->logits;
    rows.params = b->params;
    results.tokens.host = b->tokens;
    call(b, &rows, &results);
    const double begin = clock_now();
    call(b, &rows, &results);
    const double calls = told(b, seconds / (clock_now() - begin));
    for (double i = 0; i < calls || i < 3; i++)
        measure(b, &b->times[config], &rows, &results);
}

/* Turns of so many seconds for each configuration, till there are no more. */
static void run_turns(struct bench *b)
{
    char line[64];
    double seconds = b->options.seconds;
    for (int is_asked = seconds == 0; seconds > 0 || is_asked;) {
        if (is_asked && b->rank == 0) {
            puts("ready");
            fflush(stdout);
            seconds = fgets(line, sizeof line, stdin) ? atof(line) : 0;
        }
        seconds = told(b, seconds);
        if (seconds == 0)
            return;
        for (size_t config = 0; config < b->options.columns.config_count; config++)
            run(b, config, seconds);
        if (!is_asked)
            return;
    }
}

/* ------------------------------------------------------------------ results */

static void print(struct bench *b)
{
    const struct options *o = &b->options;
    for (size_t config = 0; config < o->columns.config_count; config++) {
        struct times *t = &b->times[config];
        if (t->count == 0)
            continue;
        const double call = columns_median(t->call, t->count), exchange = columns_median(t->exchange, t->count);
        printf(
            "{\"ranks\": %d, \"alone\": %s, \"halves\": %u, \"config\": \"%s\", \"workload\": \"%s\", \"rows\": %zu, "
            "\"vocabulary\": %zu, \"us\": %.1f, \"best_us\": %.1f, \"rounds\": %u, \"collectives\": %u, \"bytes\": "
            "%llu, \"exchange_us\": %.1f, \"calls\": %zu}\n",
            b->ranks, o->alone ? "true" : "false", t->last.halves, bench_config_name(o->columns.configs[config]),
            workload_name(o->columns.kind), o->columns.rows, o->columns.vocabulary, call * 1e6, t->call[0] * 1e6,
            t->last.rounds, t->last.collectives, (unsigned long long)t->last.bytes, exchange * 1e6, t->count);
    }
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->columns;
        return 0;
    case 'a':
        o->alone = 1;
        return 0;
    case 'h':
        o->halve = strtoull(argument, NULL, 10);
        return 0;
    case 's':
        o->seconds = atof(argument);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int main(int argc, char **argv)
{
    static const struct argp_option known[] = {
        {"alone", 'a', NULL, 0, "One process, without MPI", 0},
        {"halve", 'h', "N", 0, "Calls of so many rows go in halves", 0},
        {"seconds", 's', "S", 0, "For each configuration; turns from standard input else", 0},
        {0}};
    static const struct argp_child children[] = {{&columns_argp, 0, NULL, 0}, {0}};
    static const struct argp parser = {known, parse, NULL, "Times calls of ranks.", children, NULL, NULL};
    static struct bench b = {.ranks = 1};
    int level;
    b.options.columns = columns_default();
    argp_parse(&parser, argc, argv, 0, NULL, &b.options);
    if (!b.options.alone)
        MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
    open_bench(&b);
    run_turns(&b);
    if (b.rank == 0)
        print(&b);
    tombola_mpi_sampler_release(b.shard);
    tombola_sampler_release(b.sampler);
    tombola_context_close(b.context);
    if (!b.options.alone)
        MPI_Finalize();
    return EXIT_SUCCESS;
}
