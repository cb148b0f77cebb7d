"""Calls in flight, threads, forks, what is closed, and memory over many calls."""
import copy
import gc
import os
import pickle
import threading

import numpy as np
from helping import CONTEXT, caught, grown_by, logits_of

import tombola

VOCABULARY, ROWS = 2000, 8
LOGITS = logits_of(ROWS, VOCABULARY)


def test_submitted_batches_give_what_sample_gives_in_any_order():
    with tombola.Sampler(VOCABULARY, ROWS, device=CONTEXT, in_flight=3) as sampler:
        expected = [sampler.sample(LOGITS, seed=seed).tokens.tolist() for seed in range(3)]
        batches = [sampler.submit(LOGITS, seed=np.full(ROWS, seed)) for seed in range(3)]
        assert caught(tombola.Busy, sampler.submit, LOGITS).message
        assert [batches[i].result().tokens.tolist() for i in (2, 0, 1)] == [expected[i] for i in (2, 0, 1)]
        assert batches[0].done() and batches[0].result() is batches[0].result()


def test_a_batch_is_done_once_the_device_is():
    with tombola.Sampler(VOCABULARY, ROWS, device=CONTEXT) as sampler:
        batch = sampler.submit(LOGITS)
        while not batch.done():
            pass
        assert (batch.result().status == tombola.OK).all()


def test_a_sampler_is_not_closed_within_its_own_call():
    with tombola.Sampler(VOCABULARY, ROWS, device=CONTEXT) as sampler:
        error = caught(tombola.InUse, sampler.generate, lambda step: sampler.close() or LOGITS[:1], [[1]], max_tokens=2)
        assert "the model of its generation" in str(error)
        held = threading.Event(), threading.Event()

        def model(step):
            held[0].set()
            held[1].wait()
            return LOGITS[:1]

        thread = threading.Thread(target=sampler.generate, args=(model, [[1]]), kwargs=dict(max_tokens=1))
        thread.start()
        held[0].wait()
        caught(tombola.InUse, sampler.close)
        held[1].set()
        thread.join()
        assert (sampler.sample(LOGITS).status == tombola.OK).all()
    sampler.close()   # again: nothing


def test_samplers_and_contexts_are_not_copied_since_a_copy_would_release_what_the_first_one_holds():
    with tombola.Sampler(VOCABULARY, ROWS, device=CONTEXT) as sampler:
        for take in copy.copy, copy.deepcopy, pickle.dumps:
            for what in sampler, CONTEXT:
                assert "can't be copied or pickled" in str(caught(TypeError, take, what))
        assert (sampler.sample(LOGITS).status == tombola.OK).all()


def test_batches_that_nobody_waits_for_make_room():
    with tombola.Sampler(VOCABULARY, ROWS, device=CONTEXT, in_flight=1) as sampler:
        expected = sampler.sample(LOGITS, seed=3).tokens.tolist()
        for _ in range(5):
            sampler.submit(LOGITS.copy())
            gc.collect()
        assert sampler.submit(LOGITS, seed=3).result().tokens.tolist() == expected


def test_arrays_that_the_caller_forgets_live_until_their_batch_has_ended():
    for transfer in ("in_place", "staged"):
        with tombola.Sampler(VOCABULARY, ROWS, device=CONTEXT, transfer=transfer) as sampler:
            expected = sampler.sample(LOGITS, seed=3, masks=LOGITS[:1] < 9, want="tokens probabilities").columns
            for _ in range(20):
                batch = sampler.submit(LOGITS.copy(), seed=3, masks=LOGITS[:1] < 9, want="tokens probabilities")
                gc.collect()
                junk = [np.full_like(LOGITS, np.nan) for _ in range(3)]   # would take the place of what is given back
                assert all((batch.result().columns[name] == column).all() for name, column in expected.items())
                del junk


def test_a_sampler_in_two_threads_is_refused_and_goes_on():
    vocabulary, rows = 50000, 64
    logits = logits_of(rows, vocabulary)
    with tombola.Sampler(vocabulary, rows, device=CONTEXT) as sampler:
        expected, errors, results = sampler.sample(logits).tokens.tolist(), [], []

        def work():
            for _ in range(20):
                try:
                    results.append(sampler.sample(logits).tokens.tolist())
                except tombola.InUse as error:
                    errors.append(error)

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors and len(errors) + len(results) == 40
        assert all(tokens == expected for tokens in results)
        assert sampler.sample(logits).tokens.tolist() == expected


def test_threads_with_a_sampler_each_share_a_context():
    with tombola.Context() as context:
        results = [None] * 3

        def work(i):
            with tombola.Sampler(VOCABULARY, ROWS, device=context) as sampler:
                results[i] = [sampler.sample(LOGITS, seed=seed).tokens.tolist() for seed in range(10)]

        threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert results[0] == results[1] == results[2] and results[0]


def test_what_is_closed_says_so_and_may_be_closed_again():
    sampler = tombola.Sampler(VOCABULARY, ROWS)
    batch = sampler.submit(LOGITS)
    sampler.close()
    sampler.close()
    for call in (lambda: sampler.sample(LOGITS), batch.result, lambda: sampler.times):
        assert "closed" in str(caught(ValueError, call))
    context = tombola.Context()
    with tombola.Sampler(VOCABULARY, ROWS, device=context) as sampler:
        context.close()
        assert (sampler.sample(LOGITS).status == tombola.OK).all()
    caught(ValueError, lambda: context.device)
    caught(ValueError, tombola.Sampler, 5, 1, device=context)


def test_many_calls_and_mistakes_leave_memory_as_it_is():
    logits = LOGITS[:, :256].copy()
    with tombola.Sampler(256, ROWS, device=CONTEXT) as sampler:
        def calls(number):
            for i in range(number):
                sampler.sample(logits, want="tokens logprobs", seed=np.arange(ROWS), biases={1: 1.0}, history=[1, 2])
                if i % 10 == 0:
                    caught(tombola.InvalidArgument, sampler.sample, logits, top_p=2)

        number = 100000 if os.environ.get("TOMBOLA_TEST_ALL") else 3000
        assert grown_by(calls, 500, number) < 2 << 20


def test_closed_and_forgotten_samplers_give_their_memory_back():
    logits = logits_of(32, 50000)

    def make(number):
        for _ in range(number):
            with tombola.Sampler(50000, 32, device=CONTEXT, transfer="staged") as sampler:
                sampler.sample(logits)
            tombola.Sampler(50000, 32, device=CONTEXT, transfer="staged").sample(logits)

    assert grown_by(make, 3, 10) < 5 * logits.nbytes


def test_times_and_memory_are_told():
    with tombola.Sampler(VOCABULARY, ROWS, device=CONTEXT, timed=True) as sampler:
        sampler.sample(LOGITS)
        assert sampler.times["calls"] == 1 and sampler.times["kernel_seconds"] > 0
        assert sampler.memory["host_bytes"] > 0
