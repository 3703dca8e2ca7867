"""Any table: CSV, TSV, JSON lines or Parquet, with a mapping of its columns or by their usual names.

What it reads:
    One row per step or epoch. ``--map step=iter,loss/total=train_loss`` says which column is which: our name, ``=``, the
    file's name (or the column's number from 1, for a file without a header). Our names are ``step``, ``epoch``,
    ``time_s``, ``loss``, ``loss/<component>``, ``train/<component>``, ``val/<component>``, ``metrics/<name>``,
    ``lr/<group>``, ``grad_norm``. Without a mapping the usual names are known (epoch, step, loss, val_loss, lr, acc ...);
    what was guessed and what was left aside is noted. A training column measured more often than once per epoch is
    one of steps.

What it never does: guess without a column of losses, metrics or learning rates whose name says so.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from trainwatch.errors import UnreadableRun
from trainwatch.importers._arrow import LARGE_BYTES, MAX_COLUMNS, of_table, read_clean, separator_of, split
from trainwatch.importers._scalars import EPOCH_NAMES, STEP_NAMES, Column, column_of, role, tables
from trainwatch.importers._text import HEAD_BYTES, decode, number, parse_json
from trainwatch.runs.run import Run

SOURCE: Final = "generic"
ENDINGS: Final = (".csv", ".tsv", ".txt", ".log", ".jsonl", ".ndjson", ".parquet")
MAX_BYTES: Final = 1 << 30
MAX_PLAIN_BYTES: Final = 64 << 20
"""Beyond, only what pyarrow parses as a clean table is read: 1e6 rows of 12 columns are about 100 MB."""
MAX_LINE: Final = 1 << 20
TARGET: Final = re.compile(r"(step|epoch|time_s|grad_norm|fitness|loss|lr|(loss|train|val|metrics|lr)/[^=]{1,100})")


def sniff(path: Path) -> float:
    """Return 0.1 for a table that has a loss and a metric, or a loss and a step or epoch, under usual names, else 0."""
    try:
        file = _file(path)
        if file is None:
            return 0.0
        names = _names(file)
    except (OSError, ValueError, RecursionError, csv.Error, pa.ArrowException):
        return 0.0
    roles = {r for n in names if (r := role(n)) and r != "time_s"}
    counted = any(n.lower() in (*STEP_NAMES, *EPOCH_NAMES) for n in names)
    losses = sum(r.startswith(("train/", "val/")) for r in roles)
    return 0.1 if roles and (counted or losses) and (counted or len(roles) > 1) else 0.0


def load(path: Path, mapping: Mapping[str, str] | None = None) -> Run:
    """Read a table.

    Args:
        path: The file, or a folder with one such file.
        mapping: The file's column by our name; None: by their usual names.

    Raises:
        UnreadableRun: If there is none, it is damaged, a mapped column is missing, or no name is known.
    """
    path = Path(path)
    file = _file(path)
    if file is None:
        raise UnreadableRun(f"{path}: there is no single CSV, JSON lines or Parquet table in it; give the file itself")
    try:
        if file.stat().st_size > MAX_BYTES:
            raise UnreadableRun(f"{file}: larger than {MAX_BYTES >> 30} GiB; thin it, or save it as Parquet")
        if mapping is None and not sniff(path):
            raise UnreadableRun(
                f"{file}: no column has a known name; say which is which, e.g. --map step=iter,loss=total"
            )
        columns, notes = _read(file)
    except (OSError, ValueError, RecursionError, csv.Error, pa.ArrowException) as error:
        if isinstance(error, OSError) and error.strerror:  # pyarrow's are of no system call, and of several lines
            raise UnreadableRun(f"{file}: {error.strerror}; make it readable or copy it") from error
        first = (str(error).splitlines() or [type(error).__name__])[0][:150]
        raise UnreadableRun(
            f"{file}: no table that can be read ({first}); give a CSV, JSON lines or Parquet file"
        ) from error
    names: dict[str, str] | None = None
    step, epoch = _first(columns, STEP_NAMES), _first(columns, EPOCH_NAMES)
    if mapping is not None:
        names = _targets(mapping, columns, file)
        step, epoch = mapping.get("step"), mapping.get("epoch")
    counters = [n for n in (step, epoch) if n is not None]
    made = tables(
        {n: c for n, c in columns.items() if n not in counters},
        columns.get(step or ""),
        columns.get(epoch or ""),
        names,
    )
    if made.steps is None and made.epochs is None:
        raise UnreadableRun(f"{file}: no row with a number in a known column; say which is which with --map")
    return Run(
        path,
        SOURCE,
        steps=made.steps,
        epochs=made.epochs,
        meta={"trainer": "loop", "args": {}, "planned_epochs": None},
        notes=[*notes, *_said(columns, names, counters, made.aside), *made.notes],
    )


def parse_mapping(text: str) -> dict[str, str]:
    """Read ``step=iter,loss/total=train_loss``.

    Raises:
        UnreadableRun: If it is none.
    """
    found: dict[str, str] = {}
    for pair in next(csv.reader(io.StringIO(text)), []):
        target, equals, name = (part.strip() for part in pair.partition("="))
        if not equals or not name or not TARGET.fullmatch(target):
            raise UnreadableRun(
                f"--map: {pair!r} is no mapping; write OURS=COLUMN, e.g. step=iter,loss/total=train_loss, where OURS is step, "
                "epoch, time_s, loss, grad_norm, or train/, val/, metrics/, loss/ or lr/ with a name"
            )
        found[target] = name
    if not set(found) - {"step", "epoch", "time_s"}:
        raise UnreadableRun("--map names no loss, metric or learning rate; write e.g. --map step=iter,loss=train_loss")
    return found


def _targets(mapping: Mapping[str, str], columns: Mapping[str, Column], file: Path) -> dict[str, str]:
    missing = [n for n in mapping.values() if n not in columns]
    if missing:
        there = ", ".join(list(columns)[:30]) or "none"
        raise UnreadableRun(f"{file}: --map names {missing[0]!r}, which is no column with numbers; there are: {there}")
    names: dict[str, str] = {}
    for target, name in mapping.items():
        if target in ("step", "epoch"):
            continue
        if target.startswith("loss"):
            names[name] = f"train/{target.removeprefix('loss/')}"
        else:
            names[name] = "lr/pg0" if target == "lr" else target
    return names


def _first(columns: Mapping[str, Column], wanted: Sequence[str]) -> str | None:
    lower = {n.lower(): n for n in reversed(list(columns))}
    return next((lower[w] for w in wanted if w in lower), None)


def _said(
    columns: Mapping[str, Column], names: Mapping[str, str] | None, counters: Sequence[str], aside: Sequence[str]
) -> list[str]:
    notes = []
    if names is None:
        guessed = {n: r for n in columns if n not in counters and n not in aside and (r := role(n))}
        shown = ", ".join(f"{n} is {r}" for n, r in list(guessed.items())[:12])
        notes.append(f"Columns were guessed from their names: {', '.join([*counters, shown])}; --map says otherwise.")
    if aside:
        more = " ..." if len(aside) > 12 else ""
        notes.append(f"{len(aside)} column(s) left aside: {', '.join(aside[:12])}{more}.")
    return notes


# -- files ------------------------------------------------------------------------------------------------------------


def _file(path: Path) -> Path | None:
    if path.is_file():
        return path
    if not path.is_dir():
        return None
    files = sorted(p for p in path.iterdir() if p.suffix.lower() in ENDINGS[:2] + ENDINGS[4:] and p.is_file())
    return files[0] if len(files) == 1 else None


def _is_parquet(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(4) == b"PAR1"


def _names(file: Path) -> list[str]:
    """Return the column names, from the head of the file only."""
    if _is_parquet(file):
        import pyarrow.parquet as pq

        return list(pq.read_schema(file).names)
    with file.open("rb") as stream:
        data = stream.read(HEAD_BYTES)
    if b"\0" in data and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        return []
    head = decode(data)
    if head.lstrip()[:1] == "{":
        names: dict[str, None] = {}
        for line in head.split("\n")[:20]:
            try:
                record = parse_json(line)
            except ValueError:
                continue
            names |= dict.fromkeys(map(str, record)) if isinstance(record, dict) else {}
        return list(names)
    line = head.split("\n", 1)[0]
    return [f.strip() for f in split(line, separator_of(line))]


def _read(file: Path) -> tuple[dict[str, Column], list[str]]:
    if _is_parquet(file):
        import pyarrow.parquet as pq

        return of_table(pq.read_table(file)), []
    large = file.stat().st_size > LARGE_BYTES
    if large and (table := read_clean(file)) is not None:
        return table, []
    if file.stat().st_size > MAX_PLAIN_BYTES:
        raise ValueError(f"larger than {MAX_PLAIN_BYTES >> 20} MiB and not a clean table of numbers")
    text = decode(file.read_bytes())
    if "\0" in text:
        raise ValueError("binary data")
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        raise ValueError("the file is empty")
    if max(map(len, lines)) > MAX_LINE:
        raise ValueError("a line longer than 1 MiB")
    return _of_json(lines) if lines[0].lstrip()[:1] == "{" else _of_csv(lines)


def _of_json(lines: Sequence[str]) -> tuple[dict[str, Column], list[str]]:
    rows: list[dict[str, Any]] = []
    bad = 0
    for line in lines:
        try:
            record = parse_json(line)
        except (ValueError, RecursionError):
            record = None
        if isinstance(record, dict):
            rows.append({str(k): _measured(v) for k, v in record.items()})
        else:
            bad += 1
    names = list(dict.fromkeys(n for row in rows for n in row))[:MAX_COLUMNS]
    columns = {n: column_of([row.get(n) for row in rows]) for n in names}
    notes = [f"{bad} line(s) that hold no JSON object left out."] if bad else []
    return {n: c for n, c in columns.items() if c[1].any()}, notes


def _measured(value: Any) -> float | None:
    if isinstance(value, str) and value.lower() in ("nan", "inf", "-inf", "infinity", "-infinity"):
        return float(value)
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or (isinstance(value, int) and abs(value) > 2**200)
    ):
        return None
    return float(value)


def _of_csv(lines: Sequence[str]) -> tuple[dict[str, Column], list[str]]:
    separator = separator_of(lines[0])
    header = [f.strip() for f in split(lines[0], separator)]
    if len(header) > MAX_COLUMNS:
        raise ValueError(f"more than {MAX_COLUMNS} columns")
    body = lines[1:]
    if header and _value(header[0]) is not None:  # no header: columns are numbered
        header, body = [str(i) for i in range(1, len(header) + 1)], lines
    rows: list[list[float | None]] = []
    bad = 0
    for line in body:
        try:
            fields = split(line, separator)
        except csv.Error:
            fields = []
        if len(fields) == len(header):
            rows.append([_value(f) for f in fields])
        else:
            bad += 1
    columns = {n: column_of([row[i] for row in rows]) for i, n in enumerate(header)}
    notes = [f"{bad} damaged row(s) left out: wrong number of fields."] if bad else []
    return {n: c for n, c in columns.items() if c[1].any()}, notes


def _value(text: str) -> float | None:
    """Return a field's number; of ``3/99`` (epoch of all epochs) the first."""
    found = re.match(r"\s*(\d+)/\d+\s*$", text)
    return float(found[1]) if found else number(text)
