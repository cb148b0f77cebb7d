"""What of a job is complete, kept beside its output as lines of JSON, for another run to go on where one has ended.

The lines are those of `tombola sample --output`:

    {"tombola_journal":1,"job":{...}}                 what must be the same for a run that goes on
    {"run":"1c2f..."}                                 a run begins; the machine's boot id
    {"worker":0,"host":"node7","process":4711}        a rank of it
    {"begun":[first,count],"worker":0}                a chunk is handed to a rank
    {"done":[first,count,at,size,0,0]}                its text is in the part, so many bytes from there on
    {"synced":true}                                   all before is on the disk
    {"complete":true}                                 all of the job is, and only names are left to be changed

Lines behind the last "synced" have survived if the machine has, which goes by its boot id, and if no write to the disk
has failed: then they are taken back.
"""
from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass
from typing import Any

_VERSION = 1


@dataclass(frozen=True, order=True)
class Extent:
    """Things one after another, and where their text lies."""

    first: int
    count: int
    at: int
    size: int


@dataclass(frozen=True)
class Left:
    """What an earlier run had begun and not completed."""

    first: int
    count: int
    worker: int
    host: str


def _boot() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return ""


class _Lines:
    """What the lines of a journal tell."""

    def __init__(self, text: bytes, path: str) -> None:
        self.header: dict[str, Any] | None = None
        self.done: list[Extent] = []
        self.boot, self.end, self.synced, self.synced_end, self.is_complete = "", 0, 0, 0, False
        self.begun: list[tuple[int, int, int]] = []
        self.hosts: dict[int, str] = {}
        for line in text.splitlines(keepends=True):
            if not line.endswith(b"\n"):   # half a line
                break
            try:
                told = json.loads(line)
            except ValueError:
                told = None
            if not isinstance(told, dict) and self.header is not None:
                break   # as a disk without power leaves it: nothing from here on counts
            if not isinstance(told, dict):
                raise ValueError(f"{path}: is no journal of this command's; remove it and the .part beside it to start "
                                 "anew")
            self.end += len(line)
            if self.header is None:
                self.header, self.synced_end = told, self.end
            else:
                self._take(told)

    def _take(self, told: dict[str, Any]) -> None:
        if "run" in told:
            self.boot, self.begun, self.hosts = told["run"], [], {}
        elif "done" in told:
            self.done.append(Extent(*told["done"][:4]))
        elif "begun" in told:
            first, count = told["begun"]
            self.begun.append((first, count, told["worker"]))
        elif "worker" in told:
            self.hosts[told["worker"]] = told["host"]
        elif "synced" in told or "complete" in told:
            self.is_complete |= "complete" in told
            self.synced, self.synced_end = len(self.done), self.end


class Journal:
    """The journal of a job, open, and locked against other runs.

    path     of the part: ".jsonl" is added
    job      {name: value}, with values that JSON has
    resumes  whether this run goes on; else what is complete is an error
    nouns    what the job is made of, in the plural
    ValueError: another run is at it, or it is of another job; BlockingIOError too. OSError.

    done         extents that are complete, by their first
    left         what the earlier run had begun, a list of Left
    is_complete  whether all is, and only names are left to be changed
    """

    def __init__(self, path: str, job: dict[str, Any], resumes: bool, nouns: str) -> None:
        self._path = path + ".jsonl"
        for _ in range(100):
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                self._lock()
                if self._has_its_name():
                    self._open(json.loads(json.dumps(job)), resumes, nouns)
                    return
            except BaseException:
                os.close(self._file)
                raise
            os.close(self._file)
        raise ValueError(f"{self._path}: another run is at it")

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(f"{self._path}: another run is at it") from None
        except OSError:   # a file system that knows no locks
            pass

    def _has_its_name(self) -> bool:
        """Whether the name is still that of the file: another run may have removed it before it gave up the lock."""
        try:
            return os.path.samestat(os.fstat(self._file), os.stat(self._path))
        except FileNotFoundError:
            return False

    def _open(self, job: dict[str, Any], resumes: bool, nouns: str) -> None:
        with open(self._path, "rb") as file:
            lines = _Lines(file.read(), self._path)
        self.done: list[Extent] = []
        self.left: list[Left] = []
        self._synced: list[Extent] = []   # of `done`
        self.is_complete, boot = False, _boot()
        count = sum(extent.count for extent in lines.done)
        if lines.header is None or not lines.done and not resumes:
            self._end = 0
            os.ftruncate(self._file, 0)
            self._add({"tombola_journal": _VERSION, "job": job})
            self._synced_end = self._end
        elif not resumes:
            raise ValueError(f"{self._path} tells of an earlier run, which has completed {count} {nouns}: give "
                             "--resume to go on with these, or remove that file and the .part beside it to start anew")
        elif lines.header.get("tombola_journal") != _VERSION:
            raise ValueError(f"{self._path}: is of another version of this command; remove it and the .part beside it "
                             "to start anew")
        else:
            self._check(lines.header.get("job", {}), job)
            self._take_up(lines, bool(boot) and boot == lines.boot)
        self._add({"run": boot})

    def _check(self, earlier: dict[str, Any], job: dict[str, Any]) -> None:
        for name in job:
            if name not in earlier or earlier[name] != job[name]:
                was = json.dumps(earlier[name]) if name in earlier else "not there"
                raise ValueError(f"--resume: {name} was {was} for the run that began {self._path}, and is "
                                 f"{json.dumps(job[name])} now: say the same again, or remove that file and the .part "
                                 "beside it to start anew")

    def _take_up(self, lines: _Lines, is_trusted: bool) -> None:
        self._synced, self._synced_end = lines.done[:lines.synced], lines.synced_end
        self.done = sorted(lines.done if is_trusted else self._synced)
        self.is_complete, self._end = lines.is_complete, lines.end if is_trusted else lines.synced_end
        firsts = {extent.first for extent in self.done}
        self.left = [Left(first, count, worker, lines.hosts.get(worker, ""))
                     for first, count, worker in lines.begun if first not in firsts]
        os.ftruncate(self._file, self._end)

    def _add(self, told: dict[str, Any], sync: bool = False) -> None:
        line = json.dumps(told, separators=(",", ":")).encode() + b"\n"
        try:
            written = 0
            while written < len(line):
                written += os.pwrite(self._file, line[written:], self._end + written)
        except OSError as error:
            os.ftruncate(self._file, self._end)
            raise OSError(error.errno, f"cannot write: {error.strerror}", self._path) from error
        self._end += len(line)
        if sync:
            try:
                os.fdatasync(self._file)
            except OSError as error:
                self.forget_unsynced()
                raise OSError(error.errno, f"cannot write: {error.strerror}", self._path) from error
            self._synced, self._synced_end = self.done.copy(), self._end

    def add_worker(self, worker: int, host: str, process: int) -> None:
        """A rank takes part."""
        self._add({"worker": worker, "host": host, "process": process})

    def add_begun(self, first: int, count: int, worker: int) -> None:
        """A chunk is handed to a rank."""
        self._add({"begun": [first, count], "worker": worker})

    def add_done(self, extent: Extent) -> None:
        """The text of a chunk is in the part."""
        self._add({"done": [extent.first, extent.count, extent.at, extent.size, 0, 0]})
        self.done.append(extent)

    def add_synced(self) -> None:
        """The part is on the disk. Waits until the journal is, too; where it can't be, takes back what is not."""
        self._add({"synced": True}, sync=True)

    def add_complete(self) -> None:
        """All of the job is on the disk."""
        self._add({"complete": True}, sync=True)

    def forget_unsynced(self) -> None:
        """Takes back what is not on the disk for sure, once the part could not be brought there: the kernel may have
        dropped it, and does not say so again."""
        self.done, self._end = self._synced.copy(), self._synced_end
        os.ftruncate(self._file, self._end)

    def remove(self) -> None:
        """Removes the file, once it is of no use any more."""
        os.unlink(self._path)

    def close(self) -> None:
        """Gives up the lock."""
        os.close(self._file)
