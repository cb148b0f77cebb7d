"""What a generation has come to, and what its model is asked for."""
import numpy as np

from ._room import ParamsRoom
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
    """

    def __init__(self, prompts, tokens, finish, told, params, rules):
        self.prompts, self.tokens, self.finish, self.params = prompts, tokens, finish, params
        self._told, self._rules = told, rules

    @classmethod
    def _start(cls, prompts, params, columns, rules):
        """Before anything is drawn. Sequences that are told no stream have one each: their places."""
        count = len(prompts)
        if params is None and "stream" not in columns:
            columns = {**columns, "stream": np.arange(count, dtype=np.uint32)}
        return cls(prompts, [np.zeros(0, np.int32)] * count, ["not finished"] * count,
                   {name: [np.zeros(0, np.float32)] * count for name in rules.want},
                   Params._of(ParamsRoom(count).copy(params, columns, count)), rules)

    @property
    def logprobs(self):
        return self._told.get("logprobs")

    @property
    def raw_logprobs(self):
        return self._told.get("raw_logprobs")

    def __len__(self):
        return len(self.prompts)

    def __repr__(self):
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

    def __init__(self, sequences, cache_rows, began, ended, tokens):
        self.sequences, self.cache_rows, self.began, self.ended = sequences, cache_rows, began, ended
        self.constraints, self._tokens = {}, tokens

    def __len__(self):
        return len(self.sequences)

    @property
    def tokens(self):
        """All tokens of each, its prompt first: a list of int32 arrays, which stay as they are until the next step."""
        return [self._tokens(sequence) for sequence in self.sequences]

    @property
    def new_tokens(self):
        """Of each the tokens that no step has had before: all of a new one, else the last."""
        new = set(self.began)
        return [tokens if sequence in new else tokens[-1:]
                for sequence, tokens in zip(self.sequences, self.tokens)]

    @property
    def last_tokens(self):
        """The last token of each, int32 (rows,). IndexError: a prompt is empty."""
        return np.array([tokens[-1] for tokens in self.tokens], np.int32)

    def constrain(self, *, masks=None, mask_of_row=None, biases=None, banned_words=None, breakers=None):
        """Sets what this step's tokens are drawn under, as sample takes it, in place of what generate was given."""
        given = {"masks": masks, "mask_of_row": mask_of_row, "biases": biases, "banned_words": banned_words,
                 "breakers": breakers}
        self.constraints.update((name, value) for name, value in given.items() if value is not None)
