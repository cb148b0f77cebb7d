"""Ranks of MPI as shards of rows."""
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .._messages import Exchange
from ..shard import Shard
from .launch import device

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .._types import Comm


def allgather(comm: Comm) -> Callable[[NDArray[np.uint8]], NDArray[np.uint8]]:
    """What brings the messages of shards to all ranks of a communicator of mpi4py's: an argument of Shard.

    >>> from mpi4py import MPI
    >>> allgather(MPI.COMM_SELF)(np.array([1, 2], np.uint8))
    array([[1, 2]], dtype=uint8)
    """
    def gather(message: NDArray[np.uint8]) -> NDArray[np.uint8]:
        messages = np.empty((comm.Get_size(), len(message)), np.uint8)
        comm.Allgather(message, messages)
        return messages

    return gather


def shard(comm: Comm, vocabulary: int, max_rows: int, columns: tuple[int, int] | None = None,
          **options: Any) -> Shard:
    """The Shard of this rank, as all ranks of a communicator call for one at once.

    comm      of mpi4py's: sample then is a collective call of its ranks
    columns   (first, last); None: those of Shard.cut, as many blocks for each rank
    options   Shard's; without a device each rank takes one of its machine's GPUs, or the default
    Where it fails for a rank, all raise what that one has met with, which is named by its columns.

    >>> from mpi4py import MPI
    >>> with shard(MPI.COMM_WORLD, vocabulary=1000, max_rows=1) as own:
    ...     first, last = own.columns
    ...     own.sample(np.arange(1000, dtype=np.float32)[first:last], temperature=0).tokens
    array([999], dtype=int32)
    """
    gather, made, fault = allgather(comm), None, None
    own = (0, 0)
    try:
        place = device(comm)
        if options.get("device") is None:
            options["device"] = place
        own = columns or Shard.cut(vocabulary, comm.Get_size(), comm.Get_rank())
        made = Shard(vocabulary, max_rows, own, allgather=gather, **options)
    except BaseException as error:   # KeyboardInterrupt too: the others wait
        fault = error
    try:
        Exchange(gather).tell(own, fault)
    except BaseException:
        if made is not None:
            made.close()
        raise
    assert made is not None   # or it had raised
    return made
