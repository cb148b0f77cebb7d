#include "trust.h"

#include "context.h"
#include "program.h"
#include "self_test.h"

unsigned trust_at_once(const tombola_context *context)
{
    return program_compiles_late(&context->device.info) ? KERNEL_BIT(KERNEL_SAMPLE) : KERNELS_OF_ROWS;
}

tombola_status trust_kernels(struct engine *e, unsigned kernels, tombola_error *error)
{
    if (!(kernels & ~e->trusted))
        return TOMBOLA_OK;
    tombola_context *context = e->context;
    const tombola_type type = e->plan.options.type;
    const tombola_input input = e->plan.options.input;
    pthread_mutex_lock(&context->lock);
    unsigned *trusted = &context->trusted[type][input], others = kernels & ~*trusted;
    tombola_status status = TOMBOLA_OK;
    if (others)
        status = self_test_run(context, context->programs[PROGRAM_ROWS][type][input], type, input, others, error);
    if (!status)
        *trusted |= others;
    e->trusted = *trusted;
    pthread_mutex_unlock(&context->lock);
    return status;
}

tombola_status trust_declared(struct engine *e, tombola_error *error)
{
    unsigned kernels = KERNEL_BIT(KERNEL_SAMPLE);
    if (e->plan.options.max_candidates)
        kernels |= KERNEL_BIT(KERNEL_TOP_K);
    if (e->plan.options.probabilities)
        kernels |= KERNEL_BIT(KERNEL_SOFTMAX);
    e->trusted = 0;
    return trust_kernels(e, kernels, error);
}
