"""Arguments that are numbers, names or lists, as Python takes them."""
from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import refusal

if TYPE_CHECKING:
    from numpy.typing import NDArray


def integer_of(name: str, value: Any, bits: int) -> int:
    """An integer that an unsigned type of so many bits holds: ctypes would take its lowest bits, and say nothing."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r}, no integer") from None
    if not 0 <= number < 2**bits:
        raise refusal(name, f"is {number}, not from 0 to {2**bits - 1}")
    return number


def number_of(name: str, value: str, names: dict[str, int]) -> int:
    """The number of an argument that is one of some names."""
    if value not in names:
        raise refusal(name, f"is {value!r}, none of: " + ", ".join(names))
    return names[value]


def names_of(names: str | Iterable[str]) -> list[str]:
    """Names from a sequence of them, or from one string with blanks or commas between."""
    return names.replace(",", " ").split() if isinstance(names, str) else list(names)


def array_of(name: str, values: Any) -> NDArray[Any]:
    """What numpy makes of an array, a number or a list."""
    try:
        return np.asarray(values)
    except ValueError as error:   # lists of several lengths
        raise refusal(name, f"is no array: {error}") from None


def check_range(name: str, array: NDArray[Any], low: int, high: int, of_rows: bool) -> None:
    """Refuses integers that are not from `low` to `high`. of_rows: whether each is a row's"""
    if array.size and not (low <= int(array.min()) and int(array.max()) <= high):
        row = int(np.argmax((array < low) | (array > high))) if of_rows and array.ndim == 1 else None
        raise refusal(name, f"is from {array.min()} to {array.max()}, not from {low} to {high}", row)


def integers_of(name: str, values: Any, dtype: Any, count: int | None = None, of_rows: bool = False) -> NDArray[Any]:
    """A contiguous array of integers from a list or an array, with `count` elements where that is given.

    of_rows  whether each is a row's, as where there is a count
    """
    array = array_of(name, values)
    if array.size == 0:
        array = array.astype(dtype)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} has type {array.dtype}, not of integers")
    if array.ndim != 1 or count is not None and len(array) != count:
        raise refusal(name, f"has the shape {array.shape}, not ({'any' if count is None else count},)")
    if array.dtype != dtype:
        limits = np.iinfo(dtype)
        check_range(name, array, int(limits.min), int(limits.max), of_rows or count is not None)
    return np.ascontiguousarray(array, dtype)
