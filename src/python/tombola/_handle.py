"""What the library holds for an object, from its opening to its closing."""
from __future__ import annotations

from ctypes import c_void_p
from typing import TYPE_CHECKING, Any, ClassVar

from .errors import InvalidArgument

if TYPE_CHECKING:
    from typing_extensions import Self


class Handle:
    """Base of such an object: a context manager, closed at the latest when it is collected.

    A class below it sets `_handle` once the library has given it, and has `_noun` for messages and `_release`.
    """

    _handle: c_void_p | None = None
    _noun: ClassVar[str]
    _release: ClassVar[Any]

    @property
    def handle(self) -> c_void_p:
        """The library's own pointer. InvalidArgument: it is closed."""
        if self._handle is None:
            raise InvalidArgument(f"the {self._noun} is closed", self._noun)
        return self._handle

    def close(self) -> None:
        """Gives back what the library holds. Again: nothing."""
        handle, self._handle = self._handle, None
        if handle is not None:
            self._release(handle)

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError(f"a {self._noun} can't be copied or pickled: each process and each copy opens its own")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if self._handle is not None:
            self.close()
