"""Rows or prompts of a job in chunks, which ranks of MPI work off as they become free."""
from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from .._arguments import integer_of
from ..errors import refusal
from ..generation import Generation
from ..params import Params
from .hands import Hands
from .launch import on_all

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Unpack

    from .._columns import Columns
    from .._types import Biases, Comm, Integers, Logits, Prompts, TokenLists, Tokens, TokenSequences
    from ..generation import Step
    from ..sampler import Sampler


class Cut:
    """A job of `count` things, called by their plural, in chunks of `chunk` each, the last one what is left."""

    def __init__(self, count: int, chunk: int, nouns: str) -> None:
        if integer_of("chunk", chunk, 48) == 0:
            raise refusal("chunk", "is 0, less than 1")
        self.count, self.chunk, self.nouns = integer_of("count", count, 48), chunk, nouns
        self.pieces = -(-self.count // chunk)

    def words(self) -> list[str]:
        """What all ranks must have in common."""
        return [f"{self.count} {self.nouns} in chunks of {self.chunk}"]

    def range_of(self, piece: int) -> range:
        """What a chunk has."""
        return range(piece * self.chunk, min((piece + 1) * self.chunk, self.count))

    def name(self, piece: int) -> str:
        """What a chunk is called: "prompts 8 to 15"."""
        own = self.range_of(piece)
        return f"{self.nouns} {own[0]} to {own[-1]}"


def chunks(comm: Comm | None, count: int, chunk: int) -> Iterator[range]:
    """The chunks of range(count) that this rank gets, a range each, as it becomes free: for a loop on all ranks.

    comm   of mpi4py's, all of whose ranks call it at once; None: this process alone has all of them
    chunk  how many there are in each; the last one has what is left

    A rank whose loop ends early, by an exception or a break, leaves the job: another gets its chunk, and rank 0 waits
    for the others then. JobFailed, on all ranks that are left: no rank was left for a chunk; or the arguments of one
    are wrong, for which that one itself raises InvalidArgument or TypeError, or others than rank 0's.

    >>> for rows in chunks(None, 10, 4):
    ...     print(list(rows))
    [0, 1, 2, 3]
    [4, 5, 6, 7]
    [8, 9]
    """
    cut = on_all(comm, lambda: Cut(count, chunk, "rows"), Cut.words)
    pieces = iter(Hands(comm, range(cut.pieces), name=cut.name))
    try:
        for piece in pieces:
            yield cut.range_of(piece)
    finally:
        pieces.close()   # type: ignore[attr-defined]  # a generator


def generate(comm: Comm | None, sampler: Sampler, model: Callable[[Step], Logits], prompts: Prompts | Generation,
             params: Params | NDArray[Any] | None = None, *, max_tokens: int | Integers, chunk: int | None = None,
             want: str | Sequence[str] = (), end_tokens: TokenLists | None = None, stop: TokenSequences | None = None,
             forced: TokenLists | None = None, biases: Biases | None = None,
             banned_words: TokenSequences | None = None, breakers: TokenSequences | None = None,
             thinking: tuple[Tokens, Tokens] | None = None, **columns: Unpack[Columns]) -> Generation:
    """Sampler.generate by all ranks, chunk by chunk as they become free. Gives the whole Generation, on every rank.

    comm     of mpi4py's, all of whose ranks call it at once with the same arguments; None: this process alone
    sampler, model   each rank's own
    chunk    how many sequences are in a batch; by default the sampler's max_rows
    The others are Sampler.generate's. Streams and `step.sequences` are places among all prompts, and batches are cut
    by `chunk` alone, so that tokens are the same on any number of ranks, even where a model's logits change with what
    else is in its batch.

    Where a rank fails, a warning says so, and another rank gets its chunk. Where that one fails too, or none is left,
    a rank that failed raises what it has met with, and the others JobFailed. So do they where a rank's arguments are
    wrong, and all where one has another number of prompts or another chunk. A rank whose model raises KeyboardInterrupt
    or SystemExit does so itself once the others have done all.

    >>> import numpy as np
    >>> def model(step):   # after each token the next one is the most likely
    ...     return np.eye(5, dtype=np.float32)[(step.last_tokens + 1) % 5]
    >>> from tombola import Sampler
    >>> with Sampler(vocabulary=5, max_rows=2) as sampler:
    ...     generate(None, sampler, model, [[0], [2, 3], [4]], temperature=0, max_tokens=2).tokens
    [array([1, 2], dtype=int32), array([4, 0], dtype=int32), array([0, 1], dtype=int32)]
    """
    whole = on_all(comm, lambda: Generation._copy(Generation._start(prompts, params, columns, dict(
        want=want, end_tokens=end_tokens, stop=stop, forced=forced, biases=biases, banned_words=banned_words,
        breakers=breakers, thinking=thinking))))
    cut = on_all(comm, lambda: Cut(len(whole), sampler.max_rows if chunk is None else chunk, "prompts"), Cut.words)
    done: list[tuple[range, Any]] = []
    hands = Hands(comm, range(cut.pieces), name=cut.name,
                  given=lambda piece, rank, part: done.append((cut.range_of(piece), part)))

    def warn(piece: int, error: BaseException) -> None:
        if hands.size > 1:
            warnings.warn(f"{cut.name(piece)} failed on rank {hands.rank}, which leaves the job: {error}",
                          RuntimeWarning, stacklevel=4)   # where generate was called

    fault = hands.work_off(lambda piece: sampler._go_on(model, whole, max_tokens, own=cut.range_of(piece)).part(), warn)
    if hands.size > 1:
        done = comm.bcast(done)   # type: ignore[union-attr]  # there are others
    for own, part in done:
        whole._put(own, part)
    if fault is not None:
        raise fault
    return whole
