"""TensorBoard event files: the scalars of ``events.out.tfevents.*``, read without TensorBoard.

What it reads:
    Of each Event step, wall time and the scalar summaries (``simple_value``, or a tensor with one number). Beside
    ``args.yaml`` or ``opt.yaml``, or where the numbers run on without gaps, tags named ``train/<x>``, ``val/<x>``,
    ``metrics/<x>`` are epochs as Ultralytics and the YOLOs log them, ``x/lr0`` and ``lr/pg0`` learning rates; training
    tags with more values than evaluations are steps. With a tag ``epoch``, or where evaluations lie far apart, steps and
    epochs are told apart as in any foreign log, see ``_scalars.py``. ``hparams.yaml`` (Lightning) tells the planned epochs.

What it repairs, each with a note:
    * Several files are one history; those of the subfolders ``train`` and ``validation`` are told apart (Keras). A file,
      or a part of one, whose steps go back is a restart of the training: it counts as another attempt, and what it wrote
      again replaces the steps from there on, as TensorBoard itself purges them. Files that were written at the same time
      (one for each rank) are no restart.
    * A tag written several times for one step (a callback added twice): the last one counts.
    * A torn record at the end is dropped.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from trainwatch.errors import UnreadableRun
from trainwatch.importers._epochs import MAX_EPOCH, EpochTable
from trainwatch.importers._exported import exported_tables
from trainwatch.importers._scalars import (
    EPOCH_NAMES,
    PER_STEP,
    Column,
    column_of,
    goes_back,
    metric,
    planned_epochs,
    tables,
    without_overwritten,
)
from trainwatch.importers._text import read_yaml
from trainwatch.importers._tfevents import TRAINING, event_files, is_event_file, records, scalars
from trainwatch.importers.ultralytics_csv import fitness_weights
from trainwatch.importers.yolov5_csv import NAMES, arguments, fitness, meta
from trainwatch.runs.arrays import floats, integers
from trainwatch.runs.run import Run

SOURCE: Final = "tensorboard"
MAX_FILE_BYTES: Final = 2 << 30
MAX_TAGS: Final = 2000
MAX_ATTEMPTS: Final = 1000
GAPS: Final = 1.5
"""Steps per value above which numbers are no epochs in a row."""

AGAIN: Final = "_vs_iterations"
"""End of a tag under which Keras writes what it also writes per epoch."""

_FAMILIES: Final = ("train/", "val/", "metrics/", "lr/")
_LAST: Final = re.compile(r"(?i)^(.+)/(train|val|valid|validation|eval|test)$")

Values = dict[tuple[int, int], float]
"""By attempt and step."""


@dataclass
class History:
    """What the files of a folder hold together.

    Attributes:
        values: By tag.
        repeated: Values written again for the same tag, attempt and step.
        torn: Torn records.
        restarts: Step at which each restart began.
    """

    values: dict[str, Values] = field(default_factory=dict)
    repeated: int = 0
    torn: int = 0
    restarts: list[int] = field(default_factory=list)
    _last: dict[str, tuple[int, int]] = field(default_factory=dict)  # newest attempt of each tag, and its last step

    def add(self, written: Mapping[str, list[tuple[int, float]]], *, alone: bool) -> None:
        """Add what one file holds.

        Args:
            written: Step and value in the order of the file, by tag.
            alone: Nothing of earlier files was written after this one had begun.
        """
        base = len(self.restarts)
        before = {tag: step for tag, (attempt, step) in self._last.items() if attempt == base and tag in written}
        back = sum(written[tag][0][0] <= step for tag, step in before.items())
        if alone and back > len(before) / 2 and base < MAX_ATTEMPTS:
            self.restarts.append(min(written[tag][0][0] for tag in before))
            base += 1
        starts = {tag: goes_back(np.array([s for s, _ in rows], np.int64)) for tag, rows in written.items()}
        count = _usual(len(starts[tag]) for tag, rows in written.items() if len(rows) > 1)
        if count > MAX_ATTEMPTS - base:
            count = 0
        agreeing = {tag for tag in written if count and len(starts[tag]) == count}
        self.restarts += [min(written[tag][starts[tag][i]][0] for tag in agreeing) for i in range(count)]
        for tag, rows in written.items():
            if tag not in self.values and len(self.values) >= MAX_TAGS:
                continue
            values = self.values.setdefault(tag, {})
            begun = starts[tag] if tag in agreeing else np.zeros(count, np.int64)
            attempts = base + np.searchsorted(begun, np.arange(len(rows)), side="right")
            for attempt, (step, value) in zip(attempts.tolist(), rows, strict=True):
                self.repeated += (attempt, step) in values
                values[attempt, step] = value
            final = int(attempts[-1])
            here = max(step for attempt, (step, _) in zip(attempts.tolist(), rows, strict=True) if attempt == final)
            earlier, top = self._last.get(tag, (-1, -1))
            self._last[tag] = (final, max(here, top) if earlier == final else here)


def sniff(path: Path) -> float:
    """Return 0.4 for a folder with event files, or such a file (told by its first records), else 0."""
    try:
        return 0.4 if any(is_event_file(f) for f in event_files(path)) else 0.0
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
    files = [f for f in event_files(path) if is_event_file(f)]
    if not files:
        raise UnreadableRun(f"{path}: there is no TensorBoard event file in it; give the log directory")
    folder = path if path.is_dir() else path.parent
    history = _read(files, folder)
    if not history.values:
        raise UnreadableRun(
            f"{path}: the event files hold no scalar; nothing was logged yet, or only pictures and graphs"
        )
    return _run(path, folder, history, _notes(files, history))


def _read(files: list[Path], folder: Path) -> History:
    history = History()
    contents: list[tuple[float, float, dict[str, list[tuple[int, float]]]]] = []
    for file in files:
        written: dict[str, list[tuple[int, float]]] = {}
        prefix = "" if file.parent == folder else "train/" if file.parent.name in TRAINING else "val/"
        first = last = 0.0
        try:
            if file.stat().st_size > MAX_FILE_BYTES:
                raise UnreadableRun(f"{file}: larger than {MAX_FILE_BYTES >> 30} GiB; export its scalars as CSV")
            for record in records(file):
                if record is None:
                    history.torn += 1
                    continue
                for time_s, step, name, value in scalars(record):
                    tag = f"{prefix}{name}"
                    if tag in written or len(written) < MAX_TAGS:
                        written.setdefault(tag, []).append((step, value))
                        first, last = first or time_s, max(last, time_s)
        except OSError as error:
            raise UnreadableRun(f"{file}: {error.strerror or error}; make it readable or copy it") from error
        if written:
            contents.append((first, last, written))
    until = -np.inf
    for first, last, written in sorted(contents, key=lambda c: c[0]) if _clocked(contents) else contents:
        history.add(written, alone=not first < until)
        until = max(until, last)
    return history


def _clocked(contents: Iterable[tuple[float, float, Any]]) -> bool:
    """Whether all wall times are numbers that can be compared."""
    return all(np.isfinite(first) and np.isfinite(last) for first, last, _ in contents)


def _usual(counts: Iterable[int]) -> int:
    """Return what more than half of the tags agree on, else 0: a tag of its own axis (a class index) always goes back."""
    found = Counter(counts)
    value, times = found.most_common(1)[0] if found else (0, 1)
    return value if times > found.total() / 2 else 0


def _notes(files: list[Path], history: History) -> list[str]:
    notes = [f"{len(files)} event files were read as one history."] if len(files) > 1 else []
    if history.restarts:
        notes.append(
            f"The steps go back {len(history.restarts)} time(s), first to {history.restarts[0]}: the training was started "
            "again; what it wrote again replaces the earlier values from there on."
        )
    if history.repeated:
        notes.append(
            f"{history.repeated} values were written again for the same tag and step; the last of each was taken."
        )
    if history.torn:
        notes.append(f"{history.torn} torn record(s) at the end of a file dropped.")
    return notes


def _run(path: Path, folder: Path, history: History, notes: list[str]) -> Run:
    described, said = _described(folder)
    exported = exported_tables({t: {s: v for (_, s), v in sorted(p.items())} for t, p in history.values.items()})
    if exported is not None:
        return Run(path, SOURCE, steps=exported.steps, epochs=exported.epochs, meta=described, notes=[*notes, *said])
    yolo = described["trainer"] in ("ultralytics", "yolov5")
    named: dict[str, Values] = {}
    for tag, values in history.values.items():
        if tag.endswith(AGAIN) and len(history.values) > 1:
            continue
        named.setdefault(_ours(tag, yolo=yolo), {}).update(values)
    epochs = {n: v for n, v in named.items() if n.startswith(_FAMILIES)}
    if not epochs:
        epochs = {n: v for n, v in named.items() if "val" in n.lower() or "eval" in n.lower() or "acc" in n.lower()}
    evaluations = {n: v for n, v in epochs.items() if not n.startswith(("train/", "lr/", "metrics/train_"))}
    if not yolo and (any(n in EPOCH_NAMES for n in named) or _gaps(evaluations or epochs)):
        return _by_step(path, named, described, [*notes, *said])
    if not yolo:  # more training values than evaluations: those are steps, however they are called
        many = PER_STEP * max(map(len, evaluations.values()), default=MAX_EPOCH)
        epochs = {n: v for n, v in epochs.items() if n in evaluations or len(v) <= many}
    steps = {
        n: v for n, v in named.items() if n not in epochs and ("loss" in n.lower() or n.startswith(("train/", "lr/")))
    }
    if not epochs and not steps:
        steps = dict(named)
    table = _epochs(epochs)
    ranked = _fitness(table, described["args"]) if table.epoch else None
    return Run(
        path,
        SOURCE,
        steps=_steps(steps),
        epochs=table.arrow(ranked) if table.epoch else None,
        meta=described,
        notes=[*notes, *said],
    )


def _described(folder: Path) -> tuple[dict[str, Any], list[str]]:
    """Return what ``run.json`` would say, from the file of arguments beside the log, and notes."""
    args, unread = read_yaml(folder / "args.yaml")
    if args:
        planned = args.get("epochs")
        legal = isinstance(planned, int) and not isinstance(planned, bool) and 0 < planned <= MAX_EPOCH
        return {"trainer": "ultralytics", "args": args, "planned_epochs": planned if legal else None}, unread
    args, unread = arguments(folder)
    if args:
        return meta(args), unread
    args, _ = read_yaml(folder / "hparams.yaml")
    if args:
        return {"trainer": "lightning", "args": args, "planned_epochs": planned_epochs(args)}, []
    return {"trainer": "loop", "args": {}, "planned_epochs": None}, unread


def _ours(tag: str, *, yolo: bool) -> str:
    if tag in EPOCH_NAMES:
        return tag
    tag = _LAST.sub(r"\2/\1", tag)  # Loss/train, as in PyTorch's tutorial
    for pattern, replacement in NAMES:
        tag = pattern.sub(replacement, tag)
    return tag if yolo else metric(tag) or tag


def _gaps(columns: Mapping[str, Values]) -> bool:
    """Whether the steps of these columns lie so far apart that they are no epochs."""
    steps = {s for values in columns.values() for _, s in values}
    return len(steps) > 1 and (max(steps) - min(steps) + 1) > GAPS * len(steps)


def _by_step(path: Path, named: Mapping[str, Values], described: Mapping[str, Any], notes: list[str]) -> Run:
    every = sorted({k for values in named.values() for k in values})
    columns: dict[str, Column] = {n: column_of([v.get(k) for k in every]) for n, v in named.items()}
    epoch = next((columns.pop(n) for n in EPOCH_NAMES if n in columns), None)
    attempt = np.array([a for a, _ in every], np.int64)
    made = tables(columns, column_of([float(s) for _, s in every]), epoch, attempt=attempt)
    if made.steps is None and made.epochs is None:
        raise UnreadableRun(f"{path}: no tag of the event files names a loss, a metric or a learning rate")
    if made.aside:
        notes = [*notes, f"{len(made.aside)} tag(s) left aside: {', '.join(made.aside[:12])}."]
    return Run(
        path,
        SOURCE,
        steps=made.steps,
        epochs=made.epochs,
        meta=described,
        notes=[*notes, *made.notes],
    )


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


def _epochs(columns: Mapping[str, Values]) -> EpochTable:
    """Put tags on one axis; early and late Ultralytics count from 0 and from 1, which is told from the first."""
    table = EpochTable()
    every = sorted({k for values in columns.values() for k in values if 0 <= k[1] <= MAX_EPOCH})
    base = 1 if every and min(s for _, s in every) == 1 else 0
    table.epoch, table.attempt = [s - base for _, s in every], [a for a, _ in every]
    table.columns = {n: [values.get(k) for k in every] for n, values in columns.items()}
    return table


def _steps(columns: Mapping[str, Values]) -> pa.Table | None:
    every = sorted({k for values in columns.values() for k in values if k[1] >= 0})
    if not every:
        return None
    losses = [n for n in columns if not n.startswith("lr/")]
    arrays = {
        "step": integers([s for _, s in every]),
        "epoch": integers([0] * len(every)),
        "attempt": integers([a for a, _ in every]),
    }
    for name, values in columns.items():
        bare = name.removeprefix("train/")
        total = len(losses) == 1 or bare.lower() == "loss"
        ours = name if name.startswith("lr/") else "loss" if total and "loss" not in arrays else f"loss/{bare}"
        arrays[ours] = floats([values.get(k) for k in every])
    return without_overwritten(pa.table(arrays))
