"""Where rows and lines go: journals that fill, segments that are sealed behind the training's back, JSON lines.

The training thread only ever appends. A daemon thread forces data to the disk every ``fsync_seconds`` and turns full
journals into Parquet. After a fork the child owns nothing here and writes nothing.
"""

from __future__ import annotations

import json
import math
import os
import threading
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, cast

import numpy as np

from trainwatch_hooks import forks
from trainwatch_hooks.guard import Guard
from trainwatch_hooks.journal import NULL, JournalWriter, is_written
from trainwatch_hooks.schema import STEP_COLUMNS
from trainwatch_hooks.segments import list_segments, seal, segment_path

RETRY_S: Final = 30.0
"""Pause after a failed write before the next try (a full disk may be emptied)."""

LAST_WORK_S: Final = 30.0
"""What the end of a training waits for a disk that answers no more; the journals then stay as they are."""

_ORDER: Final = {c.name: i for i, c in enumerate(STEP_COLUMNS)}


def column_order(name: str) -> tuple[int, str]:
    """Sort key: order of the schema, a family's members by name, columns of the user's own last."""
    family = name.split("/", 1)[0] + "/*" if "/" in name else name
    number = name.rsplit(".", 1)[-1]  # model.10 after model.9
    return _ORDER.get(name, _ORDER.get(family, len(_ORDER))), number.zfill(6) if number.isdigit() else name


class StepStore:
    """Step rows of one rank.

    Args:
        folder: ``<run dir>/trainwatch/steps``.
        rank: This process' rank.
        rows_per_segment: Rows after which a journal is sealed.
        fsync_seconds: Upper bound on what a power loss takes.
        guard: Receives errors of the background thread.
    """

    def __init__(self, folder: Path, rank: int, rows_per_segment: int, fsync_seconds: float, guard: Guard) -> None:
        self.dropped = 0
        self._folder = folder
        self._rank = rank
        self._rows_per_segment = rows_per_segment
        self._fsync_seconds = fsync_seconds
        self._guard = guard
        self._depth = forks.depth
        self._columns: set[str] = set()
        self._empty: dict[str, float | None] = {}
        self._journal: JournalWriter | None = None
        self._retry_at = 0.0
        folder.mkdir(parents=True, exist_ok=True)
        for leftover in folder.glob(f".rank{rank}-*.tmp"):  # of a predecessor that was killed while sealing
            with suppress(OSError):
                leftover.unlink()
        earlier = [s for s in list_segments(folder) if s.rank == rank]
        self._number = 1 + max((s.number for s in earlier), default=-1)
        # Left by a killed predecessor; that of another recorder at work (two of one rank, by mistake) is its own.
        self._full = [s.path for s in earlier if s.path.suffix == ".journal" and not is_written(s.path)]
        self._wake = threading.Event()
        self._closing = False
        self._sealing = threading.Lock()
        self._thread: threading.Thread | None = None

    def expect(self, columns: list[str]) -> None:
        """Name columns that later rows will have, so that the first of them does not begin a new segment."""
        self._columns.update(columns)

    def append(self, row: Mapping[str, float | None]) -> None:
        """Write one row; if the disk refuses, count it and try again later. Never raises ``OSError``."""
        if forks.depth != self._depth:
            return
        if self._journal is None and time.monotonic() < self._retry_at:
            self.dropped += 1
            return
        journal = self._journal
        try:
            whole = {**self._empty, **row}  # the journal's columns in its order, unless the row has further ones
            if journal is None or journal.rows >= self._rows_per_segment or len(whole) > len(self._empty):
                journal = self._begin_segment(row)
                whole = {**self._empty, **row}
            if None in whole.values():
                whole = {name: NULL if value is None else value for name, value in whole.items()}
            journal.append(cast("Collection[float]", whole.values()))
        except OSError as error:
            if journal is not None and journal.fd < 0 and journal is not self._journal is not None:
                self.append(row)  # the handler of a signal wrote rows in between and went on to another segment
            else:
                self._fail(error)

    def _begin_segment(self, row: Mapping[str, float | None]) -> JournalWriter:
        self._retire()
        if not self._folder.parent.parent.is_dir():
            raise FileNotFoundError(2, "the run's folder has vanished", str(self._folder.parent.parent))
        self._columns.update(row)
        self._empty = dict.fromkeys(sorted(self._columns, key=column_order), NULL)
        self._folder.mkdir(parents=True, exist_ok=True)
        journal = None
        while journal is None:
            number, self._number = self._number, self._number + 1  # a number that failed is not tried again
            path = segment_path(self._folder, self._rank, number, "journal")
            with suppress(FileExistsError):
                journal = JournalWriter(path, tuple(self._empty), segment=number, rank=self._rank)
        self._journal = journal
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="trainwatch-writer", daemon=True)
            self._thread.start()
        return journal

    def _retire(self) -> None:
        journal, self._journal = self._journal, None
        if journal is not None:
            try:
                journal.close()
            except OSError as error:  # what the disk refuses may be said only now; the rows before it are there
                self._guard.report("closing a segment", error)
            self._full.append(journal.path)
            self._wake.set()

    def _fail(self, error: OSError) -> None:
        self.dropped += 1
        self._guard.report("writing step rows", error)
        self._retire()
        self._retry_at = time.monotonic() + RETRY_S

    def _work(self) -> None:
        while not self._closing:
            self._wake.wait(self._fsync_seconds)
            self._wake.clear()
            self._background()

    def _background(self) -> None:
        if not self._sealing.acquire(timeout=LAST_WORK_S):  # close() may come while the thread is still at it
            return
        try:
            with self._guard("looking after the record"):
                self._seal_and_sync()
        finally:
            self._sealing.release()

    def _seal_and_sync(self) -> None:
        # While the interpreter ends nothing can be imported any more. The journal stays: readers take it as it is.
        while self._full and threading.main_thread().is_alive():
            path = self._full.pop(0)
            with self._guard("sealing a segment"):
                seal(path, path.with_suffix(".parquet"))
        journal = self._journal
        if journal is None:
            return
        if not journal.path.exists():  # deleted: rows would go to a file without a name
            if self._journal is journal:
                self._journal = None
            self._guard.report("writing step rows", FileNotFoundError(2, "the record was deleted", str(journal.path)))
            return
        with self._guard("forcing rows to the disk"):
            try:
                journal.sync()
            except OSError:
                if journal.fd >= 0:  # not merely retired in this moment
                    raise

    def close(self) -> None:
        """Seal what is left; may be called twice."""
        if forks.depth != self._depth or self._closing:
            return
        self._closing = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=LAST_WORK_S)
        self._retire()
        self._background()


def append_line(path: Path, record: Mapping[str, Any]) -> None:
    """Append one JSON object as one line with one write; non-finite numbers become ``"nan"``, ``"inf"``, ``"-inf"``.

    Raises:
        OSError: If it cannot be written.
    """
    _make_parent(path, depth=2)
    data = json.dumps(_strict(record), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    fd = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND | getattr(os, "O_CLOEXEC", 0), 0o644)
    try:
        written = os.write(fd, data)
        if written != len(data):  # disk full in the middle of a line: the next one must not be glued to a piece
            os.ftruncate(fd, os.fstat(fd).st_size - written)
            raise OSError(28, "short write: no space left on device", str(path))
    finally:
        os.close(fd)


def write_json(path: Path, record: Mapping[str, Any]) -> None:
    """Write a JSON file atomically and durably.

    Raises:
        OSError: If it cannot be written; an older file is then unharmed.
    """
    write_text(path, json.dumps(_strict(record), ensure_ascii=False, indent=1) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically and durably; what no file can hold (lone surrogates) is escaped.

    Raises:
        OSError: If it cannot be written; an older file is then unharmed.
    """
    _make_parent(path, depth=1)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _make_parent(path: Path, depth: int) -> None:
    """Make the folder of a file, but never the run's folder again, ``depth`` above it, once it has vanished."""
    if not path.parents[depth].is_dir():
        raise FileNotFoundError(2, "the run's folder has vanished", str(path.parents[depth]))
    path.parent.mkdir(parents=True, exist_ok=True)


def _strict(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if isinstance(value, Mapping):
        return {str(k): _strict(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_strict(v) for v in value]
    return str(value)
