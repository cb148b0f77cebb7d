"""Log-probabilities for training are the sampler's own bits, with softmax's gradient over what was kept."""
import inspect
import os
import re
import tempfile
import textwrap
import threading

import numpy as np
import torch
from helping import CONTEXT, caught, logits_of

import tombola
from tombola.torch import logprobs

NEEDS = "torch"

ROWS, VOCABULARY = 5, 700
LOGITS = torch.from_numpy(logits_of(ROWS, VOCABULARY))
HISTORY = [[3, 4, 5, 699], [7], [], [1, 2, 3], [9, 9, 9]]
CASES = [dict(), dict(temperature=0.7, top_p=0.9), dict(temperature=[0.5, 1, 2, 0, 1.3], top_k=[0, 1, 5, 50, 699]),
         dict(temperature=1.5, min_p=0.05, typical_p=0.8), dict(xtc_probability=1, xtc_threshold=0.05),
         dict(repetition_penalty=[1.5, 1, 2, 0.7, 1.2], history=HISTORY, top_p=0.95),
         dict(repetition_penalty=1.3, frequency_penalty=0.5, presence_penalty=0.3, history=HISTORY, penalty_window=2,
              prompt_lengths=[1, 0, 0, 3, 1], penalty_prompt="all", biases={5: 2.0, 9: -np.inf}),
         dict(masks=np.arange(VOCABULARY) % 3 > 0, top_k=40),
         dict(filters="temperature-last", temperature=0.6, top_p=0.8)]


def rollout(logits, dtype="float32", want="tokens logprobs", **options):
    with tombola.Sampler(VOCABULARY, ROWS, dtype, CONTEXT) as sampler:
        return sampler.sample(logits, seed=np.arange(ROWS), want=want, **options)


def bits(tensor):
    return tensor.detach().numpy().tobytes()


def tokens_of(results):
    return torch.from_numpy(results.tokens).long()


def reference(logits, ids, kept, temperature, slopes, offsets):
    """The same in binary64, as torch computes and differentiates it."""
    z = torch.where(kept, logits * slopes + offsets, torch.full((), -np.inf).double()) / temperature[:, None]
    return torch.log_softmax(z, -1).gather(1, ids[:, None])[:, 0]


def effective(logits, options):
    """Slopes and offsets of effective logits: penalties and biases, done here once more in a plain way."""
    slopes, offsets = torch.ones_like(logits), torch.zeros_like(logits)
    penalties = np.broadcast_to(options.get("repetition_penalty", 1), ROWS)
    for row in range(ROWS):
        for token, bias in options.get("biases", {}).items():
            offsets[row, token] = max(bias, -1e30)
        history = options.get("history", HISTORY)[row]
        window = history[-options["penalty_window"]:] if options.get("penalty_window") else history
        for token in set(window):
            factor = float(np.float32(penalties[row]))
            factor = 1 / factor if logits[row, token] + offsets[row, token] > 0 else factor
            slopes[row, token] = factor
            offsets[row, token] *= factor
            offsets[row, token] -= options.get("frequency_penalty", 0) * window.count(token)
            offsets[row, token] -= options.get("presence_penalty", 0)
    return slopes, offsets


def test_they_are_the_rollouts_bits():
    for options in CASES:
        told = rollout(LOGITS, **options)
        assert bits(logprobs(LOGITS, tokens_of(told), seed=np.arange(ROWS), **options)) == told.logprobs.tobytes()
    for dtype in (torch.bfloat16, torch.float16):
        half = LOGITS.to(dtype)
        told = rollout(half, str(dtype)[6:], top_p=0.9)
        assert bits(logprobs(half, tokens_of(told), top_p=0.9)) == told.logprobs.tobytes()


def test_params_and_shapes_serve_as_the_sampler_has_them():
    params = tombola.Params(ROWS, temperature=0.7, top_k=9)
    ids = torch.arange(3 * ROWS).reshape(ROWS, 3)
    told = logprobs(LOGITS, ids, params)
    assert told.shape == ids.shape and told.dtype == torch.float32
    assert torch.equal(told, logprobs(LOGITS, ids, tombola.Params(1, temperature=0.7), top_k=9))
    assert torch.equal(told[:, 1], logprobs(LOGITS, ids[:, 1], params))
    cube = LOGITS[None].expand(2, -1, -1)
    assert torch.equal(logprobs(cube, ids[None].expand(2, -1, -1), temperature=0.7, top_k=9)[1], told)
    apart = torch.cat([LOGITS, LOGITS], 1)[:, VOCABULARY:]   # rows that lie apart
    assert torch.equal(logprobs(apart, ids, params), told)
    assert "ids have the shape" in str(caught(ValueError, logprobs, LOGITS, ids[:2]))
    assert caught(tombola.InvalidArgument, logprobs, LOGITS, ids, top_p=7).argument == "top_p"


def test_the_gradient_is_that_of_binary64():
    for options in CASES:
        told = rollout(LOGITS, **options, want="tokens kept_tokens logprobs")
        kept = torch.zeros(ROWS, VOCABULARY, dtype=torch.bool)
        for row in range(ROWS):
            kept[row, told.kept_of(row).astype(np.int64)] = True
        weights = torch.linspace(-1, 2, ROWS)
        logits = LOGITS.clone().requires_grad_()
        (logprobs(logits, tokens_of(told), seed=np.arange(ROWS), **options) * weights).sum().backward()
        exact = LOGITS.double().requires_grad_()
        heat = torch.from_numpy(np.broadcast_to(np.float64(options.get("temperature", 1)), ROWS).copy())
        slopes, offsets = effective(LOGITS.double(), options)
        log_p = reference(exact, tokens_of(told), kept, torch.where(heat > 0, heat, torch.ones(()).double()), slopes,
                          offsets)
        assert np.allclose(log_p.detach(), told.logprobs, atol=3e-5), options
        (log_p * weights).sum().backward()
        assert torch.allclose(logits.grad.double(), exact.grad, rtol=1e-4, atol=2e-6), options
        assert (logits.grad[~kept] == 0).all()
        assert logits.grad[kept].abs().max() > 0.1


def test_the_gradient_is_what_finite_differences_tell():
    options = dict(temperature=0.8, top_k=30, repetition_penalty=1.4, history=HISTORY)
    told = rollout(LOGITS, **options, want="tokens kept_tokens")
    logits = LOGITS.clone().requires_grad_()
    logprobs(logits, tokens_of(told), **options).sum().backward()
    for row in range(ROWS):
        for token in {*told.kept_of(row)[:4].tolist(), int(told.tokens[row])}:
            differences = []
            for step in (0.01, -0.01):
                moved = LOGITS.clone()
                moved[row, token] += step
                differences.append(float(logprobs(moved, tokens_of(told), **options, kept=told)[row]))
            slope = (differences[0] - differences[1]) / 0.02
            assert abs(slope - float(logits.grad[row, token])) < 2e-3, (row, token)


def test_several_tokens_of_a_row_add_up_and_half_precision_keeps_its_type():
    ids = torch.tensor([[1, 2, 2]] * ROWS)
    logits = LOGITS.clone().requires_grad_()
    logprobs(logits, ids).sum().backward()
    one = LOGITS.clone().requires_grad_()
    (logprobs(one, ids[:, 0]) + 2 * logprobs(one, ids[:, 1])).sum().backward()
    assert torch.allclose(logits.grad, one.grad, atol=1e-6)
    half = LOGITS.bfloat16().requires_grad_()
    logprobs(half, ids).sum().backward()
    assert half.grad.dtype == torch.bfloat16 and (half.grad != 0).any()


def test_what_was_kept_is_what_they_are_among():
    options = dict(temperature=0.9, top_p=0.8)
    told = rollout(LOGITS, **options, want="tokens logprobs kept_tokens boundary kept")
    ids = tokens_of(told)
    mask = np.zeros((ROWS, VOCABULARY), bool)
    for row in range(ROWS):
        mask[row, told.kept_of(row)] = True
    for kept in (told, tombola.Ragged(told.kept_tokens, told.kept_ends), mask, torch.from_numpy(mask)):
        assert bits(logprobs(LOGITS, ids, kept=kept, **options)) == told.logprobs.tobytes()
    assert bits(logprobs(LOGITS, ids, boundary=told, **options)) == told.logprobs.tobytes()
    moved = (LOGITS + 0.3 * torch.from_numpy(logits_of(ROWS, VOCABULARY, seed=3))).requires_grad_()
    log_p = logprobs(moved, ids, kept=told, **options)
    z = torch.where(torch.from_numpy(mask), moved.detach().double() / float(np.float32(0.9)),
                    torch.full((), -np.inf).double())
    assert torch.allclose(log_p.double(), torch.log_softmax(z, -1).gather(1, ids[:, None])[:, 0], atol=3e-5)
    log_p.sum().backward()
    assert (moved.grad[~torch.from_numpy(mask)] == 0).all() and torch.isfinite(log_p).all()
    assert "boundary" in str(caught(TypeError, logprobs, LOGITS, ids, kept=told, boundary=told))
    caught(ValueError, logprobs, LOGITS, ids, kept=mask[:2])
    caught(TypeError, logprobs, LOGITS, ids, kept=told, masks=mask)


def test_a_boundary_tells_what_xtc_and_typical_p_have_kept():
    for options in (dict(xtc_probability=1, xtc_threshold=0.02), dict(typical_p=0.3), dict(top_k=3)):
        told = rollout(LOGITS, **options, want="tokens logprobs boundary kept")
        assert bits(logprobs(LOGITS, tokens_of(told), boundary=told, **options)) == told.logprobs.tobytes(), options


def test_what_has_no_gradient_says_so_and_only_where_one_is_wanted():
    ids = torch.zeros(ROWS, dtype=torch.long)
    for options in (dict(dynatemp_range=0.5), dict(adaptive_target=0.5),
                    dict(length_penalty_factor=1.5, history=HISTORY, end_tokens=[2])):
        assert torch.isfinite(logprobs(LOGITS, ids, **options)).all()
        assert next(iter(options)) in str(caught(ValueError, logprobs, LOGITS.clone().requires_grad_(), ids, **options))
    assert float(logprobs(LOGITS, torch.full((ROWS,), 5), top_k=1)[0]) == -np.inf


def test_what_was_kept_goes_with_no_dynamic_temperature_which_it_does_not_tell():
    options = dict(dynatemp_range=0.3, top_k=5)
    told = rollout(LOGITS, **options, want="tokens logprobs kept_tokens boundary kept")
    assert bits(logprobs(LOGITS, tokens_of(told), **options)) == told.logprobs.tobytes()
    for among in (dict(kept=told), dict(boundary=told)):
        assert "dynatemp_range" in str(caught(ValueError, logprobs, LOGITS, tokens_of(told), **options, **among))


def test_ids_that_are_no_tokens_are_refused_and_not_converted():
    assert "ids has type float32" in str(caught(TypeError, logprobs, LOGITS, torch.full((ROWS,), 1.5)))
    error = caught(tombola.InvalidArgument, logprobs, LOGITS, torch.tensor([0, VOCABULARY] + [0] * (ROWS - 2)))
    assert (error.argument, error.row) == ("ids", 1)
    assert "ids is from" in str(caught(ValueError, logprobs, LOGITS, torch.full((ROWS,), 2**32 + 5)))
    assert "params has 3 rows" in str(caught(ValueError, logprobs, LOGITS, torch.arange(ROWS), tombola.Params(3)))


def test_a_sampler_takes_torchs_types():
    for dtype in (torch.float32, torch.float16, torch.bfloat16):
        with tombola.Sampler(VOCABULARY, ROWS, dtype, CONTEXT) as sampler:
            assert sampler.dtype == str(dtype)[6:] and (sampler.sample(LOGITS.to(dtype)).status == tombola.OK).all()
    assert "float64" in str(caught(ValueError, tombola.Sampler, VOCABULARY, ROWS, torch.float64))


def test_threads_have_samplers_of_their_own():
    expected, results = logprobs(LOGITS, torch.arange(ROWS)), []
    threads = [threading.Thread(target=lambda: results.append(logprobs(LOGITS, torch.arange(ROWS)))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 3 and all(torch.equal(result, expected) for result in results)


def test_messages_of_shards_travel_by_torchs_collectives_as_the_docstring_has_it():
    lines = re.search(r"\n( +def allgather.*?)\n\n", inspect.getdoc(tombola.Shard), re.S).group(1)
    names = {"torch": torch}
    exec(textwrap.dedent(lines), names)
    with tempfile.TemporaryDirectory() as folder:
        torch.distributed.init_process_group("gloo", init_method=f"file://{os.path.join(folder, 'store')}", rank=0,
                                             world_size=1)
        try:
            with tombola.Shard(VOCABULARY, ROWS, (0, VOCABULARY), device=CONTEXT,
                               allgather=names["allgather"]) as shard:
                results = shard.sample(LOGITS, top_k=20, seed=np.arange(ROWS))
        finally:
            torch.distributed.destroy_process_group()
    assert results.tokens.tolist() == rollout(LOGITS, top_k=20).tokens.tolist()
