"""What a generation has come to, and what its model is asked for."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ._room import params_of
from ._rules import Rules
from .ragged import prompts_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._types import Biases, Integers, Masks, TokenSequences
    from .params import Params


class Generation:
    """Sequences that generate has drawn, sequence by sequence in the order of the prompts.

    prompts        the prompts, int32 arrays
    tokens         what was drawn behind them, int32 arrays
    finish         how each ended: "end token" (the last of its tokens), "stopped" (a stop sequence, the last of its
                   tokens, or on_token has ended it), "limit", "invalid row", "empty row" (of the model's: nothing was
                   drawn from it), or "not finished"
    logprobs, raw_logprobs   float32 arrays with an element for each of `tokens`, if they were wanted; else None
    params         Params of the next token of each: offsets have advanced, and what adapts

    Passed to generate in place of prompts, it goes on: those that ended by "limit" or are "not finished".

    >>> import numpy as np, tombola
    >>> def model(step):   # after each token the next one is the most likely
    ...     return np.eye(5, dtype=np.float32)[(step.last_tokens + 1) % 5]
    >>> with tombola.Sampler(vocabulary=5, max_rows=1) as sampler:
    ...     first = sampler.generate(model, [[0]], temperature=0, max_tokens=2)
    ...     sampler.generate(model, first, max_tokens=3).tokens
    [array([1, 2, 3, 4, 0], dtype=int32)]
    """

    def __init__(self, prompts: list[NDArray[np.int32]], tokens: list[NDArray[np.int32]], finish: list[str],
                 told: dict[str, list[NDArray[np.float32]]], params: Params, rules: Rules) -> None:
        self.prompts, self.tokens, self.finish, self.params = prompts, tokens, finish, params
        self._told, self._rules = told, rules

    @classmethod
    def _start(cls, prompts: Any, params: Params | NDArray[Any] | None, columns: Mapping[str, Any],
               rules: Mapping[str, Any]) -> Generation:
        """Before anything is drawn, or the Generation that is passed as prompts, which nothing else may be told then.

        rules   arguments of Rules. Sequences that are told no stream have one each: their places
        """
        if isinstance(prompts, Generation):
            told = [name for name, value in dict(rules, params=params).items() if value is not None and value != ()]
            told += columns
            if told:
                raise TypeError(f"{told[0]} is there, but a generation goes on by its own")
            return prompts
        prompts = prompts_of(prompts)
        count = len(prompts)
        taken = Rules(count, **rules)
        if params is None and "stream" not in columns:
            columns = {**columns, "stream": np.arange(count, dtype=np.uint32)}
        return cls(prompts, [np.zeros(0, np.int32)] * count, ["not finished"] * count,
                   {name: [np.zeros(0, np.float32)] * count for name in taken.want},
                   params_of(params, columns, count), taken)

    def _copy(self) -> Generation:
        """Another one, whose sequences may be put in place of those of this."""
        return Generation(list(self.prompts), list(self.tokens), list(self.finish),
                          {name: list(values) for name, values in self._told.items()}, self.params.copy(), self._rules)

    def _put(self, own: range, part: tuple[Any, ...]) -> None:
        """Puts what has come of some sequences: their tokens, finish, what is told, and an array of params."""
        where = slice(own.start, own.stop)
        self.tokens[where], self.finish[where], told, self.params.array[where] = part
        for name, values in told.items():
            self._told[name][where] = values

    @property
    def logprobs(self) -> list[NDArray[np.float32]] | None:
        """Of each token among those that the filters have left."""
        return self._told.get("logprobs")

    @property
    def raw_logprobs(self) -> list[NDArray[np.float32]] | None:
        """Of each token in the model's row as given."""
        return self._told.get("raw_logprobs")

    def __len__(self) -> int:
        return len(self.prompts)

    def __repr__(self) -> str:
        drawn = ", ".join(f"{len(tokens)} tokens, {finish}" for tokens, finish in zip(self.tokens, self.finish))
        return f"Generation({drawn})"


class Step:
    """What a model is asked for: the logits of the next token of each sequence that is live, in this order.

    sequences    their places among the prompts, increasing
    cache_rows   of each the row of the model's caches that is its own while it lives: 0 to the smaller of max_rows and
                 the number of prompts, less 1
    began        those of `sequences` that are new in this step: what their rows of the caches hold is another's
    ended        sequences that were live in the last step and are no more
    """

    def __init__(self, sequences: list[int], cache_rows: list[int], began: list[int], ended: list[int],
                 tokens: Callable[[int], NDArray[np.int32]]) -> None:
        self.sequences, self.cache_rows, self.began, self.ended = sequences, cache_rows, began, ended
        self._tokens = tokens
        self.constraints: dict[str, Any] = {}

    def __len__(self) -> int:
        return len(self.sequences)

    @property
    def tokens(self) -> list[NDArray[np.int32]]:
        """All tokens of each, its prompt first: a list of int32 arrays, which stay as they are until the next step."""
        return [self._tokens(sequence) for sequence in self.sequences]

    @property
    def new_tokens(self) -> list[NDArray[np.int32]]:
        """Of each the tokens that no step has had before: all of a new one, else the last."""
        new = set(self.began)
        return [tokens if sequence in new else tokens[-1:]
                for sequence, tokens in zip(self.sequences, self.tokens)]

    @property
    def last_tokens(self) -> NDArray[np.int32]:
        """The last token of each, int32 (rows,). IndexError: a prompt is empty."""
        return np.array([tokens[-1] for tokens in self.tokens], np.int32)

    def constrain(self, *, masks: Masks | None = None, mask_of_row: Integers | None = None,
                  biases: Biases | None = None, banned_words: TokenSequences | None = None,
                  breakers: TokenSequences | None = None) -> None:
        """Sets what this step's tokens are drawn under, as sample takes it, in place of what generate was given."""
        given = {"masks": masks, "mask_of_row": mask_of_row, "biases": biases, "banned_words": banned_words,
                 "breakers": breakers}
        self.constraints.update((name, value) for name, value in given.items() if value is not None)
