#include "mpi_calls.h"

#include <stdio.h>
#include <string.h>

#include "expect.h"
#include "group.h"
#include "rows.h"

const struct team *team;
tombola_params params[ROWS];
uint16_t narrow[ROWS * V];
float logits[ROWS * V];
int32_t tokens[ROWS], right[ROWS];
tombola_mpi_sampler *sampler;

int is_last(void)
{
    return team->rank == team->size - 1;
}

struct arguments arguments_of_all(void)
{
    struct arguments a = {.context = context, .vocabulary = V, .max_rows = ROWS, .has_rows = 1};
    tombola_mpi_columns(V, team->size, team->rank, &a.first, &a.last);
    a.options = tombola_sampler_options_default();
    for (size_t row = 0; row < ROWS; row++) {
        params[row] = params_at(0.9f);
        params[row].seed = row;
        params[row].top_k = 40;
    }
    a.rows = host_rows(logits + a.first, ROWS, V, params);
    a.results = tombola_results_default();
    a.results.tokens.host = tokens;
    return a;
}

void expect_same(tombola_status got, const tombola_error *error, const char *words)
{
    struct {
        int status;
        char message[TOMBOLA_ERROR_MESSAGE_SIZE];
    } own = {.status = (int)got}, first;
    snprintf(own.message, sizeof own.message, "%s", got ? error->message : "");
    first = own;
    MPI_Bcast(&first, sizeof first, MPI_BYTE, 0, team->comm);
    assert_that(first.status == own.status && strcmp(first.message, own.message) == 0,
                "rank %d of %d says %d, \"%s\", and rank 0 %d, \"%s\"", team->rank, team->size, own.status, own.message,
                first.status, first.message);
    assert_that(words ? got && strstr(own.message, words) != NULL : !got, "rank %d of %d says %d, \"%s\", not \"%s\"",
                team->rank, team->size, own.status, own.message, words ? words : "");
}

tombola_status create(const struct arguments *a, tombola_error *error)
{
    sampler = NULL;
    tombola_status got = tombola_mpi_sampler_create(a->context, team->comm, a->vocabulary, a->first, a->last,
                                                    a->max_rows, &a->options, &sampler, error);
    return got ? got : tombola_mpi_sampler_halve(sampler, a->halve_from, error);
}

tombola_status sample(const struct arguments *a, tombola_error *error)
{
    memset(tokens, -1, sizeof tokens);
    return tombola_mpi_sampler_sample(sampler, a->has_rows ? &a->rows : NULL, &a->results, error);
}

void expect_works(void)
{
    tombola_error error = tombola_error_default();
    const struct arguments a = arguments_of_all();
    expect_same(sample(&a, &error), &error, NULL);
    assert_memory_equal(tokens, right, sizeof right);
}

int open_calls(void **state)
{
    open_world(state);
    team = &teams[1];
    struct arguments a = arguments_of_all();
    const struct make make = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, V};
    tombola_sampler *alone = make_sampler(context, &make, ROWS, TOMBOLA_DISPATCH_AUTO);
    for (uint32_t row = 0; row < ROWS; row++) {
        const struct row_recipe recipe = {ROW_TIES, row, V, TOMBOLA_FLOAT16, TOMBOLA_LOGITS};
        row_fill(&recipe, narrow + row * V, logits + row * V);
    }
    a.rows = host_rows(logits, ROWS, V, params);
    call_rows(alone, &a.rows, &a.results);
    memcpy(right, tokens, sizeof right);
    tombola_sampler_release(alone);
    return 0;
}
