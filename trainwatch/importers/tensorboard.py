"""TensorBoard event files: the scalars of ``events.out.tfevents.*``, read without TensorBoard.

What it reads:
    The TFRecord framing (length, checksum, data, checksum) and of each Event step, wall time and the scalar summaries
    (``simple_value``, or a tensor with one number). Several files of a folder are one history. Tags named
    ``train/<x>``, ``val/<x>``, ``metrics/<x>`` are epochs as Ultralytics and the YOLOs log them, ``x/lr0`` and ``lr/pg0``
    learning rates; a tag with ``loss`` and more values than epochs becomes a step column.

What it repairs, each with a note:
    A tag written several times for one step (a callback added twice): the last one counts. A torn record at the end is
    dropped. Checksums are not verified: a damaged length ends the file, damaged data is no Event and is skipped.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pyarrow as pa

from trainwatch.errors import UnreadableRun
from trainwatch.importers._epochs import MAX_EPOCH, EpochTable
from trainwatch.importers._exported import exported_tables
from trainwatch.importers._protobuf import BYTES, FIXED32, FIXED64, fields
from trainwatch.importers._text import read_yaml
from trainwatch.importers.ultralytics_csv import fitness_weights
from trainwatch.importers.yolov5_csv import NAMES, arguments, fitness, meta
from trainwatch.runs.arrays import floats, integers
from trainwatch.runs.run import Run

SOURCE: Final = "tensorboard"
MAX_FILE_BYTES: Final = 2 << 30
MAX_RECORD_BYTES: Final = 64 << 20
"""Pictures and graphs are records, too; a larger one is damage."""
MAX_TAGS: Final = 2000

_EVENT_STEP, _EVENT_VERSION, _EVENT_SUMMARY = 2, 3, 5
_SUMMARY_VALUE, _VALUE_TAG, _VALUE_SIMPLE, _VALUE_TENSOR = 1, 1, 2, 8
_TENSOR_DTYPE, _TENSOR_CONTENT, _TENSOR_FLOAT, _TENSOR_DOUBLE = 1, 4, 5, 6
_FORMATS: Final = {1: "<f", 2: "<d"}
"""TensorFlow's data types (types.proto) that a scalar may have."""


def sniff(path: Path) -> float:
    """Return 0.4 for a folder with event files, or such a file (told by its first records), else 0."""
    try:
        return 0.4 if any(_is_event_file(f) for f in _event_files(path)) else 0.0
    except OSError:
        return 0.0


def load(path: Path) -> Run:
    """Read the event files of a folder, or one of them.

    Args:
        path: A log directory or an event file.

    Raises:
        UnreadableRun: If there is none, or none holds a scalar.
    """
    path = Path(path)
    files = [f for f in _event_files(path) if _is_event_file(f)]
    if not files:
        raise UnreadableRun(f"{path}: there is no TensorBoard event file in it; give the log directory")
    scalars: dict[str, dict[int, float]] = {}
    repeated = torn = 0
    for file in files:
        try:
            if file.stat().st_size > MAX_FILE_BYTES:
                raise UnreadableRun(f"{file}: larger than {MAX_FILE_BYTES >> 30} GiB; export its scalars as CSV")
            for record in _records(file):
                if record is None:
                    torn += 1
                    continue
                for step, tag, value in _scalars(record):
                    column = scalars.setdefault(tag, {}) if tag in scalars or len(scalars) < MAX_TAGS else {}
                    repeated += step in column
                    column[step] = value
        except OSError as error:
            raise UnreadableRun(f"{file}: {error.strerror or error}; make it readable or copy it") from error
    if not scalars:
        raise UnreadableRun(
            f"{path}: the event files hold no scalar; nothing was logged yet, or only pictures and graphs"
        )
    folder = path if path.is_dir() else path.parent
    return _run(path, folder, scalars, _notes(files, repeated, torn))


def _notes(files: list[Path], repeated: int, torn: int) -> list[str]:
    notes = [f"{len(files)} event files were read as one history."] if len(files) > 1 else []
    if repeated:
        notes.append(f"{repeated} values were written again for the same tag and step; the last of each was taken.")
    if torn:
        notes.append(f"{torn} torn record(s) at the end of a file dropped.")
    return notes


def _run(path: Path, folder: Path, scalars: Mapping[str, Mapping[int, float]], notes: list[str]) -> Run:
    named = {_ours(tag): values for tag, values in scalars.items()}
    yolo = any(n.startswith(("train/", "val/", "metrics/", "lr/")) for n in named)
    epochs = {n: v for n, v in named.items() if n.startswith(("train/", "val/", "metrics/", "lr/"))}
    if not yolo:
        epochs = {n: v for n, v in named.items() if "val" in n.lower() or "eval" in n.lower() or "acc" in n.lower()}
    steps = {n: v for n, v in named.items() if n not in epochs and "loss" in n.lower()}
    if not epochs and not steps:
        steps = dict(named)
    table = _epochs(epochs)
    exported = exported_tables(scalars)
    args, unread = read_yaml(folder / "args.yaml")
    described = {"trainer": "ultralytics", "args": args, "planned_epochs": args.get("epochs")}
    if not args:
        args, unread = arguments(folder)
        described = meta(args) if args else {"trainer": "loop", "args": {}, "planned_epochs": None}
    if not isinstance(described["planned_epochs"], int) or not 0 < described["planned_epochs"] <= MAX_EPOCH:
        described["planned_epochs"] = None
    if exported is not None:
        return Run(path, SOURCE, steps=exported.steps, epochs=exported.epochs, meta=described, notes=[*notes, *unread])
    ranked = _fitness(table, args) if table.epoch else None
    return Run(
        path,
        SOURCE,
        steps=_steps(steps),
        epochs=table.arrow(ranked) if table.epoch else None,
        meta=described,
        notes=[*notes, *unread],
    )


def _ours(tag: str) -> str:
    for pattern, replacement in NAMES:
        tag = pattern.sub(replacement, tag)
    return tag


def _fitness(table: EpochTable, args: Mapping[str, object]) -> list[float | None] | None:
    weights = fitness_weights(list(table.columns), args)
    if not weights:
        return fitness(table.columns)
    rows = zip(*(table.columns[n] for n in weights), strict=True)
    return [
        None
        if any(v is None for v in row)
        else sum(w * v for w, v in zip(weights.values(), row, strict=True) if v is not None)
        for row in rows
    ]


def _epochs(columns: Mapping[str, Mapping[int, float]]) -> EpochTable:
    """Put tags on one axis; early and late Ultralytics count from 0 and from 1, which is told from the first."""
    table = EpochTable()
    every = sorted({s for values in columns.values() for s in values if 0 <= s <= MAX_EPOCH})
    base = 1 if every and every[0] == 1 else 0
    table.epoch, table.attempt = [s - base for s in every], [0] * len(every)
    table.columns = {n: [values.get(s) for s in every] for n, values in columns.items()}
    return table


def _steps(columns: Mapping[str, Mapping[int, float]]) -> pa.Table | None:
    every = sorted({s for values in columns.values() for s in values if s >= 0})
    if not every:
        return None
    single = len(columns) == 1
    arrays = {
        "step": integers(every),
        "epoch": integers([0] * len(every)),
        "attempt": integers([0] * len(every)),
    }
    for name, values in columns.items():
        arrays["loss" if single else f"loss/{name}"] = floats([values.get(s) for s in every])
    return pa.table(arrays)


# -- the file format --------------------------------------------------------------------------------------------------


def _event_files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(p for p in path.glob("*tfevents*") if p.is_file()) if path.is_dir() else []


def _is_event_file(file: Path) -> bool:
    """Whether the first record is a whole Event with a file version or a summary."""
    for record in _records(file):
        if record is None:
            return False
        try:
            found = {n: v for n, _, v in fields(record)}
        except ValueError:
            return False
        version = found.get(_EVENT_VERSION)
        return (isinstance(version, bytes) and version.startswith(b"brain.Event")) or _EVENT_SUMMARY in found
    return False


def _records(file: Path) -> Iterator[bytes | None]:
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


def _scalars(record: bytes) -> Iterator[tuple[int, str, float]]:
    """Yield step, tag and value of an Event's scalars; a damaged one yields nothing."""
    try:
        event = list(fields(record))
        step = next((v for n, _, v in event if n == _EVENT_STEP and isinstance(v, int)), 0)
        for number, _, summary in event:
            if number != _EVENT_SUMMARY or not isinstance(summary, bytes):
                continue
            for inner, _, value in fields(summary):
                if inner == _SUMMARY_VALUE and isinstance(value, bytes):
                    found = _scalar(value)
                    if found is not None and step < 1 << 62:
                        yield step, *found
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
