"""Weights & Biases: the folder of an offline (or synchronised) run, with its ``run-<id>.wandb`` file.

What it reads:
    The file is a log in blocks of 32 KiB (LevelDB's format) of protocol buffers; of these the history items (a JSON value
    each), the configuration and the exit code are read, without wandb. Scalars are named as in any foreign log, see
    ``_scalars.py``. Without a readable .wandb file the last values in ``files/wandb-summary.json`` make one row.

What it repairs, each with a note:
    A torn record at the end is dropped, and so is a damaged block; checksums are not verified.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from trainwatch.errors import UnreadableRun
from trainwatch.importers._exported import exported_tables
from trainwatch.importers._protobuf import fields
from trainwatch.importers._scalars import EPOCH_NAMES, MAX_STEP, by_step, planned_epochs, tables
from trainwatch.importers._text import parse_json, plain, read_yaml
from trainwatch.runs.run import Run

SOURCE: Final = "wandb-offline"
HEADER: Final = struct.pack("<4sHB", b":W&B", 0xBEE1, 0)
BLOCK_BYTES: Final = 32768
RECORD_HEADER: Final = struct.Struct("<IHB")
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4
MAX_BYTES: Final = 1 << 30
MAX_RECORD_BYTES: Final = 16 << 20
MAX_NAMES: Final = 2000
MAX_SUMMARY_BYTES: Final = 4 << 20
MAX_VALUES: Final = 10_000

_HISTORY, _CONFIG, _RUN, _EXIT = 2, 5, 17, 18
_RUN_CONFIG, _EXIT_CODE = 4, 1
_ITEM, _STEP, _STEP_NUMBER = 1, 2, 1
_KEY, _NESTED_KEY, _VALUE = 1, 2, 16


def sniff(path: Path) -> float:
    """Return 0.45 for a run folder with, or a file that is, a .wandb log; 0.2 with only its summary; else 0."""
    try:
        file = _log(path)
        if file is not None:
            return 0.45
        return 0.2 if _summary_file(path) is not None else 0.0
    except OSError:
        return 0.0


def load(path: Path) -> Run:
    """Read a run folder (``wandb/offline-run-...``), the ``wandb`` folder with a single run, or the .wandb file.

    Args:
        path: The folder or file.

    Raises:
        UnreadableRun: If there is none, or it holds no number.
    """
    path = Path(path)
    notes: list[str] = []
    scalars: dict[str, dict[int, float]] = {}
    args: dict[str, Any] = {}
    code: int | None = None
    try:
        file = _log(path)
        if file is not None:
            if file.stat().st_size > MAX_BYTES:
                raise UnreadableRun(f"{file}: larger than {MAX_BYTES >> 30} GiB; export its history as CSV")
            args, code = _read(file.read_bytes(), scalars, notes)
        summary = _summary_file(path) or (file and _summary_file(file.parent))
        if not scalars and summary:
            scalars = _summary(summary)
            notes.append("No history could be read; wandb-summary.json holds the last values only.")
        if not args and summary:
            args = {k: v.get("value", v) if isinstance(v, dict) else v for k, v in _config(summary).items()}
    except OSError as error:
        raise UnreadableRun(f"{path}: {error.strerror or error}; make it readable or copy it") from error
    if file is None and not scalars:
        raise UnreadableRun(f"{path}: there is no run of Weights & Biases in it; give the folder wandb/offline-run-...")
    columns, step = by_step(scalars)
    epoch = next((columns[n] for n in EPOCH_NAMES if n in columns), None)
    made = exported_tables(scalars) or tables({n: c for n, c in columns.items() if n not in EPOCH_NAMES}, step, epoch)
    if made.steps is None and made.epochs is None:
        raise UnreadableRun(
            f"{file or path}: its history holds no loss, metric or learning rate; nothing was logged yet"
        )
    if made.aside:
        notes.append(f"{len(made.aside)} logged name(s) left aside: {', '.join(made.aside[:12])}.")
    planned = None if made.counted else planned_epochs(args)
    meta = {"trainer": "loop", "args": args, "planned_epochs": planned, "ended": _ended(code, planned)}
    return Run(path, SOURCE, steps=made.steps, epochs=made.epochs, meta=meta, notes=[*notes, *made.notes])


def _log(path: Path) -> Path | None:
    """Return the newest .wandb file with the right head."""
    if path.is_file():
        files = [path]
    elif path.is_dir():
        files = [f for p in ("", "*run-*/", "wandb/*run-*/") for f in path.glob(f"{p}run-*.wandb")]
    else:
        return None
    for file in sorted((f for f in files if f.is_file()), key=lambda f: f.stat().st_mtime, reverse=True):
        with file.open("rb") as stream:
            if stream.read(len(HEADER)) == HEADER:
                return file
    return None


def _summary_file(path: Path) -> Path | None:
    if not path.is_dir():
        return None
    return next(
        (p for p in (path / "files" / "wandb-summary.json", path / "wandb-summary.json") if p.is_file()),
        None,
    )


def _summary(file: Path) -> dict[str, dict[int, float]]:
    if file.stat().st_size > MAX_SUMMARY_BYTES:
        return {}
    try:
        summary = parse_json(file.read_bytes())
    except (ValueError, RecursionError):
        return {}
    if not isinstance(summary, dict):
        return {}
    step = _number(summary.get("_step"))
    at = int(step) if step is not None and 0 <= step < MAX_STEP else 0
    return {str(k): {at: value} for k, v in summary.items() if (value := _number(v)) is not None and k != "_step"}


def _config(summary: Path) -> dict[str, Any]:
    file = summary.parent / "config.yaml"
    return read_yaml(file)[0] if file.is_file() else {}


def _read(data: bytes, scalars: dict[str, dict[int, float]], notes: list[str]) -> tuple[dict[str, Any], int | None]:
    """Take the scalars of a file; return the configuration and the exit code, None without one."""
    args: dict[str, Any] = {}
    code: int | None = None
    damaged, number = 0, 0
    for record in _records(data):
        if record is None:
            damaged += 1
            continue
        try:
            for kind, _, body in fields(record):
                if not isinstance(body, bytes):
                    continue
                if kind == _HISTORY:
                    number = _history(body, scalars, number)
                elif kind == _CONFIG:
                    args |= _items(body)
                elif kind == _RUN:
                    for inner, _, config in fields(body):
                        args |= _items(config) if inner == _RUN_CONFIG and isinstance(config, bytes) else {}
                elif kind == _EXIT:
                    code = next((v for n, _, v in fields(body) if n == _EXIT_CODE and isinstance(v, int)), 0)
                    notes.append(f"wandb recorded that the process ended with code {code}.")
        except ValueError:
            damaged += 1
    if damaged:
        notes.append(f"{damaged} damaged or torn record(s) of the .wandb file dropped.")
    try:
        return dict(plain({k: v for k, v in args.items() if k != "_wandb"}, [MAX_VALUES])), code
    except (ValueError, RecursionError):
        notes.append("The configuration is too large and was not used.")
        return {}, code


def _ended(code: int | None, planned: int | None) -> dict[str, str] | None:
    """Return how a run ended whose planned epochs were not reached, None without an exit code."""
    if code is None:
        return None
    kind = "exception" if code else "completed" if planned is None else "early-stop"
    return {"kind": kind, "reason": f"the process ended with code {code}"}


def _records(data: bytes) -> Iterator[bytes | None]:
    """Yield whole records; None for a damaged or torn one, reading then goes on with the next block."""
    at, parts = len(HEADER), b""
    while at < len(data):
        left = BLOCK_BYTES - at % BLOCK_BYTES
        if left < RECORD_HEADER.size:
            at += left
            continue
        if at + RECORD_HEADER.size > len(data):
            yield None
            return
        _, length, kind = RECORD_HEADER.unpack_from(data, at)
        end = at + RECORD_HEADER.size + length
        fits = RECORD_HEADER.size + length <= left and end <= len(data)
        if not fits or kind not in (FULL, FIRST, MIDDLE, LAST) or len(parts) + length > MAX_RECORD_BYTES:
            yield None
            at, parts = at + left, b""
            continue
        piece = data[at + RECORD_HEADER.size : end]
        at = end
        if kind == FULL:
            parts = b""
            yield piece
        elif kind == FIRST:
            parts = piece
        elif parts:
            parts += piece
            if kind == LAST:
                yield parts
                parts = b""


def _history(body: bytes, scalars: dict[str, dict[int, float]], number: int) -> int:
    """Take a history record's scalars; return the next step to use where a record names none."""
    step: int | None = None
    for kind, _, inner in fields(body):
        if kind == _STEP and isinstance(inner, bytes):
            step = next((v for n, _, v in fields(inner) if n == _STEP_NUMBER and isinstance(v, int)), 0)
    items = _items(body)
    written = _number(items.pop("_step", None))
    if written is not None and 0 <= written < MAX_STEP:
        step = int(written)
    step = number if step is None else step
    for name, value in items.items():
        found = _number(value)
        if found is not None and (name in scalars or len(scalars) < MAX_NAMES):
            scalars.setdefault(name, {})[step] = found
    return step + 1


def _items(body: bytes) -> dict[str, Any]:
    """Return names and values of a message of items with a JSON value each."""
    found: dict[str, Any] = {}
    for kind, _, item in fields(body):
        if kind != _ITEM or not isinstance(item, bytes):
            continue
        names: list[str] = []
        text = b""
        for inner, _, value in fields(item):
            if inner in (_KEY, _NESTED_KEY) and isinstance(value, bytes):
                names.append(value.decode("utf-8", errors="replace"))
            elif inner == _VALUE and isinstance(value, bytes):
                text = value
        try:
            found["/".join(n for n in names if n)[:200]] = parse_json(text)
        except (ValueError, RecursionError):
            continue
    return found


def _number(value: Any) -> float | None:
    if isinstance(value, str) and value.lower() in ("nan", "infinity", "-infinity", "inf", "-inf"):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if not isinstance(value, int) or abs(value) < 2**200 else math.inf
