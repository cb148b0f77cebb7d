"""What goes wrong, as exceptions: one for each status of the library."""
from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .generation import Generation

_PLACE = re.compile(r"^([a-z_]+(?:\.[a-z_]+)*)(?:\[(\d+)\])?(?:\.([a-z_]+))?")
_SEQUENCE = re.compile(r"^sequences\[(\d+)\](?:\.|: )")
_ROW = re.compile(r"\brow (\d+)\b")
# The library's names for parts of what is one argument in Python.
_WHOLE = {"words": "banned_words", "word_ends": "banned_words", "breaker_ends": "breakers",
          "thinking_start": "thinking", "thinking_end": "thinking"}
_NAME = re.compile(r"(\w+)(?:\[(\d+)\])?")


class TombolaError(Exception):
    """Any error of the library's.

    message   the sentence that the library says
    argument  the name of the argument at fault, as "top_p" or "mask_of_row"; None where no argument is
    row       the row or the sequence at fault, 0 the first; None where no single one is
    generation  what had been drawn, where a generation ended by it; else None

    >>> error_of(1, "params[3].top_p is 1.5, not from 0 to 1").row
    3
    """

    generation: Generation | None = None

    def __init__(self, message: str, argument: str | None = None, row: int | None = None) -> None:
        super().__init__(message)
        self.message, self.argument, self.row = message, argument, row


class InvalidArgument(TombolaError, ValueError):
    """An argument's value, shape or layout is none that can be taken; nothing was drawn."""


class NoDevice(TombolaError):
    """There is no OpenCL device, none of that name, or one that lacks what is needed."""


class BuildFailed(TombolaError):
    """The device's compiler refused the kernels."""


class SelfTestFailed(TombolaError):
    """The device computes other tokens than the known answers."""


class DeviceFailed(TombolaError):
    """An OpenCL call failed."""


class OutOfMemory(TombolaError, MemoryError):
    """Host or device memory is used up."""


class ModelFailed(TombolaError):
    """The model of a generation failed."""


class Busy(TombolaError):
    """As many batches are in flight as the sampler holds: take the result of one first."""


class Forked(TombolaError):
    """This process was forked from one that had used OpenCL: use start method "spawn", or OpenCL in children alone."""


class TransportFailed(TombolaError):
    """What carries shards' messages has failed."""


class InUse(TombolaError):
    """Another thread is using this sampler: each thread needs one of its own; a context serves them all."""


_CLASSES = (TombolaError, InvalidArgument, NoDevice, BuildFailed, SelfTestFailed, DeviceFailed, OutOfMemory,
            ModelFailed, Busy, Forked, TransportFailed)
_INVALID, _OUT_OF_MEMORY, _UNKNOWN = 1, 6, 255
_REMEDY = ("\nAn OpenCL device is installed by `apt-get install pocl-opencl-icd` (any CPU), by the vendor's driver "
           "(GPUs), or by pip alone: `pip install tombola[cpu]` (x86 CPUs).")


def error_of(status: int, message: str) -> TombolaError:
    """The exception for a status that is not OK, and the sentence that came with it."""
    kind = _CLASSES[status] if 0 < status < len(_CLASSES) else TombolaError
    if kind is InvalidArgument:
        return kind(message, *_fault_of(message))
    return kind(message + _REMEDY if kind is NoDevice else message)


def _fault_of(message: str) -> tuple[str | None, int | None]:
    """(argument, row) at fault, as a sentence about an invalid argument tells them."""
    sequence = _SEQUENCE.match(message)
    if sequence:   # "sequences[3].end_tokens[0] is ...", or "sequences[3]: params[0].top_p is ..."
        return _fault_of(message[sequence.end():])[0], int(sequence.group(1))
    argument: str | None = None
    row: int | None = None
    place = _PLACE.match(message)
    words = place.group(1).split(".") if place else []
    if place and place.group(3):    # params[3].top_p, and biases[7].token, whose row is told apart
        argument = place.group(3) if words[-1] == "params" else words[-1]
    elif len(words) > 1 or place and place.group(2) or place and message.startswith(" is ", place.end()):
        argument = words[-1]
    told = _ROW.search(message)
    if told:
        row = int(told.group(1))
    elif place and place.group(2) and (words[-1] in ("params", "mask_of_row", "indices", "prompt_lengths")
                                       or words[-1].endswith("_ends")):
        row = int(place.group(2))
    return _WHOLE.get(argument or "", argument), row


def status_of(error: BaseException) -> int:
    """The status of the library's that an exception is nearest to; one that it does not have, for what is none."""
    if type(error) in _CLASSES[1:]:
        return _CLASSES.index(type(error))
    if isinstance(error, MemoryError):
        return _OUT_OF_MEMORY
    return _INVALID if isinstance(error, (TypeError, ValueError)) else _UNKNOWN


def refusal(name: str, words: str, row: int | None = None) -> InvalidArgument:
    """The exception for an argument that the package refuses itself.

    name   begins its message: the argument as the caller knows it, as "top_k", "history[3]" or "out['tokens']"
    words  the rest of the sentence
    row    the row at fault, where the name tells none

    >>> error = refusal("history[3]", "has the shape (2, 2)")
    >>> error.argument, error.row
    ('history', 3)
    """
    place = _NAME.match(name)
    argument, told = place.groups() if place else (name, None)
    return InvalidArgument(f"{name} {words}", argument, int(told) if told else row)


@contextmanager
def renamed(**names: str) -> Iterator[None]:
    """Within it an argument that is refused by one name has another, by which the caller knows it."""
    try:
        yield
    except InvalidArgument as error:
        error.argument = names.get(error.argument or "", error.argument)
        raise
