/* What calls that work may take: objects, bytes, memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "actions.h"
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
            assert_true(faults_seen().wrapped == wrappings[i]);
            assert_true(faults_seen().created <= 4); /* and an event for each command */
            assert_true(faults_seen().held == held);
            assert_true(faults_seen().buffer_bytes == 0 && faults_seen().allocations == 0);
            assert_true(faults_seen().bytes_read > 0 && faults_seen().bytes_read <= 32 * PROBE_ROWS);
        }
    }
}

static void softmax_and_top_k_make_no_more_than_one_wrapping_besides(void **state)
{
    (void)state;
    tombola_status (*const runs[])(tombola_error *) = {try_softmax, try_top_k};
    for (size_t i = 0; i < COUNT_OF(runs); i++) {
        faults_begin();
        long held = faults_seen().held;
        assert_int_equal(runs[i](NULL), TOMBOLA_OK);
        assert_true(faults_seen().wrapped == 3);
        assert_true(faults_seen().created <= 3 + 5); /* its mapping, and events */
        assert_true(faults_seen().buffer_bytes == 0);
        assert_true(faults_seen().allocations == 0);
        assert_true(faults_seen().held == held);
    }
}

static void refused_arguments_reach_no_opencl_call(void **state)
{
    (void)state;
    tombola_draw draws[PROBE_ROWS];
    tombola_params params[PROBE_ROWS];
    float output[1];
    tombola_candidate candidates[1];
    memcpy(params, probe.params, sizeof params);
    params[PROBE_ROWS - 1].temperature = -1.0f;
    faults_begin();
    assert_true(tombola_sampler_sample(plain, probe.logits, PROBE_ROWS, PROBE_STRIDE, params, draws, NULL) != 0);
    assert_true(tombola_sampler_sample(plain, probe.logits, 0, PROBE_STRIDE, probe.params, draws, NULL) != 0);
    assert_true(tombola_sampler_sample(plain, probe.logits, 1, 1, probe.params, draws, NULL) != 0);
    assert_true(tombola_sampler_softmax(plain, probe.logits, PROBE_ROWS, PROBE_STRIDE, params, 0, output, 600, NULL,
                                        NULL) != 0);
    assert_true(
        tombola_sampler_top_k(plain, probe.logits, PROBE_ROWS, PROBE_STRIDE, params, 1, candidates, NULL, NULL) != 0);
    assert_true(tombola_sampler_softmax(plain, probe.logits, 0, PROBE_STRIDE, params, 0, output, 600, NULL, NULL) != 0);
    assert_true(tombola_sampler_top_k(plain, probe.logits, 1, PROBE_STRIDE, params, 0, candidates, NULL, NULL) != 0);
    assert_true(tombola_sampler_submit(plain, probe.logits, 1, 1, probe.params, &(tombola_ticket){0}, NULL) != 0);
    assert_true(tombola_sampler_wait(plain, 0, draws, NULL) != 0);
    assert_true(faults_seen().calls == 0 && faults_seen().allocations == 0);
    assert_true(probe_passes(&probe, plain));
}

/* For each of the two batches in flight at most 3% of its logits, 256 bytes a row and 64 KiB a compute unit; where
 * logits are staged, also the logits themselves and two slots of 4 MiB, or of a 32nd of the rows. */
static void a_sampler_needs_little_memory_beside_its_logits(void **state)
{
    (void)state;
    static const size_t vocabularies[] = {1, 255, 257, 1000, 32000, 128256, 151936, 1u << 20};
    static const size_t rows[] = {1, 7, 64};
    static const tombola_type types[] = {TOMBOLA_FLOAT32, TOMBOLA_BFLOAT16};
    size_t units = tombola_context_device(context)->compute_units;
    for (size_t t = 0; t < COUNT_OF(types) * 2; t++) {
        tombola_sampler_options options = tombola_sampler_options_default();
        options.type = types[t / 2];
        options.transfer = t % 2 ? TOMBOLA_TRANSFER_STAGED : TOMBOLA_TRANSFER_IN_PLACE;
        for (size_t v = 0; v < COUNT_OF(vocabularies) * COUNT_OF(rows); v++) {
            tombola_sampler *sampler;
            size_t vocabulary = vocabularies[v / COUNT_OF(rows)], most = rows[v % COUNT_OF(rows)];
            size_t row = vocabulary * tombola_type_size(options.type), logits = row * most;
            size_t slot = logits < (4u << 20) ? logits : (most + 31) / 32 * row;
            if (v == 0) { /* makes the type's kernels, and a sampler to test them */
                assert_int_equal(tombola_sampler_create(context, 1, 1, &options, &sampler, NULL), TOMBOLA_OK);
                tombola_sampler_release(sampler);
            }
            faults_begin();
            if (tombola_sampler_create(context, vocabulary, most, &options, &sampler, NULL) != TOMBOLA_OK)
                continue; /* the device has not got that much at all */
            size_t allowed = 2 * (logits / 100 * 3 + 256 * most + 65536 * units);
            if (options.transfer == TOMBOLA_TRANSFER_STAGED)
                allowed += 2 * (logits + 2 * (slot > (4u << 20) ? slot : 4u << 20));
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
        cmocka_unit_test(softmax_and_top_k_make_no_more_than_one_wrapping_besides),
        cmocka_unit_test(refused_arguments_reach_no_opencl_call),
        cmocka_unit_test(a_sampler_needs_little_memory_beside_its_logits),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
