/* Times what one shard of many has to do: the calls of tombola_shard.h, without a transport. All shards are in this
 * process, and those of the others are not counted. One JSON object a line:
 *
 *     build/tombola_shards --shards 16 --seconds 1
 *
 * shards          of which the first is timed; it has the most columns
 * us, best_us     of begin and of all its partials and merges in a call: median and least
 * rounds, bytes   of a call; bytes of its messages
 * round_us        the least that begin and the first message have taken, and the merging of each round and the next
 *                 message */
#include "clock.h"
#include "columns.h"
#include "tombola_mpi.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CALLS = 10000, MOST_STEPS = 64 };

struct bench {
    struct columns columns;
    size_t shards;
    double seconds;
    tombola_context *context;
    struct one {
        tombola_shard *shard;
        float *logits;
        int32_t *tokens;
    } * all;
    tombola_params *params;
    char *messages[2]; /* of a round and of the next */
    size_t stride;
    double steps[MOST_STEPS]; /* seconds of the first shard, the least; 0: of none */
};

static void check(tombola_status status, const tombola_error *error)
{
    if (status)
        columns_fail(error->message);
}

static void open_bench(struct bench *b)
{
    const struct columns *c = &b->columns;
    tombola_error error = tombola_error_default();
    check(tombola_context_open(NULL, NULL, &b->context, &error), &error);
    b->params = columns_allocate(c->rows, sizeof *b->params);
    b->all = columns_allocate(b->shards, sizeof *b->all);
    for (size_t i = 0; i < b->shards; i++) {
        size_t first, last;
        tombola_mpi_columns(c->vocabulary, (int)b->shards, (int)i, &first, &last);
        b->all[i].logits = columns_make(c, first, last);
        b->all[i].tokens = columns_allocate(c->rows, sizeof *b->all[i].tokens);
        check(tombola_shard_create(b->context, c->vocabulary, first, last, c->rows, NULL, &b->all[i].shard, &error),
              &error);
    }
}

static void begin(struct bench *b, struct one *one)
{
    tombola_error error = tombola_error_default();
    tombola_rows rows = tombola_rows_default();
    tombola_results results = tombola_results_default();
    rows.count = b->columns.rows;
    rows.logits.host = one->logits;
    rows.params = b->params;
    results.tokens.host = one->tokens;
    check(tombola_shard_begin(one->shard, &rows, &results, &error), &error);
}

static void partial(struct bench *b, size_t i, int round)
{
    tombola_error error = tombola_error_default();
    size_t size;
    check(tombola_shard_partial(b->all[i].shard, b->messages[round % 2] + i * b->stride, b->stride, &size, &error),
          &error);
}

/* Whether the call is done; if not, the message of the next round is there. */
static int merge(struct bench *b, size_t i, int round)
{
    tombola_error error = tombola_error_default();
    int is_done;
    check(tombola_shard_merge(b->all[i].shard, b->messages[round % 2], b->stride, b->shards, &is_done, &error), &error);
    if (!is_done)
        partial(b, i, round + 1);
    return is_done;
}

static tombola_shard_call last_call(const struct bench *b)
{
    tombola_shard_call call = {.struct_size = sizeof call};
    tombola_shard_last_call(b->all[0].shard, &call);
    return call;
}

/* For the call that the first shard has begun. */
static void reserve(struct bench *b)
{
    const size_t most = (size_t)last_call(b).most;
    for (int i = 0; i < 2 && most > b->stride; i++) {
        free(b->messages[i]);
        b->messages[i] = columns_allocate(b->shards, most);
    }
    b->stride = most > b->stride ? most : b->stride;
}

/* A step of the first shard, begun then. Gives its seconds. */
static double take_step(struct bench *b, int step, double start)
{
    const double seconds = clock_now() - start;
    if (step < MOST_STEPS && (b->steps[step] == 0 || seconds < b->steps[step]))
        b->steps[step] = seconds;
    return seconds;
}

/* A call of all shards. Gives the seconds of the first, which works while the others rest. */
static double run(struct bench *b)
{
    double start = clock_now(), seconds;
    int is_done = 0;
    begin(b, &b->all[0]);
    reserve(b);
    partial(b, 0, 0);
    seconds = take_step(b, 0, start);
    for (size_t i = 1; i < b->shards; i++) {
        begin(b, &b->all[i]);
        partial(b, i, 0);
    }
    for (int round = 0; !is_done; round++) {
        start = clock_now();
        is_done = merge(b, 0, round);
        seconds += take_step(b, round + 1, start);
        for (size_t i = 1; i < b->shards; i++)
            merge(b, i, round);
    }
    return seconds;
}

static void measure(struct bench *b, bench_config config)
{
    static double times[MOST_CALLS];
    const struct columns *c = &b->columns;
    size_t count = 0;
    columns_params(c, config, b->params);
    run(b);
    memset(b->steps, 0, sizeof b->steps);
    for (const double end = clock_now() + b->seconds; count < 3 || clock_now() < end;) {
        times[count++] = run(b);
        if (count == MOST_CALLS)
            break;
    }
    const tombola_shard_call call = last_call(b);
    const double median = columns_median(times, count);
    printf("{\"shards\": %zu, \"config\": \"%s\", \"workload\": \"%s\", \"rows\": %zu, \"vocabulary\": %zu, \"us\": "
           "%.1f, \"best_us\": %.1f, \"rounds\": %u, \"bytes\": %llu, \"calls\": %zu, \"round_us\": [",
           b->shards, bench_config_name(config), workload_name(c->kind), c->rows, c->vocabulary, median * 1e6,
           times[0] * 1e6, call.rounds, (unsigned long long)call.bytes, count);
    for (size_t i = 0; i < MOST_STEPS && b->steps[i] > 0; i++)
        printf("%s%.1f", i > 0 ? ", " : "", b->steps[i] * 1e6);
    puts("]}");
    fflush(stdout);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct bench *b = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &b->columns;
        return 0;
    case 'n':
        b->shards = strtoull(argument, NULL, 10);
        if (b->shards == 0)
            argp_error(state, "--shards: at least one");
        return 0;
    case 's':
        b->seconds = atof(argument);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int main(int argc, char **argv)
{
    static const struct argp_option known[] = {
        {"shards", 'n', "N", 0, "Of the vocabulary, 1", 0},
        {"seconds", 's', "S", 0, "For each configuration, 1; at least 3 calls", 0},
        {0}};
    static const struct argp_child children[] = {{&columns_argp, 0, NULL, 0}, {0}};
    static const struct argp parser = {known,    parse, NULL, "Times what one shard of many has to do.",
                                       children, NULL,  NULL};
    struct bench b = {.columns = columns_default(), .shards = 1, .seconds = 1};
    argp_parse(&parser, argc, argv, 0, NULL, &b);
    open_bench(&b);
    for (size_t i = 0; i < b.columns.config_count; i++)
        measure(&b, b.columns.configs[i]);
    for (size_t i = 0; i < b.shards; i++) {
        tombola_shard_release(b.all[i].shard);
        free(b.all[i].logits);
        free(b.all[i].tokens);
    }
    tombola_context_close(b.context);
    free(b.all);
    free(b.params);
    free(b.messages[0]);
    free(b.messages[1]);
    return EXIT_SUCCESS;
}
