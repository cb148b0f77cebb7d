"""Shards: rows whose columns lie on several devices, and the tokens that one device would draw.

tombola_shard.h tells how they go about it.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from ctypes import addressof, byref, c_int, c_size_t
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from . import _structs
from ._arguments import integer_of
from ._arrays import address_of
from ._drawer import Drawer
from ._library import lib
from ._messages import Exchange, agree, heads_of, stacked
from ._opencl import wait_for_arrays
from .errors import InvalidArgument, TombolaError, error_of, refusal
from .params import Params
from .results import Results

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray
    from typing_extensions import Unpack

    from ._types import ContextOptions, Logits, Messages, OpenCLDevice, SampleOptions, TorchType
    from .context import Context

_BLOCK = 256


def _columns_of(columns: Any, vocabulary: int) -> tuple[int, int]:
    try:
        first, last = columns
    except (TypeError, ValueError):
        raise TypeError(f"columns are {columns!r}, not (first, last)") from None
    return integer_of("columns", first, 64), integer_of("columns", last, 64)


def _alone(message: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The allgather of a shard that has no others."""
    return message[None]


class Shard(Drawer):
    """The columns [first, last) of rows whose others lie on other devices, each in a Shard of its own.

    All shards of a row draw from it together: they tell each other some words a row, never logits, and each of them
    has the results, to the bit those of a Sampler that has the whole row. A context manager.

    vocabulary   tokens of the whole row, 1 to 2^23
    max_rows     rows of the largest batch
    columns      (first, last), multiples of 256 but where the row ends; first = last: none. See cut
    allgather    brings a message to all shards: called with a uint8 array, by all shards at once and with equally many
                 bytes, it gives those of all shards, always in the same order: a 2-D array, or a sequence of arrays or
                 bytes. None: sample serves a shard of all columns alone
    Other arguments are a Sampler's. Used by one thread at a time: InUse is raised otherwise.
    Raises InvalidArgument, OutOfMemory, and what Context raises.

    tombola.mpi.shard makes one for the ranks of MPI. With torch.distributed it is

        def allgather(message):
            own = torch.from_numpy(message)   # .cuda() for NCCL, and .cpu() of each message below
            messages = [torch.empty_like(own) for _ in range(torch.distributed.get_world_size())]
            torch.distributed.all_gather(messages, own)
            return messages

    >>> import numpy as np
    >>> logits = np.zeros((2, 1000), np.float32)
    >>> logits[:, 700] = 9
    >>> with Shard(vocabulary=1000, max_rows=2, columns=(0, 1000)) as shard:
    ...     shard.sample(logits, temperature=0).tokens
    array([700, 700], dtype=int32)
    """

    _kept_room = 2**23   # all: shards can't tell how many each has kept before the call is over
    _noun, _callee, _release = "shard", "its allgather", lib.tombola_shard_release

    def __init__(self, vocabulary: int, max_rows: int, columns: tuple[int, int],
                 dtype: str | DTypeLike | TorchType = "float32",
                 device: str | int | Context | OpenCLDevice | None = None, *,
                 allgather: Callable[[NDArray[np.uint8]], Messages] | None = None,
                 input: Literal["logits", "probabilities"] = "logits",
                 transfer: Literal["auto", "in_place", "staged"] = "auto", masks: bool = False, max_biases: int = 0,
                 max_history: int = 0, **context_options: Unpack[ContextOptions]) -> None:
        self.columns = _columns_of(columns, vocabulary)
        super().__init__(lib.tombola_shard_create, vocabulary, max_rows, dtype, device, context_options,
                         columns=self.columns, input=input, transfer=transfer, masks=masks, max_biases=max_biases,
                         max_history=max_history)
        if allgather is None and self.columns == (0, self.vocabulary):
            allgather = _alone
        self._exchange = None if allgather is None else Exchange(allgather)
        self._message: NDArray[np.uint8] = np.zeros(0, np.uint8)
        self._call_under_way: tuple[list[Any], Results] | None = None
        self._results: Results | None = None
        self._collectives = 0

    @staticmethod
    def cut(vocabulary: int, shards: int, index: int) -> tuple[int, int]:
        """The columns of one of so many shards, which have equally many blocks of 256 tokens, or one more or less.

        >>> [Shard.cut(1000, 3, index) for index in range(3)]
        [(0, 256), (256, 512), (512, 1000)]
        """
        blocks = -(-vocabulary // _BLOCK)
        if not 0 <= index < shards:
            raise refusal("index", f"is {index}, but there are {shards} shards")
        first, last = (blocks * number // shards * _BLOCK for number in (index, index + 1))
        return min(first, vocabulary), min(last, vocabulary)

    # ------------------------------------------------------------------ whole calls

    def sample(self, logits: Logits, params: Params | NDArray[Any] | None = None, *,
               want: str | Sequence[str] = ("tokens", "status"), **options: Unpack[SampleOptions]) -> Results:
        """Draws a token for each row of a batch, together with the other shards, and whatever else is wanted of it.

        All shards call it at once, with the same arguments but the logits. They are Sampler.sample's: token ids, masks
        and lists are those of the whole row. Columns with a value for each token, and the tokens kept, are of the
        shard's columns alone, kept_tokens as ids of the whole row; all others are the same on all shards, and in host
        memory.

        logits   (rows, last - first) or (last - first,), the shard's columns; rows may lie further apart, so that
                 whole[:, first:last] will do

        Whatever goes wrong with one shard is raised by all of them, in the same words: InvalidArgument where they
        disagree, or what the shard at fault has met with, which is named by its columns. What allgather raises comes
        out as it is, and the others are then left waiting, unless it fails for all.
        """
        exchange = self._exchange
        if exchange is None:
            raise TypeError("the shard has no allgather to bring its messages to the others")
        with self._turn:
            before = exchange.collectives
            fault: BaseException | None = None
            try:
                self._begin(logits, params, want, options)
            except BaseException as error:   # KeyboardInterrupt too: the others wait
                fault = error
            try:
                return self._run(exchange, fault)
            finally:
                self._cancel()
                self._collectives = exchange.collectives - before

    def _run(self, exchange: Exchange, fault: BaseException | None) -> Results:
        """The rounds of a call that has begun, or that has a fault to tell of."""
        number = 0
        while True:
            try:
                message = self._fail(fault) if fault is not None else self._partial()
            except TombolaError as error:
                if fault is not None:
                    raise
                fault, message = error, self._fail(error)
            messages, heads = exchange.bring(number, message)
            if heads["status"].any():
                exchange.tell(self.columns, fault)
            try:
                if self._merge(messages, heads):
                    return self.results
            except InvalidArgument:   # all shards find the same
                raise
            except TombolaError as error:   # the shard's own device, or memory: the others are in the next round
                fault = error
            number += 1

    def _fail(self, fault: BaseException) -> NDArray[np.uint8]:
        """The message that tells of a failure."""
        self._cancel()
        lib.tombola_shard_begin(self.handle, None, None, byref(self._error))   # fails, and partial says so
        return self._partial()

    # ------------------------------------------------------------------ in steps

    def begin(self, logits: Logits, params: Params | NDArray[Any] | None = None, *,
              want: str | Sequence[str] = ("tokens", "status"), **options: Unpack[SampleOptions]) -> None:
        """Begins a call, for transports that are no allgather, and for whoever has other work while messages travel.

        Arguments are those of sample. Then partial and merge take turns until merge gives True; `results` has what
        came of it. Logits, masks and `out` are the shard's until then.

        >>> import numpy as np
        >>> logits = np.zeros((1, 1000), np.float32)
        >>> shards = [Shard(1000, 1, (0, 512)), Shard(1000, 1, (512, 1000))]
        >>> for shard in shards:
        ...     shard.begin(logits[:, slice(*shard.columns)], seed=3)
        >>> done = False
        >>> while not done:
        ...     messages = [shard.partial() for shard in shards]
        ...     done = all([shard.merge(messages) for shard in shards])
        >>> shards[0].results.tokens == shards[1].results.tokens
        array([ True])
        """
        with self._turn:
            self._begin(logits, params, want, options)

    def partial(self) -> NDArray[np.uint8]:
        """The shard's message of this round: a uint8 array, aligned to 8 bytes, which the next partial overwrites.

        Shards that agree have messages of the same size. Waits for the device. Where begin, partial or merge has
        failed by this shard's own fault, the message is a head that tells the others.
        """
        with self._turn:
            return self._partial()

    def merge(self, messages: Messages) -> bool:
        """Takes the messages of all shards, its own among them, in any order. True: the results are there.

        messages   a 2-D uint8 array with a message in each row, read where it lies if its rows are aligned to 8 bytes;
                   or a sequence of arrays or bytes
        Raises on all shards InvalidArgument where they disagree, or the error of a shard that has failed: the call is
        over then. Where this shard's own device has failed, or memory, partial tells the others.
        """
        with self._turn:
            messages = stacked(messages)
            return self._merge(messages, heads_of(messages))

    def cancel(self) -> None:
        """Ends a call before it is done, as all shards then have to. Without a call nothing happens."""
        with self._turn:
            self._cancel()

    @property
    def results(self) -> Results:
        """The Results of the last call that was done. InvalidArgument: there was none yet."""
        if self._results is None:
            raise InvalidArgument("no call of the shard is done", "results")
        return self._results

    @property
    def last_call(self) -> dict[str, int]:
        """What the last call has taken, a dict.

        rounds       so far
        bytes        of this shard's messages, all rounds together
        most         bytes that a message may have in any round of this call
        collectives  calls of allgather by sample
        """
        told = _structs.ShardCall()
        lib.tombola_shard_last_call(self.handle, addressof(told))
        return {"rounds": told.rounds, "bytes": told.bytes, "most": told.most, "collectives": self._collectives}

    # ------------------------------------------------------------------ parts

    def _begin(self, logits: Any, params: Any, want: Any, options: Any) -> None:
        self._results, self._collectives = None, 0
        rows, asked, results = self._batch(logits, params, want, options)
        wait_for_arrays((*rows.owners, *results.columns.values()))
        self._call(lib.tombola_shard_begin, addressof(rows), addressof(asked))
        self._call_under_way = rows.owners, results

    def _partial(self) -> NDArray[np.uint8]:
        size = c_size_t()
        while True:
            room = len(self._message)
            status = lib.tombola_shard_partial(self.handle, address_of(self._message), room, byref(size),
                                               byref(self._error))
            if not status:
                return self._message[:size.value]
            if size.value <= room:
                raise error_of(status, self._error.message.decode("utf-8", "replace"))
            self._message = np.zeros(size.value // 8, np.uint64).view(np.uint8)

    def _merge(self, messages: NDArray[np.uint8], heads: NDArray[Any]) -> bool:
        done, whole = c_int(), int(heads[0]["size"])
        if whole > messages.shape[1] and agree(heads):
            raise refusal("messages", f"have {messages.shape[1]} bytes, but are of {whole}")
        self._call(lib.tombola_shard_merge, messages.ctypes.data, messages.strides[0], len(messages), byref(done))
        if done.value and self._call_under_way is not None:
            self._results, self._call_under_way = self._call_under_way[1], None
            self._results.trim()
        return bool(done.value)

    def _cancel(self) -> None:
        if self._handle is not None:
            lib.tombola_shard_cancel(self._handle)
        self._call_under_way = None
