"""Generation loses no exception, names what is wrong, and leaves sampler and memory as they were."""
import signal
import time

import numpy as np
from helping import CONTEXT, caught, grown_by, logits_of
from toy import COUNT, PROMPTS, SAMPLER, TABLE, VOCABULARY, listed, model, row_of

import tombola


class Odd(BaseException):
    pass


def test_an_exception_of_the_models_comes_out_with_what_was_drawn():
    whole = SAMPLER.generate(model, PROMPTS, max_tokens=10, temperature=0.9)
    for kind in (RuntimeError, KeyError, StopIteration, GeneratorExit, KeyboardInterrupt, Odd, tombola.InvalidArgument):
        raised, calls = kind("of the model"), []

        def failing(step):
            calls.append(step)
            if len(calls) == 4:
                raise raised
            return model(step)

        error = caught(kind, SAMPLER.generate, failing, PROMPTS, max_tokens=10, temperature=0.9)
        assert error is raised and error.__context__ is None
        assert [len(tokens) for tokens in error.generation.tokens] == [3, 3, 3, 3, 0, 0]
        assert set(error.generation.finish) == {"not finished"}
        parts = SAMPLER.generate(model, SAMPLER.generate(model, error.generation, max_tokens=7), max_tokens=10)
        assert [tokens[:10].tolist() for tokens in parts.tokens] == listed(whole.tokens)

        def failing_listener(sequence, token):
            if sequence == 2:
                raise raised

        error = caught(kind, SAMPLER.generate, model, PROMPTS, max_tokens=10, on_token=failing_listener,
                       temperature=0.9)
        assert error is raised and [len(tokens) for tokens in error.generation.tokens] == [1, 1, 1, 0, 0, 0]
        rest = SAMPLER.generate(model, error.generation, max_tokens=[9, 9, 9, 10, 10, 10])
        assert listed(rest.tokens) == listed(whole.tokens)


def test_a_signals_exception_is_never_lost():
    sampler, logits = tombola.Sampler(50000, 16, device=CONTEXT), logits_of(16, 50000)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)   # SIGINT's own may be to ignore it
    try:
        for i in range(30):   # they come within the library's call mostly, where a step takes its time
            signal.setitimer(signal.ITIMER_REAL, 0.004 + 0.0007 * i)
            error = caught(KeyboardInterrupt, sampler.generate, lambda step: logits, [[]] * 16, max_tokens=100000,
                           on_token=(lambda sequence, token: None) if i % 2 else None, temperature=1.3)
            time.sleep(0.001)
            assert len(getattr(error, "generation", [None] * 16)) == 16
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        sampler.close()


def test_wrong_logits_and_arguments_are_named():
    for logits, words in ((TABLE[:1], "gave 1 rows of logits, but 4"), (TABLE[:4, :-1], "shape (4, 299)"),
                          (TABLE[:4].astype(float), "float64"), (None, "NoneType"), (TABLE[:4].T.copy().T, "elements")):
        error = caught((TypeError, ValueError), SAMPLER.generate, lambda step: logits, PROMPTS, max_tokens=2)
        assert words in str(error) and error.generation.finish == ["not finished"] * COUNT, words
    for options, words in ((dict(max_tokens=0), "max_tokens is 0"),
                           (dict(max_tokens=2**62), "max_tokens is from 4611686018427387904"),
                           (dict(max_tokens=[1]), "max_tokens has the shape"),
                           (dict(want="tokens"), "want has 'tokens'"), (dict(top_q=1), "no parameter top_q"),
                           (dict(end_tokens=[[1]]), "end_tokens has 1 lists"),
                           (dict(stop=[[[0.5]]] * COUNT), "stop[0] has type float64"),
                           (dict(params=tombola.Params(2)), "2 rows")):
        error = caught((TypeError, ValueError), SAMPLER.generate, model, PROMPTS, **{"max_tokens": 3, **options})
        assert words in str(error), error
    error = caught(tombola.InvalidArgument, SAMPLER.generate, model, PROMPTS, max_tokens=1, top_p=[1, 1, 2, 1, 1, 1])
    assert (error.argument, error.row) == ("top_p", 2) and set(error.generation.finish) == {"not finished"}
    error = caught(tombola.InvalidArgument, SAMPLER.generate, model, [[1], [VOCABULARY]], max_tokens=1)
    assert (error.argument, error.row) == ("prompts", 1)
    error = caught(tombola.InvalidArgument, SAMPLER.generate, model, [[1]], max_tokens=1, thinking_budget=3)
    assert (error.argument, error.row) == ("thinking_budget", 0)
    first = SAMPLER.generate(lambda step: TABLE[:len(step)], [[1], [2]], max_tokens=[1, 3], end_tokens=[0])
    first.finish[0], first.params.top_p = "end token", [1, 2]
    error = caught(tombola.InvalidArgument, SAMPLER.generate, model, first, max_tokens=1)
    assert (error.argument, error.row) == ("top_p", 1)   # though it is the only one to go on
    assert "prompts[1]" in str(caught((TypeError, ValueError), SAMPLER.generate, model, [[1], 5], max_tokens=1))
    assert "no prompts" in str(caught(ValueError, SAMPLER.generate, model, [], max_tokens=1))


def test_invalid_and_empty_rows_end_their_sequences():
    def spoilt(step):
        rows = model(step)
        for row, (sequence, tokens) in enumerate(zip(step.sequences, step.tokens)):
            if sequence < 2 and len(tokens) == len(PROMPTS[sequence]) + 3:
                rows[row] = (np.nan, -np.inf)[sequence]
        return rows

    found = SAMPLER.generate(spoilt, PROMPTS, max_tokens=5)
    assert found.finish == ["invalid row", "empty row", "limit", "limit", "limit", "limit"]
    assert [len(tokens) for tokens in found.tokens] == [3, 3, 5, 5, 5, 5]


def test_the_sampler_can_be_used_by_nobody_else_meanwhile_and_afterwards_again():
    def selfish(step):
        SAMPLER.sample(TABLE[:1])

    caught(tombola.InUse, SAMPLER.generate, selfish, [[1]], max_tokens=1)
    assert (SAMPLER.sample(TABLE[:1]).status == tombola.OK).all()
    batch = SAMPLER.submit(TABLE[:4])
    assert len(SAMPLER.generate(model, PROMPTS, max_tokens=2).tokens[0]) == 2   # one more may be in flight
    assert (batch.result().status == tombola.OK).all()
    other = tombola.Sampler(VOCABULARY, 2, device=CONTEXT)
    inner = SAMPLER.generate(lambda step: np.stack([row_of(other.generate(model, [t], max_tokens=3).tokens[0])
                                                    for t in step.tokens]), PROMPTS, max_tokens=3)
    assert set(inner.finish) == {"limit"}
    other.close()


def test_generations_give_their_memory_back():
    def calls(number):
        for _ in range(number):
            SAMPLER.generate(model, PROMPTS, max_tokens=4, stop=[[1, 2]], biases={1: 1})
            caught(KeyError, SAMPLER.generate, lambda step: {}[1], PROMPTS, max_tokens=4)

    assert grown_by(calls, 50, 300) < 2 << 20
