"""OpenCL objects of the caller's, taken by their `int_ptr` as pyopencl's have it: arrays, buffers, queues, contexts."""
from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any

import numpy as np

from .errors import DeviceFailed, InvalidArgument


def memory_of(array: Any) -> Any:
    """The OpenCL buffer that an array lies in, or that it is itself; None: it lies elsewhere."""
    memory = getattr(array, "base_data", array)
    return memory if hasattr(memory, "int_ptr") and hasattr(memory, "size") else None


def opencl_of(device: Any) -> tuple[int, int] | None:
    """(cl_context, cl_device) by address, of a queue, a context with one device, or a pair; None: it is none of these.

    InvalidArgument: the context has several devices.
    """
    if isinstance(device, tuple):
        context, chosen = device
        return context.int_ptr, chosen.int_ptr
    if not hasattr(device, "int_ptr"):
        return None
    if hasattr(device, "context") and hasattr(device, "device"):
        return device.context.int_ptr, device.device.int_ptr
    devices: Any = getattr(device, "devices", ())
    if len(devices) != 1:
        raise InvalidArgument(f"{device} is no queue, nor a context of one device: pass (context, device)", "device")
    return device.int_ptr, devices[0].int_ptr


def events_of(arrays: Iterable[Any]) -> list[Any]:
    """What has to be over before arrays are read or written, as they know it themselves."""
    events: list[Any] = []
    for array in arrays:
        if type(array) is not np.ndarray:   # most are, and this is soon seen
            events += getattr(array, "events", ())
    return events


def wait_for(event: Any) -> None:
    """Waits for an event to be over. DeviceFailed: it has failed."""
    try:
        event.wait()
    except Exception as error:   # one of pyopencl's
        raise DeviceFailed(str(error)) from error


def wait_for_arrays(arrays: Iterable[Any]) -> None:
    """Waits until arrays may be read and written. DeviceFailed: what was to happen to one before has failed."""
    for event in events_of(arrays):
        wait_for(event)


def hand_on(event: Any, arrays: Iterable[Any]) -> None:
    """Tells arrays that what they take part in is over with an event."""
    for array in arrays:
        if hasattr(array, "add_event"):
            array.add_event(event)


def pyopencl() -> Any:
    """The package, which is needed by those alone that have its objects."""
    return importlib.import_module("pyopencl")


def event_of(address: int | None) -> Any:
    """An event that the library has given to its caller."""
    return pyopencl().Event.from_int_ptr(address, retain=False)
