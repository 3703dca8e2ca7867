"""What is measured on the two sides: the outcome that decides, and what the change cost or saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from trainwatch.compared import By, Difference, Noise
from trainwatch.comparison.curves import axis_of, shared_columns, summed
from trainwatch.comparison.member import Member
from trainwatch.comparison.noise import Late, interval, late
from trainwatch.result import NUMERIC, Analysis
from trainwatch.runs import Run, Series
from trainwatch.signals.curves import MIN_SCORE, best_level

GAINS = ("box", "cls", "dfl", "pose", "kobj")
"""Arguments that scale Ultralytics' losses; with other gains two losses are no longer the same quantity."""


@dataclass(frozen=True)
class Outcome:
    """What decides: its columns (summed) and which way is better."""

    id: str
    title: str
    columns: tuple[str, ...]
    more: bool


def choose_outcome(runs: Sequence[Run], analyses: Sequence[Analysis], other_gains: bool) -> Outcome | None:
    """Choose what decides; None if the runs share no measure that may be compared.

    Args:
        runs: All runs.
        analyses: Their analyses.
        other_gains: Whether the losses of the sides are scaled differently.
    """
    score = next((c for c in ("fitness", *_metrics(runs)) if all(_measured(r, c) for r in runs)), None)
    broken = any(f.id in NUMERIC and f.severity == "critical" for a in analyses for f in a.findings)
    losses = () if other_gains or broken else shared_columns(runs, "val/")
    whole = tuple(c for c in losses if c in ("val/loss", "val/total_loss"))
    losses = whole or losses
    if score is not None and (not losses or any(_learnt(r, score) for r in runs)):
        return Outcome("score", f"Validation score ({score})", (score,), True)
    if losses:
        return Outcome(
            "val_loss", f"Validation loss ({' + '.join(c.removeprefix('val/') for c in losses)})", losses, False
        )
    return None


def _metrics(runs: Sequence[Run]) -> tuple[str, ...]:
    """Return the shared metrics, the most telling first: mAP50-95, then accuracy, then the others by name."""
    names = shared_columns(runs, "metrics/")

    def rank(name: str) -> tuple[int, str]:
        low = name.lower()
        order = ("map50-95", "map", "acc", "f1", "score", "iou")
        return next((i for i, word in enumerate(order) if word in low), len(order)), name

    known = [n for n in names if rank(n)[0] < 6]
    return tuple(sorted(known, key=rank))


def _measured(run: Run, column: str) -> bool:
    return bool(run.epoch_series(column).finite.any())


def _learnt(run: Run, column: str) -> bool:
    series = run.epoch_series(column)
    values = series.values[series.finite]
    return bool(len(values)) and best_level(values, 3) > MIN_SCORE


def gains_differ(sides: Sequence[Sequence[Member]]) -> bool:
    """Whether losses are scaled differently, by arguments or by a stabiliser's stages."""
    runs = [m.run for side in sides for m in side]
    args = {tuple(str((run.args or run.requested).get(g)) for g in GAINS) for run in runs}
    staged = [bool(run.events_of("stage")) for run in runs]
    return len(args) > 1 or len(set(staged)) > 1


def common_end(runs: Sequence[Run], by: By) -> float | None:
    """Return the last place on the axis that all runs reached; None if one has no epoch."""
    ends = []
    for run in runs:
        axis = axis_of(run, by)
        finite = axis.end[np.isfinite(axis.end)] if axis is not None else np.empty(0)
        if not len(finite):
            return None
        ends.append(float(finite.max()))
    return min(ends)


def ends_of(side: Sequence[Member], outcome: Outcome, by: By, upto: float | None) -> list[Late]:
    """Return the ends of the outcome's curves up to a place; runs without a level are absent."""
    return [found for m in side if (found := _late(m.run, outcome, by, upto)) is not None]


def _late(run: Run, outcome: Outcome, by: By, upto: float | None) -> Late | None:
    series = summed(run, outcome.columns)
    if upto is None:
        return late(series.values)
    axis = axis_of(run, by)
    places = axis.places(series.epoch) if axis is not None else np.empty(0)
    return late(series.values[places <= upto])


def decisive(outcome: Outcome, old: Sequence[Late], new: Sequence[Late], complete: bool) -> Difference:
    """Return the difference that decides; without an interval if a run has no level, or nothing was learnt."""
    found = interval(old, new) if complete else None
    mean = [float(np.mean([r.level for r in side])) if side else None for side in (old, new)]
    better: Literal["more", "less"] = "more" if outcome.more else "less"
    if found is not None and outcome.id == "score" and all(r.level <= MIN_SCORE for r in (*old, *new)):
        # Nothing is learnt on either side: equal zeros are no evidence that two trainings are equal.
        return Difference(outcome.id, outcome.title, "", better, mean[0], mean[1], found.difference, decides=True)
    if found is None:
        return Difference(outcome.id, outcome.title, "", better, mean[0], mean[1], decides=True)
    return Difference(
        outcome.id, outcome.title, "", better, mean[0], mean[1], found.difference, found.low, found.high, found.noise, True
    )  # fmt: skip


def asides(old: Sequence[Member], new: Sequence[Member]) -> list[Difference]:
    """Measure what the change cost or saved; these never decide."""
    made = []
    for id, title, unit, read in (
        ("epoch_s", "Time per epoch", "s", _epoch_s),
        ("step_s", "Time per step", "s", lambda run: _median(run.step_series("step_s"))),
        ("memory", "Peak memory of the process", "bytes", lambda run: _largest(run.step_series("rss_bytes"))),
        ("vram", "Peak device memory", "bytes", lambda run: _largest(run.step_series("vram_peak_bytes"))),
    ):
        values = [[read(m.run) for m in side] for side in (old, new)]
        known = [[v for v in side if v is not None] for side in values]
        if not all(known):
            continue
        a, b = (float(np.mean(side)) for side in known)
        low = high = None
        noise: Noise = "none"
        if len(known[0]) > 1 and len(known[1]) > 1:
            found = interval([Late(v, 0.0, 5) for v in known[0]], [Late(v, 0.0, 5) for v in known[1]])
            if found is not None:
                low, high, noise = found.low, found.high, found.noise
        made.append(Difference(id, title, unit, "less", a, b, b - a, low, high, noise))
    return made


def _epoch_s(run: Run) -> float | None:
    clock = run.epoch_series("time_s").values
    return float(np.median(np.diff(clock))) if len(clock) > 2 else None


def _median(series: Series) -> float | None:
    return float(np.median(series.values[series.finite])) if series.finite.any() else None


def _largest(series: Series) -> float | None:
    return float(series.values[series.finite].max()) if series.finite.any() else None
