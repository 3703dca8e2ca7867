"""Scalars under strangers' names, by row, to step and epoch tables: shared by logs without a schema of their own.

How it decides:
    A name tells what a column is (:func:`role`). Training losses measured more than 1.5 times per epoch become step
    columns, everything else is kept per epoch, the last measured value of each. Without an epoch column the evaluations
    are counted instead. A count that goes back starts a new attempt.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from trainwatch.importers._epochs import MAX_EPOCH
from trainwatch.runs.arrays import floats, integers

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Column = tuple[Floats, Mask]
"""Values, and where they were measured (a measured NaN is measured)."""

PER_STEP: Final = 1.5
"""Values per epoch above which a training column is one of steps."""
MAX_STEP: Final = 2**53
PLANNED: Final = (
    "epochs", "max_epochs", "num_train_epochs", "num_epochs", "n_epochs", "nb_epoch", "nb_epochs", "total_epochs",
    "train_epochs", "training_epochs", "max_epoch", "num_epoch", "n_epoch",
)  # fmt: skip
PLANNED_DEPTH: Final = 3
"""Levels of a nested configuration (``trainer: {max_epochs: 9}``) that are looked through."""

_VALIDATION: Final = re.compile(r"(?i)^(?:val|valid|validation|eval|test)[_/ .-]+|^(?:val|eval)(?=loss|acc)")
_TRAINING: Final = re.compile(r"(?i)^(?:train|training|tr)[_/ .-]+")
_RATE: Final = re.compile(r"(?i)^(?:x/)?(?:lr|learning[_ -]?rate)(?:[_/ .-]*(.*))$")
_LOSS: Final = re.compile(r"(?i)loss|^(?:nll|kl|elbo|cross_entropy|ce|mse|mae|rmse|perplexity|ppl)$")
_METRIC: Final = re.compile(
    r"(?i)acc|^f1|f1$|mAP|precision|recall|auc|iou|dice|bleu|rouge|top[-_]?[15]|score|^r2$|^psnr$|^ssim$"
)
_NORM: Final = re.compile(r"(?i)^(?:train[_/])?(?:total_)?grad(?:ient)?_norm$")
STEP_NAMES: Final = (
    "step", "global_step", "_step", "iter", "iteration", "iterations", "steps", "trainer/global_step", "train/global_step",
)  # fmt: skip
EPOCH_NAMES: Final = ("epoch", "epochs", "train/epoch", "ep")
TIME_NAMES: Final = ("_runtime", "time", "time_s", "wall_time", "elapsed", "_timestamp", "timestamp")


@dataclass
class Tables:
    """What came of the scalars.

    Attributes:
        steps: Step table, None without one.
        epochs: Epoch table, None without one.
        notes: What was decided.
        aside: Columns that were not used.
        counted: Epochs are evaluations, counted in order, since the log does not say which epoch it is in.
    """

    steps: pa.Table | None = None
    epochs: pa.Table | None = None
    notes: list[str] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)
    counted: bool = False


def role(name: str) -> str | None:
    """Return our epoch column for a stranger's name (``train/loss``, ``lr/pg0``, ``grad_norm`` ...), None if unknown."""
    name = name.strip()
    if _NORM.match(name):
        return "grad_norm"
    if name.lower() in TIME_NAMES:
        return "time_s"
    if name.startswith("metrics/") and len(name) > 8:
        return name
    validation = _VALIDATION.match(name)
    bare = name[validation.end() :] if validation else name
    training = None if validation else _TRAINING.match(name)
    bare = bare[training.end() :] if training else bare
    rate = None if validation else _RATE.match(bare)
    if rate:
        return f"lr/{rate[1]}" if rate[1] and not rate[1].isdigit() else f"lr/pg{rate[1] or 0}"
    if not bare or re.search(r"(?i)runtime|per_second", bare):
        return None
    if _LOSS.search(bare):
        return f"{'val' if validation else 'train'}/{bare}"
    if validation:
        return f"metrics/{bare}"
    if _METRIC.search(bare):
        return f"metrics/train_{bare}" if training else f"metrics/{bare}"
    return None


def metric(name: str) -> str | None:
    """Return our name of a metric that lies beside the losses (``val/accuracy``), None for anything else."""
    found = role(name) if _METRIC.search(name) and name.startswith(("train/", "val/")) else None
    return found if found is not None and found.startswith("metrics/") else None


def planned_epochs(args: Mapping[str, Any], depth: int = PLANNED_DEPTH) -> int | None:
    """Return the epochs asked for, under any of the usual names, at the shallowest level of a nested configuration.

    The levels may also be in the name (``trainer/max_epochs``, ``trainer.max_epochs``), as loggers flatten them.
    """
    named = {re.split(r"[/.]", str(k))[-1].lower(): v for k, v in reversed(list(args.items()))}
    named |= {str(k).lower(): v for k, v in reversed(list(args.items()))}
    for name in PLANNED:
        value = named.get(name)
        if isinstance(value, str) and value.isdigit() and len(value) < 9:
            value = int(value)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= MAX_EPOCH:
            return math.ceil(value)
    inner = [v for v in args.values() if isinstance(v, Mapping)] if depth > 1 else []
    return next((found for v in inner if (found := planned_epochs(v, depth - 1)) is not None), None)


def column_of(values: Sequence[float | None]) -> Column:
    """Turn a list into a column; None is not measured."""
    measured = np.array([v is not None for v in values], bool)
    return np.array([math.nan if v is None else v for v in values], np.float64), measured


def by_step(scalars: Mapping[str, Mapping[int, float]]) -> tuple[dict[str, Column], Column]:
    """Put scalars that were logged by step on one axis; return the columns and the steps."""
    every = sorted({s for values in scalars.values() for s in values if 0 <= s < MAX_STEP})
    columns = {n: column_of([v.get(s) for s in every]) for n, v in scalars.items()}
    return columns, column_of([float(s) for s in every])


def tables(
    columns: Mapping[str, Column],
    step: Column | None = None,
    epoch: Column | None = None,
    names: Mapping[str, str] | None = None,
    attempt: npt.NDArray[np.int64] | None = None,
) -> Tables:
    """Make the tables.

    Args:
        columns: By the log's own names, all of one length.
        step: Step of each row.
        epoch: Epoch of each row; with fractions in it, how many epochs are done: 0.5 is in the first, 1.0 its end.
        names: Our epoch column for each name; None: guess with :func:`role`.
        attempt: Start of the training that each row belongs to, where the log tells; None: told from the counts.
    """
    made = Tables()
    ours: dict[str, Column] = {}
    for name, column in columns.items():
        target = names.get(name) if names is not None else role(name)
        if target is None or not column[1].any():
            made.aside.append(name)
        elif target in ours:  # two names for one thing: the first, filled up by the second
            first, second = ours[target], column
            ours[target] = (np.where(first[1], first[0], second[0]), first[1] | second[1])
        else:
            ours[target] = column
    length = len(next(iter(columns.values()))[0]) if columns else 0
    if not ours or not length:
        return made
    steps = _counted(step, MAX_STEP)
    part = epoch is not None and fractions(epoch)
    epochs = _counted(epoch, MAX_EPOCH) if not part or epoch is None else _counted(_epoch_of(epoch), MAX_EPOCH)
    if epochs is None and steps is None:
        made.notes.append("There is no column of steps or epochs; rows are counted as epochs.")
        epochs = np.arange(length)
    counted = steps if steps is not None else epochs
    if counted is None:
        return made
    keep = counted >= 0
    if not keep.all():
        made.notes.append(f"{int((~keep).sum())} row(s) without a legal step or epoch left out.")
        ours = {n: (v[keep], m[keep]) for n, (v, m) in ours.items()}
        steps, epochs, attempt = (None if a is None else a[keep] for a in (steps, epochs, attempt))
    axis = steps if steps is not None else epochs
    if axis is None or not len(axis):
        return made
    if attempt is None:
        attempt = _attempts(axis, made.notes, "step" if steps is not None else "epoch")
    if epochs is None or not (epochs >= 0).any():
        epochs = _evaluations(ours, attempt, made)
    else:
        epochs = _filled(epochs)
        if not part and not (epochs == 0).any():
            epochs = np.maximum(epochs - 1, 0)
    _fill(made, ours, steps, epochs, attempt)
    return made


def fractions(epoch: Column) -> bool:
    """Whether a column of epochs says how many are done (0.25, 0.5 ... 2.0), not which one it is."""
    values = epoch[0][epoch[1] & np.isfinite(epoch[0])]
    return bool((values != np.floor(values)).any())


def _epoch_of(done: Column) -> Column:
    """Return the epoch in which so many epochs are done, from 0."""
    return np.where(done[0] >= 0, np.maximum(np.ceil(done[0]) - 1, 0), -1.0), done[1] & np.isfinite(done[0])


def _counted(column: Column | None, largest: int) -> npt.NDArray[np.int64] | None:
    """Return whole numbers, -1 where there is no legal one; None if there is none at all."""
    if column is None:
        return None
    values, measured = column
    legal = measured & np.isfinite(values) & (values >= 0) & (values <= largest)
    if not legal.any():
        return None
    return np.where(legal, np.floor(np.where(legal, values, 0)), -1).astype(np.int64)


def _filled(epochs: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Rows without an epoch belong to that of the row before."""
    at = np.maximum.accumulate(np.where(epochs >= 0, np.arange(len(epochs)), -1))
    first = epochs[epochs >= 0][0]
    return np.where(at >= 0, epochs[np.maximum(at, 0)], first)


def goes_back(axis: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
    """Return the indices, shape (n,), at which a count begins again."""
    # Lightning and others write the row of an epoch's evaluation a little late: going back by one is no new start.
    return np.flatnonzero(axis[1:] < 0.9 * axis[:-1] - 1) + 1


def without_overwritten(table: pa.Table) -> pa.Table:
    """Drop the steps that a later start of the training took again: the last written counts."""
    attempt, step = table["attempt"].to_numpy(), table["step"].to_numpy()
    if not attempt.any():
        return table
    first = np.full(int(attempt.max()) + 2, np.iinfo(np.int64).max)  # first step of each attempt and of none after it
    np.minimum.at(first, attempt, step)
    later = np.minimum.accumulate(first[::-1])[::-1]  # of this attempt and those after it
    return table.filter(pa.array(step < later[attempt + 1]))


def _attempts(axis: npt.NDArray[np.int64], notes: list[str], what: str) -> npt.NDArray[np.int64]:
    starts = goes_back(axis)
    if len(starts):
        notes.append(
            f"The {what} column starts again {len(starts)} time(s), first at {axis[starts[0]]} after "
            f"{axis[starts[0] - 1]}: the file holds more than one start of the training."
        )
    attempt: npt.NDArray[np.int64] = np.searchsorted(starts, np.arange(len(axis)), side="right").astype(np.int64)
    return attempt


def _evaluations(ours: Mapping[str, Column], attempt: npt.NDArray[np.int64], made: Tables) -> npt.NDArray[np.int64]:
    """Count evaluations: the rows up to and with the first one are epoch 0."""
    evaluated = np.zeros(len(attempt), bool)
    for name, (_, measured) in ours.items():
        if name.startswith(("val/", "metrics/")):
            evaluated |= measured
    if not evaluated.any() or evaluated.mean() > 0.5:
        # Evaluated at nearly every row (or never): a row is an epoch, or there are steps only.
        return np.arange(len(attempt)) if evaluated.any() else np.zeros(len(attempt), np.int64)
    made.notes.append("There is no epoch column; epochs are the evaluations, counted in order.")
    made.counted = True
    before = np.concatenate([[0], np.cumsum(evaluated)[:-1]])
    starts = np.concatenate([[0], np.flatnonzero(np.diff(attempt)) + 1])
    counted: npt.NDArray[np.int64] = (
        before - before[starts][np.searchsorted(starts, np.arange(len(attempt)), side="right") - 1]
    )
    return counted


def _fill(
    made: Tables,
    ours: Mapping[str, Column],
    steps: npt.NDArray[np.int64] | None,
    epochs: npt.NDArray[np.int64],
    attempt: npt.NDArray[np.int64],
) -> None:
    keys, inverse = np.unique(np.stack([attempt, epochs]), axis=1, return_inverse=True)
    inverse = inverse.reshape(-1)
    training = [n for n in ours if n.startswith("train/") or n == "grad_norm"]
    per_step = [n for n in training if steps is not None and ours[n][1].sum() > PER_STEP * keys.shape[1]]
    per_step += [n for n in ours if n.startswith("lr/") and per_step]
    if per_step and steps is not None:
        made.steps = _steps(ours, per_step, steps, epochs, attempt)
    rest = [n for n in ours if n not in per_step and not (n == "time_s" and per_step) and n != "grad_norm"]
    if not [n for n in rest if n != "time_s"]:
        return
    filled: dict[str, Column] = {}
    used = np.zeros(keys.shape[1], bool)
    for name in rest:
        values, measured = ours[name]
        out, known = np.zeros(keys.shape[1]), np.zeros(keys.shape[1], bool)
        out[inverse[measured]] = values[measured]
        known[inverse[measured]] = True
        used |= known & (name != "time_s")
        filled[name] = (out, known)
    arrays = {"epoch": integers(keys[1][used]), "attempt": integers(keys[0][used])}
    arrays |= {name: floats(out[used], known[used]) for name, (out, known) in filled.items()}
    made.epochs = pa.table(arrays)


def _steps(
    ours: Mapping[str, Column],
    names: Sequence[str],
    steps: npt.NDArray[np.int64],
    epochs: npt.NDArray[np.int64],
    attempt: npt.NDArray[np.int64],
) -> pa.Table:
    rows = np.zeros(len(steps), bool)
    for name in names:
        rows |= ours[name][1]
    losses = [n for n in names if n.startswith("train/")]
    arrays: dict[str, pa.Array] = {
        "step": integers(steps[rows]),
        "epoch": integers(epochs[rows]),
        "attempt": integers(attempt[rows]),
    }
    for name in [*names, *(["time_s"] if "time_s" in ours else [])]:
        values, measured = ours[name]
        bare = name.removeprefix("train/")
        total = bare == "loss" or len(losses) == 1
        target = name if name not in losses else ("loss" if total else f"loss/{bare}")
        arrays[target] = floats(values[rows], measured[rows])
    return without_overwritten(pa.table(arrays))
