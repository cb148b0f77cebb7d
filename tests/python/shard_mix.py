"""Batches for tests of shards: rows that ask for everything at once, and all that every shard tells of them."""
import numpy as np
from helping import logits_of

import tombola

VOCABULARY, ROWS, SAMPLES = 2000, 24, 2
WANT = ("tokens", "status", "kept", "boundary", "logprobs", "raw_logprobs", "ranks", "margins", "observed", "entropies",
        "scores", "raw_scores", "candidate_tokens", "candidate_logits", "candidate_probabilities", "candidate_logprobs",
        "candidate_raw_logprobs")
# Parameters, each with values that some rows have; the others have the default.
_VALUES = dict(
    temperature=(0, 0.3, 1.5, np.inf), top_k=(1, 20, 700), top_p=(0.1, 0.9, 0.999), min_p=(0.01, 0.3),
    top_n_sigma=(1, 3), typical_p=(0.2, 0.9), eta_cutoff=(0.01,), epsilon_cutoff=(0.002,), top_a=(0.3,), top_h=(0.4,),
    min_k=(3,), xtc_probability=(1,), xtc_threshold=(0.05,), mirostat=(1, 2), adaptive_target=(0.3,), min_keep=(3,),
    repetition_penalty=(1.3,), frequency_penalty=(0.4,), presence_penalty=(-0.5,), dry_multiplier=(0.8,),
    no_repeat_ngram=(2,), method=(0, 1))


def batch(seed):
    """(logits, arguments of sample) of random rows."""
    random = np.random.default_rng(seed)
    logits = logits_of(ROWS, VOCABULARY, seed)
    logits[3, random.integers(VOCABULARY, size=1900)] = -np.inf
    logits[4, 7], logits[5] = np.nan, -np.inf
    logits[6] = np.round(logits[6])   # many of which are equal
    options = dict(want=WANT, samples=SAMPLES, candidates=4, seed=random.integers(2**63, size=ROWS, dtype=np.uint64))
    for name, values in _VALUES.items():
        if random.random() < 0.5:
            field = tombola.FIELDS[name]
            options[name] = np.array([values[random.integers(len(values))] if random.random() < 0.3 else field.default
                                      for _ in range(ROWS)], field.dtype)
    lists = [random.integers(VOCABULARY, size=random.integers(40)) for _ in range(2 * ROWS)]
    options.update(history=lists[:ROWS], prompt_lengths=[len(tokens) // 2 for tokens in lists[:ROWS]],
                   score_tokens=lists[ROWS:], masks=random.random((2, VOCABULARY)) < 0.7,
                   mask_of_row=random.integers(-1, 2, size=ROWS),
                   biases=[{int(token): 2.5 for token in tokens[:3]} for tokens in lists[:ROWS]])
    return logits, options


def same(results, right):
    """That all which every shard tells has the same bits."""
    for name in WANT:
        got, expected = getattr(results, name), getattr(right, name)
        assert got.tobytes() == expected.tobytes(), (name, got, expected)
