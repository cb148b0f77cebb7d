"""How a launcher such as mpirun has started this process."""
from __future__ import annotations

import importlib
import os
import socket
from collections.abc import Callable
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, TypeVar

from ..context import devices
from .hands import JobFailed

if TYPE_CHECKING:
    from .._types import Comm

_Result = TypeVar("_Result")

# What launchers tell the processes that they start: how many there are, and which one this is.
_SIZES = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS", "MV2_COMM_WORLD_SIZE")
_RANKS = ("OMPI_COMM_WORLD_RANK", "PMI_RANK", "MV2_COMM_WORLD_RANK", "PMIX_RANK", "SLURM_PROCID")


def _number(names: tuple[str, ...], default: int) -> int:
    return next((int(os.environ[name]) for name in names if os.environ.get(name, "").isdigit()), default)


def launched() -> int:
    """How many processes were started together; 1: no launcher has started this one. MPI is not begun."""
    tasks = "SLURM_STEP_NUM_TASKS"   # Slurm has others in jobs of one process, too, and in shells within
    return _number(_SIZES, _number((tasks,), 1) if "SLURM_PROCID" in os.environ else 1)


def launched_rank() -> int:
    """Which of them this one is, 0 the first. MPI is not begun."""
    return _number(_RANKS, 0) if launched() > 1 else 0


def shared_cores() -> dict[str, str]:
    """What the environment lacks for the ranks of a machine to share its cores, where nobody has seen to that."""
    count = _number(("OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "MV2_COMM_WORLD_LOCAL_SIZE"), launched())
    cores = os.cpu_count() or 1
    if count == 1 or hasattr(os, "sched_getaffinity") and len(os.sched_getaffinity(0)) < cores:
        return {}   # alone, or bound to some of them
    names = "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POCL_MAX_PTHREAD_COUNT"
    return {} if any(name in os.environ for name in names) else dict.fromkeys(names, str(max(1, cores // count)))


def mpi() -> Any:
    """mpi4py.MPI, which begins MPI where nobody has. ImportError: it says what to install."""
    try:
        return importlib.import_module("mpi4py.MPI")
    except ImportError as error:
        raise ImportError(f"several ranks need mpi4py ({error}): pip install tombola[mpi], or python3-mpi4py of Debian"
                          ) from error


def world() -> Comm | None:
    """mpi4py's COMM_WORLD where a launcher has started several processes, else None: a script runs either way.

    >>> world() is None
    True
    """
    return mpi().COMM_WORLD if launched() > 1 else None   # type: ignore[no-any-return]


def device(comm: Comm | None) -> int | None:
    """The device for this rank, as Context takes it: one of its machine's GPUs, or None, the default.

    comm   of mpi4py's, all of whose ranks call it at once; None: this process alone

    >>> device(None) is None
    True
    """
    if comm is None:
        return None
    hosts = [host for host, _ in names_of(comm)]
    place = hosts[:comm.Get_rank()].count(hosts[comm.Get_rank()])
    gpus = [found.index for found in devices() if found.type == "gpu"]
    return gpus[place % len(gpus)] if len(gpus) > 1 else None


def from_first(comm: Comm | None, act: Callable[[], Any]) -> Any:
    """What rank 0's act gives, on all ranks. Where it raises, the others raise JobFailed with the same words."""
    if comm is None or comm.Get_size() == 1:
        return act()
    result, error = None, None
    if comm.Get_rank() == 0:
        try:
            result = act()
        except Exception as raised:
            error = raised
    words, result = comm.bcast((None if error is None else f"rank 0 has failed: {error}", result))
    if words is not None:
        raise error or JobFailed(words)
    return result


def on_all(comm: Comm | None, act: Callable[[], _Result],
           shared: Callable[[_Result], list[str]] = lambda _: []) -> _Result:
    """What each rank's own act gives. Where it raises on one, all raise: the ranks on which it has what they met with,
    the others JobFailed with the words of the first of these. So do all where `shared`, words for each thing that they
    must have in common, gives others on one than on rank 0."""
    if comm is None or comm.Get_size() == 1:
        return act()
    error: BaseException | None = None
    own: list[str] = []
    try:
        result = act()
        own = shared(result)
    except BaseException as raised:   # KeyboardInterrupt too: the others wait
        error = raised
    told = comm.allgather((None if error is None else f"{type(error).__name__}: {error}", own))
    for rank, (words, _) in enumerate(told):
        if words is not None:
            raise error or JobFailed(f"rank {rank} has failed: {words}")
    for rank, (_, others) in enumerate(told):
        for theirs, first in zip_longest(others, told[0][1], fillvalue="nothing more"):
            if theirs != first:
                raise JobFailed(f"ranks disagree: rank {rank} has {theirs}, rank 0 {first}")
    return result


def on_first(comm: Comm | None, act: Callable[[], Any]) -> Any:
    """As from_first, for what rank 0 keeps to itself: None on the others."""
    own: list[Any] = []
    from_first(comm, lambda: own.append(act()))
    return own[0] if own else None


def names_of(comm: Comm | None) -> list[tuple[str, int]]:
    """(host, process) of each rank."""
    own = socket.gethostname(), os.getpid()
    return list(comm.allgather(own)) if comm is not None else [own]
