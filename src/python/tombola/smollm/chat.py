"""Conversations as SmolLM2-Instruct was trained on them."""
from __future__ import annotations

from collections.abc import Sequence

from .tokenizer import Tokenizer

SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
_BEGIN, _END = "<|im_start|>", "<|im_end|>"


def tokens_of(tokenizer: Tokenizer, messages: Sequence[str], system: str = SYSTEM) -> list[int]:
    """The tokens of a conversation up to where the assistant answers.

    messages   texts of the user and the assistant in turn, the user's first
    """
    begin, end = [tokenizer.control[_BEGIN]], [tokenizer.control[_END]]
    turns = [("system", system), *((("assistant", "user")[i % 2 == 0], text) for i, text in enumerate(messages))]
    tokens: list[int] = []
    for role, text in turns:
        tokens += begin + tokenizer.encode(f"{role}\n{text}") + end + tokenizer.encode("\n")
    return tokens + begin + tokenizer.encode("assistant\n")
