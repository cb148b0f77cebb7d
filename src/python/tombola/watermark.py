"""Watermarks: seeds from keys, and how sure a text was drawn with one."""
from __future__ import annotations

from ctypes import addressof
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import _structs
from ._arguments import integer_of, integers_of
from ._library import call, lib

if TYPE_CHECKING:
    from ._types import Tokens


@dataclass(frozen=True)
class Detection:
    """Tokens scored, random numbers these were drawn by, their score, and how likely text without the key has it."""

    scored: int
    numbers: int
    score: float
    p_value: float


def watermark_seed(key: int, tokens: Tokens) -> int:
    """The seed of the race after these tokens, a list or an array of integers."""
    tokens = integers_of("tokens", tokens, np.int32)
    return int(lib.tombola_watermark_seed(integer_of("key", key, 64), tokens.ctypes.data, len(tokens)))


def watermark_detect(key: int, width: int, tokens: Tokens, vocabulary: int, prompt_length: int = 0) -> Detection:
    """Looks for the watermark of a key in a text, a list or an array of tokens. Gives a Detection; needs no device.

    key, width     seed and watermark of those who may have drawn the text
    vocabulary     logits of a row
    prompt_length  so many tokens were not drawn
    Raises InvalidArgument.

    >>> watermark_detect(1234, 4, [5, 6, 7, 8, 9, 10], vocabulary=50000, prompt_length=4).scored
    2
    """
    tokens = integers_of("tokens", tokens, np.int32)
    found = _structs.Detection()
    call(lib.tombola_watermark_detect, integer_of("key", key, 64), integer_of("width", width, 32), tokens.ctypes.data,
         len(tokens), integer_of("vocabulary", vocabulary, 64), integer_of("prompt_length", prompt_length, 64),
         addressof(found))
    return Detection(found.scored, found.numbers, found.score, found.p_value)
