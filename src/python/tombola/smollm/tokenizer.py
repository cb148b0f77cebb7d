"""Text to tokens and back: byte-level byte-pair encoding, as the model's file has it."""
from __future__ import annotations

import codecs
from collections.abc import Iterable, Sequence
from typing import Any

_CONTROL = 3   # the type of a token that isn't text


def _bytes_of_letters() -> dict[str, int]:
    """Which byte a letter of a token stands for: printable ones for themselves, others for letters from U+0100 on."""
    printable = [*range(0x21, 0x7f), *range(0xa1, 0xad), *range(0xae, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {**{chr(byte): byte for byte in printable}, **{chr(256 + i): byte for i, byte in enumerate(others)}}


class Tokenizer:
    """What a GGUF file has as vocabulary and merges, for the models whose text is split as SmolLM's.

    control   {text: id} of the tokens that aren't text, such as <|im_end|>
    """

    def __init__(self, fields: dict[str, Any]) -> None:
        import tokenizers   # type: ignore[import, unused-ignore]  # which may be missing

        kind = fields["tokenizer.ggml.model"], fields.get("tokenizer.ggml.pre")
        if kind != ("gpt2", "smollm"):
            raise ValueError(f"the model has a tokenizer {kind}, not ('gpt2', 'smollm')")
        letters, texts = _bytes_of_letters(), fields["tokenizer.ggml.tokens"]
        self.control = {text: i for i, (text, kind) in enumerate(zip(texts, fields["tokenizer.ggml.token_type"]))
                        if kind == _CONTROL}
        self._bytes = [text.encode() if text in self.control else bytes(map(letters.__getitem__, text))
                       for text in texts]
        self._encoder = tokenizers.Tokenizer(tokenizers.models.BPE(
            vocab={text: i for i, text in enumerate(texts)},
            merges=[tuple(merge.split(" ")) for merge in fields["tokenizer.ggml.merges"]]))
        self._encoder.pre_tokenizer = tokenizers.pre_tokenizers.Sequence([
            tokenizers.pre_tokenizers.Digits(individual_digits=True),
            tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)])

    def encode(self, text: str) -> list[int]:
        """The tokens of a text, a list. All of it is text: what reads as <|im_end|> doesn't become that token."""
        tokens: list[int] = self._encoder.encode(text, add_special_tokens=False).ids
        return tokens

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of tokens. U+FFFD stands for bytes that are no whole character."""
        return b"".join(self._bytes[token] for token in tokens).decode("utf-8", "replace")

    def stream(self) -> Stream:
        """A Stream of text."""
        return Stream(self._bytes)


class Stream:
    """Text as its tokens come in. A character may be made of several: it is told with the last of them."""

    def __init__(self, texts: Sequence[bytes]) -> None:
        self._texts, self._decoder = texts, codecs.getincrementaldecoder("utf-8")("replace")

    def put(self, token: int) -> str:
        """What a further token makes known of the text, which may be nothing yet."""
        return self._decoder.decode(self._texts[token])

    def end(self) -> str:
        """What is left where the text ends within a character."""
        return self._decoder.decode(b"", True)
