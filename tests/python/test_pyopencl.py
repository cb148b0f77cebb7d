"""Logits, masks and results in OpenCL buffers of pyopencl's, on queues of pyopencl's."""
import gc

import numpy as np
import pyopencl as cl
import pyopencl.array as cl_array
from helping import CONTEXT, caught, logits_of

import tombola
from tombola.batch import Batch, Enqueued

NEEDS = "pyopencl"

VOCABULARY, ROWS = 300, 5
LOGITS = logits_of(ROWS, VOCABULARY)
WANT = "tokens status logprobs ranks"
QUEUE = cl.CommandQueue(CONTEXT.cl_context, CONTEXT.cl_device)
SAMPLER = tombola.Sampler(VOCABULARY, ROWS, device=CONTEXT)
EXPECTED = SAMPLER.sample(LOGITS, seed=9, want=WANT)


def on_device(array):
    return cl_array.to_device(QUEUE, array)


def assert_expected(results, rows=slice(None)):
    for name, column in EXPECTED.columns.items():
        found = results.columns[name]
        found = found.get() if isinstance(found, cl_array.Array) else found
        assert found.tolist() == column[rows].tolist(), name


def test_arrays_and_buffers_give_what_host_memory_gives_and_are_not_copied():
    wide = np.zeros((2 * ROWS, VOCABULARY + 7), np.float32)
    wide[::2, :VOCABULARY] = LOGITS
    before = SAMPLER.times
    for logits in (on_device(LOGITS), on_device(LOGITS).base_data, on_device(wide)[::2, :VOCABULARY],
                   on_device(np.concatenate([np.zeros((3, VOCABULARY), np.float32), LOGITS]))[3:]):
        assert_expected(SAMPLER.sample(logits, seed=9, want=WANT))
        assert_expected(SAMPLER.submit(logits, seed=9, want=WANT).result())
    after = SAMPLER.times
    assert after["device_calls"] - before["device_calls"] == 8 and after["bytes_uploaded"] == before["bytes_uploaded"]
    assert_expected(SAMPLER.sample(on_device(LOGITS[0]), seed=9, want=WANT), slice(1))
    assert_expected(SAMPLER.sample(on_device(LOGITS), seed=9, want=WANT, indices=[2, 3]), slice(2, 4))


def test_sixteen_bit_logits_lie_on_the_device_too():
    halves = LOGITS.astype(np.float16)
    with tombola.Sampler(VOCABULARY, ROWS, "float16", CONTEXT) as sampler:
        same = sampler.sample(halves).tokens.tolist()
        assert sampler.sample(on_device(halves)).tokens.tolist() == same
        assert sampler.sample(on_device(halves).base_data).tokens.tolist() == same


def test_results_are_written_on_the_device():
    out = {name: cl_array.zeros(QUEUE, column.shape, column.dtype) for name, column in EXPECTED.columns.items()}
    results = SAMPLER.sample(on_device(LOGITS), seed=9, out=out, want=())
    assert_expected(results)
    assert results.tokens is out["tokens"]
    both = on_device(np.full((3, ROWS), -7, np.int32))
    SAMPLER.sample(LOGITS, seed=9, out={"tokens": both[1]}, want=())   # a part of an array
    assert both.get().tolist() == [[-7] * ROWS, EXPECTED.tokens.tolist(), [-7] * ROWS]
    buffer = cl.Buffer(CONTEXT.cl_context, cl.mem_flags.READ_WRITE, ROWS * 4)
    SAMPLER.sample(LOGITS, seed=9, out={"tokens": buffer}, want=())
    tokens = np.zeros(ROWS, np.int32)
    cl.enqueue_copy(QUEUE, tokens, buffer)
    assert tokens.tolist() == EXPECTED.tokens.tolist()
    kept = SAMPLER.sample(LOGITS, want="kept_ends kept_tokens", top_k=3)
    out = {"kept_ends": cl_array.zeros(QUEUE, ROWS, np.uint64),
           "kept_tokens": cl_array.zeros(QUEUE, 3 * ROWS, np.int32)}
    SAMPLER.sample(LOGITS, out=out, want=(), top_k=3)
    assert all(out[name].get().tolist() == kept.columns[name].tolist() for name in out)


def test_masks_may_lie_on_the_device():
    flags = np.random.default_rng(1).random((2, VOCABULARY)) < 0.5
    words = np.zeros((2, 10), np.uint32)
    for mask, token in np.argwhere(flags):
        words[mask, token // 32] |= np.uint32(1) << np.uint32(token % 32)
    which = [1, -1, 0, 1, 0]
    expected = SAMPLER.sample(LOGITS, masks=flags, mask_of_row=which).tokens.tolist()
    assert SAMPLER.sample(on_device(LOGITS), masks=on_device(words), mask_of_row=which).tokens.tolist() == expected
    assert SAMPLER.sample(LOGITS, masks=on_device(words[:1])).tokens.tolist() == SAMPLER.sample(
        LOGITS, masks=flags[0]).tokens.tolist()
    for masks in (words[:, :9].copy(), words.astype(float), words[0]):
        caught(TypeError, SAMPLER.sample, LOGITS, masks=on_device(masks), mask_of_row=which)


def test_an_enqueued_batch_comes_after_what_its_arrays_and_events_wait_for():
    queue = cl.CommandQueue(CONTEXT.cl_context, CONTEXT.cl_device,
                            cl.command_queue_properties.OUT_OF_ORDER_EXEC_MODE_ENABLE)
    gate = cl.UserEvent(CONTEXT.cl_context)
    logits, tokens = on_device(np.zeros_like(LOGITS)), cl_array.zeros(QUEUE, ROWS, np.int32)
    QUEUE.finish()
    written = cl.enqueue_copy(queue, logits.base_data, LOGITS, is_blocking=False, wait_for=[gate])
    batch = SAMPLER.enqueue(queue, logits, seed=9, wait_for=[written], out={"tokens": tokens}, want="ranks")
    assert not batch.done() and batch.event in tokens.events and batch.event in logits.events
    gate.set_status(cl.command_execution_status.COMPLETE)
    results = batch.result()
    assert batch.done() and batch.result() is results and results.tokens is tokens
    assert results.ranks.tolist() == EXPECTED.ranks.tolist()
    assert (tokens + 1).get().tolist() == (EXPECTED.tokens + 1).tolist()
    logits.add_event(cl.enqueue_copy(queue, logits.base_data, np.zeros_like(LOGITS), is_blocking=False))
    logits.add_event(cl.enqueue_copy(queue, logits.base_data, LOGITS, is_blocking=False, wait_for=logits.events))
    assert SAMPLER.enqueue(queue, logits, seed=9).result().tokens.tolist() == EXPECTED.tokens.tolist()


def test_enqueued_batches_take_places_and_those_that_nobody_waits_for_make_room():
    with tombola.Sampler(VOCABULARY, ROWS, device=CONTEXT, in_flight=2) as sampler:
        gate, logits = cl.UserEvent(CONTEXT.cl_context), on_device(LOGITS)
        batches = [sampler.enqueue(QUEUE, logits, seed=9, wait_for=[gate]) for _ in range(2)]
        assert caught(tombola.Busy, sampler.enqueue, QUEUE, LOGITS).message
        gate.set_status(cl.command_execution_status.COMPLETE)
        assert [batch.result().tokens.tolist() for batch in batches] == [EXPECTED.tokens.tolist()] * 2
        for _ in range(5):
            sampler.enqueue(QUEUE, LOGITS.copy(), want="tokens probabilities")
            gc.collect()
        assert sampler.enqueue(QUEUE, LOGITS, seed=9).result().tokens.tolist() == EXPECTED.tokens.tolist()


class FailedEvent:
    """An event that has ended with an error: runtimes differ in what makes one."""

    command_execution_status = -5

    def wait(self):
        raise cl.RuntimeError("clWaitForEvents failed: OUT_OF_RESOURCES")


def test_what_fails_on_the_queue_is_the_same_exception_whenever_asked():
    batch = Batch(Enqueued(FailedEvent()), [], tombola.Results({}), [])
    error = caught(tombola.DeviceFailed, batch.result)
    assert "OUT_OF_RESOURCES" in error.message and batch.done() and caught(tombola.DeviceFailed, batch.result) is error


def test_an_array_whose_event_has_failed_fails_the_call_by_the_packages_own_exception():
    logits = on_device(LOGITS)
    logits.add_event(FailedEvent())
    for call in (SAMPLER.sample, SAMPLER.submit):
        error = caught(tombola.DeviceFailed, call, logits)
        assert "OUT_OF_RESOURCES" in error.message and isinstance(error.__cause__, cl.RuntimeError)


def test_a_context_is_opened_on_a_queue_a_context_or_a_pair():
    context = cl.Context([CONTEXT.cl_device])
    queue = cl.CommandQueue(context)
    logits = cl_array.to_device(queue, LOGITS)
    for device in (queue, context, (context, context.devices[0])):
        with tombola.Sampler(VOCABULARY, ROWS, device=device) as sampler:
            assert sampler.context.cl_context == context and sampler.context.cl_device == context.devices[0]
            assert_expected(sampler.sample(logits, seed=9, want=WANT))
            assert_expected(sampler.enqueue(queue, logits, seed=9, want=WANT).result())
    caught(ValueError, tombola.Context, CONTEXT.cl_device)
    error = caught(tombola.InvalidArgument, SAMPLER.sample, logits)   # of another context
    assert "context" in error.message, error


def test_a_models_logits_may_be_on_the_device():
    table = on_device(LOGITS)

    def model(step):
        places = [np.arange(VOCABULARY, dtype=np.int32) + VOCABULARY * (t % ROWS) for t in step.last_tokens]
        return cl_array.take(table.reshape(-1), on_device(np.concatenate(places))).reshape(len(step), VOCABULARY)

    prompts = [[1], [2], [3]]
    expected = SAMPLER.generate(lambda step: LOGITS[step.last_tokens % ROWS], prompts, max_tokens=6)
    found = SAMPLER.generate(model, prompts, max_tokens=6)
    assert [t.tolist() for t in found.tokens] == [t.tolist() for t in expected.tokens]


def test_other_types_shapes_and_layouts_are_refused():
    device = on_device(LOGITS)
    for logits, words in ((on_device(LOGITS.astype(np.int32)), "int32"), (device[:, :-1], "(5, 299)"),
                          (on_device(np.asfortranarray(LOGITS)), "5 elements apart"),
                          (cl.Buffer(CONTEXT.cl_context, cl.mem_flags.READ_WRITE, 1204), "1204 bytes"),
                          (on_device(np.concatenate([LOGITS, LOGITS])), "10 rows")):
        assert words in str(caught((TypeError, ValueError), SAMPLER.sample, logits)), words
    small = cl.Buffer(CONTEXT.cl_context, cl.mem_flags.READ_WRITE, 4)
    for tokens, words in ((on_device(np.zeros(ROWS, np.float32)), "float32"), (small, "4 bytes"),
                          (on_device(np.zeros(ROWS + 1, np.int32)), "(6,)"),
                          (on_device(np.zeros(2 * ROWS, np.int32))[::2], "C-contiguous")):
        assert words in str(caught((TypeError, ValueError), SAMPLER.sample, device, out={"tokens": tokens})), words
    read_only = cl.Buffer(CONTEXT.cl_context, cl.mem_flags.READ_ONLY, 4 * ROWS)
    caught(tombola.InvalidArgument, SAMPLER.sample, device, out={"tokens": read_only})


def test_what_is_no_object_of_pyopencls_is_named():
    assert "queue is 3" in str(caught(TypeError, SAMPLER.enqueue, 3, LOGITS))
    assert "wait_for has 3" in str(caught(TypeError, SAMPLER.enqueue, QUEUE, LOGITS, wait_for=[3]))
