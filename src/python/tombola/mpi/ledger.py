"""Which rank has which piece of a job, and what becomes of pieces that fail: no word of how ranks are told."""
from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import List, Optional, Tuple

Answers = List[Tuple[int, Optional[int]]]   # (rank, the piece that is its next; None: the job is over)


class Ledger:
    """Pieces of a job, handed to ranks in their order.

    A rank that leaves the job, since its work has failed or for reasons of its own, has its piece done by another. A
    piece that fails twice, or would everywhere, ends the job, and so does the last rank that leaves: `fault` then says
    why.

    pieces   numbers
    ranks    how many there are
    name     what a piece is called in messages
    """

    def __init__(self, pieces: Iterable[int], ranks: int, name: Callable[[int], str] = str) -> None:
        self._waiting, self.name, self._here = deque(pieces), name, ranks
        self._failed: set[int] = set()
        self._idle: list[int] = []   # ranks that wait for a piece
        self._ending: list[int] = []   # ranks that wait for the end alone
        self._unaware = ranks   # ranks that neither know of the end nor care
        self.running: dict[int, int] = {}   # pieces by rank
        self.fault: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether every rank that cares has been told of the end."""
        return self._unaware == 0

    def ask(self, rank: int) -> Answers:
        """A rank has nothing to do: its piece is done, if it had one. Gives whom to answer what."""
        self.running.pop(rank, None)
        self._idle.append(rank)
        return self._answers()

    def leave(self, rank: int, words: str | None = None, waits: bool = False, everywhere: bool = False) -> Answers:
        """A rank leaves the job. Gives whom to answer what.

        words       how its piece has failed; None: it has not
        waits       whether the rank wants to know of the end
        everywhere  whether the piece would fail on any rank
        """
        self._here -= 1
        if waits:
            self._ending.append(rank)
        else:
            self._unaware -= 1
        piece = self.running.pop(rank, None)
        if piece is not None:
            self._waiting.appendleft(piece)
            if words is not None and (everywhere or piece in self._failed or not self._here):
                self.end(f"{self.name(piece)} failed on rank {rank}: {words}")
            elif words is not None:
                self._failed.add(piece)
        if self._waiting and not self._here:
            self.end(f"{self.name(self._waiting[0])} stayed undone: all ranks have left")
        return self._answers()

    def end(self, fault: str) -> None:
        """Ends the job before it is done: each rank is told when it asks next."""
        if self.fault is None:
            self.fault = fault

    def _answers(self) -> Answers:
        answers: Answers = []
        if self.fault is not None or not self._waiting and not self.running:
            answers += [(rank, None) for rank in (*self._idle, *self._ending)]
            self._idle, self._ending = [], []
            self._unaware -= len(answers)
        while self._waiting and self._idle:
            rank, piece = self._idle.pop(0), self._waiting.popleft()
            self.running[rank] = piece
            answers.append((rank, piece))
        return answers
