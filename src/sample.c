#include "sampler.h"

#include "error.h"

tombola_status tombola_sampler_sample(tombola_sampler *sampler, const void *logits, size_t rows, size_t row_stride,
                                      const tombola_params *params, tombola_draw *draws, tombola_error *error)
{
    if (!sampler)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "sampler is NULL");
    if (!draws)
        return fail(error, TOMBOLA_INVALID_ARGUMENT, "draws is NULL");
    const struct row_batch batch = {logits, rows, row_stride, params};
    tombola_status status = batch_check(sampler, &batch, error);
    if (status)
        return status;
    status = batch_begin(sampler, &batch, sampler->sample, error);
    if (!status)
        status = batch_launch(sampler, &batch, sampler->sample, error);
    if (!status)
        status = batch_read_draws(sampler, &batch, error);
    status = batch_end(sampler, status, error);
    if (status)
        return status;
    for (size_t row = 0; row < rows; row++) {
        const struct row_draw *d = &sampler->host_draws[row];
        draws[row] = (tombola_draw){.token = d->token, .status = d->status, .kept = d->kept};
    }
    return TOMBOLA_OK;
}
