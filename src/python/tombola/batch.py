"""Batches in flight."""
from .errors import InUse


class Batch:
    """A batch in flight, as submit gives it. Its logits, masks and `out` belong to the sampler until it has ended."""

    def __init__(self, sampler, ticket, results, owners):
        self._sampler, self._ticket, self._results, self._owners = sampler, ticket, results, owners
        self._error = None

    def done(self):
        """Whether result() would not wait."""
        return self._ticket is None or self._sampler._poll(self._ticket)

    def result(self):
        """Waits for the batch and gives its Results. Raises what went wrong on the device."""
        if self._ticket is not None:
            try:
                self._sampler._wait(self._ticket)
                self._results.trim()
            except InUse:
                raise
            except Exception as error:   # the batch is done with all the same
                self._error = error
            self._ticket = self._owners = None
        if self._error is not None:
            raise self._error
        return self._results

    def __del__(self):
        # Nobody will ask: the sampler waits before its next call, and keeps what the device still reads till then.
        if getattr(self, "_ticket", None) is not None:
            self._sampler._abandoned.append((self._ticket, self._owners, self._results))
