#include "actions.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "entries.h"
#include "faults.h"
#include "harness.h"

tombola_sampler *plain, *timed, *staged;
static cl_mem device_draws;
static char device[16]; /* the index of the one under test: a named device, which never falls back */

tombola_status try_list(tombola_error *error)
{
    size_t count;
    return tombola_device_list(NULL, 0, &count, error);
}

tombola_status try_open(tombola_error *error)
{
    tombola_context *opened;
    tombola_status status = tombola_context_open(device, NULL, &opened, error);
    if (!status)
        tombola_context_close(opened);
    return status;
}

tombola_status try_open_cl(tombola_error *error)
{
    tombola_context *opened;
    tombola_status status = tombola_context_open_cl(tombola_context_cl_context(context),
                                                    tombola_context_cl_device(context), NULL, &opened, error);
    if (!status)
        tombola_context_close(opened);
    return status;
}

tombola_status make_probe_sampler(tombola_transfer transfer, tombola_sampler **sampler, tombola_error *error)
{
    tombola_sampler_options options = tombola_sampler_options_default();
    options.transfer = transfer;
    return tombola_sampler_create(context, PROBE_VOCABULARY, PROBE_ROWS, &options, sampler, error);
}

static tombola_status create_sampler_that(tombola_transfer transfer, tombola_error *error)
{
    tombola_sampler *sampler;
    tombola_status status = make_probe_sampler(transfer, &sampler, error);
    if (!status)
        tombola_sampler_release(sampler);
    return status;
}

tombola_status try_create(tombola_error *error)
{
    return create_sampler_that(TOMBOLA_TRANSFER_IN_PLACE, error);
}

tombola_status try_create_staged(tombola_error *error)
{
    return create_sampler_that(TOMBOLA_TRANSFER_STAGED, error);
}

tombola_status sample_by(tombola_sampler *sampler, tombola_error *error)
{
    tombola_draw draws[PROBE_ROWS];
    return tombola_sampler_sample(sampler, probe.logits, PROBE_ROWS, PROBE_STRIDE, probe.params, draws, error);
}

tombola_status try_sample(tombola_error *error)
{
    return sample_by(plain, error);
}

tombola_status try_sample_staged(tombola_error *error)
{
    return sample_by(staged, error);
}

/* Four parts of so many bytes each that cutting pays, and more parts than slots. */
tombola_status try_sample_parts(tombola_error *error)
{
    enum { ROWS = 4, VOCABULARY = 1200000 };
    static float *logits;
    if (!logits)
        logits = allocate(ROWS * (size_t)VOCABULARY, sizeof *logits);
    tombola_sampler_options options = tombola_sampler_options_default();
    tombola_sampler *sampler;
    tombola_draw draws[ROWS];
    options.transfer = TOMBOLA_TRANSFER_STAGED;
    tombola_status status = tombola_sampler_create(context, VOCABULARY, ROWS, &options, &sampler, error);
    if (status)
        return status;
    status = tombola_sampler_sample(sampler, logits, ROWS, VOCABULARY, probe.params, draws, error);
    tombola_sampler_release(sampler);
    return status;
}

/* Two batches in flight; where the second is refused, the first is waited for all the same. */
tombola_status try_submit_twice(tombola_error *error)
{
    tombola_draw draws[PROBE_ROWS];
    tombola_ticket first, second;
    tombola_status status =
        tombola_sampler_submit(plain, probe.logits, PROBE_ROWS, PROBE_STRIDE, probe.params, &first, error);
    if (status)
        return status;
    status = tombola_sampler_submit(plain, probe.logits, 1, PROBE_STRIDE, probe.params, &second, error);
    if (!status)
        status = tombola_sampler_wait(plain, second, draws, error);
    tombola_status other = tombola_sampler_wait(plain, first, draws, status ? NULL : error);
    return status ? status : other;
}

/* A sampler's own batches in buffers, three of them, with draws to host memory and to a buffer by turns. */
static tombola_status enqueue_thrice(tombola_transfer transfer, tombola_error *error)
{
    tombola_sampler *sampler;
    tombola_draw host[PROBE_ROWS];
    cl_event event = NULL;
    tombola_status status = make_probe_sampler(transfer, &sampler, error);
    if (status)
        return status;
    for (int turn = 0; turn < 3 && !status; turn++) {
        const tombola_cl_batch batch = probe_batch();
        const tombola_cl_draws draws = turn == 1 ? to_buffer(device_draws, 0) : to_host(host);
        status = tombola_sampler_enqueue(sampler, queues[0], &batch, &draws, event ? 1 : 0, event ? &event : NULL,
                                         turn == 0 ? &event : NULL, error);
    }
    if (event)
        clReleaseEvent(event);
    tombola_sampler_release(sampler);
    return status;
}

tombola_status try_enqueue(tombola_error *error)
{
    return enqueue_thrice(TOMBOLA_TRANSFER_IN_PLACE, error);
}

tombola_status try_enqueue_staged(tombola_error *error)
{
    return enqueue_thrice(TOMBOLA_TRANSFER_STAGED, error);
}

tombola_status try_sample_timed(tombola_error *error)
{
    tombola_draw draw;
    return tombola_sampler_sample(timed, probe.logits, 1, PROBE_VOCABULARY, probe.params, &draw, error);
}

tombola_status try_softmax(tombola_error *error)
{
    static float output[PROBE_ROWS * PROBE_VOCABULARY];
    return tombola_sampler_softmax(plain, probe.logits, PROBE_ROWS, PROBE_STRIDE, probe.params, 0, output,
                                   PROBE_VOCABULARY, NULL, error);
}

tombola_status try_softmax_timed(tombola_error *error)
{
    static float output[PROBE_ROWS * PROBE_VOCABULARY];
    return tombola_sampler_softmax(timed, probe.logits, PROBE_ROWS, PROBE_STRIDE, probe.params, 1, output,
                                   PROBE_VOCABULARY, NULL, error);
}

tombola_status try_top_k(tombola_error *error)
{
    static tombola_candidate candidates[PROBE_ROWS * 10];
    return tombola_sampler_top_k(plain, probe.logits, PROBE_ROWS, PROBE_STRIDE, probe.params, 10, candidates, NULL,
                                 error);
}

static int fill_logits(void *user, const tombola_sequence *sequences, const size_t *live, size_t rows, void *logits,
                       size_t row_stride)
{
    (void)user, (void)sequences, (void)live;
    for (size_t row = 0; row < rows; row++)
        memcpy((float *)logits + row * row_stride, probe.logits, PROBE_VOCABULARY * sizeof(float));
    return 0;
}

tombola_status try_generate(tombola_error *error)
{
    int32_t tokens[2];
    tombola_sequence sequence = tombola_sequence_default();
    sequence.tokens = tokens;
    sequence.max_new_tokens = COUNT_OF(tokens);
    return tombola_sampler_generate(plain, &sequence, 1, fill_logits, NULL, NULL, NULL, error);
}

int open_all(void **state)
{
    tombola_sampler_options options = tombola_sampler_options_default();
    options.timed = 1;
    open_queues(state);
    snprintf(device, sizeof device, "%" PRIu32, tombola_context_device(context)->index);
    device_draws = entry_buffer(context, sizeof probe.draws, NULL);
    return make_probe_sampler(TOMBOLA_TRANSFER_IN_PLACE, &plain, NULL) ||
           make_probe_sampler(TOMBOLA_TRANSFER_STAGED, &staged, NULL) ||
           tombola_sampler_create(context, PROBE_VOCABULARY, PROBE_ROWS, &options, &timed, NULL);
}

int close_all(void **state)
{
    tombola_sampler_release(plain);
    tombola_sampler_release(timed);
    tombola_sampler_release(staged);
    clReleaseMemObject(device_draws);
    close_queues(state);
    return faults_seen().held != 0;
}
