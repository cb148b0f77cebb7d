/* sample, and its two halves. */
#include "sampler.h"

#include "error.h"
#include "process.h"

#include <string.h>

/* What the kernel writes is what the caller gets. */
_Static_assert(sizeof(tombola_draw) == sizeof(struct row_draw) &&
                   offsetof(tombola_draw, token) == offsetof(struct row_draw, token) &&
                   offsetof(tombola_draw, status) == offsetof(struct row_draw, status) &&
                   offsetof(tombola_draw, kept) == offsetof(struct row_draw, kept) &&
                   offsetof(tombola_draw, reserved) == offsetof(struct row_draw, reserved),
               "a draw is the same for kernels and callers");

static tombola_status begin(tombola_sampler *s, const struct row_batch *batch, struct flight **flight,
                            tombola_error *error)
{
    tombola_status status = batch_begin(s, batch, flight, error);
    if (status)
        return status;
    status = batch_run(s, *flight, batch, s->sample, error);
    return status ? flight_land(s, *flight, status, error) : TOMBOLA_OK;
}

static tombola_status end(tombola_sampler *s, struct flight *f, tombola_draw *draws, tombola_error *error)
{
    tombola_status status = flight_land(s, f, TOMBOLA_OK, error);
    if (!status)
        memcpy(draws, f->host_draws, f->rows * sizeof *draws);
    return status;
}

tombola_status tombola_sampler_sample(tombola_sampler *sampler, const void *logits, size_t rows, size_t row_stride,
                                      const tombola_params *params, tombola_draw *draws, tombola_error *error)
{
    if (!sampler)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "sampler is NULL");
    if (process_check(error))
        return TOMBOLA_FORKED;
    if (!draws)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "draws is NULL");
    const struct row_batch batch = {logits, rows, row_stride, params};
    struct flight *flight;
    tombola_status status = begin(sampler, &batch, &flight, error);
    return status ? status : end(sampler, flight, draws, error);
}

tombola_status tombola_sampler_submit(tombola_sampler *sampler, const void *logits, size_t rows, size_t row_stride,
                                      const tombola_params *params, tombola_ticket *ticket, tombola_error *error)
{
    if (!sampler)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "sampler is NULL");
    if (process_check(error))
        return TOMBOLA_FORKED;
    if (!ticket)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "ticket is NULL");
    const struct row_batch batch = {logits, rows, row_stride, params};
    struct flight *flight;
    tombola_status status = begin(sampler, &batch, &flight, error);
    if (status)
        return status;
    flight->is_awaited = 1;
    *ticket = flight->number;
    return TOMBOLA_OK;
}

tombola_status tombola_sampler_wait(tombola_sampler *sampler, tombola_ticket ticket, tombola_draw *draws,
                                    tombola_error *error)
{
    if (!sampler)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "sampler is NULL");
    if (process_check(error))
        return TOMBOLA_FORKED;
    if (!draws)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "draws is NULL");
    for (int i = 0; i < FLIGHTS; i++) {
        struct flight *flight = &sampler->flights[i];
        if (flight->number && flight->number == ticket && flight->is_awaited)
            return end(sampler, flight, draws, error);
    }
    return fail(error, TOMBOLA_INVALID_ARGUMENT, "ticket is %llu, which is not in flight", (unsigned long long)ticket);
}
