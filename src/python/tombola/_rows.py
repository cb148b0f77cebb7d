"""tombola_rows of a call, made from what sample is given."""
from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _structs
from ._arguments import integers_of
from ._arrays import rows_of, view_of
from ._opencl import memory_of
from .errors import InvalidArgument, refusal
from .ragged import biases_of, sequences_of, tokens_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Self

# What a call is drawn under, but for what its rows have each of their own.
_RULES = ("masks", "mask_stride", "mask_count", "mask_of_row", "biases", "bias_ends", "words", "word_ends",
          "banned_ends", "breakers", "breaker_ends", "breaker_row_ends", "thinking_start", "thinking_start_count",
          "thinking_end", "thinking_end_count")
_DEFAULT = bytes(_structs.Rows())   # a copy of a struct costs half of what making one does


class Rows(_structs.Rows):
    """The rows of a batch, and `owners`: what has to live until the call that reads them has ended."""

    owners: list[Any]
    logits: Any
    masks: Any

    @classmethod
    def of(cls, logits: Any, indices: Any, dtype: str, vocabulary: int, max_rows: int) -> Self:
        """Rows without parameters, as many as there are logits, or indices if there are any."""
        rows = cls.from_buffer_copy(_DEFAULT)
        count = rows.put_logits(logits, dtype, vocabulary)
        if indices is not None:
            indices = integers_of("indices", indices, np.uint32, of_rows=True)
            if len(indices) and int(indices.max()) >= count:
                raise refusal("indices", f"has {indices.max()}, but the logits have {count} rows",
                              int(indices.argmax()))
            count = len(indices)
            rows.indices = rows.place(indices)
        if not 1 <= count <= max_rows:
            raise InvalidArgument(f"there are {count} rows, not from 1 to max_rows {max_rows}",
                                  "logits" if indices is None else "indices")
        rows.count = count
        return rows

    @classmethod
    def of_count(cls, count: int) -> Self:
        """So many rows, without logits and parameters."""
        rows = cls.from_buffer_copy(_DEFAULT)
        rows.count, rows.owners = count, []
        return rows

    def take_rules(self, rows: Rows) -> None:
        """Takes over masks and lists that other rows have been given."""
        for name in _RULES:
            setattr(self, name, getattr(rows, name))

    def put_logits(self, logits: Any, dtype: str, vocabulary: int) -> int:
        """Places the logits of a batch, and gives how many rows these are."""
        place, count, self.stride, owner = rows_of(logits, dtype, vocabulary)
        if place[1] is None:
            self.logits.host = place[0]   # sooner done than setting all three
        else:
            self.logits = place
        self.owners = [owner]
        return count

    def place(self, array: NDArray[Any]) -> int:
        """The address of an array, which lives as long as the rows do."""
        self.owners.append(array)
        return array.ctypes.data

    def put_masks(self, masks: Any, mask_of_row: Any, vocabulary: int) -> None:
        """Places masks, bits as they lie or packed from bools, and which of them each row has."""
        if masks is None:
            if mask_of_row is not None:
                raise TypeError("mask_of_row is there, but no masks")
            return
        words = -(-vocabulary // 32)
        if memory_of(masks) is not None:
            self._put_masks_on_device(masks, words)
        else:
            array = self._words_of(masks, vocabulary, words)
            self.masks = self.place(array), None, 0
            self.mask_stride, self.mask_count = array.shape[1], len(array)
        self._put_mask_of_row(mask_of_row)

    def _put_masks_on_device(self, masks: Any, words: int) -> None:
        view = view_of(masks)
        if view.dtype not in ("uint32", "int32") or len(view.shape) != 2 or view.shape[1] < words \
                or view.strides[1] != 1:
            raise TypeError(f"masks on the device are {view.dtype} {view.shape}, not uint32 (masks, {words})")
        self.masks, self.mask_stride, self.mask_count = view.place("masks", 4), view.strides[0], view.shape[0]
        self.owners.append(view.owner)

    @staticmethod
    def _words_of(masks: Any, vocabulary: int, words: int) -> NDArray[Any]:
        """Masks in host memory, C-contiguous, in at least so many words each."""
        if not hasattr(masks, "__array__") and hasattr(masks, "__dlpack__"):   # some DLPacks know no bool
            masks = np.from_dlpack(masks)
        masks = np.atleast_2d(np.asarray(masks))
        if masks.dtype == np.bool_:
            if masks.shape[1] != vocabulary:
                raise refusal("masks", f"has the shape {masks.shape}, not (masks, {vocabulary})")
            packed = np.zeros((len(masks), words * 4), np.uint8)
            bits = np.packbits(masks, axis=1, bitorder="little")
            packed[:, :bits.shape[1]] = bits
            masks = packed.view("<u4")
        elif masks.dtype not in (np.uint32, np.int32):
            raise TypeError(f"masks are {masks.dtype}, not bool, uint32 or int32")
        if masks.ndim != 2 or masks.shape[1] < words:
            raise refusal("masks", f"has the shape {masks.shape}, not (masks, {words})")
        array: NDArray[Any] = np.ascontiguousarray(masks)
        return array

    def _put_mask_of_row(self, mask_of_row: Any) -> None:
        if mask_of_row is None and self.mask_count == 1:
            mask_of_row = [0] * self.count
        elif mask_of_row is None and self.mask_count < self.count:
            raise refusal("mask_of_row", f"is not there, but there are {self.mask_count} masks for {self.count} rows")
        if mask_of_row is not None:
            self.mask_of_row = self.place(integers_of("mask_of_row", mask_of_row, np.int32, self.count))

    def put_lists(self, biases: Any = None, history: Any = None, prompt_lengths: Any = None, end_tokens: Any = None,
                  banned_words: Any = None, breakers: Any = None, forced: Any = None, thinking: Any = None,
                  score_tokens: Any = None) -> NDArray[Any] | None:
        """Places lists of tokens and biases. Gives the ends of score_tokens' lists, None where there are none."""
        self._put(biases_of, "biases", biases, "biases", "bias_ends")
        self._put(tokens_of, "history", history, "history", "history_ends")
        if prompt_lengths is not None:
            if history is None:
                raise TypeError("prompt_lengths is there, but no history")
            if isinstance(prompt_lengths, (int, np.integer)):
                prompt_lengths = [prompt_lengths] * self.count
            self.prompt_lengths = self.place(integers_of("prompt_lengths", prompt_lengths, np.uintp, self.count))
        self._put(tokens_of, "end_tokens", end_tokens, "end_tokens", "end_token_ends")
        self._put(sequences_of, "banned_words", banned_words, "words", "word_ends", "banned_ends")
        self._put(sequences_of, "breakers", breakers, "breakers", "breaker_ends", "breaker_row_ends")
        self._put(tokens_of, "forced", forced, "forced", "forced_ends")
        if thinking is not None:
            start, end = (integers_of("thinking", part, np.int32) for part in thinking)
            self.thinking_start, self.thinking_start_count = self.place(start), len(start)
            self.thinking_end, self.thinking_end_count = self.place(end), len(end)
        return self._put(tokens_of, "score_tokens", score_tokens, "score_tokens", "score_ends")

    def _put(self, make: Callable[[str, Any, int], Iterable[NDArray[Any]]], name: str, value: Any,
             *fields: str) -> NDArray[Any] | None:
        """Places the arrays that `make` makes of an argument, and gives the last; None: there is no argument."""
        array = None
        if value is not None:
            for field, array in zip(fields, make(name, value, self.count)):
                setattr(self, field, self.place(array))
        return array
