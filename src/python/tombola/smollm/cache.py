"""The keys and values that sequences have left behind."""
import numpy as np

_FIRST_ROOM = 64


class Cache:
    """Keys and values of sequences, a row each, of a length of its own; it grows as they do.

    keys, values   float32 (layers, rows, heads, room, width of a head); what is behind a sequence's length is finite
    lengths        int64 (rows,)
    """

    def __init__(self, layers, heads, width):
        shape = (layers, 0, heads, _FIRST_ROOM, width)
        self.keys, self.values = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self.lengths = np.zeros(0, np.int64)

    def reserve(self, rows, length):
        """Makes room for so many sequences of so many tokens."""
        _, old_rows, _, room, _ = self.keys.shape
        if rows > old_rows or length > room:
            rows, room = max(rows, old_rows), room if length <= room else max(length, 2 * room)
            self.keys, self.values = self._grown(self.keys, rows, room), self._grown(self.values, rows, room)
            self.lengths = np.concatenate([self.lengths, np.zeros(rows - old_rows, np.int64)])

    @staticmethod
    def _grown(array, rows, room):
        layers, old_rows, heads, old_room, width = array.shape
        grown = np.zeros((layers, rows, heads, room, width), np.float32)
        grown[:, :old_rows, :, :old_room] = array
        return grown

    def clear(self, row):
        """Forgets a sequence, so that another one can begin in its row."""
        self.reserve(row + 1, 0)
        self.lengths[row] = 0

    def copy(self, source, row):
        """Gives a row the sequence that another has."""
        length = self.lengths[row] = self.lengths[source]
        for array in (self.keys, self.values):
            array[:, row, :, :length] = array[:, source, :, :length]
