#include "trust.h"

#include "program.h"
#include "self_test.h"
#include "self_test_shards.h"

#define OF_LAST_LAUNCH (KERNEL_BIT(KERNEL_SHARD_LAST) | KERNEL_BIT(KERNEL_REPORT))

unsigned trust_at_once(const tombola_context *context, enum program program)
{
    static const unsigned first[PROGRAMS] = {KERNEL_BIT(KERNEL_SAMPLE), KERNEL_BIT(KERNEL_SHARD)};
    static const unsigned all[PROGRAMS] = {KERNELS_OF_ROWS, KERNEL_BIT(KERNEL_SHARD) | OF_LAST_LAUNCH};
    return program_compiles_late(&context->device.info) ? first[program] : all[program];
}

/* What makes on shards the results that these kernels make elsewhere. */
static unsigned kernels_of_shards(unsigned kernels)
{
    const unsigned own = KERNEL_BIT(KERNEL_SHARD) | OF_LAST_LAUNCH;
    return (kernels & own) | (kernels & KERNELS_OF_ROWS & ~KERNEL_BIT(KERNEL_SAMPLE) ? OF_LAST_LAUNCH : 0);
}

tombola_status trust_kernels(struct engine *e, unsigned kernels, tombola_error *error)
{
    const enum program which = e->plan.is_shard ? PROGRAM_SHARDS : PROGRAM_ROWS;
    kernels = which == PROGRAM_SHARDS ? kernels_of_shards(kernels) : kernels;
    if (!(kernels & ~e->trusted))
        return TOMBOLA_OK;
    tombola_context *context = e->context;
    const tombola_type type = e->plan.options.type;
    const tombola_input input = e->plan.options.input;
    pthread_mutex_lock(&context->lock);
    struct built *built = &context->built[which][type][input];
    const unsigned others = kernels & ~built->trusted;
    tombola_status status = TOMBOLA_OK;
    if (others)
        status = which == PROGRAM_ROWS ? self_test_run(context, built->program, type, input, others, error)
                                       : self_test_run_shards(context, built->program, type, input, others, error);
    if (!status)
        built->trusted |= others;
    e->trusted = built->trusted;
    pthread_mutex_unlock(&context->lock);
    return status;
}

tombola_status trust_shard(struct engine *e, tombola_error *error)
{
    e->trusted = 0;
    return trust_kernels(e, KERNEL_BIT(KERNEL_SHARD), error);
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
