"""Where the time of a generation goes."""
from __future__ import annotations

import time
from typing import Any, Callable

from ..generation import Step


class Timed:
    """A model that counts how long it has been asked, in seconds, and for how many tokens."""

    def __init__(self, model: Callable[[Step], Any]) -> None:
        self._model, self.seconds, self.tokens = model, 0.0, 0

    def __call__(self, step: Step) -> Any:
        start = time.perf_counter()
        logits = self._model(step)
        self.seconds += time.perf_counter() - start
        self.tokens += len(logits)
        return logits


class Stopwatch:
    """A generation's time, in a `with`, and what of it was the model's."""

    def __init__(self, model: Callable[[Step], Any]) -> None:
        self.model = Timed(model)

    def __enter__(self) -> Stopwatch:
        self._start = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._start

    @property
    def sampling(self) -> float:
        """The seconds that weren't the model's: those of drawing, and of all that goes with it."""
        return self.seconds - self.model.seconds

    def __str__(self) -> str:
        share = self.sampling / self.seconds
        return (f"{self.model.tokens} tokens in {self.seconds:.1f} s, {self.model.tokens / self.seconds:.0f} a second; "
                f"{share:.1%} of the time in sampling")
