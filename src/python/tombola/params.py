"""Parameters of rows: a structured array whose fields are those of the library's table."""
from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _structs
from ._arguments import array_of, check_range
from ._library import call, lib
from .errors import refusal

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Unpack

    from ._columns import Columns, Numbers
    from ._columns import ParamsColumns as _ParamsColumns
else:
    _ParamsColumns = object   # the properties are set below

_FLOAT, _UINT32, _UINT64, _CHOICE, _ORDER = range(5)
_STEPS = 16
_TYPES: dict[int, Any] = {_FLOAT: np.float32, _UINT32: np.uint32, _UINT64: np.uint64, _CHOICE: np.uint32,
                          _ORDER: (np.uint8, _STEPS)}


class Field:
    """A parameter as the library's table has it: its name, type, default, range and what it does."""

    __slots__ = ("name", "kind", "offset", "low", "high", "default", "help", "values", "presets", "dtype", "limit")

    def __init__(self, entry: _structs.Field) -> None:
        self.name, self.kind, self.offset = entry.name.decode(), entry.kind, entry.offset
        self.low, self.high, self.default, self.help = entry.low, entry.high, entry.neutral, entry.help.decode()
        self.values: dict[str, int] = {}
        self.presets: dict[str, tuple[int, ...]] = {}
        for number in range(256 if entry.values else 0):
            if entry.values[number] is None:
                break
            if entry.values[number]:
                self.values[entry.values[number].decode()] = number
        for number in range(256 if entry.presets else 0):
            if entry.presets[number].name is None:
                break
            self.presets[entry.presets[number].name.decode()] = tuple(entry.presets[number].filters)
        self.dtype: np.dtype[Any] = np.dtype(_TYPES[self.kind])
        self.limit = 0 if self.kind in (_FLOAT, _ORDER) else int(np.iinfo(self.dtype).max)

    def convert(self, value: Any) -> Any:
        """A value, or one for each row, as numpy can put it into the field without changing it."""
        kind = type(value)
        if self.kind == _FLOAT:
            if kind is float or kind is int:
                return value
            array = array_of(self.name, value)
            if array.dtype.kind not in "fiu" and array.dtype.name != "bfloat16":
                raise TypeError(f"{self.name} has type {array.dtype}, not of numbers")
            return array
        if self.kind == _ORDER:
            return self._order(value)
        if self.kind == _CHOICE and (kind is str or kind in (list, tuple)):
            return self._choice(value)
        if kind is int:
            if not 0 <= value <= self.limit:
                raise refusal(self.name, f"is {value}, not from 0 to {self.limit}")
            return value
        array = array_of(self.name, value)
        if array.dtype == self.dtype:
            return array
        if array.dtype.kind not in "iu":
            if kind in (list, tuple) and all(isinstance(v, (int, np.integer)) and type(v) is not bool for v in value):
                array = np.array(value, object)   # of integers on both sides of 2^63 numpy has made floats
            else:
                raise TypeError(f"{self.name} has type {array.dtype}, not of integers")
        check_range(self.name, array, 0, self.limit, of_rows=True)
        return array

    def fill(self, column: NDArray[Any], count: int, value: Any) -> None:
        """Puts what `convert` has given, or an array of the field's type, into the first `count` rows of a column."""
        try:
            column[:count] = value
        except ValueError:
            raise refusal(self.name, f"has the shape {np.shape(value)}, but there are {count} rows") from None

    def _choice(self, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return np.array([self._choice(v) for v in value], self.dtype)
        if not isinstance(value, str):
            if value != int(value) or not 0 <= value <= self.limit:
                raise refusal(self.name, f"is {value}, not from 0 to {self.limit}")
            return int(value)
        if value not in self.values:
            raise refusal(self.name, f"is '{value}', none of: " + ", ".join(self.values))
        return self.values[value]

    def _order(self, value: Any) -> Any:
        if isinstance(value, str):
            if value not in self.presets:
                raise refusal(self.name, f"is '{value}', none of: " + ", ".join(self.presets))
            return self.presets[value]
        if isinstance(value, (list, tuple)):
            if any(isinstance(v, (list, tuple, np.ndarray)) or v in self.presets for v in value):
                return np.array([self._order(v) for v in value], np.uint8)
            unknown = [v for v in value if isinstance(v, str) and v not in self.values]
            if unknown:
                raise refusal(self.name, f"has '{unknown[0]}', none of: " + ", ".join(self.values))
            steps = [self.values[v] if isinstance(v, str) else int(v) for v in value]
            if len(steps) > _STEPS:
                raise refusal(self.name, f"has {len(steps)} steps, more than {_STEPS}")
            check_range(self.name, np.array(steps, np.int64), 0, 255, of_rows=False)
            return np.array(steps + [0] * (_STEPS - len(steps)), np.uint8)
        array = array_of(self.name, value)
        if array.dtype != np.uint8 or array.ndim == 0 or array.shape[-1] != _STEPS:
            raise TypeError(f"{self.name} is no array of uint8 whose last axis has {_STEPS} elements")
        return array


def _listed(function: Callable[[int], Any]) -> Iterator[Any]:
    """What a function of the library gives for 0, 1, ... until it gives none."""
    return itertools.takewhile(bool, map(function, itertools.count()))


#: Every parameter by name, in the order of the library's table.
FIELDS = {field.name: field for field in (Field(entry.contents) for entry in _listed(lib.tombola_params_field))}
_SIZE = -(-max(f.offset + f.dtype.itemsize for f in FIELDS.values()) // 8) * 8
#: tombola_params as numpy has it: what an array of parameters is made of.
params_dtype = np.dtype({
    "names": ["struct_size", *FIELDS],
    "formats": [np.uint32, *(f.dtype for f in FIELDS.values())],
    "offsets": [0, *(f.offset for f in FIELDS.values())],
    "itemsize": _SIZE,
})


def _default() -> NDArray[Any]:
    one = np.zeros(1, params_dtype)
    one["struct_size"] = _SIZE
    for field in FIELDS.values():
        if field.kind != _ORDER:
            one[field.name] = field.default
    return one


DEFAULT = _default()


def words_of_fields(indent: str = "    ") -> str:
    """A line for each parameter: name, default and what the library's table says of it."""
    return "\n".join(f"{indent}{f.name}  {f.help}" + (f" (default {f.default:g})" if f.kind != _ORDER else "")
                     for f in FIELDS.values())


class Params(_ParamsColumns):
    """Parameters of `count` rows. Each is a column: a numpy array of `count` values that may be read and set.

    Params(3, temperature=[0, 0.7, 1], top_p=0.9) sets columns, from one value for all rows or one for each. `array`
    is the structured array itself, of params_dtype. Choices and the order of filters are taken by name too.

    InvalidArgument, TypeError: no such parameter, or a value that its type can't hold; ranges are checked by the call
    that draws.

    >>> params = Params(3, temperature=[0, 0.5, 1], top_p=0.9)
    >>> params.seed = 42
    >>> params[1:]
    Params(2, temperature=[0.5, 1.0], top_p=[0.8999999761581421, 0.8999999761581421], seed=[42, 42])

    The parameters are:

    """

    __slots__ = ("array",)

    array: NDArray[Any]

    def __init__(self, count: int, **columns: Unpack[Columns]) -> None:
        self.array = np.empty(count, params_dtype)
        self.array[:] = DEFAULT
        self._set(columns)

    @classmethod
    def preset(cls, name: str, count: int = 1, **columns: Unpack[Columns]) -> Params:
        """Parameters that others draw by where nothing is said: "transformers", "llama.cpp", ...; see presets()."""
        if name not in presets():
            raise refusal("name", f"is {name!r}, none of: " + ", ".join(presets()))
        one = DEFAULT.copy()
        call(lib.tombola_params_preset, name.encode(), one.ctypes.data)
        params = cls(count)
        params.array[:] = one
        params._set(columns)
        return params

    @staticmethod
    def _of(array: NDArray[Any]) -> Params:
        params = Params.__new__(Params)
        params.array = array
        return params

    def _set(self, columns: Mapping[str, Any]) -> None:
        for name, value in columns.items():
            if name not in FIELDS:
                raise TypeError(f"there is no parameter {name}")
            setattr(self, name, value)

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, rows: int | slice) -> Params:
        """The parameters of some rows, by a slice or an index, as a view."""
        return self._of(np.atleast_1d(self.array[rows]))

    def copy(self) -> Params:
        """The same parameters in memory of their own."""
        return self._of(self.array.copy())

    def observe(self, observed: Numbers) -> None:
        """Moves on what adapts to the tokens drawn: mirostat_mu, adaptive_sum and adaptive_weight.

        observed  float32, one for each row: what the column `observed` of the results tells of them
        """
        values = np.asarray(observed, np.float32)
        if values.shape != (len(self.array),):
            raise refusal("observed", f"has the shape {values.shape}, not ({len(self.array)},)")
        address, step = self.array.ctypes.data, self.array.strides[0]
        for row, value in enumerate(values.tolist()):
            lib.tombola_params_observe(address + row * step, value)

    def __repr__(self) -> str:
        changed = [name for name, field in FIELDS.items() if not np.array_equal(
            self.array[name], np.broadcast_to(DEFAULT[name], self.array[name].shape))]
        return f"Params({len(self)}" + "".join(f", {n}={self.array[n].tolist()}" for n in changed) + ")"


def _column(field: Field) -> property:
    def get(self: Params) -> Any:
        return self.array[field.name]

    def put(self: Params, value: Any) -> None:
        field.fill(self.array[field.name], len(self.array), field.convert(value))

    return property(get, put, doc=field.help)


for _field in FIELDS.values():
    setattr(Params, _field.name, _column(_field))
Params.__doc__ = (Params.__doc__ or "") + words_of_fields()


def presets() -> list[str]:
    """The names of Params.preset.

    >>> presets()
    ['default', 'greedy', 'transformers', 'openai', 'llama.cpp', 'vllm']
    """
    return [name.decode() for name in _listed(lib.tombola_params_preset_name)]
