#include "sampler.h"

#include "error.h"
#include "sized.h"

static tombola_status begin_halves(tombola_mpi_sampler *s, const tombola_rows *rows, const tombola_results *results,
                                   tombola_error *error)
{
    const size_t later = rows->count / 2, first[] = {0, rows->count - later}, count[] = {rows->count - later, later};
    tombola_status status = TOMBOLA_OK;
    for (int i = 0; i < 2 && !status; i++) {
        status = part_take(&s->parts[i], &s->shape, rows, results, first[i], count[i], error);
        if (!status)
            status = lane_begin(&s->lanes[i], &s->parts[i].rows, &s->parts[i].results, error);
    }
    if (status != TOMBOLA_INVALID_ARGUMENT)
        return status;
    for (int i = 0; i < 2; i++)
        lane_cancel(&s->lanes[i]);
    lane_begin(&s->lanes[0], rows, results, error); /* in the words that are about the whole batch */
    return status;
}

static tombola_status begin(tombola_mpi_sampler *s, const tombola_rows *theirs, const tombola_results *their_results,
                            struct envelope *envelope, tombola_error *error)
{
    tombola_rows rows = tombola_rows_default();
    tombola_results results = tombola_results_default();
    if (!theirs || !their_results)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "%s is NULL", theirs ? "results" : "rows");
    tombola_status status = sized_read("rows", "tombola_rows_default", &rows, sizeof rows, theirs, error);
    if (!status)
        status = sized_read("results", "tombola_results_default", &results, sizeof results, their_results, error);
    if (status)
        return status;
    envelope->rows = rows.count < UINT32_MAX ? (uint32_t)rows.count : UINT32_MAX;
    if (!s->halve_from || rows.count < s->halve_from || rows.count > s->max_rows || !part_can(&rows))
        return lane_begin(&s->lanes[0], &rows, &results, error);
    envelope->is_listed = part_is_listed(&results) ? 1 : 0;
    if (envelope->is_listed)
        return lane_begin(&s->lanes[0], &rows, &results, error);
    envelope->halves = 2;
    return begin_halves(s, &rows, &results, error);
}

/* The lanes' rounds in turn, so that the device is at those of one while messages of the other travel. */
static tombola_status go_on(tombola_mpi_sampler *s, struct envelope envelope, tombola_error *error)
{
    int is_done;
    do {
        is_done = 1;
        for (uint32_t i = 0; i < envelope.halves; i++) {
            struct lane *lane = &s->lanes[i];
            if (!lane->is_done && !lane_go_on(lane, &s->ranks, envelope, error))
                return error->status;
            is_done = is_done && lane->is_done;
        }
    } while (!is_done);
    return TOMBOLA_OK;
}

static tombola_status sample(tombola_mpi_sampler *s, const tombola_rows *rows, const tombola_results *results,
                             tombola_error *error)
{
    struct envelope envelope = {.halves = 1};
    s->ranks.failure = tombola_error_default();
    s->ranks.taken = tombola_mpi_call_default();
    for (int i = 0; i < 2; i++)
        lane_reset(&s->lanes[i]);
    begin(s, rows, results, &envelope, &s->ranks.failure);
    s->ranks.taken.halves = envelope.halves;
    tombola_status status = go_on(s, envelope, error);
    if (!status && s->ranks.failure.status) /* behind the last exchange */
        status = fail(error, s->ranks.failure.status, "rank %d: %s", s->ranks.rank, s->ranks.failure.message);
    if (status)
        for (int i = 0; i < 2; i++)
            lane_cancel(&s->lanes[i]);
    return status;
}

tombola_status tombola_mpi_sampler_sample(tombola_mpi_sampler *s, const tombola_rows *rows,
                                          const tombola_results *results, tombola_error *error)
{
    tombola_error own = tombola_error_default();
    if (!s)
        fail(&own, TOMBOLA_INVALID_ARGUMENT, "sampler is NULL");
    else if (!ranks_check_mpi(&own))
        sample(s, rows, results, &own);
    return mpi_sampler_fail(&own, error);
}

void tombola_mpi_sampler_last_call(const tombola_mpi_sampler *s, tombola_mpi_call *call)
{
    sized_write(call, &s->ranks.taken, sizeof *call);
}
