"""Lists that differ in length from row to row."""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Sized
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ._arguments import integers_of
from ._structs import BIAS
from .errors import InvalidArgument, refusal

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SIZE = np.uintp


class Ragged(NamedTuple):
    """Lists of all rows one after another: row r has values[ends[r - 1]:ends[r]], ends[-1] being 0.

    >>> Ragged.of([[5, 6], [], [7]])
    Ragged(values=array([5, 6, 7], dtype=int32), ends=array([2, 2, 3], dtype=uint64))
    """

    values: NDArray[Any]
    ends: NDArray[Any]

    @classmethod
    def of(cls, lists: Iterable[Any], name: str = "lists") -> Ragged:
        """From a sequence of sequences of integers; None is an empty one."""
        return cls._joined([integers_of(f"{name}[{row}]", () if part is None else part, np.int32)
                            for row, part in enumerate(lists)])

    @classmethod
    def _joined(cls, parts: Sequence[NDArray[Any]]) -> Ragged:
        return cls(np.concatenate(parts) if parts else np.zeros(0, np.int32), _ends_of(parts))

    def row(self, index: int) -> NDArray[Any]:
        """The list of one row."""
        begin = int(self.ends[index - 1]) if index else 0
        return self.values[begin:int(self.ends[index])]


def _ends_of(parts: Iterable[Sized]) -> NDArray[Any]:
    return np.cumsum([len(part) for part in parts], dtype=_SIZE)


def _list(name: str, value: Any) -> Any:
    """The value, if it is a list or serves as one."""
    if not hasattr(value, "__len__") or isinstance(value, np.ndarray) and value.ndim == 0:
        raise TypeError(f"{name} is {value!r}, no list")
    return value


def _each(name: str, lists: Any, count: int) -> Any:
    if len(_list(name, lists)) != count:
        raise refusal(name, f"has {len(lists)} lists, but there are {count} rows")
    return lists


def _checked(name: str, ragged: Ragged, dtype: Any, count: int) -> Ragged:
    ends = integers_of(f"{name}.ends", ragged.ends, _SIZE, count)
    if dtype is BIAS:
        values = np.ascontiguousarray(ragged.values)
        if values.dtype != BIAS:
            raise TypeError(f"{name}.values has type {values.dtype}, not {BIAS}")
    else:
        values = integers_of(f"{name}.values", ragged.values, dtype)
    if len(ends) and (int(ends[-1]) > len(values) or (ends[1:] < ends[:-1]).any()):
        raise refusal(f"{name}.ends", f"descend, or lie beyond the {len(values)} values")
    return Ragged(values, ends)


def _is_flat(value: Any) -> bool:
    if isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype != object:
        return True
    return len(value) > 0 and all(isinstance(v, (int, np.integer)) for v in value)


def tokens_of(name: str, value: Any, count: int) -> Ragged:
    """A list of tokens for each row; one flat list is that of all rows."""
    if isinstance(value, Ragged):
        return _checked(name, value, np.int32, count)
    if hasattr(value, "__array__"):   # torch's tensors too, whose elements are no integers
        value = np.asarray(value)
    if _is_flat(_list(name, value)):
        return Ragged._joined([integers_of(name, value, np.int32)] * count)
    return Ragged.of(_each(name, value, count), name)


def prompts_of(prompts: Any) -> list[NDArray[np.int32]]:
    """A list of int32 arrays from a sequence of lists of tokens, or Ragged."""
    if isinstance(prompts, Ragged):
        prompts = [prompts.row(row) for row in range(len(prompts.ends))]
    if not len(_list("prompts", prompts)):
        raise InvalidArgument("there are no prompts", "prompts")
    return [integers_of(f"prompts[{i}]", prompt, np.int32) for i, prompt in enumerate(prompts)]


def _pairs_of(name: str, part: Any) -> NDArray[Any]:
    if isinstance(part, np.ndarray) and part.dtype == BIAS:
        return part
    pairs = part.items() if isinstance(part, Mapping) else () if part is None else part
    try:
        biases = np.array([tuple(pair) for pair in pairs], BIAS)
        if [token for token, _ in pairs] == biases["token"].tolist():
            return biases
    except OverflowError:
        pass
    raise refusal(name, "has a token that is no integer of 32 bits")


def bias_lists_of(name: str, value: Any, count: int) -> list[Any]:
    """Biases for each row, a list of arrays of BIAS: see biases_of."""
    if isinstance(value, Ragged):
        checked = _checked(name, value, BIAS, count)
        return [checked.row(row) for row in range(count)]
    if isinstance(value, Mapping):
        return [_pairs_of(name, value)] * count
    return [_pairs_of(f"{name}[{row}]", part) for row, part in enumerate(_each(name, value, count))]


def biases_of(name: str, value: Any, count: int) -> Ragged:
    """Biases for each row, as a dict of token: value or a list of pairs; one dict is that of all rows."""
    if isinstance(value, Ragged):
        return _checked(name, value, BIAS, count)
    parts = bias_lists_of(name, value, count)
    return Ragged(np.concatenate(parts), _ends_of(parts))


def sequence_lists_of(name: str, value: Any, count: int) -> list[list[Any]]:
    """Token sequences of each row, a list of lists of them; one list of them is that of all rows."""
    parts = [_list(f"{name}[{i}]", () if part is None else part) for i, part in enumerate(_list(name, value))]
    if parts and all(len(part) and _is_flat(part) for part in parts):
        parts = [value] * count
    return [list(part) for part in _each(name, parts, count)]


def sequences_of(name: str, value: Any, count: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Token sequences of each row: (tokens, ends of sequences, ends of rows); see sequence_lists_of."""
    rows = sequence_lists_of(name, value, count)
    all_of_them = Ragged._joined([integers_of(f"{name}[{i}]", sequence, np.int32)
                                  for i, row in enumerate(rows) for sequence in row])
    return all_of_them.values, all_of_them.ends, _ends_of(rows)
