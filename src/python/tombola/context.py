"""Devices, and contexts: a device with its compiled kernels."""
from __future__ import annotations

import ctypes
import os
from ctypes import byref, c_size_t, c_uint32, c_void_p
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from . import _structs
from ._arguments import integer_of, number_of
from ._handle import Handle
from ._library import call, lib, text_of
from ._opencl import opencl_of, pyopencl

if TYPE_CHECKING:
    from ._types import OpenCLDevice

_TYPES = ("cpu", "gpu", "other")
_CACHES = {"auto": 0, "off": 1}


@dataclass(frozen=True)
class Device:
    """An OpenCL device. memory is in bytes; is_default marks the one that is tried first when none is named."""

    index: int
    type: str
    is_default: bool
    platform: str
    name: str
    version: str
    driver: str
    memory: int
    compute_units: int

    @classmethod
    def _of(cls, device: _structs.Device) -> Device:
        return cls(device.index, _TYPES[device.type], bool(device.is_default), text_of(device.platform),
                   text_of(device.name), text_of(device.version), text_of(device.driver), device.memory,
                   device.compute_units)


def devices() -> list[Device]:
    """The devices of every OpenCL platform, a list of Device, possibly empty.

    >>> [device.index for device in devices()][:1]
    [0]
    """
    count = c_size_t()
    call(lib.tombola_device_list, None, 0, byref(count))
    array = (_structs.Device * count.value)(*(_structs.Device() for _ in range(count.value)))
    if count.value:
        call(lib.tombola_device_list, array, count.value, byref(count))
    return [Device._of(device) for device in array[:min(count.value, len(array))]]


class Context(Handle):
    """A device with its compiled kernels. Serves samplers on any number of threads; a context manager.

    device         an index, "cpu", "gpu", "pocl" or a part of the device's name; None: $TOMBOLA_DEVICE, else the first
                   GPU that passes the known answers, else the first CPU. Or OpenCL objects of the caller's, as pyopencl
                   has them: a queue, a context of one device, or (context, device)
    lanes, width, teams, build_options   how kernels are compiled: the speed changes, never a token
    cache          "off" keeps no compiled kernels on disk
    Raises NoDevice; for a named device also BuildFailed, SelfTestFailed, DeviceFailed; Forked.

    >>> with Context() as context:
    ...     context.device in devices()
    True
    """

    _noun, _release = "context", lib.tombola_context_close

    def __init__(self, device: str | int | OpenCLDevice | None = None, *, lanes: int = 0, width: int = 0,
                 teams: int = 0, build_options: str | None = None, cache: Literal["auto", "off"] = "auto") -> None:
        options = _structs.ContextOptions(
            lanes=integer_of("lanes", lanes, 32), width=integer_of("width", width, 32),
            teams=integer_of("teams", teams, 32), cache=number_of("cache", cache, _CACHES),
            build_options=None if build_options is None else os.fsencode(build_options))
        handle = c_void_p()
        opencl = opencl_of(device)
        if opencl is not None:
            call(lib.tombola_context_open_cl, *opencl, ctypes.addressof(options), byref(handle))
        else:
            call(lib.tombola_context_open, None if device is None else str(device).encode(),
                 ctypes.addressof(options), byref(handle))
        self._handle = handle

    @property
    def device(self) -> Device:
        """The Device that was taken."""
        device = _structs.Device()
        lib.tombola_context_device(self.handle, ctypes.addressof(device))
        return Device._of(device)

    @property
    def choice(self) -> str:
        """Why it was taken, and others were not: a sentence a line."""
        return text_of(lib.tombola_context_choice(self.handle))

    @property
    def shape(self) -> tuple[int, int, int]:
        """(lanes, width, teams) in force."""
        lanes, width, teams = c_uint32(), c_uint32(), c_uint32()
        lib.tombola_context_shape(self.handle, byref(lanes), byref(width), byref(teams))
        return lanes.value, width.value, teams.value

    @property
    def cl_context(self) -> Any:
        """Its pyopencl.Context, for queues and arrays to be used with it."""
        return pyopencl().Context.from_int_ptr(lib.tombola_context_cl_context(self.handle))

    @property
    def cl_device(self) -> Any:
        """Its pyopencl.Device."""
        return pyopencl().Device.from_int_ptr(lib.tombola_context_cl_device(self.handle))

    def close(self) -> None:
        """Gives the device back, once the samplers on it are closed too."""
        super().close()
