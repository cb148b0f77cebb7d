"""Tells on standard error how far a long job is."""
from __future__ import annotations

import sys
import time
from typing import IO

_LEAST, _TERMINAL, _FILE = 1.0, 0.2, 60.0   # seconds before the first, and between two on a terminal or elsewhere


def _time(seconds: float) -> str:
    """ "0:12", "1:02:03" """
    minutes, rest = divmod(int(seconds + 0.5), 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def _rate(amount: float, noun: str, seconds: float) -> str:
    rate = amount / seconds
    return f"{rate:.{2 if rate < 10 else 0}f} {noun}/s"


class Progress:
    """A line that is renewed in place on a terminal, else a line a minute; none within the first second.

    total    how many things there are
    before   how many of them were done when it began
    nouns    what these are, and what else is counted, in the plural
    stream   None: nothing is told
    """

    def __init__(self, total: int, before: int, nouns: tuple[str, str], stream: IO[str] | None,
                 prefix: str = "") -> None:
        self._total, self._before, self._nouns, self._stream, self._prefix = total, before, nouns, stream, prefix
        self._is_terminal = stream is not None and stream.isatty()
        self._began = self._told = time.monotonic()
        self._has_line = False

    def describe(self, done: int, others: int, seconds: float) -> str:
        """ "128 of 1024 prompts (12%), 3.20 prompts/s, 410 tokens/s, 4:40 left"

        done     of all
        others   counted since it began, `seconds` ago
        """
        things, other = self._nouns
        text = f"{done} of {self._total} {things} ({100 * done // self._total}%)"
        if seconds > 0 and done > self._before:
            text += f", {_rate(done - self._before, things, seconds)}"
            text += f", {_rate(others, other, seconds)}" if others else ""
            text += f", {_time((self._total - done) * seconds / (done - self._before))} left"
        return text

    def tell(self, done: int, others: int) -> None:
        """Tells, if it is time to."""
        now = time.monotonic()
        if self._stream is None or now - self._began < _LEAST \
                or now - self._told < (_TERMINAL if self._is_terminal else _FILE):
            return
        self._told = now
        text = self.describe(done, others, now - self._began)
        self._stream.write(f"\r{text}\x1b[K" if self._is_terminal else f"{self._prefix}{text}\n")
        self._stream.flush()
        self._has_line = self._is_terminal

    def clear(self) -> None:
        """Before anything else is written there."""
        if self._has_line and self._stream is not None:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._has_line = False

    def say(self, text: str) -> None:
        """Writes a line of another kind."""
        self.clear()
        (self._stream or sys.stderr).write(f"{self._prefix}{text}\n")
