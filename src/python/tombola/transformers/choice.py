"""The choice of the next tokens, in the place where Transformers' own decoding loop asks for it.

The loop calls its logits processors, and takes the argmax of what they give. Choice stands for the processors; what it
gives is a tensor whose argmax are the tokens that the sampler has drawn.
"""
import numpy as np
import torch
from transformers import LogitsProcessorList, StoppingCriteriaList

from ..params import Params
from ..ragged import Ragged
from ..results import EMPTY
from ..torch._tensors import NEEDY, host_rows, without_filters
from .history import History
from .rules import split


class Drawn(torch.Tensor):
    """Scores of rows whose tokens are drawn already: these are their argmax. Without scores there is nothing else."""

    tokens, has_scores = None, True

    @classmethod
    def of(cls, tokens, scores=None):
        drawn = (torch.empty(0) if scores is None else scores).as_subclass(cls)
        drawn.tokens, drawn.has_scores = tokens, scores is not None
        return drawn

    @classmethod
    def __torch_function__(cls, function, types, arguments=(), options=None):
        own = arguments[0] if arguments else None
        if isinstance(own, Drawn):
            if function in (torch.argmax, torch.Tensor.argmax) and own.tokens is not None:
                return own.tokens
            if not own.has_scores:
                raise NotImplementedError(f"{function.__name__} is asked of tokens that are drawn already; with "
                                          "output_scores=True and return_dict_in_generate=True there are scores")
        return super().__torch_function__(function, types, arguments, options)


class Watched(StoppingCriteriaList):
    """Stopping criteria that remember which rows they have ended."""

    ended = False

    def __call__(self, input_ids, scores, **options):
        done = super().__call__(input_ids, scores, **options)
        self.ended = self.ended | done.cpu().numpy()
        return done


class Choice:
    """Draws the next token of each row. Stands where the decoding loop has its logits processors.

    processors   those that generate() has made, a LogitsProcessorList
    input_ids    (rows, length), the prompts; mask: 1 where they are none of padding, None everywhere
    ends         the tokens that end a sequence
    greedy       whether to take the most likely token
    has_scores   whether to tell the scores, in `scores`
    """

    def __init__(self, samplers, processors, input_ids, mask, *, params, seeds, offsets, streams, ends, greedy, want,
                 has_scores):
        rows, prompt = input_ids.shape
        before, self._part = split(processors, prompt)
        self._before = LogitsProcessorList(before)
        self._samplers, self._greedy, self._want, self._has_scores = samplers, greedy, want, has_scores
        self._device, self._step = input_ids.device, 0
        ends = np.asarray(self._part.ends or ends or (), np.int32)
        self._ends = Ragged(np.tile(ends, rows), np.arange(1, rows + 1, dtype=np.uintp) * np.uintp(len(ends)))
        self._offsets = np.asarray(offsets, np.uint64)
        columns = {"seed": seeds, "stream": streams, **self._part.params, **({"temperature": 0} if greedy else {}),
                   **params}
        self.params = Params(rows, **columns)
        self._adapts = bool((self.params.mirostat > 0).any() or (self.params.adaptive_target >= 0).any())
        self._history = None
        if columns.keys() & NEEDY or self._part.words:
            self._history = History(input_ids.cpu().numpy(), None if mask is None else mask.cpu().numpy())
        self.criteria, self.results, self.scores = Watched(), [], []

    def watch(self, criteria):
        """The same criteria, watched for the rows that they end."""
        self.criteria = Watched(criteria)
        return self.criteria

    def _lists(self):
        """What else the sampler is to be given at this step."""
        lists, part = {}, self._part
        biases = {**part.biases, **part.begin.get(self._step, {})}
        if biases:
            lists["biases"] = biases
        if self._history is not None:
            lists.update(history=self._history.lists(), prompt_lengths=self._history.prompt_lengths,
                         end_tokens=self._ends)
        if part.words:
            lists["banned_words"] = part.words
        if self._step in part.forced:
            lists["forced"] = [part.forced[self._step]]
        self.params.forced_from = self._step if self._step in part.forced and self._history is not None else 0
        return lists

    def __call__(self, input_ids, logits):
        """The tokens drawn, as the argmax of what is returned.

        logits  (rows, vocabulary). Read where they lie, if it is in host memory
        Raises ValueError where a row has nothing to draw, or holds NaN or +inf.
        """
        logits = host_rows(self._before(input_ids, logits) if self._before else logits)
        lists, sampler = self._lists(), self._samplers.of(logits)
        self.params.offset = self._offsets + np.uint64(self._step)
        own = ("processed_logits",) * self._has_scores + ("observed",) * self._adapts
        results = sampler.sample(logits, self.params, want=("tokens", "status", *self._want, *own), **lists)
        live = np.broadcast_to(~np.asarray(self.criteria.ended), len(logits))
        self._check(results.status, live)
        scores = self._score(sampler, logits, lists, results) if self._has_scores else None
        if self._want:
            self.results.append(results)
        if self._history is not None:
            self._history.append(results.tokens, live)
        if self._adapts:
            self.params.observe(np.where(live, results.observed, -np.inf))
        self._step += 1
        tokens = torch.from_numpy(np.maximum(results.tokens, 0).astype(np.int64)).to(self._device)
        return Drawn.of(tokens, scores)

    def _check(self, status, live):
        wrong = np.flatnonzero((status != 0) & live)
        if len(wrong):
            row = int(wrong[0])
            raise ValueError(f"row {row} has no token to draw at step {self._step}: " + (
                "every token is ruled out" if status[row] == EMPTY else "its logits hold NaN or +inf"))

    def _score(self, sampler, logits, lists, results):
        """Scores as Transformers has them: processed, divided by the temperature, -inf where a filter has cut."""
        processed = results.processed_logits
        if self._greedy:   # where all tokens have one
            whole = without_filters(self.params)
            whole.temperature = 1
            processed = sampler.sample(logits, whole, want="processed_logits", **lists).processed_logits
        else:
            heat = self.params.temperature
            processed = processed / np.where(heat < 1e-5, np.float32(1), heat)[:, None]
        scores = torch.from_numpy(processed).to(self._device)
        self.scores.append(scores.log_softmax(-1) if self._part.normalised else scores)
        return self.scores[-1]
