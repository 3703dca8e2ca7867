"""The last lines that Python code wrote to stderr, kept in memory for the events that tell of an end.

``sys.stderr`` stays the object that it is; only its ``write`` is called through us. What C code writes to the file
descriptor passes by unseen: ``trainwatch run`` reads that from outside.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from typing import Any, Final

LINES: Final = 200
LINE_CHARACTERS: Final = 2000


class StderrTail:
    """Keeps the tail of ``sys.stderr`` while it is installed."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=LINES)
        self._open = ""
        self._stream: Any = None
        self._tapped: Callable[[str], Any] | None = None

    def install(self) -> None:
        """Tap the present ``sys.stderr``; one that allows no tap is left alone."""
        stream = sys.stderr
        if stream is None or stream is self._stream:
            return
        self.remove()
        self._lines.clear()  # what was said in an earlier training
        self._open = ""
        original = stream.write

        def write(text: str) -> Any:
            written = original(text)
            self._note(text)
            return written

        try:
            stream.write = write  # type: ignore[method-assign]
        except (AttributeError, TypeError):
            return
        self._stream, self._tapped = stream, write

    def remove(self) -> None:
        """Take the tap off, unless somebody has put another one over it."""
        stream, self._stream = self._stream, None
        if stream is not None and getattr(stream, "__dict__", {}).get("write") is self._tapped:
            del stream.write

    def text(self) -> str:
        """Return the last lines; of a line that was overwritten (a progress bar) only the last state."""
        return "\n".join([*self._lines, *([_last_state(self._open)] if self._open else [])])

    def _note(self, text: object) -> None:
        if not isinstance(text, str):
            return
        *whole, rest = (self._open + text).split("\n")
        self._lines.extend(_last_state(line) for line in whole)
        self._open = rest[-LINE_CHARACTERS:]


def _last_state(line: str) -> str:
    return line.rstrip("\r").rsplit("\r", 1)[-1][-LINE_CHARACTERS:]
