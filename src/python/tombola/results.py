"""What comes out of a batch: columns, numpy arrays with an entry for each row."""
import numpy as np

from . import _structs
from ._arrays import column_of
from .ragged import Ragged

COLUMNS = _structs.COLUMNS
OK, INVALID, EMPTY = 0, 1, 2


class Results:
    """The columns that were asked for, as attributes.

    tokens          int32 (rows,): the token drawn, -1 unless the row's status is OK
    status          int32 (rows,): OK, INVALID or EMPTY
    kept            uint32 (rows,): tokens that passed the filters
    logprobs        float32 (rows,): of the token, among those that passed; raw_logprobs: in the row as given
    ranks           uint32 (rows,): the token's place in rank order, 1 the most likely
    margins, entropies, observed   float32 (rows,)
    boundary        (rows,) of (logit, token): the last token that passed
    probabilities, log_probabilities   float32 (rows, vocabulary): at the temperature, before filters
    kept_probabilities, processed_logits   float32 (rows, vocabulary): behind them
    candidate_tokens, _logits, _probabilities, _logprobs, _raw_logprobs   (rows, candidates): the most likely ones
    scores, raw_scores   float32 (scored tokens of all rows,)
    kept_tokens     int32 (tokens kept by all rows,), with kept_ends, uint64 (rows,)

    With more than one sample, tokens and what is told of them are (rows, samples). AttributeError: the column was not
    asked for.
    """

    def __init__(self, columns, score_ends=None):
        self.columns, self._score_ends = columns, score_ends

    def __getattr__(self, name):
        columns = self.__dict__.get("columns", {})
        if name in columns:
            return columns[name]
        if name in COLUMNS:
            raise AttributeError(f"{name} was not asked for: sample(..., want=(..., '{name}'))")
        raise AttributeError(f"results have no column {name}")

    def __dir__(self):
        return [*super().__dir__(), *self.columns]

    def __repr__(self):
        return f"Results({', '.join(f'{name}={array!r}' for name, array in self.columns.items())})"

    def kept_of(self, row):
        """The ids of the tokens that one row has kept, ascending. Needs the column kept_tokens."""
        return Ragged(self.kept_tokens, self.kept_ends).row(row)

    def scores_of(self, row, column="scores"):
        """The scores of one row's tokens to score, in their order; column: "scores" or "raw_scores"."""
        return Ragged(getattr(self, column), self._score_ends).row(row)

    def trim(self):
        """Cuts kept_tokens behind the last one kept. Gives how many were kept, which may be more than had room."""
        kept = self.columns.get("kept_tokens")
        if kept is None:
            return 0
        end = int(self.columns["kept_ends"][-1])
        self.columns["kept_tokens"] = kept[:end]
        return end


def columns_of(want, out, places):
    """The arrays of the columns in `want` and `out`.

    places  the shape that each kind of column has, or its length
    """
    columns = {}
    for name in want:
        if name not in COLUMNS:
            raise ValueError(f"want has '{name}', none of: " + ", ".join(COLUMNS))
        if not out or name not in out:
            dtype, place = COLUMNS[name]
            columns[name] = np.empty(places[place], dtype)
    for name, array in out.items() if out else ():
        if name not in COLUMNS:
            raise ValueError(f"out has '{name}', none of: " + ", ".join(COLUMNS))
        dtype, place = COLUMNS[name]
        shape = places[place]
        columns[name] = column_of(name, array, dtype, shape if isinstance(shape, tuple) else (shape,))
    return columns
