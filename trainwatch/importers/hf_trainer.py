"""Hugging Face Trainer: ``trainer_state.json``, in the run's folder or in its checkpoints.

What it reads:
    ``log_history`` mixes training entries (``loss``, ``grad_norm``, ``learning_rate``) and evaluations (``eval_loss``,
    ``eval_<metric>``). Training entries become steps, evaluations epochs (``val/loss``, ``metrics/<metric>``), numbered in
    order, since Trainer's epochs are fractions. ``grad_norm`` and losses may be NaN; Trainer by default hides NaN losses
    behind an average (``logging_nan_inf_filter``), which is noted.

What it repairs:
    A folder with checkpoints of several runs: the newest file counts, and a note says which were left aside.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from trainwatch.errors import UnreadableRun
from trainwatch.importers._epochs import EpochTable
from trainwatch.importers._text import HEAD_BYTES, read
from trainwatch.runs.arrays import floats, integers
from trainwatch.runs.run import Run

SOURCE: Final = "hf-trainer"
NAME: Final = "trainer_state.json"
MAX_COMPARED: Final = 20
MAX_COMPARED_BYTES: Final = 4 << 20
"""Other states are opened only to tell whether they belong to the same run."""
LARGEST: Final = 1e300
"""Larger numbers (JSON knows whole numbers of any length) are damage."""
HOUSEKEEPING: Final = ("runtime", "samples_per_second", "steps_per_second", "epoch", "model_preparation_time")


def sniff(path: Path) -> float:
    """Return 0.5 for a folder with, or a file that is, a trainer_state.json (told by its keys), else 0."""
    try:
        files = _state_files(path)
        if not files:
            return 0.0
        with files[0].open("rb") as stream:
            head = stream.read(HEAD_BYTES)
        return 0.5 if head.lstrip()[:1] == b"{" and (b'"log_history"' in head or b'"global_step"' in head) else 0.0
    except OSError:
        return 0.0


def load(path: Path) -> Run:
    """Read a run folder, a checkpoint folder or the file itself.

    Args:
        path: Where ``trainer_state.json`` is, or a folder with ``checkpoint-*/trainer_state.json``.

    Raises:
        UnreadableRun: If there is none, or it is no such file.
    """
    path = Path(path)
    files = _state_files(path)
    if not files:
        raise UnreadableRun(f"{path}: there is no {NAME} in it; give the output_dir of the Trainer")
    file = files[0]
    try:
        state = json.loads(read(file, f"{NAME} of a Trainer"))
    except (ValueError, RecursionError) as error:
        raise UnreadableRun(f"{file}: no valid JSON ({str(error)[:100]}); copy it again") from error
    history = state.get("log_history") if isinstance(state, dict) else None
    if not isinstance(history, list):
        raise UnreadableRun(f"{file}: it has no log_history; give the {NAME} of a Trainer")
    entries = [_clean(e) for e in history if isinstance(e, dict)]
    steps, evaluations = _steps(entries), _evaluations(entries)
    if steps is None and not evaluations.epoch:
        raise UnreadableRun(f"{file}: its log_history is empty; nothing was logged yet")
    notes = ["Trainer averages losses between two entries and by default leaves NaN out of the average."]
    others = [f for f in files[1:] if f.parent.parent == path or f.parent == path]
    if others:
        notes.append(f"The newest state was read ({file.parent.name}/{NAME}); {len(others)} other(s) were left aside.")
        strangers = sum(_first_entry(f) not in (None, history[0]) for f in others[:MAX_COMPARED]) if history else 0
        if strangers:
            notes.append(f"{strangers} of them belong to other runs in the same folder: their logs begin otherwise.")
    total, planned = _whole(state.get("max_steps")), _whole(state.get("num_train_epochs"))
    meta = {
        "trainer": "transformers",
        "args": {k: v for k, v in state.items() if isinstance(v, bool | int | float | str)},
        "planned_epochs": None if evaluations.epoch else planned,
        "planned_steps": total,
    }
    return Run(
        path, SOURCE, steps=steps, epochs=evaluations.arrow() if evaluations.epoch else None, meta=meta, notes=notes
    )


def _state_files(path: Path) -> list[Path]:
    """Return the files, newest state first: by step in the checkpoint's name among one run, else by time."""
    if path.is_file():
        return [path] if path.suffix == ".json" else []
    if not path.is_dir():
        return []
    found = [p for p in (path / NAME, *path.glob(f"checkpoint-*/{NAME}")) if p.is_file()]
    # A copy or checkout gives all files nearly the same time, in no order; within a minute the step decides, and the
    # state beside the checkpoints was written last.
    return sorted(
        found, key=lambda p: (p.stat().st_mtime // 60, p.parent == path, _number_of(p.parent.name)), reverse=True
    )


def _first_entry(file: Path) -> Any:
    """Return what a state's history begins with: the same for all checkpoints of one run; None if it cannot be told."""
    try:
        if file.stat().st_size > MAX_COMPARED_BYTES:
            return None
        history = json.loads(file.read_bytes()).get("log_history")
    except (OSError, ValueError, RecursionError, AttributeError):
        return None
    return history[0] if isinstance(history, list) and history else None


def _number_of(name: str) -> int:
    tail = name.rsplit("-", 1)[-1]
    return int(tail) if tail.isdigit() and len(tail) < 12 else -1


def _whole(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        return None
    return math.ceil(value)


def _clean(entry: Mapping[str, Any]) -> dict[str, float]:
    found: dict[str, float] = {}
    for key, value in entry.items():
        written = isinstance(value, str) and value.lower() in ("nan", "inf", "-inf", "infinity")
        measured = isinstance(value, int | float) and not isinstance(value, bool)
        if written or (measured and not LARGEST < abs(value) < math.inf):
            found[str(key)] = float(value)
    return found


def _steps(entries: Sequence[Mapping[str, float]]) -> pa.Table | None:
    rows = [e for e in entries if "loss" in e and 0 <= e.get("step", -1) < 1e12]
    if not rows:
        return None
    return pa.table(
        {
            "step": integers([int(e["step"]) for e in rows]),
            "epoch": integers([int(min(max(e.get("epoch", 0.0), 0.0), 1e9)) for e in rows]),
            "attempt": integers([0] * len(rows)),
            "loss": floats([e["loss"] for e in rows]),
            "grad_norm": floats([e.get("grad_norm") for e in rows]),
            "lr/pg0": floats([e.get("learning_rate") for e in rows]),
        }
    )


def _evaluations(entries: Sequence[Mapping[str, float]]) -> EpochTable:
    table = EpochTable()
    by_step: dict[float, dict[str, float]] = {}
    for entry in entries:  # evaluations of several data sets at one step are one row
        if any(k.startswith("eval_") for k in entry):
            by_step.setdefault(entry.get("step", -1.0), {}).update(entry)
    rows = [by_step[s] for s in sorted(by_step)]
    names = list(dict.fromkeys(k for row in rows for k in row if k.startswith("eval_")))
    for name in names:
        bare = name.removeprefix("eval_")
        if not bare.endswith(HOUSEKEEPING):
            table.columns[f"val/{bare}" if bare.endswith("loss") else f"metrics/{bare}"] = [
                row.get(name) for row in rows
            ]
    table.epoch, table.attempt = list(range(len(rows))), [0] * len(rows)
    return table
