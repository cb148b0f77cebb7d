"""GGUF files, in which llama.cpp keeps models: their fields, and their tensors as float32."""
from __future__ import annotations

import mmap
import struct
from typing import Any, Callable

import numpy as np
from numpy.typing import NDArray

_MAGIC, _VERSIONS = b"GGUF", (2, 3)
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_BLOCK = 32   # elements that share a scale in the quantised types
_Q4_1 = np.dtype([("scale", "<f2"), ("least", "<f2"), ("nibbles", "u1", _BLOCK // 2)])
_Q8_0 = np.dtype([("scale", "<f2"), ("values", "i1", _BLOCK)])


def _of_floats(blocks: NDArray[Any]) -> NDArray[np.float32]:
    return blocks.astype(np.float32)


def _of_q4_1(blocks: NDArray[Any]) -> NDArray[np.float32]:
    values = np.empty((len(blocks), _BLOCK), np.float32)
    values[:, :_BLOCK // 2] = blocks["nibbles"] & 15   # the low halves come first
    values[:, _BLOCK // 2:] = blocks["nibbles"] >> 4
    values *= blocks["scale"].astype(np.float32)[:, None]
    values += blocks["least"].astype(np.float32)[:, None]
    return values


def _of_q8_0(blocks: NDArray[Any]) -> NDArray[np.float32]:
    values: NDArray[np.float32] = blocks["values"] * blocks["scale"].astype(np.float32)[:, None]
    return values


# By the number of a tensor's type: what it is stored as, the elements in one of these, and how they are read.
_TENSORS: dict[int, tuple[np.dtype[Any], int, Callable[[NDArray[Any]], NDArray[np.float32]]]] = {
    0: (np.dtype("<f4"), 1, _of_floats), 1: (np.dtype("<f2"), 1, _of_floats), 3: (_Q4_1, _BLOCK, _of_q4_1),
    8: (_Q8_0, _BLOCK, _of_q8_0)}


class _Reader:
    """Values one after another."""

    def __init__(self, memory: mmap.mmap) -> None:
        self.memory, self.place = memory, 0

    def scalar(self, letter: str) -> Any:
        value, = struct.unpack_from("<" + letter, self.memory, self.place)
        self.place += struct.calcsize("<" + letter)
        return value

    def string(self) -> str:
        length: int = self.scalar("Q")
        self.place += length
        return self.memory[self.place - length:self.place].decode("utf-8")

    def value(self, kind: int) -> Any:
        if kind == _STRING:
            return self.string()
        if kind != _ARRAY:
            return self.scalar(_SCALARS[kind])
        kind, count = self.scalar("I"), self.scalar("Q")
        if kind in (_STRING, _ARRAY):
            return [self.value(kind) for _ in range(count)]
        array = np.frombuffer(self.memory, "<" + _SCALARS[kind], count, self.place)
        self.place += array.nbytes
        return array.tolist()


class _Fields(dict[str, Any]):
    """Fields by name. ValueError: the file has no such one."""

    def __init__(self, path: str, fields: dict[str, Any]) -> None:
        super().__init__(fields)
        self._path = path

    def __missing__(self, name: str) -> Any:
        raise ValueError(f"{self._path} has no field {name}")


class File:
    """A file with its `fields`, a dict of numbers, strings and lists.

    Raises OSError, and ValueError where it isn't a whole file that this reader knows.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        with open(path, "rb") as file:
            self._memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            self._read_head()
        except (struct.error, KeyError, OverflowError, UnicodeDecodeError) as error:
            raise ValueError(f"{path} is no GGUF file that can be read: {error!r}") from error

    def _read_head(self) -> None:
        reader = _Reader(self._memory)
        if self._memory[:len(_MAGIC)] != _MAGIC:
            raise ValueError(f"{self.path} is no GGUF file")
        reader.place = len(_MAGIC)
        version = reader.scalar("I")
        if version not in _VERSIONS:
            raise ValueError(f"{self.path} has version {version} of GGUF, none of {_VERSIONS}")
        tensors, fields = reader.scalar("Q"), reader.scalar("Q")
        self.fields: dict[str, Any] = _Fields(
            self.path, {reader.string(): reader.value(reader.scalar("I")) for _ in range(fields)})
        self._places: dict[str, tuple[list[int], int, int]] = {}
        for _ in range(tensors):
            name = reader.string()
            shape = [reader.scalar("Q") for _ in range(reader.scalar("I"))][::-1]   # stored with the last axis first
            self._places[name] = (shape, reader.scalar("I"), reader.scalar("Q"))
        alignment = self.fields.get("general.alignment", 32)
        self._start = -(-reader.place // alignment) * alignment

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def tensor(self, name: str) -> NDArray[np.float32]:
        """A tensor as float32, C-contiguous; a matrix has its outputs as rows."""
        if name not in self._places:
            raise ValueError(f"{self.path} has no tensor {name}")
        shape, kind, offset = self._places[name]
        if kind not in _TENSORS:
            raise ValueError(f"{self.path} has {name} in the type {kind}, none of {sorted(_TENSORS)}")
        stored, elements, read = _TENSORS[kind]
        try:
            blocks = np.frombuffer(self._memory, stored, int(np.prod(shape)) // elements, self._start + offset)
        except ValueError as error:
            raise ValueError(f"{self.path} ends within {name}") from error
        return read(blocks).reshape(shape)
