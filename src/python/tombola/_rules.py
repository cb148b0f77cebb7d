"""What the sequences of a generation go by besides their parameters."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ._arguments import integers_of, names_of
from .errors import refusal
from .ragged import bias_lists_of, sequence_lists_of, tokens_of

_TOLD = ("logprobs", "raw_logprobs")


class Rules:
    """What sequences go by besides their parameters, each by its own. Arguments are those of Sampler.generate."""

    def __init__(self, count: int, want: str | Sequence[str], end_tokens: Any, stop: Any, forced: Any, biases: Any,
                 banned_words: Any, breakers: Any, thinking: Any) -> None:
        self.want = names_of(want)
        for name in self.want:
            if name not in _TOLD:
                raise refusal("want", f"has '{name}', none of: " + ", ".join(_TOLD))
        self.end_tokens = None if end_tokens is None else tokens_of("end_tokens", end_tokens, count)
        self.forced = None if forced is None else tokens_of("forced", forced, count)
        self.stop: list[list[list[int]]] | None = None
        if stop is not None:
            self.stop = [[integers_of(f"stop[{i}]", end, np.int32).tolist() for end in ends]
                         for i, ends in enumerate(sequence_lists_of("stop", stop, count))]
            for i, ends in enumerate(self.stop):
                if not all(ends):
                    raise refusal(f"stop[{i}]", "has an empty sequence")
        self.lists: dict[str, list[Any]] = {}
        for name, value, lists_of in (("biases", biases, bias_lists_of), ("breakers", breakers, sequence_lists_of),
                                      ("banned_words", banned_words, sequence_lists_of)):
            if value is not None:
                self.lists[name] = lists_of(name, value, count)
        self.thinking = thinking
