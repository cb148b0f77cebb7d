"""Transformers' own logits processors, in the order that its generate() has them in, in binary64.

`KINDS` has the steps of each kind in that order. Kinds that the version lacks are left out, and named in `MISSING`.
"""
import warnings

import numpy as np
import torch
import transformers
from transformers.generation import logits_process

from side_cases import END_TOKENS, WORDS, Step, around, single

PRESET = "transformers"
VERSION = f"Transformers {transformers.__version__}, PyTorch {torch.__version__}"
BREAKERS = None

torch.set_num_threads(1)
torch.set_grad_enabled(False)
warnings.filterwarnings("ignore")


def applied(make):
    """A function of scores and past that applies the processor which make(past) gives."""

    def apply(scores, past):
        ids = torch.tensor([past.all], dtype=torch.long)
        return make(past)(ids, torch.from_numpy(scores)[None].clone())[0].numpy()

    return apply


def cut(name, parameter, warper, low=0.0, high=1.0, keep=None):
    """Steps of a filter with a share, a step for each value."""

    def step(value):
        value = single(value)
        more = {} if keep is None else {"min_tokens_to_keep": keep}
        # bound now: by the time of the call the loop has gone on
        peers = [applied(lambda past, v=v: warper(v, **more)) for v in around(value, low, high)]
        return Step(name, {parameter: value, "min_keep": keep or 0}, *peers)

    return step


def rule(name, params, make):
    return Step(name, params, applied(make))


def temperature(value):
    value = single(value)
    return rule("temperature", {"temperature": value}, lambda past: logits_process.TemperatureLogitsWarper(value))


def top_k(value):
    return rule("top-k", {"top_k": value}, lambda past: logits_process.TopKLogitsWarper(value))


def repetition(value):
    value = single(value)
    return rule("repetition penalty", {"repetition_penalty": value},
                lambda past: logits_process.RepetitionPenaltyLogitsProcessor(value))


def ngram(value):
    return rule("no-repeat n-gram", {"no_repeat_ngram": value},
                lambda past: logits_process.NoRepeatNGramLogitsProcessor(value))


def words(_):
    return rule("bad words", {"words": True}, lambda past: logits_process.NoBadWordsLogitsProcessor(WORDS, None))


def min_tokens(value):
    return rule("minimum new tokens", {"min_tokens": value},
                lambda past: logits_process.MinNewTokensLengthLogitsProcessor(len(past.prompt), value,
                                                                              torch.tensor(END_TOKENS)))


def length(value):
    start, factor = value[0], single(value[1])
    return rule("length penalty", {"length_penalty_start": start, "length_penalty_factor": factor},
                lambda past: logits_process.ExponentialDecayLengthPenalty((start, factor), torch.tensor(END_TOKENS),
                                                                          len(past.prompt)))


inner = 1e-9, 1 - 1e-9  # where the ends are not allowed
FILTERS = [("top-h", "top_h", "TopHLogitsWarper", inner, (.2, .5, .9)),
           ("top-p", "top_p", "TopPLogitsWarper", (0, 1), (.1, .5, .9, .95)),
           ("min-p", "min_p", "MinPLogitsWarper", (0, 1), (.02, .05, .3, .9)),
           ("typical-p", "typical_p", "TypicalLogitsWarper", inner, (.1, .3, .7, .95)),
           ("epsilon", "epsilon_cutoff", "EpsilonLogitsWarper", inner, (3e-4, 2e-3, .05)),
           ("eta", "eta_cutoff", "EtaLogitsWarper", inner, (3e-4, 2e-3, .1))]

KINDS = [[repetition(r) for r in (.8, 1.1, 1.3, 50.0)], [ngram(n) for n in (1, 2, 3, 5)], [words(None)],
         [min_tokens(n) for n in (1, 5, 20, 100)], [length(v) for v in ((0, 1.01), (10, 1.2), (5, .8), (200, 2.0))],
         [temperature(t) for t in (.3, .7, 1.0, 1.5, 8.0)]]
KEEP, MISSING = [], []
for name, parameter, warper, (low, high), values in FILTERS:
    if name == "top-p":
        KINDS.append([top_k(k) for k in (1, 2, 40, 300)])
    if hasattr(logits_process, warper):
        warper = getattr(logits_process, warper)
        KINDS.append([cut(name, parameter, warper, low, high)(v) for v in values])
        if name != "top-h":
            KEEP += [cut(name + ", 5 at least", parameter, warper, low, high, 5)(v) for v in values[::2]]
    else:
        MISSING.append(name)


def whole(steps, scores, past):
    """What the list of processors makes of a row, as generate() calls it."""
    for step in steps:
        scores = step.peers[0](scores, past)
    return scores


def scores_of(row):
    return row.astype(np.float64)
