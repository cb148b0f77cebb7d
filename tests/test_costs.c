/* What calls that work may take: objects, bytes, memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "actions.h"
#include "expect.h"
#include "faults.h"

static void sampling_makes_wrappings_and_events_alone_and_reads_back_32_bytes_a_row(void **state)
{
    (void)state;
    tombola_sampler *samplers[] = {plain, staged};
    const size_t wrappings[] = {2, 0}; /* of the logits and the parameters */
    for (size_t i = 0; i < COUNT_OF(samplers); i++) {
        for (int again = 0; again < 3; again++) {
            faults_begin();
            long held = faults_seen().held;
            assert_int_equal(sample_by(samplers[i], NULL), TOMBOLA_OK);
            assert_int_equal(faults_seen().wrapped, wrappings[i]);
            assert_at_most(faults_seen().created, 4); /* and an event for each command */
            assert_int_equal(faults_seen().held, held);
            assert_int_equal(faults_seen().buffer_bytes, 0);
            assert_int_equal(faults_seen().allocations, 0);
            assert_int_not_equal(faults_seen().bytes_read, 0);
            assert_at_most(faults_seen().bytes_read, 32 * PROBE_ROWS);
        }
    }
}

static void probabilities_take_one_wrapping_more_and_candidates_none(void **state)
{
    (void)state;
    tombola_status (*const runs[])(tombola_error *) = {try_softmax, try_top_k};
    const size_t wrappings[] = {3, 2};
    for (size_t i = 0; i < COUNT_OF(runs); i++) {
        assert_int_equal(runs[i](NULL), TOMBOLA_OK); /* makes room for candidates */
        faults_begin();
        long held = faults_seen().held;
        assert_int_equal(runs[i](NULL), TOMBOLA_OK);
        assert_int_equal(faults_seen().wrapped, wrappings[i]);
        assert_in_range(faults_seen().created, 0, 3 + 5); /* its mapping, and events */
        assert_int_equal(faults_seen().buffer_bytes, 0);
        assert_int_equal(faults_seen().allocations, 0);
        assert_int_equal(faults_seen().held, held);
    }
}

/* Of the sampler `plain`, without malloc. */
static tombola_status draw(size_t count, size_t stride, const tombola_params *params)
{
    static struct columns columns;
    const tombola_rows rows = host_rows(probe.logits, count, stride, params);
    const tombola_results results = columns_results(&columns);
    return tombola_sampler_sample(plain, &rows, &results, NULL);
}

static tombola_status rank(const tombola_params *params, uint32_t candidate_count)
{
    static int32_t tokens[PROBE_ROWS];
    const tombola_rows rows = host_rows(probe.logits, PROBE_ROWS, PROBE_STRIDE, params);
    tombola_results results = tombola_results_default();
    results.candidate_count = candidate_count;
    results.candidate_tokens.host = tokens;
    return tombola_sampler_sample(plain, &rows, &results, NULL);
}

static void refused_arguments_reach_no_opencl_call(void **state)
{
    (void)state;
    static struct columns columns;
    static float output[1];
    const float *logits = probe.logits;
    const tombola_params *params = probe.params;
    tombola_params bad[PROBE_ROWS];
    memcpy(bad, probe.params, sizeof bad);
    bad[PROBE_ROWS - 1].temperature = -1.0f;
    faults_begin();
    assert_int_equal(draw(PROBE_ROWS, PROBE_STRIDE, bad), TOMBOLA_INVALID_ARGUMENT);
    assert_int_equal(draw(0, PROBE_STRIDE, params), TOMBOLA_INVALID_ARGUMENT);
    assert_int_equal(draw(1, 1, params), TOMBOLA_INVALID_ARGUMENT);
    assert_int_equal(softmax_rows(plain, logits, PROBE_ROWS, PROBE_STRIDE, bad, 0, output, 600, NULL, NULL),
                     TOMBOLA_INVALID_ARGUMENT);
    assert_int_equal(softmax_rows(plain, logits, 0, PROBE_STRIDE, params, 0, output, 600, NULL, NULL),
                     TOMBOLA_INVALID_ARGUMENT);
    assert_int_equal(softmax_rows(plain, logits, 1, PROBE_STRIDE, params, 0, NULL, 600, NULL, NULL),
                     TOMBOLA_INVALID_ARGUMENT);
    assert_int_equal(rank(bad, 1), TOMBOLA_INVALID_ARGUMENT);
    assert_int_equal(rank(params, 0), TOMBOLA_INVALID_ARGUMENT);
    assert_int_equal(rank(params, TOMBOLA_MAX_CANDIDATES + 1), TOMBOLA_INVALID_ARGUMENT);
    assert_int_equal(submit_rows(plain, logits, 1, 1, params, &columns, &(tombola_ticket){0}, NULL),
                     TOMBOLA_INVALID_ARGUMENT);
    assert_int_equal(tombola_sampler_wait(plain, 0, NULL), TOMBOLA_INVALID_ARGUMENT);
    assert_int_equal(faults_seen().calls, 0);
    assert_int_equal(faults_seen().allocations, 0);
    assert_true(probe_passes(&probe, plain));
}

/* For each of the two batches in flight at most 3% of its logits, 256 bytes a row and 64 KiB a compute unit; where
 * logits are staged, also the logits themselves and two pins of 4 MiB, or of a 32nd of the rows. */
static void a_sampler_needs_little_memory_beside_its_logits(void **state)
{
    (void)state;
    static const size_t vocabularies[] = {1, 255, 257, 1000, 32000, 128256, 151936, 1u << 20};
    static const size_t rows[] = {1, 7, 64};
    static const tombola_type types[] = {TOMBOLA_FLOAT32, TOMBOLA_BFLOAT16};
    size_t units = device_of(context).compute_units;
    for (size_t t = 0; t < COUNT_OF(types) * 2; t++) {
        tombola_sampler_options options = tombola_sampler_options_default();
        options.type = types[t / 2];
        options.transfer = t % 2 ? TOMBOLA_TRANSFER_STAGED : TOMBOLA_TRANSFER_IN_PLACE;
        for (size_t v = 0; v < COUNT_OF(vocabularies) * COUNT_OF(rows); v++) {
            tombola_sampler *sampler;
            size_t vocabulary = vocabularies[v / COUNT_OF(rows)], most = rows[v % COUNT_OF(rows)];
            size_t row = vocabulary * tombola_type_size(options.type), logits = row * most;
            size_t pin = logits < (4u << 20) ? logits : (most + 31) / 32 * row;
            if (v == 0) { /* makes the type's kernels, and a sampler to test them */
                assert_int_equal(tombola_sampler_create(context, 1, 1, &options, &sampler, NULL), TOMBOLA_OK);
                tombola_sampler_release(sampler);
            }
            faults_begin();
            if (tombola_sampler_create(context, vocabulary, most, &options, &sampler, NULL) != TOMBOLA_OK)
                continue; /* the device has not got that much at all */
            size_t allowed = 2 * (logits / 100 * 3 + 256 * most + 65536 * units);
            if (options.transfer == TOMBOLA_TRANSFER_STAGED)
                allowed += 2 * (logits + 2 * (pin > (4u << 20) ? pin : 4u << 20));
            if (faults_seen().buffer_bytes > allowed)
                fail_msg("%zu x %zu logits: %zu bytes, but %zu should do", most, vocabulary, faults_seen().buffer_bytes,
                         allowed);
            tombola_sampler_release(sampler);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sampling_makes_wrappings_and_events_alone_and_reads_back_32_bytes_a_row),
        cmocka_unit_test(probabilities_take_one_wrapping_more_and_candidates_none),
        cmocka_unit_test(refused_arguments_reach_no_opencl_call),
        cmocka_unit_test(a_sampler_needs_little_memory_beside_its_logits),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
