"""What the library holds for an object, from its opening to its closing."""


class Handle:
    """Base of such an object: a context manager, closed at the latest when it is collected.

    A class below it sets `_handle` once the library has given it, and has `_noun` for messages and `_release`.
    """

    _handle = None

    @property
    def handle(self):
        """The library's own pointer. ValueError: it is closed."""
        if self._handle is None:
            raise ValueError(f"the {self._noun} is closed")
        return self._handle

    def close(self):
        """Gives back what the library holds. Again: nothing."""
        handle, self._handle = self._handle, None
        if handle is not None:
            self._release(handle)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        if self._handle is not None:
            self.close()
