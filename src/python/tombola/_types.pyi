"""Types of arguments, for type checkers alone."""
from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Optional, Protocol, Tuple, TypedDict, Union

import numpy as np
from numpy.typing import NDArray

from ._columns import Columns, Integers as Integers
from .ragged import Ragged

Place = Tuple[Optional[int], Optional[int], int]   # as tombola.h has TOMBOLA_ARRAY: host, buffer, offset

class HasPointer(Protocol):
    """An OpenCL object of pyopencl's, or another's that has its address."""

    @property
    def int_ptr(self) -> int: ...

class TorchType(Protocol):
    """torch.dtype, of which a type checker that has no torch knows nothing else."""

    @property
    def is_floating_point(self) -> bool: ...

class _OpenCLArray(Protocol):
    @property
    def base_data(self) -> Any: ...
    @property
    def offset(self) -> Any: ...

class _MemoryView(Protocol):
    """memoryview, which is generic to later type checkers alone."""

    @property
    def contiguous(self) -> bool: ...
    @property
    def nbytes(self) -> int: ...

class _HasDLPack(Protocol):
    @property
    def __dlpack__(self) -> Callable[..., Any]: ...

class Comm(Protocol):
    """A communicator of mpi4py's."""

    def Get_rank(self) -> int: ...
    def Get_size(self) -> int: ...
    def Allgather(self, sendbuf: Any, recvbuf: Any) -> None: ...
    def Dup(self) -> Any: ...
    def allgather(self, sendobj: Any) -> Any: ...
    def bcast(self, obj: Any, root: int = ...) -> Any: ...

OpenCLDevice = Union[HasPointer, Tuple[HasPointer, HasPointer]]
Logits = Union[NDArray[Any], _MemoryView, "array[Any]", bytearray, _HasDLPack, _OpenCLArray, HasPointer]
Messages = Union[NDArray[Any], Sequence[Union[NDArray[Any], bytes, bytearray, _MemoryView, _HasDLPack]]]
Masks = Union[NDArray[Any], Sequence[bool], Sequence[Sequence[bool]], _HasDLPack, _OpenCLArray]
Tokens = Integers
Prompts = Union[Sequence[Tokens], Ragged]
TokenLists = Union[Tokens, Sequence[Optional[Tokens]], Ragged]
TokenSequences = Union[Sequence[Tokens], Sequence[Optional[Sequence[Tokens]]]]
_Bias = Union[Mapping[int, float], Sequence[Tuple[int, float]], NDArray[Any]]
Biases = Union[Mapping[int, float], Sequence[Optional[_Bias]], Ragged]

class ContextOptions(TypedDict, total=False):
    """Of a Context that a Sampler opens."""

    lanes: int
    width: int
    teams: int
    build_options: Optional[str]
    cache: Literal["auto", "off"]

class SampleOptions(Columns, total=False):
    """What Sampler.sample and its like take by name."""

    samples: int
    candidates: int
    out: Optional[Mapping[str, Union[NDArray[Any], _OpenCLArray, HasPointer]]]
    kept_capacity: Optional[int]
    indices: Optional[Integers]
    masks: Optional[Masks]
    mask_of_row: Optional[Integers]
    biases: Optional[Biases]
    history: Optional[TokenLists]
    prompt_lengths: Union[None, int, Integers]
    end_tokens: Optional[TokenLists]
    banned_words: Optional[TokenSequences]
    breakers: Optional[TokenSequences]
    forced: Optional[TokenLists]
    thinking: Optional[Tuple[Tokens, Tokens]]
    score_tokens: Optional[TokenLists]
