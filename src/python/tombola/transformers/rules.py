"""Transformers' logits processors as parameters of the sampler.

generate() makes a list of processors of a GenerationConfig and of what else it was given. The sampler takes over the
end of that list, as far as it has all of it: mostly the whole list. What lies before, Transformers runs itself.
"""
import torch

from ..params import FIELDS

_BIAS, _REPETITION, _RULE, _FILTER, _NORMALISE = range(5)   # the order in which the sampler applies them
_BANNED = float("-inf")
_STEPS = FIELDS["filters"].values
_ORDER = list(FIELDS["filters"].presets["temperature-first"])


def _ids(value):
    """A token, or a sequence or a tensor of tokens, as a list."""
    if isinstance(value, torch.Tensor):
        value = value.tolist()
    return list(value) if isinstance(value, (list, tuple, set)) else [int(value)]


class Part:
    """What one processor, or several, are to the sampler.

    params   {parameter: value}
    steps    the numbers of the filters among these, in their order
    least    how many tokens each of them keeps at least, None where none says
    biases   {token: value} at all steps; `begin` has those of single steps, {tokens generated so far: {token: value}}
    words    token sequences that are banned
    ends     tokens that end a sequence, None where no rule minds them
    forced   {tokens generated so far: the token that comes next}
    normalised  whether scores are to be log-probabilities
    """

    def __init__(self, rank, *, params=None, steps=(), least=None, biases=None, begin=None, words=(), ends=None,
                 forced=None, normalised=False):
        self.rank, self.params, self.steps, self.least = rank, params or {}, list(steps), least
        self.biases, self.begin, self.words, self.ends = biases or {}, begin or {}, list(words), ends
        self.forced, self.normalised = forced or {}, normalised

    def put_before(self, part):
        """Puts an earlier part before this one. False, and nothing done, where the sampler can't have both so."""
        both = set(part.biases) & set(self.biases)
        clash = (part.rank > self.rank or set(part.params) & set(self.params) - {"min_tokens"}
                 or any(_BANNED not in (part.biases[token], self.biases[token]) for token in both)
                 or part.words and self.words
                 or part.ends and self.ends and set(part.ends) != set(self.ends)
                 or part.least and self.least and part.least != self.least)
        if clash:
            return False
        fewest = max(part.params.get("min_tokens", 0), self.params.get("min_tokens", 0))
        self.params.update(part.params, **({"min_tokens": fewest} if fewest else {}))
        self.biases.update(part.biases)
        self.biases.update(dict.fromkeys(both, _BANNED))
        self.steps[:0] = part.steps
        self.rank, self.normalised = part.rank, self.normalised or part.normalised
        self.words, self.ends = part.words or self.words, part.ends or self.ends
        self.least = part.least or self.least
        self.forced = {**part.forced, **self.forced}
        for step, biases in part.begin.items():
            self.begin.setdefault(step, {}).update(biases)
        return True


def _cut(step, parameter, value, processor):
    least = getattr(processor, "min_tokens_to_keep", 1)
    if step == "typical_p" and least > 1:   # which ones it keeps at least is another rule
        return None
    return Part(_FILTER, params={parameter: float(value)}, steps=[_STEPS[step]], least=least)


def _repetition(processor, _):
    ignored = getattr(processor, "prompt_ignore_length", None)   # a tensor: the padding of each row
    if isinstance(ignored, int) and ignored or getattr(processor, "logits_indices", None) is not None:
        return None
    return Part(_REPETITION, params={"repetition_penalty": float(processor.penalty)})


def _sequence_bias(processor, _):
    pairs = processor.sequence_bias
    pairs = pairs.items() if isinstance(pairs, dict) else pairs
    if any(len(tokens) != 1 for tokens, _ in pairs):
        return None
    return Part(_BIAS, biases={int(tokens[0]): float(value) for tokens, value in pairs})


def _ban_ends(processor, generated):
    if generated <= 0:
        return Part(_RULE)
    return Part(_RULE, params={"min_tokens": generated}, ends=_ids(processor.eos_token_id))


def _length(processor, prompt):
    start = processor.regulation_start - prompt
    if start < 0:
        return None
    return Part(_RULE, params={"length_penalty_start": start, "length_penalty_factor": processor.regulation_factor},
                ends=_ids(processor.eos_token_id))


def _forced(tokens, step):
    return Part(_RULE, forced={step: tokens[0]}) if len(tokens) == 1 else None


def _banned(tokens):
    return dict.fromkeys(tokens, _BANNED)


# What makes a part of a processor and the length of the prompt; None where the sampler has no such rule.
_PARTS = {
    "SequenceBiasLogitsProcessor": _sequence_bias,
    "RepetitionPenaltyLogitsProcessor": _repetition,
    "NoRepeatNGramLogitsProcessor": lambda p, _: Part(_RULE, params={"no_repeat_ngram": p.ngram_size}),
    "NoBadWordsLogitsProcessor": lambda p, _: Part(_RULE, words=map(list, p.sequence_bias)),
    "MinLengthLogitsProcessor": lambda p, prompt: _ban_ends(p, p.min_length - prompt),
    "MinNewTokensLengthLogitsProcessor":
        lambda p, prompt: _ban_ends(p, p.min_new_tokens + p.prompt_length_to_skip - prompt),
    "ForcedBOSTokenLogitsProcessor": lambda p, prompt: _forced(_ids(p.bos_token_id), 1 - prompt),
    "ForcedEOSTokenLogitsProcessor": lambda p, prompt: _forced(_ids(p.eos_token_id), p.max_length - 1 - prompt),
    "ExponentialDecayLengthPenalty": _length,
    "SuppressTokensLogitsProcessor": lambda p, _: Part(_RULE, biases=_banned(_ids(p.suppress_tokens))),
    "SuppressTokensAtBeginLogitsProcessor":
        lambda p, prompt: Part(_RULE, begin={p.begin_index - prompt: _banned(_ids(p.begin_suppress_tokens))}),
    "TemperatureLogitsWarper": lambda p, _: Part(_FILTER, params={"temperature": float(p.temperature)},
                                                 steps=[_STEPS["temperature"]]),
    "TopHLogitsWarper": lambda p, _: _cut("top_h", "top_h", p.top_h, p),
    "TopKLogitsWarper": lambda p, _: Part(_FILTER, params={"top_k": int(p.top_k)}, steps=[_STEPS["top_k"]]),
    "TopPLogitsWarper": lambda p, _: _cut("top_p", "top_p", p.top_p, p),
    "MinPLogitsWarper": lambda p, _: _cut("min_p", "min_p", p.min_p, p),
    "TypicalLogitsWarper": lambda p, _: _cut("typical_p", "typical_p", p.mass, p),
    "EpsilonLogitsWarper": lambda p, _: _cut("epsilon", "epsilon_cutoff", p.epsilon, p),
    "EtaLogitsWarper": lambda p, _: _cut("eta", "eta_cutoff", p.epsilon, p),
    "LogitNormalization": lambda p, _: Part(_NORMALISE, normalised=True),
}


def _part_of(processor, prompt):
    kind = type(processor)
    make = _PARTS.get(kind.__name__) if kind.__module__.startswith("transformers.") else None
    return make and make(processor, prompt)


def split(processors, prompt):
    """(processors that Transformers is to run first, the Part of the others).

    processors  of the whole list, in its order
    prompt      tokens of a row before the first that is generated, padding included
    """
    whole, first = Part(_NORMALISE), len(processors)
    while first:
        part = _part_of(processors[first - 1], prompt)
        if part is None or not whole.put_before(part):
            break
        first -= 1
    if whole.steps != sorted(whole.steps, key=_ORDER.index):
        whole.params["filters"] = [name for step in whole.steps for name, number in _STEPS.items() if number == step]
    if whole.least and whole.least > 1:
        whole.params["min_keep"] = whole.least
    return processors[:first], whole
