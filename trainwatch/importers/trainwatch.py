"""Our own recording: ``<run dir>/trainwatch/`` as ``trainwatch_hooks`` writes it.

Parquet segments and the journal of the tail are joined; torn rows are dropped and counted. The training may still be
writing. If there is no step and no epoch, events and meta data alone make a run.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from trainwatch.errors import UnreadableRun
from trainwatch.importers._text import parse_json
from trainwatch.runs.arrays import floats, floats_in, integers
from trainwatch.runs.columns import Columns
from trainwatch.runs.death import cause_of_death, witness_of
from trainwatch.runs.record import read_steps, short
from trainwatch.runs.run import Damage, Run
from trainwatch_hooks.death import machine_now, signs_of_life
from trainwatch_hooks.schema import EPOCH_COLUMNS, FOLDER, SCHEMA_VERSION

MAX_META_BYTES = 16 << 20

_META: dict[str, Any] = {
    "schema": int, "planned_epochs": int, "trainer": str, "command": list, "cwd": str, "args": dict, "requested": dict,
    "versions": dict, "hardware": {"memory_total_bytes": int, "memory_limit_bytes": int, "cpu_count": int, "gpus": list},
    "dataset": {"has_polygons": bool, "train_images": int}, "model": {"name": str, "scale": str},
    "process": {"pid": int, "host": str, "started_s": float, "boot_id": str, "oom_kills": int},
    "git": {"commit": str, "branch": str}, "loop": {"accumulate": int, "steps_per_epoch": int},
}  # fmt: skip
"""What the analysis relies on in a file that anybody may have written; other entries are shown as they are."""

_EVENT: dict[str, Any] = {
    "time_s": float, "step": int, "epoch": int, "attempt": int, "rank": int, "kind": str, "source": str, "message": str,
    "data": {"reason": str, "traceback": str, "type": str, "rows": int, "path": str, "signal": str},
}  # fmt: skip

_SIGNS: dict[str, Any] = {
    "pid": int, "host": str, "started_s": float, "boot_id": str, "memory_cgroup": str, "rank": int, "time_s": float,
    "step": int, "epoch": int, "oom_kills": int, "machine_oom_kills": int, "rss_bytes": int, "free_bytes": int,
    "fault": str, "ended": str,
}  # fmt: skip
"""What the analysis relies on in a heartbeat."""

_WITNESS: dict[str, Any] = {
    "time_s": float, "pid": int, "recorders": list, "code": int, "oom_kills": int, "machine_oom_kills": int, "stderr": str,
    "oom_kills_before": int, "machine_oom_kills_before": int,
}  # fmt: skip

_RANK_DIGITS = 6

_DOUBLED = re.compile(r"^(\w+)/\1/")
"""A family that stands in the name a second time: ``metrics/metrics/acc``, in records up to version 0.1."""

_LARGEST = 2**53
"""Integers beyond are no count of anything, and overflow 64 bits sooner or later."""


def sniff(path: Path) -> float:
    """Answer 1.0 for a run folder that holds our record, or for the record's folder itself."""
    folder = _record(path)
    return 1.0 if folder is not None else 0.0


def load(path: Path) -> Run:
    """Read a record.

    Raises:
        UnreadableRun: If there is a record folder but nothing in it can be read, or a newer version wrote it.
    """
    folder = _record(path)
    if folder is None:
        raise UnreadableRun(f"{path}: no {FOLDER}/ folder with a record in it; give the folder that the training wrote")
    notes: list[str] = []
    meta = _meta(folder / "run.json", notes)
    if int(meta.get("schema") or SCHEMA_VERSION) > SCHEMA_VERSION:
        raise UnreadableRun(
            f"{folder / 'run.json'}: written by a newer trainwatch (schema {meta['schema']}, this one reads "
            f"{SCHEMA_VERSION}); upgrade trainwatch"
        )
    steps = read_steps(folder / "steps", notes)
    odd: list[str] = []
    events = [_clean(e, _EVENT, odd) for e in _lines(folder / "events", notes)]
    if odd:
        notes.append(f"events: {len(odd)} values of an unexpected type left out")
    events = sorted(events, key=lambda e: e["time_s"] if isinstance(e.get("time_s"), int | float) else 0.0)
    epochs = _epochs(_lines(folder / "epochs", notes, first_only=True))
    fresh_s = _last_fresh_start_s(events, steps)
    if fresh_s is not None:
        before = steps.num_rows
        if "time_s" in epochs.column_names:
            epochs = epochs.filter(pa.array(floats_in(epochs["time_s"]) >= fresh_s))
        steps = steps.take(steps.values("time_s") >= fresh_s)
        events = [e for e in events if (e.get("time_s") or 0.0) >= fresh_s]
        notes.append(
            f"{before - steps.num_rows} steps of an earlier training in the same folder are left out: this is the verdict on "
            "the last one only; give each training a folder of its own"
        )
    if not (meta or events or steps.num_rows or epochs.num_rows):
        raise UnreadableRun(
            f"{folder}: a record without a readable row or event{_because(notes)}; "
            "the training wrote nothing, or the files are damaged"
        )
    meta["signs"] = _signs(folder)
    meta["witnesses"] = [
        line for e in _jsonl(folder / "witness.jsonl", notes)[0] if (line := _clean(e, _WITNESS, [])).get("time_s")
    ]
    notes += _seams(events, meta["witnesses"])
    dropped = sum(int((e.get("data") or {}).get("rows") or 0) for e in events if e.get("kind") == "dropped")
    if dropped:
        notes.append(f"{dropped} step rows could not be written by the training (disk full or folder gone)")
    return Run(path, "trainwatch", steps=steps, epochs=epochs, events=events, meta=meta, notes=notes)


def _seams(events: list[dict[str, Any]], lines: list[dict[str, Any]]) -> list[str]:
    """Say where processes before the last one vanished: what they left stands in the start event of the next."""
    told = []
    starts = [e for e in events if e.get("kind") == "start" and not e.get("rank")]
    for number, event in enumerate(starts):
        data = event.get("data")
        left = data.get("predecessor") if isinstance(data, dict) else None
        if not isinstance(left, dict) or left.get("ended") is not None:
            continue
        signs = _clean(left, _SIGNS, [])
        now = signs.get("now")
        if isinstance(now, dict):
            signs["now"] = {**now, "time_s": event.get("time_s")}
        said = {
            e.get("kind") for e in events[: events.index(event)] if _later(e, starts[number - 1] if number else None)
        }
        if said & {"end", "signal", "exception", "oom"}:
            continue
        step = signs.get("step")
        at = f" about step {step}" if isinstance(step, int) else ""
        told.append(
            f"An earlier process of this run vanished{at}: {cause_of_death(signs, witness_of(signs, lines)).reason}"
        )
    return told


def _later(event: dict[str, Any], start: dict[str, Any] | None) -> bool:
    return start is None or (event.get("time_s") or 0.0) >= (start.get("time_s") or 0.0)


def _last_fresh_start_s(events: list[dict[str, Any]], steps: Columns) -> float | None:
    """Return when the last training began that started at epoch 0 in a folder with an earlier record; None without one.

    A resumed training goes on behind the last epoch and is one history with what was before; a fresh one is not.
    """
    starts = [
        e["time_s"] for e in events if e.get("kind") == "start" and e.get("time_s") is not None and not e.get("rank")
    ]
    if len(starts) < 2 or not {"time_s", "epoch"} <= set(steps.names):
        return None
    times, epochs = steps.values("time_s"), steps.values("epoch")
    fresh = None
    for start, end in zip(starts, [*starts[1:], float("inf")], strict=True):
        if np.fmin.reduce(epochs[(times >= start) & (times < end)], initial=np.nan) == 0:
            fresh = start
    return fresh if fresh is not None and fresh != starts[0] else None


def _because(notes: list[str]) -> str:
    return f" ({notes[0]})" if notes else ""


def _record(path: Path) -> Path | None:
    for folder in (path / FOLDER, path):
        try:
            if (folder / "run.json").is_file() or (
                any((folder / name).is_dir() for name in ("steps", "events", "epochs")) and folder.name == FOLDER
            ):
                return folder
        except OSError:
            continue
    return None


def _meta(path: Path, notes: list[str]) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_META_BYTES:
            notes.append(f"{path.name} is larger than {MAX_META_BYTES >> 20} MiB and was not read")
            return {}
        meta = parse_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        notes.append("run.json is missing: arguments and hardware are not known")
        return {}
    except (OSError, ValueError, RecursionError) as error:
        notes.append(f"run.json could not be read ({error}): arguments and hardware are not known")
        return {}
    if not isinstance(meta, dict):
        notes.append("run.json holds no object: arguments and hardware are not known")
        return {}
    odd: list[str] = []
    cleaned = _clean(meta, _META, odd)
    if odd:
        notes.append(f"run.json: {', '.join(odd[:5])} of an unexpected type, left out")
    gpus = (cleaned.get("hardware") or {}).get("gpus")
    if gpus is not None:
        fields = {"name": str, "total_bytes": int}
        cleaned["hardware"]["gpus"] = [_clean(g, fields, odd) for g in gpus if isinstance(g, dict)]
    return cleaned


def _clean(record: dict[str, Any], fields: dict[str, Any], odd: list[str], prefix: str = "") -> dict[str, Any]:
    """Return the record without values of another type than the known fields have; their names go to ``odd``."""
    kept: dict[str, Any] = {}
    for key, value in record.items():
        kind = fields.get(key)
        if isinstance(kind, dict) and isinstance(value, dict):
            kept[key] = _clean(value, kind, odd, f"{prefix}{key}.")
        elif kind is None or value is None or (not isinstance(kind, dict) and _is(value, kind)):
            kept[key] = value
        else:
            odd.append(f"{prefix}{key}")
    return kept


def _is(value: Any, kind: type) -> bool:
    if kind is bool or isinstance(value, bool):
        return kind is bool and isinstance(value, bool)
    if kind is float:
        return isinstance(value, int | float) and abs(value) < _LARGEST  # false for NaN, too
    if kind is int:
        return isinstance(value, int) and abs(value) < _LARGEST
    return isinstance(value, kind)


def _lines(folder: Path, notes: list[str], *, first_only: bool = False) -> list[dict[str, Any]]:
    """Read the JSON lines of all ranks, or of the lowest only (each rank writes every epoch; metrics are rank 0's)."""
    found: list[dict[str, Any]] = []
    bad = 0
    paths = sorted(folder.glob("rank*.jsonl"), key=lambda p: (len(p.name), p.name))
    for path in paths[:1] if first_only else paths:
        records, torn = _jsonl(path, notes)
        found += records
        bad += torn
    if bad:
        notes.append(f"{bad} torn line{'s' if bad > 1 else ''} in {folder.name} dropped")
    return found


def _jsonl(path: Path, notes: list[str]) -> tuple[list[dict[str, Any]], int]:
    """Return the objects of a file of JSON lines, and how many lines are none."""
    found, bad = [], 0
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return [], 0
    except OSError as error:
        notes.append(Damage(f"{path.parent.name}/{path.name} could not be read ({short(error)})"))
        return [], 0
    for line in filter(None, lines):
        try:
            record = parse_json(line)
        except (ValueError, RecursionError):
            bad += 1
            continue
        if isinstance(record, dict):
            found.append(record)
    return found, bad


def _signs(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the last signs of life by rank, with what this machine says now."""
    found = {}
    for path in sorted(folder.glob("heartbeat-rank*.json")):
        rank = path.stem.removeprefix("heartbeat-rank")
        if not rank.isdecimal() or len(rank) > _RANK_DIGITS:
            continue
        signs = _clean(signs_of_life(folder, int(rank)), _SIGNS, [])
        if signs:
            found[str(int(rank))] = {**signs, "now": {**machine_now(signs), "time_s": time.time()}}
    return found


def _epochs(rows: list[dict[str, Any]]) -> pa.Table:
    rows = [r for r in rows if _is(r.get("epoch"), int)]
    names = list(dict.fromkeys(name for row in rows for name in row))
    doubled = {n: m for n in names if (m := _DOUBLED.sub(r"\1/", n)) != n and m not in names}
    rows = [{doubled.get(n, n): v for n, v in row.items()} for row in rows] if doubled else rows
    names = [doubled.get(n, n) for n in names]
    whole = {c.name for c in EPOCH_COLUMNS if c.dtype == "int64"}
    return pa.table(
        {
            n: integers([_cast(r.get(n), int) for r in rows])
            if n in whole
            else floats([_cast(r.get(n), float) for r in rows])
            for n in names
        }
    )


def _cast(value: Any, to: Callable[[Any], Any]) -> Any:
    try:
        made = None if value is None else to(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return None if isinstance(made, int) and abs(made) >= _LARGEST else made
