"""A file of lines that a job writes piece by piece. It is called FILE.part until all is there."""
from __future__ import annotations

import os
import stat
from collections.abc import Sequence

from .journal import Extent

_COPY = 1 << 20   # bytes at a time


def _check(error: OSError, path: str, what: str) -> OSError:
    return OSError(error.errno, f"cannot {what}: {error.strerror}", path)


class Part:
    """The part of a file, open.

    path   of the file; where it is a link, what that leads to is replaced
    ValueError: it is a device or a pipe. OSError: its folder is not there, or may not be written.
    """

    def __init__(self, path: str) -> None:
        try:
            there: os.stat_result | None = os.stat(path)
        except FileNotFoundError:
            there = None
        if there is not None and not stat.S_ISREG(there.st_mode):
            raise ValueError(f"{path}: is no file, but a device, a pipe or a folder")
        self._target, self.end = os.path.realpath(path), 0
        self.path = self._target + ".part"
        self._mode = None if there is None else stat.S_IMODE(there.st_mode)
        self._file = -1

    def open(self, extents: Sequence[Extent]) -> None:
        """Begins, or takes up a part that has these. ValueError: it has not."""
        self.end = max((extent.at + extent.size for extent in extents), default=0)
        self._file = self._open(self.path)
        if os.fstat(self._file).st_size < self.end:
            raise ValueError(f"{self.path}: is shorter than {self.path}.jsonl says; remove both to start anew")
        os.ftruncate(self._file, self.end)   # what was written and not told

    def _open(self, path: str) -> int:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        if self._mode is not None:
            os.fchmod(file, self._mode)   # whoever may read it may go on doing so
        return file

    def put(self, text: bytes) -> int:
        """Adds text, and gives where it begins."""
        at, view = self.end, memoryview(text)
        try:
            while len(view):
                written = os.pwrite(self._file, view, self.end)
                self.end, view = self.end + written, view[written:]
        except OSError as error:
            self.end = at
            raise _check(error, self.path, "write") from error
        return at

    def sync(self) -> None:
        """Waits until all of it is on the disk."""
        try:
            os.fdatasync(self._file)
        except OSError as error:
            raise _check(error, self.path, "write") from error

    def complete(self, extents: Sequence[Extent]) -> None:
        """Leaves the file behind under its name, with the text in the order of the extents, which are all."""
        end, path = 0, self.path
        for extent in extents:
            if extent.at != end:   # a rank was sooner done than one before it
                path = self._sorted(extents)
                break
            end += extent.size
        os.rename(path, self._target)
        if path != self.path:
            os.unlink(self.path)
        folder = os.open(os.path.dirname(self._target), os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _sorted(self, extents: Sequence[Extent]) -> str:
        path = self.path + ".sorted"
        try:
            file = self._open(path)
        except OSError as error:
            raise _check(error, path, "write") from error
        try:
            with open(file, "wb") as copy:
                copy.truncate(0)
                for extent in extents:
                    for at in range(extent.at, extent.at + extent.size, _COPY):
                        copy.write(os.pread(self._file, min(_COPY, extent.at + extent.size - at), at))
                copy.flush()
                os.fdatasync(copy.fileno())
        except OSError as error:
            os.unlink(path)
            raise _check(error, path, "write") from error
        return path

    def discard(self) -> None:
        """Leaves nothing behind."""
        if self._file >= 0:
            os.unlink(self.path)

    def close(self) -> None:
        """Leaves what there is."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
