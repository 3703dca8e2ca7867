"""Hugging Face Trainer: ``trainer_state.json``, in the run's folder or in its checkpoints.

What it reads:
    ``log_history`` mixes training entries (``loss``, ``grad_norm``, ``learning_rate``) and evaluations (``eval_loss``,
    ``eval_<metric>``). Training entries become steps, evaluations epochs (``val/loss``, ``metrics/<metric>``). Trainer's
    epochs are fractions that say how many are done: 0.5 lies in the first, 1.0 is its end. Evaluations at the end of each
    epoch keep its number, and ``num_train_epochs`` is planned; at any other rhythm they are numbered in order, and what
    ``max_steps`` leaves room for is planned. ``best_metric`` tells which metric ranks the checkpoints; where larger is
    better it becomes ``fitness``. ``train_runtime``, which Trainer logs last, tells that the training ended by itself.
    ``grad_norm`` and losses may be NaN; Trainer by default hides NaN losses behind an average
    (``logging_nan_inf_filter``), which is noted.

What it repairs, each with a note:
    * A folder with checkpoints of several runs: the newest file counts.
    * An evaluation before the first step belongs to no epoch and is left aside where epochs keep their numbers.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from trainwatch.errors import UnreadableRun
from trainwatch.importers._epochs import MAX_EPOCH, EpochTable
from trainwatch.importers._text import HEAD_BYTES, parse_json, read
from trainwatch.runs.arrays import floats, integers
from trainwatch.runs.run import Run

SOURCE: Final = "hf-trainer"
NAME: Final = "trainer_state.json"
MAX_COMPARED: Final = 20
MAX_COMPARED_BYTES: Final = 4 << 20
"""Other states are opened only to tell whether they belong to the same run."""
LARGEST: Final = 1e300
"""Larger numbers (JSON knows whole numbers of any length) are damage."""
NEARLY: Final = 0.011
"""Trainer rounds epochs to two digits, and the last batch of an epoch may be left out: 0.99 is the end of the first."""
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
        state = parse_json(read(file, f"{NAME} of a Trainer"))
    except (ValueError, RecursionError) as error:
        raise UnreadableRun(f"{file}: no valid JSON ({str(error)[:100]}); copy it again") from error
    history = state.get("log_history") if isinstance(state, dict) else None
    if not isinstance(history, list):
        raise UnreadableRun(f"{file}: it has no log_history; give the {NAME} of a Trainer")
    entries = [_clean(e) for e in history if isinstance(e, dict)]
    total, planned = _whole(state.get("max_steps")), _whole(state.get("num_train_epochs"))
    notes = ["Trainer averages losses between two entries and by default leaves NaN out of the average."]
    rows = _evaluation_rows(entries)
    per_epoch = _per_epoch(rows)
    if per_epoch and _of(rows[0], "step") == 0:
        rows = rows[1:]
        notes.append("An evaluation before the first step was left aside.")
    steps, evaluations = _steps(entries), _evaluations(rows, per_epoch=per_epoch)
    if steps is None and not evaluations.epoch:
        raise UnreadableRun(f"{file}: its log_history is empty; nothing was logged yet")
    others = [f for f in files[1:] if f.parent.parent == path or f.parent == path]
    if others:
        notes.append(f"The newest state was read ({file.parent.name}/{NAME}); {len(others)} other(s) were left aside.")
        strangers = sum(_first_entry(f) not in (None, history[0]) for f in others[:MAX_COMPARED]) if history else 0
        if strangers:
            notes.append(f"{strangers} of them belong to other runs in the same folder: their logs begin otherwise.")
    if rows and not per_epoch:
        planned = _planned_evaluations(rows, total)
        notes.append(
            f"Evaluations are not one for each epoch; they are numbered in order ({len(rows)}) and count as epochs."
        )
    meta = {
        "trainer": "transformers",
        "args": {k: v for k, v in state.items() if isinstance(v, bool | int | float | str)},
        "planned_epochs": planned,
        "planned_steps": total,
        "ended": _ended(state, entries, file),
    }
    fitness = _fitness(state, rows, notes)
    table = evaluations.arrow(fitness) if evaluations.epoch else None
    return Run(path, SOURCE, steps=steps, epochs=table, meta=meta, notes=notes)


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
        history = parse_json(file.read_bytes()).get("log_history")
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


def _of(entry: Mapping[str, float], name: str, missing: float = -1.0) -> float:
    """Return a finite number of an entry."""
    value = entry.get(name, missing)
    return value if math.isfinite(value) else missing


def _epoch_of(done: float) -> int:
    """Return the epoch, from 0, in which so many epochs are done."""
    return max(math.ceil(min(done, MAX_EPOCH) - NEARLY) - 1, 0)


def _steps(entries: Sequence[Mapping[str, float]]) -> pa.Table | None:
    rows = [e for e in entries if "loss" in e and 0 <= _of(e, "step") < 1e12]
    if not rows:
        return None
    return pa.table(
        {
            "step": integers([int(e["step"]) for e in rows]),
            "epoch": integers([_epoch_of(_of(e, "epoch", 0.0)) for e in rows]),
            "attempt": integers([0] * len(rows)),
            "loss": floats([e["loss"] for e in rows]),
            "grad_norm": floats([e.get("grad_norm") for e in rows]),
            "lr/pg0": floats([e.get("learning_rate") for e in rows]),
        }
    )


def _evaluation_rows(entries: Sequence[Mapping[str, float]]) -> list[dict[str, float]]:
    """Return one row for each step with an evaluation; those of several data sets at one step are one row."""
    by_step: dict[float, dict[str, float]] = {}
    for entry in entries:
        if any(k.startswith("eval_") for k in entry):
            by_step.setdefault(_of(entry, "step"), {}).update(entry)
    return [by_step[s] for s in sorted(by_step)]


def _per_epoch(rows: Sequence[Mapping[str, float]]) -> bool:
    """Whether there is at most one evaluation for each epoch, at its end."""
    done = [_of(row, "epoch") for row in rows]
    ends = [abs(e - round(e)) <= NEARLY and 0 <= e <= MAX_EPOCH for e in done]
    return bool(rows) and all(ends) and len({round(e) for e in done}) == len(done) and max(done) >= 1


def _planned_evaluations(rows: Sequence[Mapping[str, float]], total: int | None) -> int | None:
    """Return how many evaluations fit into all steps at the rhythm of those that were made; None if it is not known."""
    steps = [_of(row, "step") for row in rows]
    gaps = sorted(b - a for a, b in itertools.pairwise(steps) if b > a)
    if total is None or not gaps:
        return None
    left = (total - steps[-1]) / gaps[len(gaps) // 2]
    return len(rows) + max(int(min(left, MAX_EPOCH)), 0)


def _evaluations(rows: Sequence[Mapping[str, float]], *, per_epoch: bool) -> EpochTable:
    table = EpochTable()
    names = list(dict.fromkeys(k for row in rows for k in row if k.startswith("eval_")))
    for name in names:
        bare = name.removeprefix("eval_")
        if not bare.endswith(HOUSEKEEPING):
            table.columns[f"val/{bare}" if bare.endswith("loss") else f"metrics/{bare}"] = [
                row.get(name) for row in rows
            ]
    table.epoch = [_epoch_of(row["epoch"]) if per_epoch else i for i, row in enumerate(rows)]
    table.attempt = [0] * len(rows)
    return table


def _fitness(
    state: Mapping[str, Any], rows: Sequence[Mapping[str, float]], notes: list[str]
) -> list[float | None] | None:
    """Return the metric that ranks the checkpoints: the one whose best value is ``best_metric``; None if smaller is better."""
    best = state.get("best_metric")
    if isinstance(best, bool) or not isinstance(best, int | float) or not abs(best) < LARGEST:
        return None
    for name in dict.fromkeys(k for row in rows for k in row if k.startswith("eval_") and not k.endswith(HOUSEKEEPING)):
        values = [_of(row, name, math.nan) for row in rows]
        finite = [v for v in values if math.isfinite(v)]
        if not any(math.isclose(v, best, rel_tol=1e-9) for v in finite):
            continue
        if math.isclose(max(finite), best, rel_tol=1e-9) and not name.endswith("loss"):
            notes.append(f"Checkpoints were ranked by {name}, best {best:.6g}; it is read as fitness.")
            return [row.get(name) for row in rows]
        if math.isclose(min(finite), best, rel_tol=1e-9):
            notes.append(f"Checkpoints were ranked by {name}, smallest {best:.6g}.")
            return None
    return None


def _ended(state: Mapping[str, Any], entries: Sequence[Mapping[str, float]], file: Path) -> dict[str, str] | None:
    """Tell how the training ended, None if the state does not say."""
    done, total = _whole(state.get("global_step")), _whole(state.get("max_steps"))
    if done is None or total is None:
        return None
    if done >= total:
        return {"kind": "completed", "reason": f"step {done} of {total}"}
    if any("train_runtime" in e for e in entries[-3:]):
        return {"kind": "early-stop", "reason": f"Trainer logged its end at step {done} of {total}"}
    save = _whole(state.get("save_steps"))
    if file.parent.name.startswith("checkpoint-") and save is not None and total - done < save:
        # Older versions of Trainer write no checkpoint at the end.
        return {
            "kind": "unknown",
            "reason": f"the newest checkpoint is of step {done} of {total}; the next was not due",
        }
    return {"kind": "truncated", "reason": f"the newest state is of step {done} of {total}"}
