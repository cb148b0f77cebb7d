"""Transformers' own logits processors, in the order that its generate() has them in, in binary64.

`KINDS` has the steps of each kind in that order. Kinds that the version lacks are left out, and named in `MISSING`.
"""
import inspect
import warnings

import numpy as np
import torch
import transformers
from transformers.generation import logits_process

from side_cases import END_TOKENS, WORDS, Difference, Past, Step, around, as_near_as_the_last, kept, single

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
        out = make(past)(ids, torch.from_numpy(scores)[None].clone())[0].numpy()
        return np.where(scores > -np.inf, out, -np.inf)  # older versions' length penalty makes NaN of what is ruled out

    return apply


def cut(name, parameter, warper, values, low, high, keep=None):
    """Steps of a filter with a share, a step for each value."""
    more = {} if keep is None else {"min_tokens_to_keep": keep}
    # v is bound now: by the time of the call the loop has gone on
    return [Step(name, {parameter: single(value), "min_keep": keep or 0},
                 *(applied(lambda past, v=v: warper(v, **more)) for v in around(single(value), low, high)),
                 doubt=as_near_as_the_last if parameter == "typical_p" else None) for value in values]


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


def words():
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

KINDS = [[repetition(r) for r in (.8, 1.1, 1.3, 50.0)], [ngram(n) for n in (1, 2, 3, 5)], [words()],
         [min_tokens(n) for n in (1, 5, 20, 100)], [length(v) for v in ((0, 1.01), (10, 1.2), (5, .8), (200, 2.0))],
         [temperature(t) for t in (.3, .7, 1.0, 1.5, 8.0)]]
KEEP, MISSING = [], []
for name, parameter, warper, (low, high), values in FILTERS:
    if name == "top-p":
        KINDS.append([top_k(k) for k in (1, 2, 40, 300)])
    if hasattr(logits_process, warper):
        warper = getattr(logits_process, warper)
        KINDS.append(cut(name, parameter, warper, values, low, high))
        if name not in ("top-h", "typical-p"):  # see DIFFERENCES
            KEEP += cut(name + ", 5 at least", parameter, warper, values[::2], low, high, 5)
    else:
        MISSING.append(name)


def whole(steps, scores, past):
    """What the list of processors makes of a row, as generate() calls it."""
    for step in steps:
        scores = step.peers[0](scores, past)
    return scores


def made_by(processor, row, past=(0,)):
    """What a processor makes of a row in binary32."""
    ids, scores = torch.tensor([past], dtype=torch.long), torch.tensor([row], dtype=torch.float32)
    return lambda: processor(ids, scores.clone())[0].numpy()


ties, shares = [0, 1, 1, 1, 1, 2], np.log(np.array([.4, .3, .2, .1], np.float32)).tolist()
steep, slope = [1, .5, 2, 3], np.log(np.array([.5, .14, .12, .1, .08, .06], np.float32)).tolist()
e = float(np.e)
DIFFERENCES = [
    Difference("top-k: all that are as likely as the k-th", ties, {"top_k": 3},
               [0, 1 / (2 + e), 1 / (2 + e), 0, 0, e / (2 + e)],
               made_by(logits_process.TopKLogitsWarper(3), ties), lambda z: kept(z) == [1, 2, 3, 4, 5]),
    Difference("top-p: which of equals", ties, {"top_p": .5}, [0, 1 / (1 + e), 0, 0, 0, e / (1 + e)],
               made_by(logits_process.TopPLogitsWarper(.5), ties), lambda z: len(kept(z)) == 2 and kept(z) != [1, 5]),
    Difference("epsilon: a share that is .2 on paper", shares, {"epsilon_cutoff": single(.2)},
               [4 / 9, 3 / 9, 2 / 9, 0],
               made_by(logits_process.EpsilonLogitsWarper(.2), shares), lambda z: kept(z) == [0, 1]),
    Difference("length penalty: overflow", steep, {"length_penalty_factor": 1e15}, [0, 0, 1, 0],
               made_by(logits_process.ExponentialDecayLengthPenalty((0, 1e15), torch.tensor(END_TOKENS), 0), steep,
                       [0, 1, 2, 3]), lambda z: np.isposinf(z).sum() == 3, Past([], [0, 1, 2, 3])),
    Difference("typical-p: the least number to keep", slope, {"typical_p": single(.01), "min_keep": 2},
               [.5 / .64, .14 / .64, 0, 0, 0, 0],
               made_by(logits_process.TypicalLogitsWarper(.01, min_tokens_to_keep=2), slope),
               lambda z: kept(z) == [1, 2])]

if "multi_token_biases" not in inspect.getsource(logits_process.SequenceBiasLogitsProcessor):  # an older version
    DIFFERENCES.append(
        Difference("bad words: one longer than the history", [0] * 11, {"words": True},
                   [1 / 8 if token not in (3, 9, 10) else 0 for token in range(11)],
                   made_by(logits_process.NoBadWordsLogitsProcessor(WORDS, None), [0] * 11, [4, 5, 6]),
                   lambda z: 10 in kept(z), Past([], [4, 5, 6])))
