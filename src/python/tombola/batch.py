"""Batches in flight."""
from __future__ import annotations

from ctypes import byref, c_int
from typing import TYPE_CHECKING, Any

from ._library import lib
from ._opencl import wait_for
from .errors import DeviceFailed, InUse

if TYPE_CHECKING:
    from .results import Results
    from .sampler import Sampler


class Ticket:
    """A batch that the library waits for."""

    def __init__(self, sampler: Sampler, number: int) -> None:
        self._sampler, self._number = sampler, number

    def done(self) -> bool:
        with self._sampler._turn:
            done = c_int()
            self._sampler._call(lib.tombola_sampler_poll, self._number, byref(done))
            return bool(done.value)

    def wait(self) -> None:
        with self._sampler._turn:
            self._sampler._call(lib.tombola_sampler_wait, self._number)

    def settle(self) -> None:
        """Waits within the sampler's turn. Nobody asks how it ends."""
        lib.tombola_sampler_wait(self._sampler.handle, self._number, byref(self._sampler._error))


class Enqueued:
    """A batch on a queue of the caller's, over with an event."""

    def __init__(self, event: Any) -> None:
        self.event = event

    def done(self) -> bool:
        return bool(self.event.command_execution_status <= 0)   # CL_COMPLETE, or an error

    def wait(self) -> None:
        wait_for(self.event)

    def settle(self) -> None:
        try:
            wait_for(self.event)
        except DeviceFailed:   # nobody asks how it ends
            pass


class Batch:
    """A batch in flight, as submit and enqueue give it. Its logits, masks and `out` belong to the sampler till it ends.

    event  of a batch that was enqueued: a pyopencl.Event, complete when all results are there; else None

    >>> import numpy as np, tombola
    >>> with tombola.Sampler(vocabulary=4, max_rows=1) as sampler:
    ...     batch = sampler.submit(np.array([1, 2, 9, 4], np.float32), temperature=0)
    ...     batch.result().tokens   # other work may come in between
    array([2], dtype=int32)
    """

    def __init__(self, flight: Ticket | Enqueued, abandoned: list[Any], results: Results, owners: list[Any]) -> None:
        self._flight: Ticket | Enqueued | None = flight
        self._abandoned, self._results, self._owners = abandoned, results, owners
        self._error: Exception | None = None
        self.event: Any = getattr(flight, "event", None)

    def done(self) -> bool:
        """Whether result() would not wait."""
        return self._flight is None or self._flight.done()

    def result(self) -> Results:
        """Waits for the batch and gives its Results. Raises what went wrong on the device."""
        if self._flight is not None:
            try:
                self._flight.wait()
                self._results.trim()
            except InUse:
                raise
            except Exception as error:   # the batch is done with all the same
                self._error = error
            self._flight, self._owners = None, []
        if self._error is not None:
            raise self._error
        return self._results

    def __del__(self) -> None:
        # Nobody will ask: the sampler waits before its next call, and keeps what the device still reads till then.
        if getattr(self, "_flight", None) is not None:
            self._abandoned.append((self._flight, self._owners, self._results))
