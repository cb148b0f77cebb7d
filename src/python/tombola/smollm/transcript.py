"""Texts on a terminal, as they are generated."""
from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import Callable

from .tokenizer import Stream, Tokenizer


class Wrapped:
    """Writes text with its lines broken at spaces, each behind `indent`.

    width   in characters, the indent included; None writes the text as it is
    """

    def __init__(self, write: Callable[[str], object], width: int | None = None, indent: str = "") -> None:
        self._write, self._width, self._indent = write, width, indent
        self._column, self._spaces, self._word, self._is_new = 0, "", "", True

    def put(self, text: str) -> None:
        """Writes all of a text but for the word that it ends in, which may go on."""
        if self._width is None:
            self._write(text)
            self._is_new = text.endswith("\n") if text else self._is_new
            return
        for letter in text:
            if letter == "\n":
                self._end_word()
                self._write("\n")
                self._column, self._spaces, self._is_new = 0, "", True
            elif letter == " ":
                self._end_word()
                self._spaces += " "
            elif letter != "\r":   # a model may say what a terminal would obey
                self._word += letter if letter.isprintable() or letter == "\t" else "\ufffd"

    def end(self) -> None:
        """Writes the last word, and ends the line."""
        self._end_word()
        if not self._is_new:
            self._write("\n")

    def _end_word(self) -> None:
        if self._width is None or not self._word:
            return
        length = len(self._spaces) + len(self._word)
        if self._is_new:
            self._write(self._indent)
        elif self._column + length > self._width - len(self._indent):
            self._write("\n" + self._indent)
            self._column, self._spaces = 0, ""
            length = len(self._word)
        self._write(self._spaces + self._word)
        self._column, self._spaces, self._word, self._is_new = self._column + length, "", "", False


class Transcript:
    """The texts of several sequences, one below the other: the first that goes on is written as it comes, and those
    behind it when their turn is there. An on_token of Sampler.generate.

    write        takes text
    tokenizer    of the model
    heads        of each sequence what is written above it, and how its text begins
    max_tokens   tokens of each at most
    end_tokens   those that end it, which aren't shown
    width, indent   as Wrapped has them
    """

    def __init__(self, write: Callable[[str], object], tokenizer: Tokenizer, heads: Sequence[tuple[str, str]],
                 max_tokens: int, end_tokens: Container[int] = (), width: int | None = None, indent: str = "") -> None:
        self._write, self._heads, self._wrapped_as = write, heads, (width, indent)
        self._streams: list[Stream | None] = [tokenizer.stream() for _ in heads]
        self._waiting = [[begin] for _, begin in heads]
        self._counts, self._max_tokens, self._end_tokens = [0] * len(heads), max_tokens, end_tokens
        self._current = 0
        self._open()
        self._flush()

    def __call__(self, sequence: int, token: int) -> None:
        stream = self._streams[sequence]
        self._counts[sequence] += 1
        is_end = token in self._end_tokens
        text = "" if is_end or stream is None else stream.put(token)
        if is_end or self._counts[sequence] == self._max_tokens:
            text += stream.end() if stream else ""
            self._streams[sequence] = None
        self._waiting[sequence].append(text)
        if sequence == self._current:
            self._flush()

    def take(self, tokens: Iterable[int], sequence: int = 0) -> None:
        """Takes all that a sequence has, and ends."""
        for token in tokens:
            self(sequence, token)
        self.end()

    def end(self) -> None:
        """Writes what is left where the generation has ended before all sequences have."""
        self._streams = [None] * len(self._streams)
        self._flush()

    def _open(self) -> None:
        if self._current < len(self._heads):
            self._write(self._heads[self._current][0])
            self._wrapped = Wrapped(self._write, *self._wrapped_as)

    def _flush(self) -> None:
        """Writes what there is of the current sequence; where that is all, the next one's turn comes."""
        while self._current < len(self._heads):
            for text in self._waiting[self._current]:
                self._wrapped.put(text)
            self._waiting[self._current].clear()
            if self._streams[self._current] is not None:
                return
            self._wrapped.end()
            self._current += 1
            self._open()
