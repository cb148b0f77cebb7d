"""Log-probabilities as an operation of torch's."""
from __future__ import annotations

import threading
from typing import Any

import numpy as np
import torch

from .._arguments import integers_of
from .._drawer import split
from .._room import params_of
from ..errors import renamed
from ..params import Params
from ..ragged import Ragged
from ..results import Results
from ._tensors import Samplers, host_rows, without_filters

# What makes the logits, or the temperature, something else than a line of each token's own logit.
_WITHOUT_GRADIENT = {"length_penalty_factor": 1, "dynatemp_range": 0}
_own = threading.local()


def logprobs(logits: torch.Tensor, ids: torch.Tensor, params: Params | None = None, *,
             kept: Results | Ragged | torch.Tensor | np.ndarray | None = None, boundary: Results | None = None,
             device: Any = None, **options: Any) -> torch.Tensor:
    """The log-probabilities of tokens among those that the sampler could draw. Float32, in the shape of `ids`.

    logits    (..., vocabulary), float32, float16 or bfloat16. In host memory they are read where they lie
    ids       (...), a token for each row, or (..., n)
    params    Params of as many rows, or of one for all; None: the defaults
    kept      what each row may draw, in place of what its filters keep: Results with the column kept_tokens, a Ragged
              of ids, or a bool tensor or array (..., vocabulary). Filters among the parameters don't count then
    boundary  the same, as Results with the columns boundary and kept tell it. It counts among these logits: where they
              are not the rollout's to the bit, tokens near the boundary may differ, which `kept` rules out
    device    as Sampler takes it; samplers are kept for each device and thread
    Other arguments are those of Sampler.sample: parameters, biases, history, masks, ...

    Forward they are what `logprobs` and `scores` of the sampler tell of the same rows, to the bit; -inf for what was
    not kept. Backward, the gradient of log p(i) by the logit of a kept token j is (1 if i is j, less p(j)) * the slope
    of j's logit / the temperature: 0 for what was not kept, and in greedy rows. The slope is that of the repetition
    penalty, else 1.
    Raises ValueError for a length penalty, a dynamic temperature or adaptive-p where a gradient is wanted, and for a
    dynamic temperature beside `kept` or `boundary`: it follows the entropy of a row of which these tell no more.
    """
    shape = logits.shape[:-1]
    if ids.shape[:len(shape)] != shape or ids.ndim > len(shape) + 1:
        raise ValueError(f"ids have the shape {tuple(ids.shape)}, but the logits {tuple(logits.shape)}")
    if kept is not None and boundary is not None:
        raise TypeError("kept and boundary say the same thing: give one of them")
    rows = logits.reshape(-1, logits.shape[-1])
    tokens = integers_of("ids", ids.detach().cpu().numpy().ravel(), np.int32).reshape(len(rows), -1)
    columns, options = split(options)
    options["params"] = params_of(params, columns, len(rows))
    if not (kept is None and boundary is None) and (options["params"].dynatemp_range != 0).any():
        raise ValueError("dynatemp_range is on: what was kept doesn't tell the temperature, which follows the whole "
                         "row's entropy")
    with renamed(score_tokens="ids"):
        told = _LogProbs.apply(rows, tokens, options, kept, boundary, _samplers(device))
    return told.reshape(ids.shape)


def _samplers(device):
    """This thread's samplers on a device."""
    kept = _own.__dict__.setdefault("samplers", {})
    if device not in kept:
        kept[device] = Samplers(device)
    return kept[device]


def _mask_of(kept, rows, vocabulary):
    """What may be drawn, bool (rows, vocabulary)."""
    if isinstance(kept, Results):
        kept = Ragged(kept.kept_tokens, kept.kept_ends)
    if isinstance(kept, Ragged):
        mask = np.zeros((rows, vocabulary), bool)
        if len(kept.ends) != rows:
            raise ValueError(f"kept has {len(kept.ends)} rows, but there are {rows}")
        mask[np.repeat(np.arange(rows), np.diff(kept.ends.astype(np.int64), prepend=0)), kept.values] = True
        return mask
    mask = np.asarray(kept.cpu() if isinstance(kept, torch.Tensor) else kept)
    if mask.dtype != bool or mask.size != rows * vocabulary or mask.shape[-1] != vocabulary:
        raise ValueError(f"kept is {mask.dtype} of the shape {mask.shape}, not bool of {rows} rows x {vocabulary}")
    return mask.reshape(rows, vocabulary)


def _within(told, z):
    """What a boundary says was kept of effective logits z, as bool: the last `kept` in rank order up to it."""
    limit, last = (told.boundary[name][:, None] for name in ("logit", "token"))
    mask = (z > limit) | (z == limit) & (np.arange(z.shape[1]) <= last)
    for row in np.flatnonzero(mask.sum(axis=1) > told.kept):   # XTC or typical-p has dropped the first
        inside = np.flatnonzero(mask[row])
        order = inside[np.lexsort((inside, -z[row, inside]))]
        mask[row, order[:len(order) - int(told.kept[row])]] = False
    return mask


def _slopes(sampler, logits, options):
    """What a change of each logit does to the effective one, where that is not 1; None: nowhere."""
    params = options["params"]
    for name, neutral in _WITHOUT_GRADIENT.items():
        if (getattr(params, name) != neutral).any():
            raise ValueError(f"{name} is {getattr(params, name).max():g}: there is no gradient for it")
    if (params.adaptive_target >= 0).any():
        raise ValueError("adaptive_target is on: there is no gradient for it")
    penalties = params.repetition_penalty
    if (penalties == 1).all():
        return None
    plain = Params(len(logits))
    before = {name: value for name, value in options.items() if name in ("biases", "masks", "mask_of_row")}
    z = sampler.sample(logits, plain, want="processed_logits", **before).processed_logits
    plain.penalty_window, plain.penalty_prompt = params.penalty_window, params.penalty_prompt
    # A penalty of 2 shows which tokens it is put on: their logits, exactly doubled or halved, are not what they were.
    plain.repetition_penalty = np.where(penalties == 1, 1, 2)
    listed = {name: options[name] for name in ("history", "prompt_lengths") if name in options}
    repeated = sampler.sample(logits, plain, want="processed_logits", **before, **listed).processed_logits != z
    factors = np.where(z > 0, 1 / penalties[:, None], penalties[:, None])
    return np.where(repeated, factors, 1).astype(np.float32)


class _LogProbs(torch.autograd.Function):
    @staticmethod
    def forward(context, logits, tokens, options, kept, boundary, samplers):
        wanted, device, dtype = context.needs_input_grad[0], logits.device, logits.dtype
        logits = host_rows(logits)
        rows, vocabulary = logits.shape
        sampler = samplers.of(logits)
        params = options["params"]
        if boundary is not None:
            whole = sampler.sample(logits, want="processed_logits",
                                   **{**options, "params": without_filters(params)})
            kept = _within(boundary, whole.processed_logits)
        if kept is not None:
            if "masks" in options:
                raise TypeError("kept and masks say the same thing: give one of them")
            options = {**options, "params": without_filters(params), "masks": _mask_of(kept, rows, vocabulary)}
        ends = np.arange(1, rows + 1, dtype=np.uintp) * np.uintp(tokens.shape[1])
        told = sampler.sample(logits, score_tokens=Ragged(tokens.ravel(), ends), **options,
                              want=("scores", "kept_probabilities") if wanted else ("scores",))
        if wanted:
            temperature = params.temperature
            heat = np.where(temperature < 1e-5, 0, 1 / np.maximum(temperature, np.float32(1e-5)))
            slopes = _slopes(sampler, logits, options)
            factors = heat[:, None] if slopes is None else heat[:, None] * slopes
            context.save_for_backward(torch.from_numpy(told.kept_probabilities), torch.from_numpy(tokens).long(),
                                      torch.from_numpy(np.asarray(factors, np.float32)))
            context.dtype = dtype
        return torch.from_numpy(told.scores.reshape(tokens.shape)).to(device)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(context, gradient):
        probabilities, tokens, factors = context.saved_tensors
        weights = torch.where(probabilities.gather(1, tokens) > 0, gradient.cpu().float(), torch.zeros(()))
        out = probabilities * -weights.sum(dim=1, keepdim=True)
        out.scatter_add_(1, tokens, weights)
        return (out * factors).to(gradient.device, context.dtype), None, None, None, None, None
