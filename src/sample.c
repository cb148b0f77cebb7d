/* sample, and its two halves. */
#include "sampler.h"

#include "error.h"
#include "process.h"
#include "results.h"
#include "run.h"

static tombola_status begin(tombola_sampler *s, const tombola_rows *rows, const tombola_results *results, int is_urgent,
                            struct batch **batch, tombola_error *error)
{
    tombola_status status = sampler_begin(s, rows, results, NULL, is_urgent, batch, error);
    if (status)
        return status;
    status = run_batch(*batch, 0, NULL, error);
    return status ? batch_finish(*batch, status, error) : TOMBOLA_OK;
}

static tombola_status end(struct batch *b, tombola_error *error)
{
    tombola_status status = batch_finish(b, TOMBOLA_OK, error);
    if (!status)
        results_deliver(b);
    return status;
}

tombola_status tombola_sampler_sample(tombola_sampler *sampler, const tombola_rows *rows,
                                      const tombola_results *results, tombola_error *error)
{
    if (!sampler)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "sampler is NULL");
    if (process_check(error))
        return TOMBOLA_FORKED;
    struct batch *batch;
    tombola_status status = begin(sampler, rows, results, 1, &batch, error);
    return status ? status : end(batch, error);
}

tombola_status tombola_sampler_submit(tombola_sampler *sampler, const tombola_rows *rows,
                                      const tombola_results *results, tombola_ticket *ticket, tombola_error *error)
{
    if (!sampler)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "sampler is NULL");
    if (process_check(error))
        return TOMBOLA_FORKED;
    if (!ticket)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "ticket is NULL");
    struct batch *batch;
    tombola_status status = begin(sampler, rows, results, 0, &batch, error);
    if (status)
        return status;
    batch->is_awaited = 1;
    *ticket = batch->number;
    return TOMBOLA_OK;
}

tombola_status tombola_sampler_poll(tombola_sampler *sampler, tombola_ticket ticket, int *is_done, tombola_error *error)
{
    if (!sampler)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "sampler is NULL");
    if (process_check(error))
        return TOMBOLA_FORKED;
    if (!is_done)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "is_done is NULL");
    const struct batch *batch = sampler_find(sampler, ticket, error);
    if (!batch)
        return TOMBOLA_INVALID_ARGUMENT;
    *is_done = batch_has_completed(batch);
    return TOMBOLA_OK;
}

tombola_status tombola_sampler_wait(tombola_sampler *sampler, tombola_ticket ticket, tombola_error *error)
{
    if (!sampler)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "sampler is NULL");
    if (process_check(error))
        return TOMBOLA_FORKED;
    struct batch *batch = sampler_find(sampler, ticket, error);
    return batch ? end(batch, error) : TOMBOLA_INVALID_ARGUMENT;
}
