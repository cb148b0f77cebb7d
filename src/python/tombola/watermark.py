"""Watermarks: seeds from keys, and how sure a text was drawn with one."""
from ctypes import addressof
from dataclasses import dataclass

import numpy as np

from . import _structs
from ._arrays import integers_of
from ._library import call, lib


@dataclass(frozen=True)
class Detection:
    """Tokens scored, random numbers these were drawn by, their score, and how likely text without the key has it."""

    scored: int
    numbers: int
    score: float
    p_value: float


def watermark_seed(key, tokens):
    """The seed of the race after these tokens, a list or an array of integers."""
    tokens = integers_of("tokens", tokens, np.int32)
    return lib.tombola_watermark_seed(key, tokens.ctypes.data, len(tokens))


def watermark_detect(key, width, tokens, vocabulary, prompt_length=0):
    """Looks for the watermark of a key in a text, a list or an array of tokens. Gives a Detection; needs no device."""
    tokens = integers_of("tokens", tokens, np.int32)
    found = _structs.Detection()
    call(lib.tombola_watermark_detect, key, width, tokens.ctypes.data, len(tokens), vocabulary, prompt_length,
         addressof(found))
    return Detection(found.scored, found.numbers, found.score, found.p_value)
