"""Where arrays lie: rows and columns of numbers, taken by address in host memory or by buffer, and never copied."""
from __future__ import annotations

import ctypes
from collections.abc import Iterable
from ctypes import POINTER, c_int32, c_int64, c_uint8, c_uint16, c_uint64, c_void_p
from typing import TYPE_CHECKING, Any

import numpy as np

from ._opencl import memory_of
from .errors import refusal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._types import Place

TYPES = {"float32": 0, "float16": 1, "bfloat16": 2}
_NUMPY: dict[str, np.dtype[Any]] = {name: np.dtype(name) for name in ("float32", "float16")}


class _Tensor(ctypes.Structure):
    """DLTensor of DLPack's ABI, which all versions have."""

    _fields_ = [("data", c_void_p), ("device_type", c_int32), ("device_id", c_int32), ("ndim", c_int32),
                ("code", c_uint8), ("bits", c_uint8), ("lanes", c_uint16), ("shape", POINTER(c_int64)),
                ("strides", POINTER(c_int64)), ("byte_offset", c_uint64)]


_pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
_pointer_of.restype, _pointer_of.argtypes = c_void_p, (ctypes.py_object, ctypes.c_char_p)
_IN_HOST_MEMORY = (1, 3)   # kDLCPU, kDLCUDAHost
_CODES = {(2, 32): "float32", (2, 16): "float16", (4, 16): "bfloat16"}   # by code and bits
_KINDS = {0: "int", 1: "uint", 2: "float", 5: "complex", 6: "bool"}   # what others are called in messages
_SIZES = {name: bits // 8 for (_, bits), name in _CODES.items()}


_byte_of: Any = ctypes.c_char.from_buffer


def address_of(array: NDArray[Any]) -> int:
    """Of a C-contiguous array that may be written, in a quarter of the time that array.ctypes.data takes."""
    return ctypes.addressof(_byte_of(array)) if array.size else array.ctypes.data


class View:
    """An array as the library reads it: address, shape, strides in elements, the name of its type, and its owner.

    buffer  the OpenCL buffer that it lies in, `address` bytes behind its beginning; None: it lies in host memory
    """

    __slots__ = ("address", "shape", "strides", "dtype", "owner", "buffer")

    def __init__(self, address: int, shape: tuple[int, ...], strides: tuple[int, ...], dtype: str, owner: Any,
                 buffer: int | None = None) -> None:
        self.address, self.shape, self.strides, self.dtype, self.owner = address, shape, strides, dtype, owner
        self.buffer = buffer

    def place(self, name: str, size: int) -> Place:
        """Where it lies, as the library's arrays have it. name: the argument it is of; size: of an element"""
        if self.address % size:
            raise refusal(name, "is not aligned to its type")
        return (self.address, None, 0) if self.buffer is None else (None, self.buffer, self.address // size)


def _from_dlpack(array: Any) -> View:
    capsule = array.__dlpack__()   # not consumed: its destructor gives the tensor back
    tensor = _Tensor.from_address(_pointer_of(capsule, b"dltensor"))
    if tensor.device_type not in _IN_HOST_MEMORY:
        raise TypeError(f"logits lie on a device (DLPack's type {tensor.device_type}), not in host memory")
    shape = tuple(tensor.shape[:tensor.ndim])
    if tensor.strides:
        strides = tuple(tensor.strides[:tensor.ndim])
    else:
        strides = tuple(int(np.prod(shape[i + 1:])) for i in range(len(shape)))
    name = _CODES.get((tensor.code, tensor.bits)) or f"{_KINDS.get(tensor.code, 'code ')}{tensor.bits}"
    return View((tensor.data or 0) + tensor.byte_offset, shape, strides, name, (capsule, array))


def _elements(strides: Iterable[int], size: int) -> tuple[int, ...]:
    if any(s % size for s in strides):
        raise refusal("logits", "have strides that are no whole elements")
    return tuple(s // size for s in strides)


def _from_opencl(array: Any, memory: Any) -> View:
    """One of pyopencl's arrays, or a buffer, which tells no more than how many bytes it has."""
    if array is memory:
        return View(0, (memory.size,), (1,), "bytes", memory, memory.int_ptr)
    dtype = np.dtype(array.dtype)
    return View(array.offset, tuple(array.shape), _elements(array.strides, dtype.itemsize), dtype.name, array,
                memory.int_ptr)


def _from_numpy(array: NDArray[Any], owner: Any) -> View:
    name = array.dtype.name if array.dtype.isnative else f"{array.dtype.str} (of the other byte order)"
    return View(array.ctypes.data, array.shape, _elements(array.strides, array.itemsize), name, owner)


def view_of(array: Any) -> View:
    """A numpy array, an object with the buffer protocol, one with __dlpack__, or one of pyopencl's, as it lies."""
    if isinstance(array, np.ndarray):
        if hasattr(array, "mask"):
            raise TypeError("logits are a masked array, of which the library would read all: pass masks as masks=")
        return _from_numpy(array, array)
    memory = memory_of(array)
    if memory is not None:
        return _from_opencl(array, memory)
    if hasattr(array, "__dlpack__"):
        return _from_dlpack(array)
    try:
        taken = np.asarray(memoryview(array))
    except (TypeError, ValueError):
        raise TypeError(f"logits of type {type(array).__name__} are no array: neither numpy's, nor with the buffer "
                        "protocol, nor with __dlpack__, nor pyopencl's") from None
    return _from_numpy(taken, array)


def rows_of(logits: Any, dtype: str, vocabulary: int) -> tuple[Place, int, int, Any]:
    """(place, rows, elements from one row to the next, owner) of the logits of a batch.

    dtype   what they have to be; bits of bfloat16 may also come as uint16, where numpy lacks the type. A buffer of
            OpenCL's holds as many rows as fit
    Raises TypeError for what is no array or of another type, InvalidArgument for another shape or layout.
    """
    if type(logits) is np.ndarray and logits.dtype is _NUMPY.get(dtype) and logits.ndim == 2 \
            and logits.shape[1] == vocabulary and logits.flags.carray:   # most are, and this is soon seen
        return (address_of(logits), None, 0), len(logits), vocabulary, logits
    view = view_of(logits)
    if view.dtype == "bytes" and view.buffer is not None:
        rows, left = divmod(view.shape[0], vocabulary * _SIZES[dtype])
        if left:
            raise refusal("logits", f"have {view.shape[0]} bytes, no whole rows of {vocabulary} {dtype} logits")
        view = View(0, (rows, vocabulary), (vocabulary, 1), dtype, logits, view.buffer)
    if view.dtype != dtype and not (dtype == "bfloat16" and view.dtype == "uint16"):
        raise TypeError(f"logits are {view.dtype}, but they were to be {dtype}")
    shape, strides = view.shape, view.strides
    if len(shape) == 1:
        shape, strides = (1, *shape), (vocabulary, *strides)
    if len(shape) != 2 or shape[1] != vocabulary:
        raise refusal("logits", f"have the shape {view.shape}, not (rows, {vocabulary})")
    if strides[1] != 1 and vocabulary > 1:
        raise refusal("logits", f"of a row lie {strides[1]} elements apart, not 1: pass a C-contiguous array")
    stride = strides[0] if shape[0] > 1 else vocabulary
    if stride < vocabulary:
        raise refusal("logits", f"have rows {stride} elements apart, less than the vocabulary {vocabulary}")
    return view.place("logits", _SIZES[dtype]), shape[0], stride, view.owner


def column_of(name: str, array: Any, dtype: np.dtype[Any], shape: tuple[int, ...]) -> tuple[Any, Place]:
    """(array, place) of an array of the caller's for a column of results, if it can be written as it lies."""
    memory = memory_of(array)
    if memory is array:
        if memory.size < int(np.prod(shape)) * dtype.itemsize:
            raise refusal(f"out['{name}']", f"has {memory.size} bytes, too few for {shape} of {dtype}")
        return array, (None, memory.int_ptr, 0)
    if memory is None and not isinstance(array, np.ndarray) or np.dtype(array.dtype) != dtype:
        raise TypeError(f"out['{name}'] is {getattr(array, 'dtype', type(array).__name__)}, not an array of {dtype}")
    if array.shape != shape:
        raise refusal(f"out['{name}']", f"has the shape {array.shape}, not {shape}")
    if not array.flags.c_contiguous or memory is None and not array.flags.aligned:
        raise refusal(f"out['{name}']", "is not C-contiguous and aligned")
    if memory is not None:
        return array, _from_opencl(array, memory).place(f"out['{name}']", dtype.itemsize)
    if not array.flags.writeable:
        raise refusal(f"out['{name}']", "is read-only")
    return array, (array.ctypes.data, None, 0)
