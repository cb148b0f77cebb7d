"""What comes out of a batch: columns, numpy arrays with an entry for each row."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from . import _structs
from ._arguments import integer_of, names_of
from ._arrays import address_of, column_of
from ._opencl import memory_of
from .errors import refusal
from .ragged import Ragged

if TYPE_CHECKING:
    from numpy.typing import NDArray

COLUMNS = _structs.COLUMNS
_DEFAULT = bytes(_structs.Results())   # a copy of a struct costs half of what making one does
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

    >>> import numpy as np, tombola
    >>> with tombola.Sampler(vocabulary=4, max_rows=1) as sampler:
    ...     results = sampler.sample(np.array([1, 2, 9, 4], np.float32), top_k=2, want="kept_tokens")
    >>> results.kept_of(0)
    array([2, 3], dtype=int32)
    """

    tokens: NDArray[np.int32]
    status: NDArray[np.int32]
    kept: NDArray[np.uint32]
    probabilities: NDArray[np.float32]
    log_probabilities: NDArray[np.float32]
    candidate_tokens: NDArray[np.int32]
    candidate_logits: NDArray[np.float32]
    candidate_probabilities: NDArray[np.float32]
    boundary: NDArray[np.void]
    logprobs: NDArray[np.float32]
    raw_logprobs: NDArray[np.float32]
    ranks: NDArray[np.uint32]
    margins: NDArray[np.float32]
    entropies: NDArray[np.float32]
    scores: NDArray[np.float32]
    raw_scores: NDArray[np.float32]
    kept_probabilities: NDArray[np.float32]
    processed_logits: NDArray[np.float32]
    kept_ends: NDArray[np.uint64]
    kept_tokens: NDArray[np.int32]
    observed: NDArray[np.float32]
    candidate_logprobs: NDArray[np.float32]
    candidate_raw_logprobs: NDArray[np.float32]

    def __init__(self, columns: dict[str, Any], score_ends: NDArray[Any] | None = None) -> None:
        self.columns, self._score_ends = columns, score_ends

    def __getattr__(self, name: str) -> Any:
        columns = self.__dict__.get("columns", {})
        if name in columns:
            return columns[name]
        if name in COLUMNS:
            raise AttributeError(f"{name} was not asked for: sample(..., want=(..., '{name}'))")
        raise AttributeError(f"results have no column {name}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.columns]

    def __repr__(self) -> str:
        return f"Results({', '.join(f'{name}={array!r}' for name, array in self.columns.items())})"

    def kept_of(self, row: int) -> NDArray[np.int32]:
        """The ids of the tokens that one row has kept, ascending. Needs the column kept_tokens."""
        return Ragged(self.kept_tokens, self.kept_ends).row(row)

    def scores_of(self, row: int, column: Literal["scores", "raw_scores"] = "scores") -> NDArray[np.float32]:
        """The scores of one row's tokens to score, in their order; column: "scores" or "raw_scores"."""
        if self._score_ends is None:
            raise AttributeError("there were no score_tokens")
        return Ragged(getattr(self, column), self._score_ends).row(row)

    def trim(self) -> int:
        """Cuts kept_tokens behind the last one kept. Gives how many were kept, which may be more than had room."""
        kept, ends = self.columns.get("kept_tokens"), self.columns.get("kept_ends")
        if not isinstance(kept, np.ndarray) or not isinstance(ends, np.ndarray):
            return 0   # not asked for, or on the device
        end = int(ends[-1])
        self.columns["kept_tokens"] = kept[:end]
        return end


def _columns_of(want: Iterable[str], out: Mapping[str, Any] | None, places: Mapping[str, Any],
                asked: _structs.Results) -> dict[str, Any]:
    """The arrays of the columns in `want` and `out`, placed in `asked`.

    places  the shape that each kind of column has, or its length
    """
    columns: dict[str, Any] = {}
    for name in want:
        if name not in COLUMNS:
            raise refusal("want", f"has '{name}', none of: " + ", ".join(COLUMNS))
        if not out or name not in out:
            dtype, place = COLUMNS[name]
            array = columns[name] = np.empty(places[place], dtype)
            getattr(asked, name).host = address_of(array)
    for name, array in out.items() if out else ():
        if name not in COLUMNS:
            raise refusal("out", f"has '{name}', none of: " + ", ".join(COLUMNS))
        dtype, kind = COLUMNS[name]
        shape = places[kind]
        columns[name], lying = column_of(name, array, dtype, shape if isinstance(shape, tuple) else (shape,))
        setattr(asked, name, lying)
    return columns


def asked_of(want: str | Iterable[str], out: Mapping[str, Any] | None, count: int, vocabulary: int, samples: int,
             candidates: int, kept_capacity: int | None, kept_room: int,
             score_ends: NDArray[Any] | None) -> tuple[_structs.Results, Results]:
    """tombola_results of a call with `count` rows, and the Results whose columns it has the library write.

    vocabulary  tokens of which those columns tell that have a value for each
    kept_room   kept tokens of a row that there is room for, where nothing is said
    score_ends  of the lists of tokens to score, None where there are none
    The others are as sample takes them.
    """
    want = names_of(want)
    if not 1 <= samples <= 128:
        raise refusal("samples", f"is {samples}, not from 1 to 128")
    if not 0 <= candidates <= 1024:
        raise refusal("candidates", f"is {candidates}, not from 0 to 1024")
    if not want and not out:
        raise refusal("want", "is empty, and there is no out")
    if score_ends is None:
        for name in ("scores", "raw_scores"):
            if name in want or out and name in out:
                raise refusal("score_tokens", f"is not there, but {name} is asked for")
    if not candidates and "candidate_" in " ".join((*want, *(out or ()))):
        candidate = next(name for name in (*want, *(out or ())) if name.startswith("candidate_"))
        raise refusal("candidates", f"is 0, but {candidate} is asked for: say how many")
    if "kept_tokens" in want and "kept_ends" not in want:
        want.append("kept_ends")
    if kept_capacity is not None:
        kept_capacity = integer_of("kept_capacity", kept_capacity, 48)
    else:
        kept_capacity = count * min(vocabulary, kept_room)
        if out and "kept_tokens" in out:
            kept = out["kept_tokens"]
            kept_capacity = kept.size // 4 if memory_of(kept) is kept else len(kept)
    asked = _structs.Results.from_buffer_copy(_DEFAULT)
    columns = _columns_of(want, out, {
        "row": count, "sample": (count, samples) if samples > 1 else count, "vocabulary": (count, vocabulary),
        "candidate": (count, candidates), "score": 0 if score_ends is None else int(score_ends[-1]),
        "kept": kept_capacity}, asked)
    if "kept_tokens" in columns:
        asked.kept_capacity = kept_capacity
    asked.samples, asked.candidate_count = samples, candidates
    return asked, Results(columns, score_ends)
