"""A training loss that jumps far above its own past and keeps jumping, or stays up.

What it does:
    Looks at the total loss and at each component, divided by the gain in force, per step where steps are recorded and
    per epoch otherwise, and reports the first stretch in which one lies far above its own recent past.

Why it matters:
    After an explosion the weights are no longer those of the training so far. All GPU time after the onset is lost,
    even if the loss becomes small again: a model whose outputs have died has a small loss, too.

How it decides:
    Per step: a spike is at least 5 times the median of the 200 steps before and 6 median absolute deviations of log10
    above it. 3 spikes within 50 steps, or 2 that lead straight into NaN, are an explosion if the tail of this very series
    makes that unlikely (1e-6 per run; 3e-4 if the gradient norm jumps at 3 of them), and they do not lie scattered, each
    between values at the level (weights that were lost are lost in the next batch, too; from ``batch_ratio``, 100 times the
    level, no batch explains them); so are 5 consecutive steps at 3
    times the median. From the first step, where there is no past: the total loss (the only one, if there is one) reaches
    ``start_peak`` (100) times its first value within ``start_steps`` (30), and its median over them is ``start_level`` (5)
    times that value. A loss that had fallen to a tenth (``learnt_share``) of its first epoch's median and is
    back there for ``lost_epochs`` (3) epochs exploded slowly. What is over within 10 steps is one bad batch, not an
    explosion. Per epoch: a spike is at least 3 times the median of the 20 epochs before, 2 of them in a row or one of 10
    times.
    Within 2 epochs of close_mosaic nothing is judged, and per epoch the level begins anew there; levels below 1e-3 are
    not judged (a component may be zero by design). Critical if the largest reaches 10 times, or the loss has not
    returned below 1.5 times its level at the end; warning otherwise, and where it returned and its spikes stood alone:
    fewer than ``single_share`` of the 50 steps are high, all are numbers, and no gradients jump with them.

    Told with it, and no part of the decision: whether the weights had begun to move ``update_times`` (3) times as far as
    usual within ``update_steps`` (50) steps before, where the update-to-weight ratio is recorded.

What to do:
    Lower the learning rate (with an explicit optimizer), warm up longer, and start again from a checkpoint of before
    the onset.

Known false alarms:
    Annealed loss terms (a KL weight that is ramped up) rise by design. Loss gains changed by hand without the gain
    recorded.

References:
    Ultralytics 8.4 engine/trainer.py (the clip bounds the step, not the loss). Thresholds: ultralytics.md A-3 3.9 (3
    times for 5 steps), tightened on the sample runs and on log-normal traces so that noise stays quiet.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from trainwatch.detectors._words import epoch_name
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity, Severity
from trainwatch.runs import Run, Series
from trainwatch.signals.grouped import by_epoch
from trainwatch.signals.level import (
    Departure,
    Ratios,
    burst,
    burst_into_nothing,
    coincidences,
    departure,
    is_blip,
    joined,
    sustained,
)
from trainwatch.signals.rate_jump import rate_jump
from trainwatch.signals.regimes import near_change, regime_of
from trainwatch.signals.update import rise_before


@dataclass(frozen=True)
class LossExplosion(Detector):
    """Jumps of the training loss.

    Attributes:
        window_steps: Steps that make the level.
        min_past_steps: Steps before the first judgement.
        spike_ratio: Times the level, per step.
        spike_mads: Median absolute deviations of log10 above the level, per step.
        spikes: Spikes that make an explosion ...
        within_steps: ... within so many steps.
        sustained_ratio: Times the level, for ``sustained_steps`` consecutive steps; per epoch: a spike.
        sustained_steps: Consecutive steps.
        window_epochs: Epochs that make the level.
        min_past_epochs: Epochs before the first judgement.
        sustained_epochs: Consecutive epochs above ``sustained_ratio``.
        critical_ratio: Times the level at which it is critical at once.
        returned_ratio: Times the level below which it counts as returned.
        min_level: Levels below are not judged.
        confirmed_chances: Clusters by chance that are allowed in a run where the gradients jump at ``spikes`` of them.
        confirming_steps: Steps between a spike of the loss and the gradients' jump at most.
        single_share: Share of high losses after the onset below which its spikes stand alone.
        batch_ratio: Times the level that batches of odd images reach: spikes below must lie together.
        start_steps: First steps that are compared with the first one.
        start_peak: Times the first loss that one of them must reach ...
        start_level: ... and that their median must.
        lost_epochs: Epochs in a row at or above the first one's median after which all that was learnt is lost ...
        learnt_share: ... if the loss had been at this share of it.
        update_times: Times its level at which the update-to-weight ratio counts as an early sign ...
        update_steps: ... looked for in so many steps before the onset.
    """

    title: ClassVar[str] = "Training loss explodes"
    optional: ClassVar[tuple[str, ...]] = (
        "steps.loss",
        "steps.loss/*",
        "steps.gain/*",
        "epochs.train/*",
        "epochs.gain/*",
        "steps.grad_norm",
        "steps.update_ratio",
        "steps.lr/*",
    )

    window_steps: int = 200
    min_past_steps: int = 8
    spike_ratio: float = 5.0
    spike_mads: float = 6.0
    spikes: int = 3
    within_steps: int = 50
    sustained_ratio: float = 3.0
    sustained_steps: int = 5
    window_epochs: int = 20
    min_past_epochs: int = 3
    sustained_epochs: int = 2
    critical_ratio: float = 10.0
    returned_ratio: float = 1.5
    min_level: float = 1e-3
    confirmed_chances: float = 3e-4
    confirming_steps: int = 2
    single_share: float = 0.2
    batch_ratio: float = 100.0
    start_steps: int = 30
    start_peak: float = 100.0
    start_level: float = 5.0
    lost_epochs: int = 3
    learnt_share: float = 0.1
    update_times: float = 3.0
    update_steps: int = 50

    def missing(self, run: Run) -> str | None:
        """Ask for the loss per step or per epoch."""
        if any(n == "steps.loss" or n.startswith(("steps.loss/", "epochs.train/")) for n in run.column_names()):
            return None
        return "no training loss, neither per step (loss) nor per epoch (train/*)"

    def judge(self, view: View) -> list[Finding]:
        """Return one finding about the series that departed first, or none."""
        per_step = bool(len(view.steps("loss")) or view.names("steps.loss/*"))
        columns = (["loss", *view.names("steps.loss/*")]) if per_step else view.names("epochs.train/*")
        found = self._at_once(view) if per_step else []
        for column in columns if not found else []:
            series = self._ungained(view, column, per_step)
            finding = self._judge_one(view, series, per_step)
            if finding is not None:
                found.append(finding)
        if not found:
            found = self._lost(view, per_step)
        if not found:
            return []
        first = min(found, key=lambda f: (_order(f), -_value(f)))
        others = sorted({str(f.series) for f in found} - {str(first.series)})
        return [first if not others else _with_others(first, others)]

    def _single(self, view: View, series: Series, first: int, level: float) -> bool:
        """Whether the spikes stand alone: at its level between them, and the gradients, where recorded, do not jump."""
        span = slice(first, first + self.within_steps)
        high = series.values[span] >= self.sustained_ratio * level
        if not np.isfinite(series.values[span]).all() or high.mean() >= self.single_share:
            return False
        norm = view.steps("grad_norm")
        if not len(norm):
            return True
        jumps = norm.step[self._away(norm).rows_above(self.critical_ratio)]
        return coincidences(series.step[span][high], jumps, self.confirming_steps) < self.spikes

    def _at_once(self, view: View) -> list[Finding]:
        """Judge the first steps, which have no past but the first of them."""
        parts = view.names("steps.loss/*")
        loss = view.steps("loss") if len(view.steps("loss")) or len(parts) != 1 else view.steps(parts[0])
        start = loss.values[: self.start_steps]
        if len(start) < self.start_steps or not start[0] > 0:
            return []
        times = np.where(np.isfinite(start), start, np.inf) / start[0]
        if not (times.max() >= self.start_peak and np.median(times) >= self.start_level):
            return []
        first = int(np.flatnonzero(times >= self.start_level)[0])
        return [
            self._finding(view, loss, first, int(np.flatnonzero(times >= self.start_level)[-1]), float(start[0]), True)
        ]

    def _lost(self, view: View, per_step: bool) -> list[Finding]:
        """Judge a loss that rises without a jump until all that was learnt is lost: a window that moves rises with it."""
        names = view.names("epochs.train/*")
        loss = (
            view.steps("loss") if per_step else view.epochs(names[0]) if len(names) == 1 else view.epochs("train/loss")
        )
        epochs, levels = by_epoch(loss.epoch, loss.values, "median")
        if len(levels) <= self.lost_epochs or not np.isfinite(levels).all() or not levels.min() >= self.min_level:
            return []
        lowest = int(np.argmin(levels))
        behind = levels[lowest:] >= levels[0]
        start = sustained(behind, self.lost_epochs)
        if start is None or levels[lowest] > self.learnt_share * levels[0]:
            return []
        rising = lowest + int(np.flatnonzero(levels[lowest:] >= self.sustained_ratio * levels[lowest])[0])
        first = int(np.flatnonzero(loss.epoch == epochs[rising])[0])
        last = int(np.flatnonzero(loss.epoch == epochs[lowest + int(np.flatnonzero(behind)[-1])])[-1])
        return [self._finding(view, loss, first, last, float(levels[lowest]), per_step)]

    def _ungained(self, view: View, column: str, per_step: bool) -> Series:
        series = view.steps(column) if per_step else view.epochs(column)
        name = column.split("/", 1)[-1]
        gain = view.steps(f"gain/{name}") if per_step else view.epochs(f"gain/{name}")
        if column == "loss" or len(gain) != len(series) or not len(series):
            return series
        values = np.where(gain.values > 0, series.values / gain.values, np.nan)
        return replace(series, values=values)

    def _away(self, series: Series) -> Departure:
        return departure(series.values, self.window_steps, self.min_past_steps)

    def _per_regime(self, run: Run, series: Series) -> Departure:
        """Compare each epoch with those before it in the same regime: after a change the level is a new one."""
        part = regime_of(run, series.epoch)
        away = [departure(series.values[part == i], self.window_epochs, self.min_past_epochs) for i in np.unique(part)]
        return joined(away)

    def _confirmed(
        self, view: View, series: Series, ratio: Ratios, spike: npt.NDArray[np.bool_]
    ) -> tuple[int, int] | None:
        """Return a cluster that is less unlikely by itself, but at which the gradients jump as well, or None."""
        found = burst(
            ratio,
            spike,
            self.spikes,
            self.within_steps,
            self.confirmed_chances,
            rows=series.rows,
            together_below=self.batch_ratio,
        )
        norm = view.steps("grad_norm")
        if found is None or not len(norm):
            return None
        jumps = norm.step[self._away(norm).rows_above(self.critical_ratio)]
        steps = series.step[found[0] : found[1] + 1][spike[found[0] : found[1] + 1]]
        return found if coincidences(steps, jumps, self.confirming_steps) >= self.spikes else None

    def _judge_one(self, view: View, series: Series, per_step: bool) -> Finding | None:
        if len(series) <= (self.min_past_steps if per_step else self.min_past_epochs):
            return None
        away = self._away(series) if per_step else self._per_regime(view.run, series)
        rows = away.rows_above(min(self.sustained_ratio, self.spike_ratio) if per_step else self.sustained_ratio)
        rows = rows[(away.level_at(rows) >= self.min_level) & ~near_change(view.run, series.take(rows))]
        above = rows[away.ratios[rows] >= self.sustained_ratio]
        if not len(above):
            return None
        judged, high = np.zeros((2, len(series)), bool)
        judged[rows], high[above] = True, True
        if per_step:
            spike = judged & away.above(self.spike_ratio, self.spike_mads)
            group = burst(
                away.ratios, spike, self.spikes, self.within_steps, rows=series.rows, together_below=self.batch_ratio
            )
            group = group or burst_into_nothing(series.values, away.ratios, spike)
            group = group or self._confirmed(view, series, away.ratios, spike)
            start = sustained(judged & away.above(self.sustained_ratio, self.spike_mads), self.sustained_steps)
            starts = [i for i in (group[0] if group else None, start) if i is not None]
            if starts and is_blip(away.ratios, min(starts), int(above[-1])):
                return None  # one bad batch, told as such
        else:
            tall = above[away.ratios[above] >= self.critical_ratio]
            start = sustained(high, self.sustained_epochs)
            starts = [i for i in (int(tall[0]) if len(tall) else None, start) if i is not None]
        if not starts:
            return None
        first = min(starts)
        return self._finding(view, series, first, int(above[-1]), float(away.level_at(np.array([first]))[0]), per_step)

    def _finding(self, view: View, series: Series, first: int, last: int, level: float, per_step: bool) -> Finding:
        stretch = series.values[first : last + 1]
        peak = first + int(np.argmax(np.where(np.isfinite(stretch), stretch, -np.inf)))
        times = float(series.values[peak] / level)
        tail = series.values[-max(3, len(series) // 20) :]
        tail = tail[np.isfinite(tail)]
        stays = not len(tail) or float(np.median(tail)) > self.returned_ratio * level
        tall = times >= self.critical_ratio and not (per_step and self._single(view, series, first, level))
        severity: Severity = "critical" if tall or stays else "warning"
        where = epoch_name(view.run, int(series.epoch[first]))
        step = f" (step {series.step[first]})" if per_step else ""
        what = "total loss" if series.name == "loss" else series.name.split("/", 1)[-1]
        collapsed = bool(len(tail)) and float(np.median(tail)) < 1e-3 * level
        after = (
            f" It ends at {np.median(tail):.3g}, less than a thousandth of what it was: the model's output has died."
            if collapsed
            else (" It does not come back." if stays else " It comes back.")
        )
        onset = int(series.step[first])
        rise = (
            rise_before(view.steps("update_ratio"), onset, self.update_times, self.update_steps) if per_step else None
        )
        rates = view.names("steps.lr/*") if per_step else []
        jump = rate_jump(view.steps(rates[0]), onset) if rates else None
        return Finding(
            id=self.id,
            severity=severity,
            confidence=_confidence(times, stays or collapsed),
            title=f"Training loss explodes from {where} on",
            summary=(
                f"From {where}{step} on the {what} jumps far above its level of {level:.3g}; the "
                f"largest value is {series.values[peak]:.4g}, {times:.4g} times that level.{after}"
                + (f" {jump.sentence()}" if jump is not None else "")
                + (f" {rise.sentence()}" if rise is not None else "")
            ),
            onset=series.where(first),
            end=series.where(last),
            series=series.name,
            measured=Quantity(times, "times the median"),
            threshold=Quantity(self.spike_ratio if per_step else self.sustained_ratio, "times the median"),
            detail={
                "level": level,
                "peak": float(series.values[peak]),
                "returned": not stays,
                "collapsed": collapsed,
                **(jump.detail() if jump is not None else {}),
                "update_precursor_steps": rise.steps if rise is not None else None,
            },
        )


def _confidence(times: float, lasting: bool) -> float:
    """Grow with the size of the jump: 0.7 at 10 times, 0.85 at 100 times, more if it lasts."""
    return float(np.clip(0.55 + 0.15 * np.log10(max(times, 1.0)) + (0.1 if lasting else 0.0), 0.3, 0.98))


def _order(finding: Finding) -> tuple[int, int, int]:
    onset = finding.onset
    severe = 0 if finding.severity == "critical" else 1
    if onset is None:
        return (severe, 0, 0)
    return (severe, onset.step if onset.step is not None else 0, onset.epoch or 0)


def _value(finding: Finding) -> float:
    return finding.measured.value if finding.measured else 0.0


def _with_others(finding: Finding, others: list[str]) -> Finding:
    names = ", ".join(o.split("/", 1)[-1] if o != "loss" else "total loss" for o in others)
    return replace(finding, summary=f"{finding.summary} With it: {names}.", detail={**finding.detail, "also": others})
