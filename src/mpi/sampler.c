#include "sampler.h"

#include "error.h"
#include "sized.h"

#include <stdlib.h>

static void close_sampler(tombola_mpi_sampler *s)
{
    for (int i = 0; i < 2; i++) {
        lane_close(&s->lanes[i]);
        part_free(&s->parts[i]);
    }
    tombola_context_close(s->context);
    ranks_close(&s->ranks);
}

/* ------------------------------------------------------------------ creation */

/* Makes a lane for so many rows, or nothing. */
static tombola_status make_lane(tombola_mpi_sampler *s, struct lane *lane, size_t max_rows,
                                const tombola_sampler_options *options, tombola_error *error)
{
    tombola_status status = tombola_shard_create(s->context, s->shape.vocabulary, s->first, s->last, max_rows, options,
                                                 &lane->shard, error);
    if (!status)
        status = lane_open(lane, s->ranks.count, max_rows, error);
    if (status) {
        lane_close(lane);
        *lane = (struct lane){.shard = NULL};
    }
    return status;
}

static tombola_status make(tombola_mpi_sampler *s, const tombola_sampler_options *options, tombola_error *error)
{
    tombola_status status = make_lane(s, &s->lanes[0], s->max_rows, options, error);
    if (status)
        return status;
    s->options = tombola_sampler_options_default();
    if (options) /* they were found good */
        sized_read("options", "tombola_sampler_options_default", &s->options, sizeof s->options, options, NULL);
    s->shape.columns = s->last - s->first;
    s->shape.logit_bytes = tombola_type_size(s->options.type);
    return TOMBOLA_OK;
}

/* That all ranks have made theirs for the same rows, and have each column once. Collective. */
static tombola_status agree(tombola_mpi_sampler *s, tombola_error *error)
{
    struct exchange *x = &s->lanes[0].exchange;
    const struct envelope envelope = {.rows = (uint32_t)s->max_rows, .halves = 1};
    size_t usual = sizeof(tombola_shard_head);
    const tombola_shard_head head = {.magic = TOMBOLA_SHARD_MAGIC,
                                     .layout = TOMBOLA_SHARD_LAYOUT,
                                     .contract = (uint32_t)tombola_contract(),
                                     .size = usual,
                                     .vocabulary = (uint32_t)s->shape.vocabulary,
                                     .input = s->options.input,
                                     .first = (uint32_t)s->first,
                                     .last = (uint32_t)s->last};
    *(tombola_shard_head *)exchange_message(x) = head;
    s->ranks.rows_name = "max_rows";
    const enum exchange_end end = exchange(x, &s->ranks, envelope, usual, &usual, error);
    s->ranks.rows_name = "rows.count";
    if (end == EXCHANGE_OVER)
        return error->status;
    tombola_status status = end == EXCHANGE_DONE ? exchange_check(x, &s->ranks, error) : s->ranks.failure.status;
    const tombola_status others = ranks_settle(&s->ranks, error);
    return others ? others : status;
}

static tombola_status create(tombola_context *context, MPI_Comm comm, tombola_mpi_sampler with,
                             const tombola_sampler_options *options, tombola_mpi_sampler **sampler,
                             tombola_error *error)
{
    tombola_status status = ranks_open(&with.ranks, comm, error);
    if (status)
        return status;
    if (context)
        tombola_context_retain(context);
    with.context = context;
    tombola_mpi_sampler *s = calloc(1, sizeof *s);
    if (!sampler)
        fail(&with.ranks.failure, TOMBOLA_INVALID_ARGUMENT, "sampler is NULL");
    else if (!s)
        fail(&with.ranks.failure, TOMBOLA_OUT_OF_MEMORY, "no memory for a sampler");
    else
        make(&with, options, &with.ranks.failure);
    status = ranks_settle(&with.ranks, error);
    if (!status)
        status = agree(&with, error);
    if (status) {
        close_sampler(&with);
        free(s);
        return status;
    }
    *s = with;
    *sampler = s;
    return TOMBOLA_OK;
}

tombola_status mpi_sampler_fail(const tombola_error *own, tombola_error *error)
{
    return own->status ? fail(error, own->status, "%s", own->message) : TOMBOLA_OK;
}

tombola_status tombola_mpi_sampler_create(tombola_context *context, MPI_Comm comm, size_t vocabulary, size_t first,
                                          size_t last, size_t max_rows, const tombola_sampler_options *options,
                                          tombola_mpi_sampler **sampler, tombola_error *error)
{
    tombola_error own = tombola_error_default();
    const tombola_mpi_sampler with = {
        .shape.vocabulary = vocabulary, .first = first, .last = last, .max_rows = max_rows};
    if (!ranks_check_mpi(&own))
        create(context, comm, with, options, sampler, &own);
    return mpi_sampler_fail(&own, error);
}

tombola_status tombola_mpi_sampler_halve(tombola_mpi_sampler *s, size_t from_rows, tombola_error *error)
{
    if (!s)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "sampler is NULL");
    if (from_rows == 1)
        return fail(error, TOMBOLA_INVALID_ARGUMENT,
                    "from_rows is 1, and a row has no halves: 0 or 2 and more will do");
    if (from_rows && s->max_rows > 1 && !s->lanes[1].shard) {
        tombola_status status = make_lane(s, &s->lanes[1], s->max_rows / 2, &s->options, error);
        if (status)
            return status;
    }
    s->halve_from = from_rows;
    return TOMBOLA_OK;
}

void tombola_mpi_sampler_release(tombola_mpi_sampler *s)
{
    if (!s)
        return;
    close_sampler(s);
    free(s);
}
