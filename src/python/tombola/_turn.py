"""Whose turn it is to use a sampler or a shard."""
from __future__ import annotations

import os
import threading

from .errors import Forked, InUse


class Turn:
    """What one thread at a time has, in a `with`: another is refused, and doesn't wait."""

    def __init__(self, noun: str, callee: str) -> None:
        """noun: what it is that they use; callee: what a call of it calls"""
        self._noun, self._callee, self._lock, self._process = noun, callee, threading.Lock(), os.getpid()

    def __enter__(self) -> None:
        if not self._lock.acquire(False):
            if os.getpid() != self._process:   # the thread that held it is not in this process
                raise Forked(f"this process was forked from process {self._process}, whose {self._noun} this is")
            raise InUse(f"this {self._noun} is in use: another thread is calling it, or {self._callee} does")

    def __exit__(self, *_: object) -> None:
        self._lock.release()
