"""The tail of the record: an append-only file of fixed-width, checksummed rows, one ``os.write`` per row.

A row that was written is in the page cache: it survives SIGKILL of the process, and after an fsync also power loss.

Layout, little-endian::

    b"TWJ1"  u32 length  u32 crc32(header)  header (JSON: columns, segment, rank)
    row:     f64 * columns   u32 row number   u32 crc32(everything before)

A value that was not measured is stored as one particular quiet NaN (``NULL_BITS``), so that it is told from a measured
NaN. A row is torn if it is short or its checksum or number is wrong; torn rows are dropped and counted by the reader.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

MAGIC: Final = b"TWJ1"
NULL_BITS: Final = 0x7FF8_0000_7477_6E75
"""Payload of the NaN that means "not measured"; arithmetic never produces it (it yields the default quiet NaN)."""

NULL: Final[float] = struct.unpack("<d", struct.pack("<Q", NULL_BITS))[0]

MAX_HEADER_BYTES: Final = 1 << 20


class NotAJournal(ValueError):
    """The file is no journal, or its header is damaged."""


class Journal(NamedTuple):
    """What was read back.

    Attributes:
        header: The header's JSON object.
        columns: Column names.
        values: float64, shape (rows, columns).
        null: Mask of values that were not measured, same shape.
        torn: Rows dropped because they were incomplete or damaged.
    """

    header: dict[str, Any]
    columns: list[str]
    values: npt.NDArray[np.float64]
    null: npt.NDArray[np.bool_]
    torn: int


class JournalWriter:
    """Appends rows to a new file.

    Args:
        path: File to create.
        columns: Names of the values of a row.
        header: Further header entries.

    Raises:
        OSError: If the file cannot be created, or exists.
    """

    def __init__(self, path: Path, columns: Sequence[str], **header: Any) -> None:
        self.path = path
        self.columns = tuple(columns)
        self.rows = 0
        self._row = struct.Struct(f"<{len(self.columns)}dI")
        text = json.dumps({"columns": list(self.columns), **header}).encode()
        self.fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | getattr(os, "O_CLOEXEC", 0), 0o644)
        _lock(self.fd)
        try:
            self._write(MAGIC + struct.pack("<II", len(text), zlib.crc32(text)) + text)
        except OSError:  # a file without a header would be in the way of the next try, and of a successor
            with suppress(OSError):
                self.close()
            with suppress(OSError):
                path.unlink()
            raise

    def append(self, values: Collection[float]) -> None:
        """Write one row.

        Args:
            values: As many floats as columns; ``NULL`` where nothing was measured.

        Raises:
            OSError: If the row could not be written whole; the file then ends with the row before.
        """
        body = self._row.pack(*values, self.rows)
        self._write(body + zlib.crc32(body).to_bytes(4, "little"))
        self.rows += 1

    def _write(self, data: bytes) -> None:
        written = os.write(self.fd, data)
        if written != len(data):  # disk full in the middle of a row: take the piece back, else all later rows shift
            os.ftruncate(self.fd, os.fstat(self.fd).st_size - written)
            raise OSError(28, "short write: no space left on device", str(self.path))

    def sync(self) -> None:
        """Force what was written to the disk (blocks; not for the training thread)."""
        os.fsync(self.fd)

    def close(self) -> None:
        """Close the file; may be called twice."""
        fd, self.fd = self.fd, -1  # first: whoever comes in between must not close a number that is another file's
        if fd >= 0:
            os.close(fd)


def is_written(path: Path) -> bool:
    """Whether somebody has a journal open for writing; False where the system cannot tell."""
    try:
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except OSError:
        return False
    try:
        return not _lock(fd, exclusive=True)
    finally:
        os.close(fd)


def _lock(fd: int, *, exclusive: bool = False) -> bool:
    """Lock an open file without waiting, until it is closed; False only if somebody else's lock is in the way."""
    try:
        import fcntl

        fcntl.flock(fd, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):  # Windows; a file system without locks
        return True
    return True


def read_journal(path: Path) -> Journal:
    """Read a journal, also one that is being written or was cut off anywhere.

    Raises:
        NotAJournal: If the file does not begin with a whole header.
        OSError: If it cannot be read.
    """
    data = path.read_bytes()
    if len(data) < 12 or data[:4] != MAGIC:
        raise NotAJournal(f"{path}: not a trainwatch journal")
    length, crc = struct.unpack_from("<II", data, 4)
    text = data[12 : 12 + length]
    if length > MAX_HEADER_BYTES or len(text) < length or zlib.crc32(text) != crc:
        raise NotAJournal(f"{path}: the journal's header is damaged")
    header: dict[str, Any] = json.loads(text)
    columns = [str(c) for c in header["columns"]]
    width = 8 * len(columns) + 8
    body = memoryview(data)[12 + length :]
    whole, rest = divmod(len(body), width)
    good = [
        i
        for i in range(whole)
        if zlib.crc32(body[i * width : (i + 1) * width - 4])
        == int.from_bytes(body[(i + 1) * width - 4 : (i + 1) * width], "little")
    ]
    rows = np.frombuffer(body[: whole * width], np.uint8).reshape(whole, width)[good, : 8 * len(columns)]
    values = np.ascontiguousarray(rows).view("<f8").astype(np.float64, copy=True).reshape(len(good), len(columns))
    return Journal(header, columns, values, values.view(np.uint64) == NULL_BITS, whole - len(good) + (rest > 0))
