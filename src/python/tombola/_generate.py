"""The library's generate, with callbacks that ask a model of Python's."""
from __future__ import annotations

import ctypes
from collections.abc import Callable, Generator, Iterator
from ctypes import addressof, c_int, c_size_t, c_void_p
from types import GeneratorType
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _structs
from ._arguments import integers_of
from ._library import lib, text_of
from ._opencl import wait_for_arrays
from ._rows import Rows
from .errors import InvalidArgument, ModelFailed, TombolaError, refusal, renamed
from .generation import Generation, Step

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .sampler import Sampler

_STOP_SEQUENCE, _STOP_ALL = 1, 2

# Both callbacks are a generator's own `send`: the library's `user` is the generator, and the argument that follows
# comes out of its `yield`. (Those behind are left alone, as C's callers clean up.) No line of Python runs outside the
# generator's `try`, so that an exception which a signal raises, such as KeyboardInterrupt, is caught wherever it comes;
# as one of a Python function's it could come before the function's first line, where ctypes prints it and goes on.
_RESUME = ctypes.CFUNCTYPE(c_int, ctypes.py_object, c_void_p)(GeneratorType.send)
_RESUME_ADDRESS = ctypes.cast(_RESUME, c_void_p).value


class Loop:
    """One call of the library's generate, which lets those sequences of a Generation go on that may.

    own   the places of sequences, of which alone it lets some go on; None: of all
    """

    def __init__(self, sampler: Sampler, model: Callable[[Step], Any], start: Generation, max_tokens: Any,
                 on_token: Callable[[int, int], Any] | None, own: range | None = None) -> None:
        self._sampler, self._model, self._start, self._on_token = sampler, model, start, on_token
        self._rules, count = start._rules, len(start)
        if isinstance(max_tokens, (int, np.integer)):
            limits = integers_of("max_tokens", [max_tokens], np.int32, of_rows=True)
        else:
            limits = integers_of("max_tokens", max_tokens, np.int32, count)
        if int(limits.min()) < 1:
            raise refusal("max_tokens", f"is {limits.min()}, less than 1", int(limits.argmin()))
        limits = np.broadcast_to(limits, count)
        if len(start.params) != count:
            raise InvalidArgument(f"the generation's params have {len(start.params)} rows, but there are {count} "
                                  "sequences", "params")
        self._own = range(count) if own is None else own
        self._params = start.params[self._own.start:self._own.stop].copy()
        self._which = [i for i in self._own if start.finish[i] in ("limit", "not finished")]
        self._sequences = (_structs.Sequence * len(self._which))()
        self._position = {which: i for i, which in enumerate(self._which)}
        self._buffers: list[NDArray[np.int32]] = []
        self._told: list[dict[str, NDArray[np.float32]]] = []
        for sequence, which in zip(self._sequences, self._which):
            self._set(sequence, which, int(limits[which]))
        self._listens = on_token is not None or self._rules.stop is not None
        self._live: list[int] = []
        self._lengths: dict[int, int] = {}
        self._order: Iterator[int] = iter(())
        self._stopped: set[int] = set()
        self._ruled_live: list[int] | None = None   # what _ruled_rows hold for
        self._error: BaseException | None = None
        self._is_over = False

    def _set(self, sequence: _structs.Sequence, which: int, limit: int) -> None:
        """Places a sequence with what it has so far, and with room for `limit` tokens more."""
        prompt, drawn = self._start.prompts[which], self._start.tokens[which]
        length = len(prompt) + len(drawn)
        buffer = np.empty(length + limit, np.int32)
        np.concatenate([prompt, drawn], out=buffer[:length])
        self._buffers.append(buffer)
        sequence.struct_size = ctypes.sizeof(sequence)
        sequence.tokens, sequence.length, sequence.max_new_tokens = buffer.ctypes.data, length, limit
        sequence.generated = len(drawn)
        array = self._params.array
        sequence.params = array.ctypes.data + (which - self._own.start) * array.itemsize
        for ragged, field, count in ((self._rules.end_tokens, "end_tokens", "end_token_count"),
                                     (self._rules.forced, "forced", "forced_count")):
            if ragged is not None:
                tokens = ragged.row(which)
                setattr(sequence, field, tokens.ctypes.data)
                setattr(sequence, count, len(tokens))
        told = {name: np.empty(limit, np.float32) for name in self._rules.want}
        for name, values in told.items():
            setattr(sequence, name, values.ctypes.data)
        self._told.append(told)

    def run(self) -> None:
        """Lets them go on. What is raised has the Generation that it has come to as `generation`."""
        if not self._which:
            return
        forward, hear = self._answers(self._forward, 1), self._answers(self._hear, _STOP_ALL)
        next(forward), next(hear)   # up to the first yield
        model = _structs.Model(user=id(forward), forward=_RESUME_ADDRESS)
        try:
            with renamed(tokens="prompts"):
                self._sampler._call(lib.tombola_sampler_generate, addressof(self._sequences), len(self._sequences),
                                    addressof(model), _RESUME_ADDRESS if self._listens else None, id(hear))
        except ModelFailed:
            if self._error is None:
                raise
        except TombolaError as error:
            error.generation = self.whole()
            if error.row is not None and error.message.startswith("sequences["):
                error.row = self._which[error.row]   # the library knows only those that go on
            raise
        finally:
            self._is_over = True
        raised, self._error = self._error, None
        if raised is None:
            return
        raised.generation = self.whole()   # type: ignore[attr-defined]
        try:
            raise raised
        finally:
            del raised   # it holds this frame

    def _answers(self, act: Callable[[int], int], refusal: int) -> Generator[int, int, None]:
        """A generator of what `act` answers to each argument of the library's, and `refusal` where it raises."""
        answer = 0
        while True:
            try:
                while True:   # within `try`, since a loop's end is a place for signals too
                    answer = act((yield answer))
            except BaseException as error:
                if self._is_over:
                    raise
                self._error, answer = error if self._error is None else self._error, refusal

    def _forward(self, place: int) -> int:
        step = _structs.Step.from_address(place)
        live = (c_size_t * step.rows).from_address(step.live)[:]
        before, self._live = self._live, live
        if self._listens:
            self._lengths = {i: self._sequences[i].length for i in live}
            self._order = iter(live)
        which, new, gone = self._which, set(live).difference(before), set(before).difference(live)
        asked = Step([which[i] for i in live], (c_size_t * step.rows).from_address(step.cache_rows)[:],
                     [which[i] for i in sorted(new)], [which[i] for i in sorted(gone)], self._tokens)
        logits = self._model(asked)
        rows = Rows.from_address(step.batch)
        count = rows.put_logits(logits, self._sampler.dtype, self._sampler.vocabulary)
        if count != len(live):
            raise InvalidArgument(f"the model gave {count} rows of logits, but {len(live)} sequences are live",
                                  "logits")
        self._rule(rows, live, asked.constraints)
        wait_for_arrays(rows.owners)
        self._owners = rows.owners   # until the next step
        return 0

    def _tokens(self, which: int) -> NDArray[np.int32]:
        position = self._position[which]
        tokens = self._buffers[position][:self._sequences[position].length]
        tokens.flags.writeable = False
        return tokens

    def _rule(self, rows: Rows, live: list[int], constraints: dict[str, Any]) -> None:
        """Places what the step is drawn under."""
        if not (constraints or self._rules.lists) and self._rules.thinking is None:
            return
        if constraints or live != self._ruled_live:
            made = Rows.of_count(len(live))
            constraints = dict(constraints)
            made.put_masks(constraints.pop("masks", None), constraints.pop("mask_of_row", None),
                           self._sampler.vocabulary)
            lists = {name: [lists[self._which[i]] for i in live] for name, lists in self._rules.lists.items()}
            made.put_lists(**{**lists, **constraints}, thinking=self._rules.thinking)
            self._ruled_rows, self._ruled_live = made, None if constraints else live
        rows.take_rules(self._ruled_rows)

    def _hear(self, _sequences: int) -> int:
        """A sequence has got its token: the next one in the step's order that is longer than it was."""
        position = next(i for i in self._order if self._sequences[i].length != self._lengths[i])
        which, length = self._which[position], self._sequences[position].length
        token = int(self._buffers[position][length - 1])
        stops = self._is_stop(which, self._buffers[position], length, token)
        if self._on_token is not None and self._on_token(which, token):
            stops = True
        if stops:
            self._stopped.add(which)
        return _STOP_SEQUENCE if stops else 0

    def _is_stop(self, which: int, buffer: NDArray[np.int32], length: int, token: int) -> bool:
        if self._rules.stop is None:
            return False
        begin = len(self._start.prompts[which])
        return any(end[-1] == token and buffer[max(begin, length - len(end)):length].tolist() == end
                   for end in self._rules.stop[which])

    def whole(self) -> Generation:
        """The Generation that it has come to."""
        if not self._which:
            return self._start
        whole = self._start._copy()
        whole._put(self._own, self.part())
        return whole

    def part(self) -> tuple[Any, ...]:
        """What has come of its own sequences, as Generation._put takes it."""
        start, own = self._start, slice(self._own.start, self._own.stop)
        tokens, finish = start.tokens[own], start.finish[own]
        told = {name: values[own] for name, values in start._told.items()}
        for which, sequence, buffer, new in zip(self._which, self._sequences, self._buffers, self._told):
            place = which - self._own.start
            before = len(tokens[place])
            tokens[place] = buffer[len(start.prompts[which]):sequence.length].copy()
            finish[place] = text_of(lib.tombola_finish_string(sequence.finish))
            if finish[place] in ("limit", "stopped"):
                if which in self._stopped:
                    finish[place] = "stopped"   # also if its last token did so
                elif finish[place] == "stopped":
                    finish[place] = "not finished"   # on_token has raised
            for name, values in new.items():
                told[name][place] = np.concatenate([told[name][place], values[:len(tokens[place]) - before]])
        return tokens, finish, told, self._params.array
