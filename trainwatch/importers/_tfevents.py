"""TensorBoard's file format: TFRecords that hold Events, of which the scalars are read.

Checksums are not verified: a damaged length ends the file, damaged data is no Event and is skipped.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from trainwatch.importers._protobuf import BYTES, FIXED32, FIXED64, fields

TRAINING: Final = ("train", "training")
VALIDATION: Final = ("validation", "val", "valid", "eval", "test")
MAX_RECORD_BYTES: Final = 64 << 20
"""Pictures and graphs are records, too; a larger one is damage."""

_EVENT_WALL, _EVENT_STEP, _EVENT_VERSION, _EVENT_SUMMARY = 1, 2, 3, 5
_SUMMARY_VALUE, _VALUE_TAG, _VALUE_SIMPLE, _VALUE_TENSOR = 1, 1, 2, 8
_TENSOR_DTYPE, _TENSOR_CONTENT, _TENSOR_FLOAT, _TENSOR_DOUBLE = 1, 4, 5, 6
_FORMATS: Final = {1: "<f", 2: "<d"}
"""TensorFlow's data types (types.proto) that a scalar may have."""


class Scalar(NamedTuple):
    """A number that was logged: Unix time in seconds, step, tag, value."""

    time_s: float
    step: int
    tag: str
    value: float


def event_files(path: Path) -> list[Path]:
    """Return the file itself, or a folder's event files by name.

    Where a folder has none itself, those of its subfolders for training and validation, as Keras writes them; both must
    be there, since a folder named ``train`` alone may as well be a run.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        return []
    own = _files(path)
    if own:
        return own
    train, val = ([f for name in names for f in _files(path / name)] for names in (TRAINING, VALIDATION))
    return [*train, *val] if train and val else []


def _files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob("*tfevents*") if p.is_file()) if folder.is_dir() else []


def is_event_file(file: Path) -> bool:
    """Whether the first record is a whole Event with a file version or a summary."""
    for record in records(file):
        if record is None:
            return False
        try:
            found = {n: v for n, _, v in fields(record)}
        except ValueError:
            return False
        version = found.get(_EVENT_VERSION)
        return (isinstance(version, bytes) and version.startswith(b"brain.Event")) or _EVENT_SUMMARY in found
    return False


def records(file: Path) -> Iterator[bytes | None]:
    """Yield the data of each record; None once for a torn end."""
    with file.open("rb") as stream:
        while True:
            head = stream.read(12)
            if not head:
                return
            length = struct.unpack("<Q", head[:8])[0] if len(head) == 12 else MAX_RECORD_BYTES + 1
            if length > MAX_RECORD_BYTES:
                yield None
                return
            data = stream.read(length)
            if len(data) < length or len(stream.read(4)) < 4:
                yield None
                return
            yield data


def scalars(record: bytes) -> Iterator[Scalar]:
    """Yield an Event's scalars; a damaged one yields nothing."""
    try:
        event = list(fields(record))
        step = next((v for n, _, v in event if n == _EVENT_STEP and isinstance(v, int)), 0)
        wall = next((v for n, kind, v in event if n == _EVENT_WALL and kind == FIXED64 and isinstance(v, bytes)), b"")
        time_s = float(struct.unpack("<d", wall)[0]) if wall else 0.0
        for number, _, summary in event:
            if number != _EVENT_SUMMARY or not isinstance(summary, bytes):
                continue
            for inner, _, value in fields(summary):
                if inner == _SUMMARY_VALUE and isinstance(value, bytes):
                    found = _scalar(value)
                    if found is not None and step < 1 << 62:
                        yield Scalar(time_s, step, *found)
    except ValueError:
        return


def _scalar(value: bytes) -> tuple[str, float] | None:
    tag, scalar = "", None
    for number, kind, field in fields(value):
        if number == _VALUE_TAG and isinstance(field, bytes):
            tag = re.sub(r"[\x00-\x1f]", "?", field.decode("utf-8", errors="replace"))[:200]
        elif number == _VALUE_SIMPLE and kind == FIXED32 and isinstance(field, bytes):
            scalar = struct.unpack("<f", field)[0]
        elif number == _VALUE_TENSOR and isinstance(field, bytes):
            scalar = _tensor(field)
    return (tag, float(scalar)) if tag and scalar is not None else None


def _tensor(tensor: bytes) -> float | None:
    """Return the number of a tensor with one element, None for any other."""
    kind, content = 0, b""
    for number, wire, field in fields(tensor):
        if number == _TENSOR_DTYPE and isinstance(field, int):
            kind = field
        elif isinstance(field, bytes) and (
            number == _TENSOR_CONTENT
            or (number == _TENSOR_FLOAT and wire in (FIXED32, BYTES))
            or (number == _TENSOR_DOUBLE and wire in (FIXED64, BYTES))
        ):
            content = field
    form = _FORMATS.get(kind)
    return float(struct.unpack(form, content)[0]) if form and len(content) == struct.calcsize(form) else None
