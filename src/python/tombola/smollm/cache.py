"""The keys and values that a batch of sequences has left behind."""
import numpy as np

_FIRST_ROOM = 64


class Cache:
    """Keys and values of `rows` sequences, each with a length of its own; it grows as they do.

    keys, values   float32 (layers, rows, heads, room, width of a head); what is behind a sequence's length is finite
    lengths        int64 (rows,)
    """

    def __init__(self, layers, rows, heads, width):
        shape = (layers, rows, heads, _FIRST_ROOM, width)
        self.keys, self.values = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self.lengths = np.zeros(rows, np.int64)

    def reserve(self, length):
        """Makes room for sequences of so many tokens."""
        room = self.keys.shape[3]
        if length > room:
            self.keys, self.values = (self._grown(array, max(length, 2 * room)) for array in (self.keys, self.values))

    @staticmethod
    def _grown(array, room):
        grown = np.zeros((*array.shape[:3], room, array.shape[4]), np.float32)
        grown[:, :, :, :array.shape[3]] = array
        return grown

    def clear(self, row):
        """Forgets a sequence, so that another one can begin in its row."""
        self.lengths[row] = 0

    def copy(self, source, row):
        """Gives a row the sequence that another has."""
        length = self.lengths[row] = self.lengths[source]
        for array in (self.keys, self.values):
            array[:, row, :, :length] = array[:, source, :, :length]
