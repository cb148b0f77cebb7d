"""Memory for the parameters of a call, which the next call uses again."""
from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import refusal
from .params import DEFAULT, FIELDS, Params, params_dtype

if TYPE_CHECKING:
    from numpy.typing import NDArray


class ParamsRoom:
    """Parameters of up to `max_rows` rows. Memory grows with the batches, and each call overwrites the last one's."""

    def __init__(self, max_rows: int) -> None:
        self._max_rows, self._room = max_rows, 0

    def _grow(self, count: int) -> None:
        self._room = min(self._max_rows, max(count, 2 * self._room))
        self._params = np.empty(self._room, params_dtype)
        self._defaults = np.repeat(DEFAULT, self._room)
        self._views = {name: self._params[name] for name in FIELDS}
        self._params_place, self._defaults_place = self._params.ctypes.data, self._defaults.ctypes.data

    def place(self, params: Params | NDArray[Any] | None, columns: Mapping[str, Any], count: int) -> int:
        """The address of `count` parameters: those of `params`, where they lie, if nothing else is asked of them.

        params   Params or an array of params_dtype, for each row or for all; None: the defaults
        columns  {name: value}, which go before these
        """
        if params is not None:
            array = params.array if isinstance(params, Params) else params
            if not isinstance(array, np.ndarray) or array.ndim != 1 \
                    or array.dtype is not params_dtype and array.dtype != params_dtype:
                raise TypeError("params are neither Params nor an array of params_dtype")
            if len(array) not in (1, count):
                raise refusal("params", f"has {len(array)} rows, but there are {count}")
            if len(array) == count and not columns and array.flags.c_contiguous and array.flags.aligned:
                return array.ctypes.data
        if count > self._room:
            self._grow(count)
        if params is not None:
            self._params[:count] = array
        else:
            ctypes.memmove(self._params_place, self._defaults_place, count * params_dtype.itemsize)
        for name, value in columns.items():
            field = FIELDS.get(name)
            if field is None:
                raise TypeError(f"there is no parameter {name}")
            if type(value) is not np.ndarray or value.dtype is not field.dtype:
                value = field.convert(value)
            field.fill(self._views[name], count, value)
        return self._params_place


def params_of(params: Params | NDArray[Any] | None, columns: Mapping[str, Any], count: int) -> Params:
    """What ParamsRoom.place gives, in memory of its own."""
    whole, room = Params(count), ParamsRoom(count)   # whose memory has to live until it is copied
    ctypes.memmove(whole.array.ctypes.data, room.place(params, columns, count), whole.array.nbytes)
    return whole
