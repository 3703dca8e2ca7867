"""A file layer that fails or kills at the k-th call: ``os`` functions that the writer uses, counted and intercepted.

``COUNTED`` are the system calls of an append and of a rotation. Parquet is written through Python's own file object, so
the calls inside pyarrow are those of that object.
"""

from __future__ import annotations

import builtins
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

COUNTED = ("open", "write", "close", "fsync", "replace", "unlink", "ftruncate", "fstat", "mkdir")


class Calls:
    """Counts calls; at the ``at``-th, and with ``every`` at all later ones, does ``act`` instead of the call.

    Args:
        act: Called with the name and the arguments; may raise, kill, or return to let the call through.
        at: Number of the call, from 0.
        every: Also at every later call.
    """

    def __init__(self, act: Callable[[str, tuple[Any, ...]], None], at: int, every: bool = False) -> None:
        self.act, self.at, self.every = act, at, every
        self.count = 0

    def pass_through(self, name: str, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Make one call, or act."""
        here = self.count
        self.count += 1
        if here == self.at or (self.every and here > self.at):
            self.act(name, args)
        return call(*args, **kwargs)


class File:
    """A file object whose writes are counted."""

    def __init__(self, file: Any, calls: Calls) -> None:
        self._file, self._calls = file, calls

    def write(self, data: Any) -> Any:
        """Write, or act."""
        return self._calls.pass_through("file.write", self._file.write, data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> File:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


@contextmanager
def intercepted(calls: Calls, below: Path) -> Iterator[Calls]:
    """Let ``calls`` see what is done to files below a folder, and all calls on open descriptors."""
    real = {name: getattr(os, name) for name in COUNTED}
    real_open = builtins.open

    def counted(name: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if args and not isinstance(args[0], int) and not Path(args[0]).is_relative_to(below):
                return real[name](*args, **kwargs)
            return calls.pass_through(name, real[name], *args, **kwargs)

        return call

    def open_(path: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if isinstance(path, str | Path) and Path(path).is_relative_to(below) and "w" in mode:
            return File(calls.pass_through("open file", real_open, path, mode, *args, **kwargs), calls)
        return real_open(path, mode, *args, **kwargs)

    for name in COUNTED:
        setattr(os, name, counted(name))
    builtins.open = open_  # type: ignore[assignment]
    try:
        yield calls
    finally:
        builtins.open = real_open
        for name, call in real.items():
            setattr(os, name, call)


def kill(name: str, args: tuple[Any, ...]) -> None:
    """End the process as the kernel would, with half of a write done if it was one."""
    if name == "write" and len(args[1]) > 1:
        half = bytes(args[1][: len(args[1]) // 2])
        with builtins_open(f"/proc/self/fd/{args[0]}", "ab", buffering=0) as file:
            file.write(half)
    os.kill(os.getpid(), signal.SIGKILL)


builtins_open = builtins.open


def failing(number: int) -> Callable[[str, tuple[Any, ...]], None]:
    """Return what raises ``OSError`` of a number (28 disk full, 5 input/output, 30 read-only)."""

    def act(name: str, args: tuple[Any, ...]) -> None:
        if name != "close":
            raise OSError(number, os.strerror(number))

    return act
