"""One file of lines, written by all ranks, chunk by chunk, which another run can go on with."""
from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Tuple, Union

from .._library import lib
from .hands import Hands
from .job import Cut
from .journal import Extent, Journal
from .launch import names_of, on_all, on_first
from .part import Part
from .progress import Progress

if TYPE_CHECKING:
    from .._types import Comm

Lines = Union[Sequence[str], Tuple[Sequence[str], int]]
_SYNC = 1.0   # seconds: so often what is complete is made to outlive the machine; it outlives the process at once


class _Writer:
    """Rank 0's part of the job."""

    def __init__(self, path: str, cut: Cut, job: dict[str, Any], resume: bool, quiet: bool, nouns: tuple[str, str],
                 prefix: str, names: Sequence[tuple[str, int]]) -> None:
        self._cut, self._names = cut, names
        self._part = Part(path)
        self._journal = Journal(self._part.path, job, resume, nouns[0])
        try:
            if not self._journal.is_complete:
                self._part.open(self._journal.done)
            for worker, name in enumerate(names):
                self._journal.add_worker(worker, *name)
        except BaseException:
            self.close()
            raise
        self._nouns, self._others, self._synced = nouns, 0, time.monotonic()
        done = {extent.first // cut.chunk for extent in self._journal.done}
        self.pieces = [piece for piece in range(cut.pieces) if piece not in done]
        self.running: dict[int, int] = {}   # pieces, by rank
        self.progress = Progress(cut.count, self._count, nouns, None if quiet else sys.stderr, prefix)
        for left in self._journal.left:
            self.progress.say(f"{cut.name(left.first // cut.chunk)} were not complete when the last run ended: they "
                              f"were with rank {left.worker}" + (f" on {left.host}" if left.host else ""))

    @property
    def _count(self) -> int:
        return sum(extent.count for extent in self._journal.done)

    def _name(self, rank: int) -> str:
        return f"rank {rank} on {self._names[rank][0]}"

    def taken(self, piece: int, rank: int) -> None:
        own = self._cut.range_of(piece)
        self.running[rank] = piece
        self._journal.add_begun(own[0], len(own), rank)

    def given(self, piece: int, rank: int, result: tuple[bytes, int]) -> None:
        text, others = result
        own = self._cut.range_of(piece)
        self.running.pop(rank, None)
        self._journal.add_done(Extent(own[0], len(own), self._part.put(text), len(text)))
        self._others += others
        if time.monotonic() - self._synced >= _SYNC:
            self._sync()
            self._journal.add_synced()
            self._synced = time.monotonic()
        self.progress.tell(self._count, self._others)

    def _sync(self) -> None:
        try:
            self._part.sync()
        except OSError:
            self._journal.forget_unsynced()
            raise

    def failed(self, piece: int, rank: int, words: str) -> None:
        self.running.pop(rank, None)
        if len(self._names) > 1:
            self.progress.say(f"{self._name(rank)}: {self._cut.name(piece)}: {words}; it does no more, and others take "
                              f"its {self._nouns[0]}")

    def complete(self) -> None:
        """Leaves the file behind."""
        self.progress.clear()
        extents = sorted(self._journal.done)
        if not self._journal.is_complete:
            self._sync()
            self._journal.add_complete()
            self._part.complete(extents)
        elif os.path.exists(self._part.path):   # the earlier run has not come to change its name
            self._part.open(extents)
            self._part.complete(extents)
        self._journal.remove()

    def give_up(self, is_by_signal: bool) -> None:
        """Says what there is, and leaves it for another run."""
        self.progress.clear()
        for rank, piece in self.running.items() if is_by_signal else ():
            where = f": they were with {self._name(rank)}" if len(self._names) > 1 else ""
            self.progress.say(f"{self._cut.name(piece)} are not complete{where}{self._is_dead(rank)}")
        if self._count:
            self.progress.say(f"{self._count} of {self._cut.count} {self._nouns[0]} are complete; --resume goes on "
                              "with the others")
        elif not is_by_signal:
            self._part.discard()
            self._journal.remove()

    def _is_dead(self, rank: int) -> str:
        host, process = self._names[rank]
        if host != self._names[0][0]:
            return ""
        try:
            with open(f"/proc/{process}/stat") as file:
                dead = file.read().rpartition(")")[2].split()[0] in "ZX"
        except OSError:
            dead = True
        return f", which has died (process {process})" if dead else ""

    def close(self) -> None:
        self._part.close()
        self._journal.close()


def write(comm: Comm | None, path: str, count: int, work: Callable[[range], Lines], *, chunk: int,
          job: dict[str, Any] | None = None, resume: bool = False, quiet: bool = False,
          nouns: tuple[str, str] = ("prompts", "tokens"), prefix: str = "", works: bool = True) -> None:
    """Writes one file of lines for `count` things, in their order, of what ranks make of chunks as they become free.

    comm    of mpi4py's, all of whose ranks call it at once; None: this process alone
    path    of the file, which rank 0 writes: until all is there, what is complete is kept in PATH.part, in any order,
            and told in PATH.part.jsonl
    work    called with a range of things; gives the text of their lines, each without its end, as many as it likes;
            or (lines, how many tokens this took), of which progress is told
    chunk   how many things a range has
    job     {name: value} of all else that the lines depend on, as JSON has it
    resume  go on where an earlier run of the same job has ended; begin where there was none. Without it what an
            earlier run has left is an error
    quiet   tell no progress; else it is told on rank 0's standard error, once a second has passed: on a terminal in a
            line renewed in place, otherwise a line a minute
    nouns   what the things are called, in the plural, and what else work counts
    prefix  of what is said there
    works   whether this rank does any work

    The file depends on count, work and chunk alone, not on how many ranks there are. A rank whose work raises does no
    more, and its chunk goes to another; where that one fails too, or none is left, the ranks that failed raise what
    they have met with, and the others JobFailed. So do they where a rank's arguments are wrong, and all where one has
    another count, chunk or job. A rank whose work raises KeyboardInterrupt or SystemExit does so itself once the others
    have done all. What is complete is kept then, as it is where a process is killed. ValueError: there is something
    of an earlier run, of another job, or another run is at it. OSError: the file can't be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "squares")
    ...     write(None, path, 5, lambda numbers: [str(i * i) for i in numbers], chunk=2)
    ...     with open(path) as file:
    ...         print(file.read().split())
    ['0', '1', '4', '9', '16']
    """
    def made(piece: int) -> tuple[bytes, int]:
        told = work(cut.range_of(piece))
        lines, others = told if isinstance(told, tuple) else (told, 0)
        return "".join(f"{line}\n" for line in lines).encode(), others

    def begin() -> tuple[Cut, dict[str, Any]]:
        return Cut(count, chunk, nouns[0]), {"the contract": int(lib.tombola_contract()), "--chunk": chunk,
                                             f"the {nouns[0]}": count, **(job or {})}

    def words(begun: tuple[Cut, dict[str, Any]]) -> list[str]:
        cut, whole = begun
        return cut.words() + [f"{name} {json.dumps(value)}" for name, value in whole.items()]

    cut, whole = on_all(comm, begin, words)
    names = names_of(comm)
    writer: _Writer | None = on_first(comm, lambda: _Writer(path, cut, whole, resume, quiet, nouns, prefix, names))
    if writer is None:
        fault = Hands(comm, (), works=works).work_off(made)
        on_first(comm, lambda: None)   # by rank 0: complete
        if fault is not None:
            raise fault
        return
    try:
        with _Ending(writer):
            hands = Hands(comm, writer.pieces, name=cut.name, works=works, given=writer.given, taken=writer.taken,
                          failed=writer.failed)
            fault = hands.work_off(made)
            on_first(comm, writer.complete)
    except Exception:
        writer.give_up(False)
        raise
    except KeyboardInterrupt:
        writer.give_up(True)
        raise
    finally:
        writer.close()
    if fault is not None:
        raise fault


class _Ending:
    """Within it SIGTERM has rank 0 say what is complete before it ends the process, as launchers send it where a rank
    has died. Elsewhere than in the main thread signals are left alone."""

    def __init__(self, writer: _Writer) -> None:
        self._writer = writer
        self._is_main = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> None:
        if self._is_main:
            self._before = signal.signal(signal.SIGTERM, self._end)

    def _end(self, number: int, _frame: object) -> None:
        self._writer.give_up(True)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def __exit__(self, *_: object) -> None:
        if self._is_main:
            signal.signal(signal.SIGTERM, self._before)
