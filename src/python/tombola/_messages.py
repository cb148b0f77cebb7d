"""Messages of shards: as the library takes them, and brought to all shards by a caller's allgather."""
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ._structs import SHARD_HEAD
from .errors import TombolaError, error_of, refusal, status_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]

HEAD = SHARD_HEAD.itemsize
_WORD = 8
_TOLD = np.dtype([("status", "<u4"), ("first", "<u4"), ("last", "<u4"), ("row", "<i4"), ("argument", "S48"),
                  ("text", "S1024")])


def _bytes_of(message: Any) -> Bytes:
    if isinstance(message, (bytes, bytearray, memoryview)):
        return np.frombuffer(message, np.uint8)
    return np.ascontiguousarray(message).reshape(-1).view(np.uint8)   # torch's tensors in host memory too


def stacked(messages: Any) -> Bytes:
    """uint8 (messages, bytes) in rows that are aligned to 8 bytes: as they lie where they can be, else copied.

    messages  a 2-D array with a message in each row, or any sequence of messages, which may have different lengths:
              what the shorter ones lack is 0
    """
    if not isinstance(messages, np.ndarray) or messages.ndim != 2:
        parts = [_bytes_of(message) for message in messages]
    elif messages.dtype == np.uint8 and messages.strides[1] == 1 and messages.strides[0] % _WORD == 0 \
            and messages.strides[0] >= messages.shape[1] and messages.ctypes.data % _WORD == 0:
        return messages
    else:
        parts = [_bytes_of(message) for message in messages]
    size = max((len(part) for part in parts), default=0)
    for part in parts:
        if len(part) < size:
            _check_whole(part)
    rows = np.zeros((len(parts), -(-size // _WORD)), np.uint64).view(np.uint8)
    for row, part in zip(rows, parts):
        row[:len(part)] = part
    return rows


def _check_whole(message: Bytes) -> None:
    """That a message shorter than others has all that its head tells of: behind it they get zeros, which mean much."""
    whole = int(message[:HEAD].view(SHARD_HEAD)[0]["size"]) if len(message) >= HEAD else HEAD
    if len(message) < whole:
        raise refusal("messages", f"have one of {len(message)} bytes, which is of {whole}")


def heads_of(messages: Bytes) -> NDArray[Any]:
    """The heads of stacked messages, an array of SHARD_HEAD. InvalidArgument: these are too short for one."""
    if not len(messages) or messages.shape[1] < HEAD:
        raise refusal("messages", f"are {len(messages)} of {messages.shape[1]} bytes, less than one with a head")
    return np.ascontiguousarray(messages[:, :HEAD]).view(SHARD_HEAD)[:, 0]


def agree(heads: NDArray[Any]) -> bool:
    """Whether heads tell of messages of one layout and size, and of no failure."""
    words = heads.view("<u8").reshape(len(heads), -1)   # magic and layout, contract and status, size
    return not (words[:, :3] != words[0, :3]).any() and heads[0]["status"] == 0


class Exchange:
    """Brings the messages of a round to all shards, by a collective call that takes equally many bytes of each.

    Shards that agree have messages of the same size, but no shard knows whether all agree, nor what the first call's
    sizes are. So each gives what all are sure to know: so many bytes as the last call's message had in that round, a
    head at first. If all heads then tell of a larger message, a second call brings the rest. A size falls slowly, so
    that calls which differ a little hardly ever need two.
    """

    def __init__(self, allgather: Callable[[Any], Any]) -> None:
        self._allgather = allgather
        self._sizes: list[int] = []   # of each round
        self.collectives = 0   # calls so far

    def _gather(self, part: Bytes) -> Bytes:
        self.collectives += 1
        parts = stacked(self._allgather(part))
        if parts.shape[1] != len(part):
            raise refusal("allgather", f"gave messages of {parts.shape[1]} bytes, but each shard's has {len(part)}")
        return parts

    def bring(self, number: int, message: Bytes) -> tuple[Bytes, NDArray[Any]]:
        """(stacked messages of all shards, their heads). Where shards disagree, messages may end behind the head."""
        size = self._sizes[number] if number < len(self._sizes) else HEAD
        if len(message) < size:
            message = np.concatenate([message, np.zeros(size - len(message), np.uint8)])
        messages = self._gather(message[:size])
        heads = heads_of(messages)
        if not agree(heads):
            return messages, heads
        whole = int(heads[0]["size"])
        if whole > size:
            messages = stacked(np.concatenate([messages, self._gather(message[size:whole])], axis=1))
        self._sizes[number:number + 1] = [max(whole, size - size // 8 // _WORD * _WORD)]
        return messages, heads

    def tell(self, columns: tuple[int, int], fault: BaseException | None) -> None:
        """Tells all shards what went wrong with this one, if anything did, and raises the first shard's error on all.

        A shard raises its own exception as it is where all shards tell the same.
        """
        mine = np.zeros(1, _TOLD)
        mine["first"], mine["last"] = columns
        mine["row"] = -1
        if fault is not None:
            row = getattr(fault, "row", None)
            mine["status"], mine["row"] = status_of(fault), -1 if row is None else row
            mine["argument"] = (getattr(fault, "argument", None) or "").encode()
            mine["text"] = (str(fault) or type(fault).__name__).encode()[:_TOLD["text"].itemsize]
        told = self._gather(mine.view(np.uint8)).reshape(-1).view(_TOLD)
        faults = np.sort(told[told["status"] != 0], order=("first", "last"))
        if not len(faults):
            return
        same = len(faults) == len(told) and (faults["text"] == faults["text"][0]).all()
        if same and fault is not None:
            raise fault
        raise _error_of(faults[0]) from fault


def _error_of(told: Any) -> TombolaError:
    text = bytes(told["text"]).decode("utf-8", "replace")
    kind = type(error_of(int(told["status"]), text))
    return kind(f"the shard of columns {told['first']} to {told['last']}: {text}",
                bytes(told["argument"]).decode() or None, None if told["row"] < 0 else int(told["row"]))
