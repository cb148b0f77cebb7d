"""Samplers: batches of logits in, tokens out."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from ctypes import addressof, byref, c_uint64, c_void_p
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from . import _structs
from ._arguments import integer_of, number_of
from ._drawer import Drawer
from ._generate import Loop
from ._library import lib
from ._opencl import event_of, events_of, hand_on, wait_for_arrays
from .batch import Batch, Enqueued, Ticket
from .context import Context
from .errors import renamed
from .generation import Generation
from .params import Params, words_of_fields
from .ragged import Ragged
from .results import Results

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray
    from typing_extensions import Unpack

    from ._columns import Columns
    from ._types import (Biases, ContextOptions, HasPointer, Integers, Logits, OpenCLDevice, Prompts, SampleOptions,
                         TokenLists, Tokens, TokenSequences, TorchType)
    from .generation import Step

_DISPATCHES = {"auto": 0, "row": 1, "spread": 2}


class Sampler(Drawer):
    """Draws from batches of up to `max_rows` rows of `vocabulary` logits. A context manager.

    vocabulary   logits of a row, 1 to 2^23
    max_rows     rows of the largest batch
    dtype        "float32", "float16" or "bfloat16", or numpy's or torch's type: what the logits are
    device       as Context takes it, or a Context, which several samplers may share
    input        "logits" or "probabilities"
    dispatch     "row": a work-group takes a whole row; "spread": many share one; "auto" chooses. Never changes a token
    transfer     how logits in host memory reach the device: "in_place", read where they lie; "staged", copied part by
                 part; "auto": in place where the device shares that memory
    in_flight    batches that may be submitted at once, 1 to 16; 0: 2
    timed        whether `times` has the seconds that the device took
    max_candidates, probabilities, masks, max_biases, max_history
                 make room for these when the sampler is made: candidates of a row; biases, and tokens of histories, of
                 all rows together. Otherwise the first call that wants them makes it
    Other arguments are Context's. Used by one thread at a time: InUse is raised otherwise.
    Raises InvalidArgument, OutOfMemory, and what Context raises.

    >>> import numpy as np
    >>> with Sampler(vocabulary=4, max_rows=2) as sampler:
    ...     sampler.sample(np.array([[1, 3, 2, 0.5], [0, 9, 0, 0]], np.float32), temperature=0).tokens
    array([1, 1], dtype=int32)
    """

    _kept_room = 256   # at first: another call gets more, if it takes that
    _noun, _callee, _release = "sampler", "the model of its generation", lib.tombola_sampler_release

    def __init__(self, vocabulary: int, max_rows: int, dtype: str | DTypeLike | TorchType = "float32",
                 device: str | int | Context | OpenCLDevice | None = None, *,
                 input: Literal["logits", "probabilities"] = "logits",
                 dispatch: Literal["auto", "row", "spread"] = "auto",
                 transfer: Literal["auto", "in_place", "staged"] = "auto", in_flight: int = 2, timed: bool = False,
                 max_candidates: int = 0, probabilities: bool = False, masks: bool = False, max_biases: int = 0,
                 max_history: int = 0, **context_options: Unpack[ContextOptions]) -> None:
        super().__init__(
            lib.tombola_sampler_create, vocabulary, max_rows, dtype, device, context_options, input=input,
            transfer=transfer, masks=masks, max_biases=max_biases, max_history=max_history,
            dispatch=number_of("dispatch", dispatch, _DISPATCHES), timed=bool(timed),
            in_flight=integer_of("in_flight", in_flight, 32),
            max_candidates=integer_of("max_candidates", max_candidates, 32), probabilities=bool(probabilities))
        self._abandoned: list[Any] = []

    # ------------------------------------------------------------------ calls

    def sample(self, logits: Logits, params: Params | NDArray[Any] | None = None, *,
               want: str | Sequence[str] = ("tokens", "status"), **options: Unpack[SampleOptions]) -> Results:
        """Draws a token for each row of a batch, and whatever else is wanted of it.

        logits       (rows, vocabulary) or (vocabulary,), of the sampler's dtype, a row's elements side by side: a numpy
                     array or any with the buffer protocol or __dlpack__ in host memory, or a pyopencl array or buffer
                     of the sampler's context; read where it lies
        params       Params of as many rows, or of one for all; None: the defaults
        want         names of columns of Results, as a sequence or in one string
        samples      tokens to draw from each row
        candidates   how many of the most likely tokens the candidate columns tell of
        out          {column: array} to write into, C-contiguous: numpy arrays, or pyopencl arrays and buffers
        kept_capacity  room for kept_tokens of all rows; by default as much as it takes
        indices      which row of the logits each row is
        masks        (masks, vocabulary) bool, or (masks, words) uint32 or int32 with bit i % 32 of word i / 32 for
                     token i; True allows a token. mask_of_row: the mask of each row, -1 none
        biases       for each row a dict {token: value}; one dict for all rows
        history      for each row its tokens so far, the prompt first; prompt_lengths: so many are the prompt
        end_tokens, forced, score_tokens   for each row a list of tokens; one list for all rows
        banned_words, breakers   for each row a list of token sequences; one list of them for all rows
        thinking     (tokens that begin it, tokens that end it)
        Lists that differ from row to row may also be Ragged.

        Any other argument is a parameter, one value for all rows or one for each; it goes before `params`:

        """
        with self._turn:
            self._settle()
            rows, asked, results = self._batch(logits, params, want, options)
            wait_for_arrays((*rows.owners, *results.columns.values()))
            self._call(lib.tombola_sampler_sample, addressof(rows), addressof(asked))
            if asked.kept_capacity and "kept_tokens" not in (options.get("out") or ()):
                kept = results.trim()
                if kept > asked.kept_capacity and "kept_capacity" not in options:
                    asked.kept_capacity = kept
                    array = results.columns["kept_tokens"] = np.empty(kept, np.int32)
                    asked.kept_tokens.host = array.ctypes.data
                    self._call(lib.tombola_sampler_sample, addressof(rows), addressof(asked))
            return results

    def submit(self, logits: Logits, params: Params | NDArray[Any] | None = None, *,
               want: str | Sequence[str] = ("tokens", "status"), **options: Unpack[SampleOptions]) -> Batch:
        """As sample, but returns a Batch as soon as it is enqueued. Raises Busy if `in_flight` batches are.

        What kept_tokens has no room for is left out: kept_ends tell.
        """
        with self._turn:
            self._settle()
            rows, asked, results = self._batch(logits, params, want, options)
            wait_for_arrays((*rows.owners, *results.columns.values()))
            ticket = c_uint64()
            self._call(lib.tombola_sampler_submit, addressof(rows), addressof(asked), byref(ticket))
            return Batch(Ticket(self, ticket.value), self._abandoned, results, rows.owners)

    def enqueue(self, queue: HasPointer, logits: Logits, params: Params | NDArray[Any] | None = None, *,
                wait_for: Sequence[HasPointer] = (), want: str | Sequence[str] = ("tokens", "status"),
                **options: Unpack[SampleOptions]) -> Batch:
        """As submit, on a queue of the caller's: a Batch whose `event` is complete when all results are there.

        queue     a pyopencl.CommandQueue of the sampler's context and device
        wait_for  pyopencl.Events to wait for before logits and masks on the device are read, besides those that
                  pyopencl arrays know of
        Arrays in `out` of pyopencl's know of the event, so that what pyopencl does with them next comes after it.
        """
        with self._turn:
            self._settle()
            rows, asked, results = self._batch(logits, params, want, options)
            arrays = (*rows.owners, *results.columns.values())
            for what, value in (("queue is", queue), *(("wait_for has", event) for event in wait_for)):
                if not hasattr(value, "int_ptr"):
                    raise TypeError(f"{what} {value!r}, which is none of pyopencl's objects")
            before = [event.int_ptr for event in (*wait_for, *events_of(arrays))]
            event = c_void_p()
            self._call(lib.tombola_sampler_enqueue, queue.int_ptr, addressof(rows), addressof(asked), len(before),
                       (c_void_p * len(before))(*before) if before else None, byref(event))
            batch = Batch(Enqueued(event_of(event.value)), self._abandoned, results, rows.owners)
            hand_on(batch.event, arrays)
            return batch

    def softmax(self, logits: Logits, **options: Unpack[SampleOptions]) -> NDArray[np.float32]:
        """Probabilities of whole rows, at their `temperature`, float32 (rows, vocabulary)."""
        return self.sample(logits, want=("probabilities",), **options).probabilities

    def top_k(self, logits: Logits, k: int, **options: Unpack[SampleOptions]) -> tuple[
            NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]]:
        """(tokens, logits, probabilities at the `temperature`) of the k most likely tokens of each row, (rows, k)."""
        options["candidates"] = k
        want = ("candidate_tokens", "candidate_logits", "candidate_probabilities")
        with renamed(candidates="k"):
            found = self.sample(logits, want=want, **options)
        return found.candidate_tokens, found.candidate_logits, found.candidate_probabilities

    def score(self, logits: Logits, tokens: TokenLists, params: Params | NDArray[Any] | None = None,
              **options: Unpack[SampleOptions]) -> Ragged:
        """Log-probabilities of given tokens among those that pass the filters, float32 as Ragged.

        tokens  for each row a list of them; one list for all rows
        """
        options["score_tokens"] = tokens
        with renamed(score_tokens="tokens"):
            found = self.sample(logits, params, want=("scores",), **options)
        return Ragged(found.scores, found._score_ends)   # type: ignore[arg-type]  # there are some

    def generate(self, model: Callable[[Step], Logits], prompts: Prompts | Generation,
                 params: Params | NDArray[Any] | None = None, *, max_tokens: int | Integers,
                 want: str | Sequence[str] = (), on_token: Callable[[int, int], bool | None] | None = None,
                 end_tokens: TokenLists | None = None, stop: TokenSequences | None = None,
                 forced: TokenLists | None = None, biases: Biases | None = None,
                 banned_words: TokenSequences | None = None, breakers: TokenSequences | None = None,
                 thinking: tuple[Tokens, Tokens] | None = None, **columns: Unpack[Columns]) -> Generation:
        """Lets sequences grow by what is drawn from a model's logits, until each ends. Gives a Generation.

        model        called with a Step; gives the logits of the next token of each of its sequences, as sample takes
                     them. It may constrain the step, and must not use this sampler
        prompts      lists of tokens, as many as there are sequences: more than max_rows wait for a place. Or a
                     Generation, whose sequences go on as if there had been one call for all; only max_tokens and
                     on_token may then be told
        params       Params of as many sequences, or of one for all; None: the defaults, and streams 0, 1, ...
        max_tokens   how many tokens to draw, of all sequences or of each
        want         "logprobs", "raw_logprobs" or both: what to keep of each token drawn
        on_token     called with (sequence, token) for each token drawn, in the order of the sequences, step by step;
                     True ends the sequence
        end_tokens   end a sequence: for each a list of tokens; one list for all sequences
        stop         token sequences that do so when the tokens drawn end with one: for each a list of them, or one list
        forced, biases, banned_words, breakers, thinking   as sample takes them, of all sequences or of each
        Any other argument is a parameter, as of sample.

        An exception of model's or on_token's comes out as it is. It, and any other that ends the generation, has the
        attribute `generation`: what has been drawn so far, which can go on.

        >>> import numpy as np
        >>> def model(step):   # after each token the next one is the most likely
        ...     return np.eye(5, dtype=np.float32)[(step.last_tokens + 1) % 5]
        >>> with Sampler(vocabulary=5, max_rows=2) as sampler:
        ...     sampler.generate(model, [[0], [2, 3]], temperature=0, max_tokens=3, end_tokens=[2]).tokens
        [array([1, 2], dtype=int32), array([4, 0, 1], dtype=int32)]
        """
        rules = dict(want=want, end_tokens=end_tokens, stop=stop, forced=forced, biases=biases,
                     banned_words=banned_words, breakers=breakers, thinking=thinking)
        start = Generation._start(prompts, params, columns, rules)
        return self._go_on(model, start, max_tokens, on_token).whole()

    # ------------------------------------------------------------------ parts

    def _go_on(self, model: Callable[[Step], Any], start: Generation, max_tokens: Any,
               on_token: Callable[[int, int], Any] | None = None, own: range | None = None) -> Loop:
        with self._turn:
            self._settle()
            loop = Loop(self, model, start, max_tokens, on_token, own)
            loop.run()
            return loop

    def _settle(self) -> None:
        """Waits for batches that nobody asks about any more."""
        while self._abandoned:
            flight, _owners, _results = self._abandoned.pop()
            flight.settle()

    # ------------------------------------------------------------------ facts

    @property
    def times(self) -> dict[str, float]:
        """What the sampler has done so far, a dict; seconds are 0 unless it was made with timed=True."""
        return self._told(lib.tombola_sampler_times, _structs.Times())

    @property
    def memory(self) -> dict[str, int]:
        """What the sampler holds, a dict of device_bytes and host_bytes."""
        return self._told(lib.tombola_sampler_memory, _structs.Memory())

    def _told(self, function: Any, struct: Any) -> dict[str, Any]:
        function(self.handle, addressof(struct))
        return {name: getattr(struct, name) for name, _ in struct._fields_[2:]}   # behind struct_size and reserved


Sampler.sample.__doc__ = (Sampler.sample.__doc__ or "") + words_of_fields("        ")
