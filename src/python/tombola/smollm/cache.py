"""The keys and values that sequences have left behind."""
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_FIRST_ROOM = 64


class Cache:
    """Keys and values of sequences, a row each, of a length of its own; it grows as they do.

    keys, values   float32 (layers, rows, heads, room, width of a head); what is behind a sequence's length is finite
    lengths        int64 (rows,)
    """

    def __init__(self, layers: int, heads: int, width: int) -> None:
        shape = (layers, 0, heads, _FIRST_ROOM, width)
        self.keys, self.values = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self.lengths: NDArray[np.int64] = np.zeros(0, np.int64)

    def reserve(self, rows: int, length: int) -> None:
        """Makes room for so many sequences of so many tokens."""
        _, old_rows, _, room, _ = self.keys.shape
        if rows > old_rows or length > room:
            rows, room = max(rows, old_rows), room if length <= room else max(length, 2 * room)
            self.keys, self.values = self._grown(self.keys, rows, room), self._grown(self.values, rows, room)
            self.lengths = np.concatenate([self.lengths, np.zeros(rows - old_rows, np.int64)])

    @staticmethod
    def _grown(array: NDArray[np.float32], rows: int, room: int) -> NDArray[np.float32]:
        layers, old_rows, heads, old_room, width = array.shape
        grown = np.zeros((layers, rows, heads, room, width), np.float32)
        grown[:, :old_rows, :, :old_room] = array
        return grown

    def clear(self, row: int) -> None:
        """Forgets a sequence, so that another one can begin in its row."""
        self.reserve(row + 1, 0)
        self.lengths[row] = 0

    def copy(self, source: int, row: int) -> None:
        """Gives a row the sequence that another has."""
        length = self.lengths[row] = self.lengths[source]
        for array in (self.keys, self.values):
            array[:, row, :, :length] = array[:, source, :, :length]
