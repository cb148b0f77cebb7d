"""What draws from batches on a device: what samplers and shards have in common."""
from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from ctypes import addressof, byref, c_void_p
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from . import _structs
from ._arguments import integer_of, number_of
from ._arrays import TYPES
from ._handle import Handle
from ._library import call
from ._room import ParamsRoom
from ._rows import Rows
from ._turn import Turn
from .context import Context
from .params import FIELDS, Params
from .results import Results, asked_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

_INPUTS = {"logits": 0, "probabilities": 1}
_TRANSFERS = {"auto": 0, "in_place": 1, "staged": 2}


def _name_of_type(dtype: Any) -> str:
    try:
        return str(np.dtype(dtype).name)
    except TypeError:   # torch's are none of numpy's
        return str(dtype).rpartition(".")[2]


def split(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters, and what else there is: Python takes its time to find out which keywords a function doesn't have."""
    columns: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for name, value in options.items():
        if name in FIELDS:
            columns[name] = value
        elif name in _OPTIONS:
            others[name] = value
        else:
            raise TypeError(f"there is no parameter {name}")
    return columns, others


class Drawer(Handle):
    """Draws from batches of up to `max_rows` rows of `vocabulary` tokens; of a row it is given `_width` logits."""

    _callee: ClassVar[str]   # what a call of it calls, for messages
    _kept_room: ClassVar[int]   # see asked_of

    def __init__(self, create: Any, vocabulary: int, max_rows: int, dtype: Any, device: Any,
                 context_options: Mapping[str, Any], *, columns: tuple[int, int] | None = None, input: str,
                 transfer: str, masks: bool, max_biases: int, max_history: int, **options: Any) -> None:
        """create: the library's function; columns: its arguments behind the vocabulary; None: it has none"""
        self._own_context: Context | None = None
        self._turn = Turn(self._noun, self._callee)
        name = dtype if isinstance(dtype, str) else _name_of_type(dtype)
        struct = _structs.SamplerOptions(
            type=number_of("dtype", name, TYPES), input=number_of("input", input, _INPUTS),
            transfer=number_of("transfer", transfer, _TRANSFERS), masks=bool(masks),
            max_biases=integer_of("max_biases", max_biases, 64),
            max_history=integer_of("max_history", max_history, 64), **options)
        vocabulary, max_rows = integer_of("vocabulary", vocabulary, 64), integer_of("max_rows", max_rows, 64)
        if isinstance(device, Context):
            if context_options:
                raise TypeError(f"{next(iter(context_options))} is an option of the context that was passed")
            context = device
        else:
            context = self._own_context = Context(device, **context_options)
        handle = c_void_p()
        call(create, context.handle, vocabulary, *(columns or ()), max_rows, addressof(struct), byref(handle))
        self._handle, self.context = handle, context
        self.vocabulary, self.max_rows, self.dtype = vocabulary, max_rows, name
        self._width = vocabulary if columns is None else columns[1] - columns[0]
        self._room, self._error = ParamsRoom(max_rows), _structs.Error()

    def _call(self, function: Any, *arguments: Any) -> None:
        call(function, self.handle, *arguments, error=self._error)

    def _batch(self, logits: Any, params: Params | NDArray[Any] | None, want: str | Sequence[str],
               options: Mapping[str, Any]) -> tuple[Rows, _structs.Results, Results]:
        """The structs of a call, and its Results. options: parameters, and what _place takes by name"""
        columns, others = split(options)
        return self._place(logits, params, want, columns, **others)

    def _place(self, logits: Any, params: Params | NDArray[Any] | None, want: str | Sequence[str],
               columns: Mapping[str, Any], *, samples: int = 1, candidates: int = 0, out: Any = None,
               kept_capacity: int | None = None, indices: Any = None, masks: Any = None, mask_of_row: Any = None,
               biases: Any = None, history: Any = None, prompt_lengths: Any = None, end_tokens: Any = None,
               banned_words: Any = None, breakers: Any = None, forced: Any = None, thinking: Any = None,
               score_tokens: Any = None) -> tuple[Rows, _structs.Results, Results]:
        rows = Rows.of(logits, indices, self.dtype, self._width, self.max_rows)
        rows.params = self._room.place(params, columns, rows.count)
        score_ends = None
        if masks is not None or mask_of_row is not None:
            rows.put_masks(masks, mask_of_row, self.vocabulary)
        if not (biases is None and history is None and prompt_lengths is None and end_tokens is None
                and banned_words is None and breakers is None and forced is None and thinking is None
                and score_tokens is None):
            score_ends = rows.put_lists(biases, history, prompt_lengths, end_tokens, banned_words, breakers, forced,
                                        thinking, score_tokens)
        return rows, *asked_of(want, out, rows.count, self._width, samples, candidates, kept_capacity,
                               self._kept_room, score_ends)

    def close(self) -> None:
        """Waits for what is running and gives back what the library holds, and the device that was opened for it alone.

        Raises InUse while a call goes on, in another thread or around a generation's model.
        """
        with self._turn:
            super().close()
        if self._own_context is not None:
            self._own_context.close()


_OPTIONS = frozenset(
    name for name, parameter in inspect.signature(Drawer._place).parameters.items()
    if parameter.kind is parameter.KEYWORD_ONLY)
