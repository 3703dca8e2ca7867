"""Curves of several runs on one axis: step, epoch or time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from trainwatch.compared import By
from trainwatch.result import Curve, Finding, Mark, Panel
from trainwatch.runs import Run, Series
from trainwatch.signals.envelope import reduce

Floats = npt.NDArray[np.float64]

BUCKETS = 300
"""Points per curve, as on the page of a single run."""

X_UNIT = {"step": "step", "epoch": "epoch", "time": "s"}

STEP_PANELS = (
    ("loss", "Training loss", True, ("loss",)),
    ("grad_norm", "Gradient norm before clipping", True, ("grad_norm",)),
)
LOG_APART = 8.0
"""Rates further apart than this share a logarithmic axis only."""


@dataclass(frozen=True)
class Axis:
    """Where the epochs of a run stand on the shared axis.

    Attributes:
        by: Kind of axis.
        epoch: Epochs, 0-based, ascending, shape (n,).
        end: Place of each epoch's end, shape (n,): the epoch itself, its last step, or seconds since the start.
    """

    by: By
    epoch: Floats
    end: Floats

    def places(self, epochs: npt.ArrayLike) -> Floats:
        """Return the places of epochs, shape (m,); NaN for an epoch that has none."""
        wanted = np.asarray(epochs, np.float64)
        if not len(self.epoch):
            return np.full(len(wanted), np.nan)
        at = np.clip(np.searchsorted(self.epoch, wanted), 0, len(self.epoch) - 1)
        places: Floats = np.where(self.epoch[at] == wanted, self.end[at], np.nan)
        return places


def axis_of(run: Run, by: By) -> Axis | None:
    """Return the axis of a run; None if it has no steps, or no clock, and ``by`` asks for them."""
    epochs: Floats = np.unique(run.epoch_series("epoch").values)
    if by == "epoch":
        return Axis(by, epochs, epochs)
    if by == "step":
        steps = run.step_series("step")
        if not len(steps):
            return None
        return Axis(by, epochs, _last_of_epoch(steps, steps.values, epochs))
    clock = run.epoch_series("time_s")
    steps = run.step_series("time_s")
    if not len(clock):
        return None
    began = float(steps.values[0]) if len(steps) else _start_s(run, clock)
    return Axis(by, clock.epoch.astype(np.float64), clock.values - began)


def _start_s(run: Run, clock: Series) -> float:
    """Foreign logs count seconds from their start; a Unix time without steps begins at its ``start`` event, if any."""
    if clock.values[0] < 1e8:
        return 0.0
    starts = [e["time_s"] for e in run.events_of("start") if isinstance(e.get("time_s"), int | float)]
    return float(starts[0]) if starts else float(clock.values[0])


def _last_of_epoch(series: Series, values: Floats, epochs: Floats) -> Floats:
    order = np.argsort(series.epoch, kind="stable")
    ends = np.searchsorted(series.epoch[order], epochs, side="right") - 1
    found = np.where(ends >= 0, order[np.maximum(ends, 0)], -1)
    ending: Floats = np.where((found >= 0) & (series.epoch[found] == epochs), values[found], np.nan)
    return ending


def step_places(run: Run, series: Series, by: By) -> Floats:
    """Return the place of every value of a step series, shape (n,)."""
    if by == "step":
        return series.step.astype(np.float64)
    if by == "time":
        clock = run.step_series("time_s")
        if not len(clock):
            return np.full(len(series), np.nan)
        return np.asarray(np.interp(series.step, clock.step, clock.values - clock.values[0]), np.float64)
    begins = np.flatnonzero(np.r_[True, np.diff(series.epoch) != 0]) if len(series) else np.empty(0, np.int64)
    lengths = np.diff(np.r_[begins, len(series)])
    inside = np.arange(len(series)) - np.repeat(begins, lengths)
    usual = float(np.median(lengths)) if len(lengths) else 1.0  # a torn last epoch is no shorter one
    places = series.epoch.astype(np.float64) - 1 + np.minimum((inside + 1) / usual, 1.0)  # its end is the epoch's place
    return np.asarray(np.maximum.accumulate(places), np.float64) if len(places) else places


def aligned_panels(
    members: Sequence[tuple[str, Run, Sequence[Finding]]],
    by: By,
    outcome: tuple[str, tuple[str, ...]] | None,
    buckets: int = BUCKETS,
) -> tuple[Panel, ...]:
    """Build the panels that at least two runs have.

    Args:
        members: Name of the curve, run and findings of each.
        by: The axis.
        outcome: Title and columns (summed) of what decides.
        buckets: Points per curve.
    """
    made: list[Panel | None] = []
    if outcome is not None:
        made.append(_epoch_panel("score", outcome[0], outcome[1], members, by, buckets))
    shared = shared_columns([run for _, run, _ in members], "val/")
    if shared and (outcome is None or outcome[1] != shared):
        made.append(_epoch_panel("val_loss", "Validation loss", shared, members, by, buckets, log=True))
    for id, title, log, columns in STEP_PANELS:
        made.append(_step_panel(id, title, columns[0], members, by, buckets, log))
    if all(p is None or p.id != "loss" for p in made):
        shared = shared_columns([run for _, run, _ in members], "train/")
        if shared:
            made.append(_epoch_panel("train_loss", "Training loss per epoch", shared, members, by, buckets, log=True))
    made.append(_rates(members, by, buckets))
    marks = _marks(members, by)
    return tuple(replace(p, marks=marks, evidence=True) for p in made if p is not None)


def shared_columns(runs: Sequence[Run], prefix: str) -> tuple[str, ...]:
    """Return the epoch columns with a prefix that every run has measured."""
    names = [n.removeprefix("epochs.") for n in runs[0].column_names() if n.startswith(f"epochs.{prefix}")]
    return tuple(n for n in names if all(len(run.epoch_series(n)) for run in runs))


def summed(run: Run, columns: Sequence[str]) -> Series:
    """Return the sum of epoch columns where all are measured; of one column the column."""
    first = run.epoch_series(columns[0])
    if len(columns) == 1:
        return first
    series = [run.epoch_series(c) for c in columns]
    common = series[0].epoch
    for s in series[1:]:
        common = np.intersect1d(common, s.epoch)
    total = np.zeros(len(common))
    for s in series:
        values = dict(zip(s.epoch.tolist(), s.values.tolist(), strict=True))
        total += np.array([values[e] for e in common.tolist()])
    none = np.full(len(common), -1, np.int64)
    return Series("+".join(columns), total, none, common.astype(np.int64), none * 0)


def _epoch_panel(
    id: str,
    title: str,
    columns: Sequence[str],
    members: Sequence[tuple[str, Run, Sequence[Finding]]],
    by: By,
    buckets: int,
    log: bool = False,
) -> Panel | None:
    curves = []
    for label, run, _ in members:
        axis = axis_of(run, by)
        if axis is None or any(not len(run.epoch_series(c)) for c in columns):
            continue
        series = summed(run, columns)
        curves += _curve(label, axis.places(series.epoch), series.values, buckets)
    return _panel(id, title, curves, by, log)


def _step_panel(
    id: str,
    title: str,
    column: str,
    members: Sequence[tuple[str, Run, Sequence[Finding]]],
    by: By,
    buckets: int,
    log: bool,
) -> Panel | None:
    curves = []
    for label, run, _ in members:
        series = run.step_series(column)
        curves += _curve(label, step_places(run, series, by), series.values, buckets)
    return _panel(id, title, curves, by, log)


def _rates(members: Sequence[tuple[str, Run, Sequence[Finding]]], by: By, buckets: int) -> Panel | None:
    """Draw the last parameter group's rate (Ultralytics warms the bias group, the first or last, up from far above)."""
    curves, tops = [], []
    for label, run, _ in members:
        names = [n.removeprefix("steps.") for n in run.column_names() if n.startswith("steps.lr/")]
        series = [run.step_series(n) for n in names]
        series = [s for s in series if len(s) and np.isfinite(s.values).any()]
        if not series:
            continue
        lowest = min(series, key=lambda s: float(np.nanmax(s.values)))
        curves += _curve(label, step_places(run, lowest, by), lowest.values, buckets)
        tops.append(float(np.nanmax(lowest.values)))
    log = bool(tops) and min(tops) > 0 and max(tops) > LOG_APART * min(tops)
    return _panel("lr", "Learning rate", curves, by, log)


def _curve(label: str, x: Floats, values: Floats, buckets: int) -> list[Curve]:
    keep = np.isfinite(x)
    return [reduce(label, x[keep], values[keep], buckets)] if keep.any() else []


def _panel(id: str, title: str, curves: Sequence[Curve], by: By, log: bool) -> Panel | None:
    if len(curves) < 2:
        return None
    per = max(c.points_per_bucket for c in curves)
    caption = "" if per <= 1 else f"A point stands for up to {per:.0f} values; the band is their minimum and maximum."
    return Panel(id, title, "", X_UNIT[by], tuple(curves), log=log, caption=caption)


def _marks(members: Sequence[tuple[str, Run, Sequence[Finding]]], by: By) -> tuple[Mark, ...]:
    """Mark where the first critical fault of each run began."""
    marks = []
    for label, run, findings in members:
        first = next((f for f in findings if f.severity == "critical" and f.onset is not None), None)
        if first is None or first.onset is None:
            continue
        axis, epoch = axis_of(run, by), first.onset.epoch
        place = float(axis.places([epoch])[0]) if axis is not None and epoch is not None else float("nan")
        if by == "step" and first.onset.step is not None:
            place = float(first.onset.step)
        if np.isfinite(place):
            marks.append(Mark("onset", f"onset: {first.id} ({label})", place))
    return tuple(marks)
