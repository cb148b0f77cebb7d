"""Samplers: batches of logits in, tokens out."""
import ctypes
import threading
from ctypes import addressof, byref, c_int, c_uint64, c_void_p

import numpy as np

from . import _structs
from ._arrays import TYPES, integers_of, rows_of
from ._handle import Handle
from ._library import call, lib
from .context import Context
from .errors import InUse, error_of
from .params import DEFAULT, FIELDS, Params, params_dtype, words_of_fields
from .ragged import Ragged, biases_of, sequences_of, tokens_of
from .results import Results, columns_of

_INPUTS = {"logits": 0, "probabilities": 1}
_DISPATCHES = {"auto": 0, "row": 1, "spread": 2}
_TRANSFERS = {"auto": 0, "in_place": 1, "staged": 2}
_PARAMS_SIZE = params_dtype.itemsize
# A copy of a struct costs half of what making one does.
_ROWS, _ROWS_DEFAULT = _structs.Rows.from_buffer_copy, bytes(_structs.Rows())
_RESULTS, _RESULTS_DEFAULT = _structs.Results.from_buffer_copy, bytes(_structs.Results())
_KEPT_ROOM = 256   # of each row at first, where kept tokens are asked for


def _number_of(name, value, names):
    if value not in names:
        raise ValueError(f"{name} is {value!r}, none of: " + ", ".join(names))
    return names[value]


class Batch:
    """A batch in flight, as submit gives it. Its logits, masks and `out` belong to the sampler until it has ended."""

    def __init__(self, sampler, ticket, results, owners):
        self._sampler, self._ticket, self._results, self._owners = sampler, ticket, results, owners
        self._error = None

    def done(self):
        """Whether result() would not wait."""
        return self._ticket is None or self._sampler._poll(self._ticket)

    def result(self):
        """Waits for the batch and gives its Results. Raises what went wrong on the device."""
        if self._ticket is not None:
            try:
                self._sampler._wait(self._ticket)
                self._results.trim()
            except InUse:
                raise
            except Exception as error:   # the batch is done with all the same
                self._error = error
            self._ticket = self._owners = None
        if self._error is not None:
            raise self._error
        return self._results

    def __del__(self):
        # Nobody will ask: the sampler waits before its next call, and keeps what the device still reads till then.
        if getattr(self, "_ticket", None) is not None:
            self._sampler._abandoned.append((self._ticket, self._owners, self._results))


class Sampler(Handle):
    """Draws from batches of up to `max_rows` rows of `vocabulary` logits. A context manager.

    vocabulary   logits of a row, 1 to 2^23
    max_rows     rows of the largest batch
    dtype        "float32", "float16" or "bfloat16", or numpy's type: what the logits are
    device       as Context takes it, or a Context, which several samplers may share
    input        "logits" or "probabilities"
    dispatch, transfer, in_flight, timed, max_candidates, probabilities, masks, max_biases, max_history
                 as tombola.h has tombola_sampler_options
    Other arguments are Context's. Used by one thread at a time: InUse is raised otherwise.
    Raises InvalidArgument, OutOfMemory, and what Context raises.

    >>> import numpy as np
    >>> with Sampler(vocabulary=4, max_rows=2) as sampler:
    ...     sampler.sample(np.array([[1, 3, 2, 0.5], [0, 9, 0, 0]], np.float32), temperature=0).tokens
    array([1, 1], dtype=int32)
    """

    _noun, _release = "sampler", lib.tombola_sampler_release

    def __init__(self, vocabulary, max_rows, dtype="float32", device=None, *, input="logits", dispatch="auto",
                 transfer="auto", in_flight=2, timed=False, max_candidates=0, probabilities=False, masks=False,
                 max_biases=0, max_history=0, **context_options):
        self._own_context = None
        name = dtype if isinstance(dtype, str) else np.dtype(dtype).name
        options = _structs.SamplerOptions(
            type=_number_of("dtype", name, TYPES), input=_number_of("input", input, _INPUTS),
            dispatch=_number_of("dispatch", dispatch, _DISPATCHES),
            transfer=_number_of("transfer", transfer, _TRANSFERS), timed=bool(timed), in_flight=in_flight,
            max_candidates=max_candidates, probabilities=bool(probabilities), masks=bool(masks),
            max_biases=max_biases, max_history=max_history)
        if isinstance(device, Context):
            if context_options:
                raise TypeError(f"{next(iter(context_options))} is an option of the context that was passed")
            context = device
        else:
            context = self._own_context = Context(device, **context_options)
        for what, value in (("vocabulary", vocabulary), ("max_rows", max_rows)):
            if not 0 <= value < 2**63:
                raise ValueError(f"{what} is {value}, less than 1 or too large")
        handle = c_void_p()
        call(lib.tombola_sampler_create, context.handle, vocabulary, max_rows, addressof(options), byref(handle))
        self._handle, self.context = handle, context
        self.vocabulary, self.max_rows, self.dtype = vocabulary, max_rows, name
        self._np_dtype = None if name == "bfloat16" else np.dtype(name)
        self._lock, self._abandoned = threading.Lock(), []
        self._error = _structs.Error()
        self._error_place = ctypes.pointer(self._error)
        self._params = self._defaults = None
        self._room = 0

    # ------------------------------------------------------------------ calls

    def sample(self, logits, params=None, *, want=("tokens", "status"), **options):
        """Draws a token for each row of a batch, and whatever else is wanted of it.

        logits       (rows, vocabulary) or (vocabulary,), of the sampler's dtype, a row's elements side by side: a numpy
                     array or any with the buffer protocol or __dlpack__ in host memory; read where it lies
        params       Params of as many rows, or of one for all; None: the defaults
        want         names of columns of Results, as a sequence or in one string
        samples      tokens to draw from each row
        candidates   how many of the most likely tokens the candidate columns tell of
        out          {column: array} to write into, C-contiguous
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
        if not self._lock.acquire(False):
            raise InUse("another thread is using this sampler")
        try:
            rows, asked, results, _owners = self._batch(logits, params, want, **options)
            if lib.tombola_sampler_sample(self._handle, addressof(rows), addressof(asked), self._error_place):
                self._fail()
            if asked.kept_capacity and "kept_tokens" not in (options.get("out") or ()):
                if results.trim() > asked.kept_capacity and "kept_capacity" not in options:
                    asked.kept_capacity = int(results.kept_ends[-1])
                    kept = results.columns["kept_tokens"] = np.empty(asked.kept_capacity, np.int32)
                    asked.kept_tokens.host = kept.ctypes.data
                    if lib.tombola_sampler_sample(self._handle, addressof(rows), addressof(asked), self._error_place):
                        self._fail()
            return results
        finally:
            self._lock.release()

    def submit(self, logits, params=None, *, want=("tokens", "status"), **options):
        """As sample, but returns a Batch as soon as it is enqueued. Raises Busy if `in_flight` batches are.

        What kept_tokens has no room for is left out: kept_ends tell.
        """
        if not self._lock.acquire(False):
            raise InUse("another thread is using this sampler")
        try:
            rows, asked, results, owners = self._batch(logits, params, want, **options)
            ticket = c_uint64()
            if lib.tombola_sampler_submit(self._handle, addressof(rows), addressof(asked), byref(ticket),
                                          self._error_place):
                self._fail()
            return Batch(self, ticket.value, results, owners)
        finally:
            self._lock.release()

    def softmax(self, logits, temperature=1.0, **options):
        """Probabilities of whole rows, float32 (rows, vocabulary)."""
        return self.sample(logits, want=("probabilities",), temperature=temperature, **options).probabilities

    def top_k(self, logits, k, temperature=1.0, **options):
        """(tokens, logits, probabilities) of the k most likely tokens of each row, (rows, k) each."""
        found = self.sample(logits, want=("candidate_tokens", "candidate_logits", "candidate_probabilities"),
                            candidates=k, temperature=temperature, **options)
        return found.candidate_tokens, found.candidate_logits, found.candidate_probabilities

    def score(self, logits, tokens, params=None, **options):
        """Log-probabilities of given tokens among those that pass the filters, float32 as Ragged.

        tokens  for each row a list of them; one list for all rows
        """
        found = self.sample(logits, params, want=("scores",), score_tokens=tokens, **options)
        return Ragged(found.scores, found._score_ends)

    # ------------------------------------------------------------------ parts

    def _fail(self):
        raise error_of(self._error.status, self._error.message.decode("utf-8", "replace"))

    def _poll(self, ticket):
        if not self._lock.acquire(False):
            raise InUse("another thread is using this sampler")
        try:
            done = c_int()
            if lib.tombola_sampler_poll(self.handle, ticket, byref(done), self._error_place):
                self._fail()
            return bool(done.value)
        finally:
            self._lock.release()

    def _wait(self, ticket):
        if not self._lock.acquire(False):
            raise InUse("another thread is using this sampler")
        try:
            if lib.tombola_sampler_wait(self.handle, ticket, self._error_place):
                self._fail()
        finally:
            self._lock.release()

    def _settle(self):
        while self._abandoned:
            ticket, _owners, _results = self._abandoned.pop()
            lib.tombola_sampler_wait(self._handle, ticket, self._error_place)

    def _make_room(self, count):
        self._room = min(self.max_rows, max(count, 2 * self._room))
        self._params = np.empty(self._room, params_dtype)
        self._defaults = np.repeat(DEFAULT, self._room)
        self._views = {name: self._params[name] for name in FIELDS}
        self._params_place, self._defaults_place = self._params.ctypes.data, self._defaults.ctypes.data

    def _params_of(self, params, columns, count):
        """The address of `count` parameters."""
        if params is not None:
            array = params.array if isinstance(params, Params) else params
            if not isinstance(array, np.ndarray) or array.dtype != params_dtype or array.ndim != 1:
                raise TypeError("params are neither Params nor an array of params_dtype")
            if len(array) not in (1, count):
                raise ValueError(f"params has {len(array)} rows, but there are {count}")
            if len(array) == count and not columns and array.flags.c_contiguous and array.flags.aligned:
                return array.ctypes.data
        if count > self._room:
            self._make_room(count)
        if params is not None:
            self._params[:count] = array
        else:
            ctypes.memmove(self._params_place, self._defaults_place, count * _PARAMS_SIZE)
        for name, value in columns.items():
            field = FIELDS.get(name)
            if field is None:
                raise TypeError(f"there is no parameter {name}")
            if type(value) is not np.ndarray or value.dtype is not field.dtype:
                value = field.convert(value)
            try:
                self._views[name][:count] = value
            except ValueError:
                raise ValueError(f"{name} has the shape {np.shape(value)}, but there are {count} rows") from None
        return self._params_place

    def _batch(self, logits, params, want, *, samples=1, candidates=0, out=None, kept_capacity=None, indices=None,
               masks=None, mask_of_row=None, biases=None, history=None, prompt_lengths=None, end_tokens=None,
               banned_words=None, breakers=None, forced=None, thinking=None, score_tokens=None, **columns):
        """The structs of a call, its Results, and what has to live until it has ended."""
        self.handle   # raises once it is closed
        if self._abandoned:
            self._settle()
        vocabulary = self.vocabulary
        if type(logits) is np.ndarray and logits.dtype is self._np_dtype and logits.ndim == 2 \
                and logits.shape[1] == vocabulary and logits.flags.carray:
            address, count, stride, owner = logits.ctypes.data, len(logits), vocabulary, logits
        else:
            address, count, stride, owner = rows_of(logits, self.dtype, vocabulary)
        rows, asked, owners = _ROWS(_ROWS_DEFAULT), _RESULTS(_RESULTS_DEFAULT), [owner]

        def place(array):
            owners.append(array)
            return array.ctypes.data

        if indices is not None:
            indices = integers_of("indices", indices, np.uint32)
            if len(indices) and int(indices.max()) >= count:
                raise ValueError(f"indices has {indices.max()}, but the logits have {count} rows")
            count = len(indices)
            rows.indices = place(indices)
        if not 1 <= count <= self.max_rows:
            raise ValueError(f"there are {count} rows, not from 1 to the sampler's max_rows {self.max_rows}")
        rows.count, rows.stride = count, stride
        rows.logits.host = address
        rows.params = self._params_of(params, columns, count)

        if masks is not None:
            self._masks(rows, masks, mask_of_row, count, place)
        elif mask_of_row is not None:
            raise TypeError("mask_of_row is there, but no masks")
        if biases is not None:
            values, ends = biases_of("biases", biases, count)
            rows.biases, rows.bias_ends = place(values), place(ends)
        if history is not None:
            values, ends = tokens_of("history", history, count)
            rows.history, rows.history_ends = place(values), place(ends)
            if prompt_lengths is not None:
                if isinstance(prompt_lengths, (int, np.integer)):
                    prompt_lengths = [prompt_lengths] * count
                rows.prompt_lengths = place(integers_of("prompt_lengths", prompt_lengths, np.uintp, count))
        elif prompt_lengths is not None:
            raise TypeError("prompt_lengths is there, but no history")
        if end_tokens is not None:
            values, ends = tokens_of("end_tokens", end_tokens, count)
            rows.end_tokens, rows.end_token_ends = place(values), place(ends)
        if banned_words is not None:
            rows.words, rows.word_ends, rows.banned_ends = map(place, sequences_of("banned_words", banned_words, count))
        if breakers is not None:
            rows.breakers, rows.breaker_ends, rows.breaker_row_ends = map(
                place, sequences_of("breakers", breakers, count))
        if forced is not None:
            values, ends = tokens_of("forced", forced, count)
            rows.forced, rows.forced_ends = place(values), place(ends)
        if thinking is not None:
            start, end = (integers_of("thinking", part, np.int32) for part in thinking)
            rows.thinking_start, rows.thinking_start_count = place(start), len(start)
            rows.thinking_end, rows.thinking_end_count = place(end), len(end)
        score_ends, score_count = None, 0
        if score_tokens is not None:
            values, score_ends = tokens_of("score_tokens", score_tokens, count)
            score_count = int(score_ends[-1])
            rows.score_tokens, rows.score_ends = place(values), place(score_ends)

        if type(want) is str:
            want = want.replace(",", " ").split()
        if not 1 <= samples <= 128:
            raise ValueError(f"samples is {samples}, not from 1 to 128")
        if not 0 <= candidates <= 1024:
            raise ValueError(f"candidates is {candidates}, not from 0 to 1024")
        if "kept_tokens" in want and "kept_ends" not in want:
            want = (*want, "kept_ends")
        if kept_capacity is None:
            kept_capacity = count * min(vocabulary, _KEPT_ROOM)
            if out and "kept_tokens" in out:
                kept_capacity = len(out["kept_tokens"])
        found = columns_of(want, out, {
            "row": count, "sample": (count, samples) if samples > 1 else count, "vocabulary": (count, vocabulary),
            "candidate": (count, candidates), "score": score_count, "kept": kept_capacity})
        if "kept_tokens" in found:
            asked.kept_capacity = kept_capacity
        asked.samples, asked.candidate_count = samples, candidates
        for name, array in found.items():
            getattr(asked, name).host = array.ctypes.data
        return rows, asked, Results(found, score_ends), owners

    def _masks(self, rows, masks, mask_of_row, count, place):
        if not isinstance(masks, np.ndarray) and hasattr(masks, "__dlpack__"):
            masks = np.from_dlpack(masks)
        masks = np.atleast_2d(np.asarray(masks))
        words = -(-self.vocabulary // 32)
        if masks.dtype == np.bool_:
            if masks.shape[1] != self.vocabulary:
                raise ValueError(f"masks has the shape {masks.shape}, not (masks, {self.vocabulary})")
            packed = np.zeros((len(masks), words * 4), np.uint8)
            bits = np.packbits(masks, axis=1, bitorder="little")
            packed[:, :bits.shape[1]] = bits
            masks = packed.view("<u4")
        elif masks.dtype not in (np.uint32, np.int32):
            raise TypeError(f"masks are {masks.dtype}, not bool, uint32 or int32")
        if masks.ndim != 2 or masks.shape[1] < words:
            raise ValueError(f"masks has the shape {masks.shape}, not (masks, {words})")
        masks = np.ascontiguousarray(masks)
        if mask_of_row is None and len(masks) == 1:
            mask_of_row = [0] * count
        if mask_of_row is not None:
            rows.mask_of_row = place(integers_of("mask_of_row", mask_of_row, np.int32, count))
        rows.masks.host, rows.mask_stride, rows.mask_count = place(masks), masks.shape[1], len(masks)

    # ------------------------------------------------------------------ facts

    @property
    def times(self):
        """What the sampler has done so far, a dict; seconds are 0 unless it was made with timed=True."""
        times = _structs.Times()
        lib.tombola_sampler_times(self.handle, addressof(times))
        return {name: getattr(times, name) for name, _ in times._fields_[2:]}

    @property
    def memory(self):
        """What the sampler holds, a dict of device_bytes and host_bytes."""
        memory = _structs.Memory()
        lib.tombola_sampler_memory(self.handle, addressof(memory))
        return {name: getattr(memory, name) for name, _ in memory._fields_[2:]}

    def close(self):
        """Waits for what is running and releases the sampler, and the device that it has opened itself."""
        super().close()
        if self._own_context is not None:
            self._own_context.close()


Sampler.sample.__doc__ += words_of_fields("        ")
