"""Pieces of a job, handed to the ranks of MPI as they become free, and what comes of them brought to rank 0."""
from __future__ import annotations

import importlib
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Optional, Tuple

from ..errors import InvalidArgument, TombolaError
from .ledger import Answers, Ledger

if TYPE_CHECKING:
    from .._types import Comm

_PAUSE = 0.002   # seconds between looks for a message: who waits leaves his core to those that compute
# What a rank tells rank 0: with its result, with how it has failed, or would anywhere, and with nothing.
_ASK, _FAIL, _REFUSE, _LEAVE = range(4)
_Answer = Tuple[Optional[int], Optional[str]]   # the next piece, or None at the job's end; what it has failed by
_MULTIPLE = 3   # MPI_THREAD_MULTIPLE: threads may call MPI at once


class JobFailed(TombolaError):
    """A job of several ranks has ended before it was done: its message says why, the same on all ranks."""


class Hands:
    """A job, as an iterable of the pieces that this rank gets. All ranks make it and iterate over it at once.

    Rank 0 works as the others do, and hands out pieces in a thread beside that; where MPI does not let threads call it
    at once it does no more than hand out. Pieces go out in order, each to the rank that has waited longest.

    comm     of mpi4py's; None: this process alone
    pieces   numbers; rank 0's count
    name     what a piece is called in messages
    given    on rank 0: called with (piece, rank, result) when it is done
    taken    on rank 0: called with (piece, rank) when it is handed out
    failed   on rank 0: called with (piece, rank, words) when it has failed, and goes to another rank
    works    whether this rank gets any: else it waits for the end
    given, taken and failed are called one at a time, some of them in the thread. What they raise ends the job.
    """

    def __init__(self, comm: Comm | None, pieces: Iterable[int], *, name: Callable[[int], str] = str,
                 given: Callable[[int, int, Any], object] | None = None,
                 taken: Callable[[int, int], object] | None = None,
                 failed: Callable[[int, int, str], object] | None = None, works: bool = True) -> None:
        self.rank, self.size = (comm.Get_rank(), comm.Get_size()) if comm is not None else (0, 1)
        self._comm = comm.Dup() if comm is not None and self.size > 1 else None   # apart from the caller's messages
        self._is_here, self._works = True, works
        self._result: Any = None
        self._words: str | None = None
        self._everywhere = False
        if self.rank == 0:
            self._ledger = Ledger(pieces, self.size, name)
            self._given, self._taken, self._failed = given, taken, failed
            self._lock = threading.Lock()
            self._error: BaseException | None = None   # what given, taken or failed have raised
            self._own: queue.SimpleQueue[_Answer] = queue.SimpleQueue()

    def give(self, result: Any) -> None:
        """What has come of the piece in hand, which is done when the next is asked for."""
        self._result = result

    def fail(self, error: BaseException) -> None:
        """The piece in hand has failed: another rank gets it, and this one gets no more, but waits for the end.

        What is wrong with an argument is so on every rank, and ends the job.
        """
        self._words = f"{type(error).__name__}: {error}"
        self._everywhere = isinstance(error, InvalidArgument)

    def work_off(self, work: Callable[[int], Any],
                 failed: Callable[[int, BaseException], object] | None = None) -> BaseException | None:
        """Takes pieces until there are none, gives what work(piece) makes of them, and fails with what it raises.

        failed   called with (piece, error) of this rank's own
        Gives what this rank is to raise once all know of the end, or None: no Exception, as others have its piece
        then. Raises what this rank has met with, or JobFailed, where the job has ended before all pieces were done.
        """
        fault: BaseException | None = None
        try:
            for piece in self:
                try:
                    self.give(work(piece))
                except BaseException as error:   # KeyboardInterrupt too: the others wait
                    if self.size == 1 and not isinstance(error, Exception):
                        raise
                    fault = error
                    self.fail(error)
                    if failed is not None:
                        failed(piece, error)
        except JobFailed as error:
            raise fault or error
        return None if isinstance(fault, Exception) else fault

    def __iter__(self) -> Iterator[int]:
        """Pieces until there are none. Whoever stops before leaves the job; rank 0 then waits for its end.

        JobFailed: it has ended before all pieces were done.
        """
        thread = None
        if self.rank == 0 and self._comm is not None:
            if not _may_share():
                self._leave()
                self._serve()
            else:
                thread = threading.Thread(target=self._serve, name="tombola hands out pieces", daemon=True)
                thread.start()
        try:
            if self._is_here:
                yield from self._pieces()
        finally:
            if self._is_here:
                self._leave()
            if thread is not None:
                thread.join()
            if self.rank == 0 and self._error is not None:
                raise self._error
        if self._comm is not None:
            self._comm.Free()
        if self.rank == 0 and self._ledger.fault is not None:
            raise JobFailed(self._ledger.fault)

    def _pieces(self) -> Iterator[int]:
        self._tell(_ASK if self._works else _FAIL, None)
        while True:
            piece, fault = self._hear()
            if piece is None:
                self._is_here = False
                if fault is not None and self.rank != 0:
                    raise JobFailed(fault)
                return
            self._result = self._words = None
            yield piece
            if self._words is None:
                self._tell(_ASK, self._result)
            else:
                self._tell(_REFUSE if self._everywhere else _FAIL, self._words)

    def _leave(self) -> None:
        self._is_here = False
        self._tell(_LEAVE, None)

    # ------------------------------------------------------------------ messages

    def _tell(self, what: int, told: Any) -> None:
        """Tells rank 0."""
        if self.rank == 0:
            self._take(0, what, told)
        else:
            self._comm.send((self.rank, what, told), dest=0)   # type: ignore[union-attr]  # there are others

    def _hear(self) -> _Answer:
        """Waits for what rank 0 answers."""
        if self.rank == 0:
            return self._own.get()
        while True:
            message = self._comm.improbe(source=0)   # type: ignore[union-attr]
            if message is not None:
                return message.recv()   # type: ignore[no-any-return]
            time.sleep(_PAUSE)

    def _serve(self) -> None:
        """Rank 0's answers to the others, until all know of the end."""
        try:
            while not self._ledger.is_over:
                message = self._comm.improbe()   # type: ignore[union-attr]
                if message is None:
                    time.sleep(_PAUSE)
                else:
                    self._take(*message.recv())
        except BaseException as error:   # of MPI's
            self._error = self._error or error
            self._own.put((None, None))

    def _take(self, rank: int, what: int, told: Any) -> None:
        """On rank 0: takes what a rank tells, and answers those that this concerns."""
        with self._lock:
            answers: Answers = []
            try:
                answers = self._note(rank, what, told)
                for other, piece in answers:
                    if piece is not None and self._taken is not None:
                        self._taken(piece, other)
            except BaseException as error:   # raised on rank 0 at the end
                self._error = self._error or error
                self._ledger.end(f"rank 0 has failed: {type(error).__name__}: {error}")
                ranks = [other for other, _ in answers] or [rank]
                answers = [answer for other in ranks for answer in self._ledger.ask(other)]
            for other, piece in answers:
                answer = piece, self._ledger.fault
                if other == 0:
                    self._own.put(answer)
                else:
                    self._comm.send(answer, dest=other)   # type: ignore[union-attr]

    def _note(self, rank: int, what: int, told: Any) -> Answers:
        piece = self._ledger.running.get(rank)
        if what == _ASK:
            if piece is not None and self._given is not None:
                self._given(piece, rank, told)
            return self._ledger.ask(rank)
        if what == _FAIL and piece is not None and self._failed is not None:
            self._failed(piece, rank, told)
        return self._ledger.leave(rank, told, waits=what != _LEAVE, everywhere=what == _REFUSE)


def _may_share() -> bool:
    """Whether a thread may call MPI whatever the one beside it calls, in the work that it does too."""
    return bool(importlib.import_module("mpi4py.MPI").Query_thread() >= _MULTIPLE)
