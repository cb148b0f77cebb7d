"""The tokens of sequences that grow, without their padding."""
import numpy as np

from ..ragged import Ragged


class History:
    """The tokens of each row so far, its prompt first.

    ids   int64 (rows, length): prompts, padded
    mask  (rows, length), 0 where there is padding; None: nowhere
    """

    def __init__(self, ids, mask):
        rows, length = ids.shape
        there = np.ones(ids.shape, bool) if mask is None else mask != 0
        self.prompt_lengths = there.sum(axis=1)
        self._lengths, self._tokens = self.prompt_lengths.copy(), np.zeros((rows, length + 64), np.int32)
        self._tokens[self._filled()] = ids[there]

    def _filled(self):
        return np.arange(self._tokens.shape[1]) < self._lengths[:, None]

    def append(self, tokens, live):
        """Adds a token to each row that is live, (rows,) bool."""
        if self._lengths.max() == self._tokens.shape[1]:
            self._tokens = np.concatenate([self._tokens, np.zeros_like(self._tokens)], axis=1)
        rows = np.flatnonzero(live)
        self._tokens[rows, self._lengths[rows]] = tokens[rows]
        self._lengths[rows] += 1

    def lists(self):
        """The lists as the sampler takes them."""
        return Ragged(self._tokens[self._filled()], np.cumsum(self._lengths, dtype=np.uintp))
