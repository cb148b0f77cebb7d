"""Masks, biases and histories for rows, by the laws that `tombola bench` makes its own by (src/tool/bench_edits.c)."""
import functools

import numpy as np

HISTORY, PROMPT, BIASES = 4096, 2048, 64


@functools.cache
def histories(rows, vocabulary):
    """Tokens as frequent as in text, the first PROMPT of each row its prompt."""
    ids = np.floor(vocabulary ** np.random.default_rng(1).random((rows, HISTORY))) - 1
    return ids.clip(0, vocabulary - 1).astype(np.int64)


@functools.cache
def biases(rows, vocabulary):
    """Ids, each row's different, and values; one in sixteen rules its token out."""
    random, count = np.random.default_rng(2), min(BIASES, vocabulary)
    each = vocabulary // count
    ids = np.arange(count)[::-1] * each + random.integers(each, size=(rows, count))
    values = random.integers(32, size=(rows, count)) / 8 - 2
    return ids, np.where(random.random((rows, count)) < 1 / 16, -np.inf, values).astype(np.float32)


@functools.cache
def masks(rows, vocabulary):
    """Seven of eight tokens are allowed."""
    return np.random.default_rng(3).random((rows, vocabulary)) < 7 / 8
