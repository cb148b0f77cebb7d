#include "actions.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "entries.h"
#include "faults.h"
#include "harness.h"

tombola_sampler *plain, *timed, *staged;
static cl_mem device_columns;
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

/* Without malloc, which may be about to fail; as below. */
tombola_status sample_by(tombola_sampler *sampler, tombola_error *error)
{
    static struct columns columns;
    const tombola_rows rows = host_rows(probe.logits, PROBE_ROWS, PROBE_STRIDE, probe.params);
    const tombola_results results = columns_results(&columns);
    return tombola_sampler_sample(sampler, &rows, &results, error);
}

tombola_status try_sample(tombola_error *error)
{
    return sample_by(plain, error);
}

tombola_status try_sample_staged(tombola_error *error)
{
    return sample_by(staged, error);
}

/* Four parts of so many bytes each that cutting pays, and more parts than pins. */
tombola_status try_sample_parts(tombola_error *error)
{
    enum { ROWS = 4, VOCABULARY = 1200000 };
    static float *logits;
    if (!logits)
        logits = allocate(ROWS * (size_t)VOCABULARY, sizeof *logits);
    tombola_sampler_options options = tombola_sampler_options_default();
    tombola_sampler *sampler;
    static struct columns columns;
    options.transfer = TOMBOLA_TRANSFER_STAGED;
    tombola_status status = tombola_sampler_create(context, VOCABULARY, ROWS, &options, &sampler, error);
    if (status)
        return status;
    const tombola_rows rows = host_rows(logits, ROWS, VOCABULARY, probe.params);
    const tombola_results results = columns_results(&columns);
    status = tombola_sampler_sample(sampler, &rows, &results, error);
    tombola_sampler_release(sampler);
    return status;
}

/* Two batches in flight; where the second is refused, the first is waited for all the same. */
tombola_status try_submit_twice(tombola_error *error)
{
    static struct columns columns[2];
    tombola_ticket first, second;
    tombola_status status =
        submit_rows(plain, probe.logits, PROBE_ROWS, PROBE_STRIDE, probe.params, &columns[0], &first, error);
    if (status)
        return status;
    status = submit_rows(plain, probe.logits, 1, PROBE_STRIDE, probe.params, &columns[1], &second, error);
    if (!status)
        status = tombola_sampler_wait(plain, second, error);
    tombola_status other = tombola_sampler_wait(plain, first, status ? NULL : error);
    return status ? status : other;
}

/* A sampler's own batches in buffers, three of them, with columns in host memory and in a buffer by turns. */
static tombola_status enqueue_thrice(tombola_transfer transfer, tombola_error *error)
{
    tombola_sampler *sampler;
    static struct columns columns[2];
    cl_event events[3] = {NULL};
    tombola_status status = make_probe_sampler(transfer, &sampler, error);
    if (status)
        return status;
    for (int turn = 0; turn < 3 && !status; turn++) {
        const tombola_rows rows = probe_batch();
        const tombola_results results = turn == 1 ? to_buffer(device_columns, 0) : columns_results(&columns[turn / 2]);
        status = tombola_sampler_enqueue(sampler, queues[0], &rows, &results, turn ? 1 : 0, turn ? events : NULL,
                                         &events[turn], error);
        if (!status && turn == 1)
            faults_wait(events[turn]); /* so that there is room for the third */
    }
    for (int turn = 0; turn < 3; turn++)
        if (events[turn])
            clReleaseEvent(events[turn]);
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
    static struct columns columns;
    const tombola_rows rows = host_rows(probe.logits, 1, 0, probe.params);
    const tombola_results results = columns_results(&columns);
    return tombola_sampler_sample(timed, &rows, &results, error);
}

tombola_status try_softmax(tombola_error *error)
{
    static float output[PROBE_ROWS * PROBE_VOCABULARY];
    return softmax_rows(plain, probe.logits, PROBE_ROWS, PROBE_STRIDE, probe.params, 0, output, PROBE_VOCABULARY, NULL,
                        error);
}

tombola_status try_softmax_timed(tombola_error *error)
{
    static float output[PROBE_ROWS * PROBE_VOCABULARY];
    return softmax_rows(timed, probe.logits, PROBE_ROWS, PROBE_STRIDE, probe.params, 1, output, PROBE_VOCABULARY, NULL,
                        error);
}

tombola_status try_top_k(tombola_error *error)
{
    enum { K = 10 };
    static int32_t tokens[PROBE_ROWS * K];
    static float numbers[2][PROBE_ROWS * K];
    const tombola_rows rows = host_rows(probe.logits, PROBE_ROWS, PROBE_STRIDE, probe.params);
    tombola_results results = tombola_results_default();
    results.candidate_count = K;
    results.candidate_tokens.host = tokens;
    results.candidate_logits.host = numbers[0];
    results.candidate_probabilities.host = numbers[1];
    return tombola_sampler_sample(plain, &rows, &results, error);
}

static int fill_logits(void *user, const tombola_step *step)
{
    (void)user;
    for (size_t row = 0; row < step->rows; row++)
        memcpy((float *)step->logits + row * step->stride, probe.logits, PROBE_VOCABULARY * sizeof(float));
    return 0;
}

tombola_status try_generate(tombola_error *error)
{
    int32_t tokens[2];
    tombola_sequence sequence = tombola_sequence_default();
    tombola_model model = tombola_model_default();
    sequence.tokens = tokens;
    sequence.max_new_tokens = COUNT_OF(tokens);
    model.forward = fill_logits;
    return tombola_sampler_generate(plain, &sequence, 1, &model, NULL, NULL, error);
}

static tombola_status sample_masked_by(tombola_sampler *sampler, tombola_error *error)
{
    enum { WORDS = (PROBE_VOCABULARY + 31) / 32 };
    static uint32_t masks[2 * WORDS];
    static tombola_boundary boundary[PROBE_ROWS];
    static struct columns columns;
    const int32_t mask_of_row[PROBE_ROWS] = {0, 1, -1, 1};
    const tombola_bias biases[] = {{7, 2.0f}, {3, -INFINITY}, {7, 1.0f}};
    const size_t bias_ends[PROBE_ROWS] = {2, 2, 2, 3};
    memset(masks, 0x6F, sizeof masks);
    tombola_rows rows = host_rows(probe.logits, PROBE_ROWS, PROBE_STRIDE, probe.params);
    rows.masks.host = masks;
    rows.mask_count = 2;
    rows.mask_of_row = mask_of_row;
    rows.biases = biases;
    rows.bias_ends = bias_ends;
    tombola_results results = columns_results(&columns);
    results.boundary.host = boundary;
    return tombola_sampler_sample(sampler, &rows, &results, error);
}

tombola_status try_masked(tombola_error *error)
{
    return sample_masked_by(plain, error);
}

tombola_status try_masked_staged(tombola_error *error)
{
    tombola_sampler *sampler;
    tombola_status status = make_probe_sampler(TOMBOLA_TRANSFER_STAGED, &sampler, error);
    if (status)
        return status;
    status = sample_masked_by(sampler, error);
    if (status && !probe_passes(&probe, sampler))
        die("after a batch that failed its sampler does not work");
    tombola_sampler_release(sampler);
    return status;
}

int open_all(void **state)
{
    tombola_sampler_options options = tombola_sampler_options_default();
    options.timed = 1;
    open_queues(state);
    snprintf(device, sizeof device, "%" PRIu32, device_of(context).index);
    device_columns = entry_buffer(context, 3 * PROBE_ROWS * sizeof(cl_uint), NULL);
    return make_probe_sampler(TOMBOLA_TRANSFER_IN_PLACE, &plain, NULL) ||
           make_probe_sampler(TOMBOLA_TRANSFER_STAGED, &staged, NULL) ||
           tombola_sampler_create(context, PROBE_VOCABULARY, PROBE_ROWS, &options, &timed, NULL);
}

int close_all(void **state)
{
    tombola_sampler_release(plain);
    tombola_sampler_release(timed);
    tombola_sampler_release(staged);
    clReleaseMemObject(device_columns);
    close_queues(state);
    return faults_seen().held != 0;
}
