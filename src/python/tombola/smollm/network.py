"""The forward pass of a Llama: tokens in, logits out, all of it in float32."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Union

import numpy as np
from numpy.typing import NDArray

from . import gguf
from .cache import Cache


_Floats = NDArray[Any]   # float32, all of them; numpy's stubs lose sight of that
_Integers = NDArray[np.int64]
_Places = Union[slice, _Integers]
Tokens = Union[Sequence[int], NDArray[np.int32]]


class _Span:
    """Rows that get equally many tokens, which attend together.

    rows        of the cache: a slice where they follow one another, which saves a copy of what is cached, else int64
    places      which tokens of the step are theirs
    positions   int64 (rows, tokens)
    end         tokens of the longest of these sequences
    """

    def __init__(self, rows: _Integers, places: _Places, positions: _Integers) -> None:
        first, count = int(rows[0]), len(rows)
        follow = np.array_equal(rows, np.arange(first, first + count))
        self.rows: _Places = slice(first, first + count) if follow else rows
        self.row_column, self.places, self.positions = rows[:, None], places, positions
        self.end = int(positions.max()) + 1
        later = np.arange(self.end) > positions[:, None, None, :, None]
        self.hidden = later if later.any() else None


class _Block:
    """The weights of a layer, those that read the same input as one matrix."""

    def __init__(self, file: gguf.File, number: int) -> None:
        def weight(name: str) -> _Floats:
            return file.tensor(f"blk.{number}.{name}.weight")

        self.attention_norm, self.feed_norm = weight("attn_norm"), weight("ffn_norm")
        self.queries_keys_values = np.concatenate([weight("attn_q"), weight("attn_k"), weight("attn_v")])
        self.attention_output = weight("attn_output")
        self.gate_up, self.down = np.concatenate([weight("ffn_gate"), weight("ffn_up")]), weight("ffn_down")


class Network:
    """A Llama from a GGUF file.

    vocabulary   logits of a row
    context      tokens of the longest sequence
    """

    def __init__(self, file: gguf.File) -> None:
        fields = file.fields
        if fields["general.architecture"] != "llama":
            raise ValueError(f"{file.path} has a model of the architecture {fields['general.architecture']}, not llama")
        self.width, self.context = fields["llama.embedding_length"], fields["llama.context_length"]
        self.heads, self.cached_heads = fields["llama.attention.head_count"], fields["llama.attention.head_count_kv"]
        self.head_width = self.width // self.heads
        self._epsilon = np.float32(fields["llama.attention.layer_norm_rms_epsilon"])
        self._scale = np.float32(self.head_width ** -0.5)
        self._frequencies = fields["llama.rope.freq_base"] ** (-np.arange(0, self.head_width, 2) / self.head_width)
        self._embedding = file.tensor("token_embd.weight")
        self._output = file.tensor("output.weight") if "output.weight" in file else self._embedding
        self._output_norm = file.tensor("output_norm.weight")
        self._blocks = [_Block(file, number) for number in range(fields["llama.block_count"])]
        self.vocabulary = len(self._output)

    def cache(self) -> Cache:
        """An empty Cache of the keys and values of sequences."""
        return Cache(len(self._blocks), self.cached_heads, self.head_width)

    def hidden(self, cache: Cache, rows: Sequence[int], chunks: Sequence[Tokens]) -> _Floats:
        """Appends tokens to sequences, and gives their last layer's output.

        rows     the sequences' rows in the cache, each once
        chunks   for each of them its next tokens, at least one
        Returns float32 (tokens of all chunks, width), in the order of the chunks. ValueError: a sequence gets longer
        than the context.
        """
        cache.reserve(max(rows) + 1, 0)
        places, counts = np.asarray(rows, np.int64), np.array([len(chunk) for chunk in chunks])
        starts = cache.lengths[places]
        if (starts + counts).max() > self.context:
            raise ValueError(f"a sequence has more than {self.context} tokens, the model's context")
        cache.reserve(0, int((starts + counts).max()))
        spans = self._spans(places, starts, counts)
        angles = np.concatenate([start + np.arange(count) for start, count in zip(starts, counts)])[:, None]
        angles = angles * self._frequencies
        turn = np.cos(angles).astype(np.float32)[:, None], np.sin(angles).astype(np.float32)[:, None]
        x: _Floats = self._embedding[np.concatenate(chunks)]
        for layer, block in enumerate(self._blocks):
            x = x + self._attend(cache, layer, block, self._norm(x, block.attention_norm), turn, spans)
            x = x + self._feed(block, self._norm(x, block.feed_norm))
        cache.lengths[places] += counts
        return x

    def logits(self, hidden: _Floats) -> _Floats:
        """The logits of what comes after tokens, float32 (tokens, vocabulary), from their hidden states."""
        logits: _Floats = self._norm(hidden, self._output_norm) @ self._output.T
        return logits

    @staticmethod
    def _spans(rows: _Integers, starts: _Integers, counts: _Integers) -> list[_Span]:
        """Single tokens make one span, longer chunks one each."""
        ends = np.cumsum(counts)
        single = np.flatnonzero(counts == 1)
        spans = []
        if len(single):
            everything = len(single) == len(rows)
            spans.append(_Span(rows[single], slice(None) if everything else ends[single] - 1, starts[single, None]))
        for i in np.flatnonzero(counts > 1):
            spans.append(_Span(rows[i:i + 1], slice(ends[i] - counts[i], ends[i]),
                               (starts[i] + np.arange(counts[i]))[None]))
        return spans

    def _norm(self, x: _Floats, weight: _Floats) -> _Floats:
        square = np.einsum("ij,ij->i", x, x) / np.float32(x.shape[1])
        normed: _Floats = x / np.sqrt(square + self._epsilon)[:, None] * weight
        return normed

    @staticmethod
    def _rotate(x: _Floats, turn: tuple[_Floats, _Floats]) -> _Floats:
        """Turns neighbours (0, 1), (2, 3), ... by their token's position. GGUF has the rows of queries and keys in an
        order for which this equals the rotation of the halves in the original model."""
        cos, sin = turn
        even, odd = x[..., 0::2], x[..., 1::2]
        turned = np.empty_like(x)
        turned[..., 0::2] = even * cos - odd * sin
        turned[..., 1::2] = even * sin + odd * cos
        return turned

    def _attend(self, cache: Cache, layer: int, block: _Block, x: _Floats, turn: tuple[_Floats, _Floats],
                spans: list[_Span]) -> _Floats:
        heads, cached, width = self.heads, self.cached_heads, self.head_width
        x = (x @ block.queries_keys_values.T).reshape(len(x), heads + 2 * cached, width)
        turned, values = self._rotate(x[:, :heads + cached], turn), x[:, heads + cached:]
        queries, keys = turned[:, :heads] * self._scale, turned[:, heads:]
        mixed = np.empty((len(x), heads, width), np.float32)
        for span in spans:
            batch, count = span.positions.shape
            for all_cached, new in ((cache.keys[layer], keys), (cache.values[layer], values)):
                all_cached[span.row_column, :, span.positions] = new[span.places].reshape(batch, count, cached, width)
            # Each of the cached heads serves a group of queries: its matrix has a row for each of these and each token.
            asking = queries[span.places].reshape(batch, count, cached, -1, width).transpose(0, 2, 3, 1, 4)
            asking = asking.reshape(batch, cached, -1, width)
            scores = asking @ cache.keys[layer, span.rows, :, :span.end].swapaxes(2, 3)
            weights = self._softmax(scores.reshape(batch, cached, -1, count, span.end), span.hidden)
            found = weights.reshape(scores.shape) @ cache.values[layer, span.rows, :, :span.end]
            found = found.reshape(batch, cached, -1, count, width).transpose(0, 3, 1, 2, 4)
            mixed[span.places] = found.reshape(batch * count, heads, width)
        output: _Floats = mixed.reshape(len(x), -1) @ block.attention_output.T
        return output

    @staticmethod
    def _softmax(scores: _Floats, hidden: NDArray[np.bool_] | None) -> _Floats:
        if hidden is not None:
            scores = np.where(hidden, np.float32(-np.inf), scores)
        weights: _Floats = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        return weights

    @staticmethod
    def _feed(block: _Block, x: _Floats) -> _Floats:
        gate, up = np.split(x @ block.gate_up.T, 2, axis=1)
        with np.errstate(over="ignore"):   # of a gate far below 0: divided by infinity it is 0, as it should be
            gate = gate / (1 + np.exp(-gate))
        output: _Floats = (gate * up) @ block.down.T
        return output
