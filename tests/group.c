#include "group.h"

#include <stdio.h>

#include "harness.h"

tombola_context *context, *by_groups;
struct probe probe;
const struct make probe_like = {TOMBOLA_FLOAT32, TOMBOLA_LOGITS, PROBE_VOCABULARY};

int open_context(void **state)
{
    (void)state;
    context = test_context_open(0, 0);
    printf("%s\n", device_of(context).name);
    return 0;
}

int open_and_probe(void **state)
{
    probe_make(&probe, TOMBOLA_FLOAT32);
    return open_context(state);
}

int open_in_groups(void **state)
{
    (void)state;
    context = test_context_open(4, 4);
    return 0;
}

int open_contexts(void **state)
{
    by_groups = test_context_open(4, 4);
    return open_context(state);
}

int is_compiled_for(const tombola_context *on, tombola_type type)
{
    uint32_t lanes, teams;
    tombola_context_shape(on, &lanes, NULL, &teams);
    return lanes * teams == 1 || type != TOMBOLA_FLOAT16 || test_level() == TEST_ALL;
}

int close_contexts(void **state)
{
    tombola_context_close(by_groups);
    return close_context(state);
}

int close_context(void **state)
{
    (void)state;
    tombola_context_close(context);
    return 0;
}

tombola_sampler *probe_sampler(tombola_transfer transfer)
{
    return make_sampler_that(context, &probe_like, PROBE_ROWS, TOMBOLA_DISPATCH_AUTO, transfer);
}
