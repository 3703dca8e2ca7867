"""Gradients that grow by orders of magnitude and take the loss with them.

What it does:
    Compares the gradient norm per sample of each optimizer step with its own recent past, and reports the first group
    of steps that lie far above it.

Why it matters:
    The step that follows an exploded gradient throws the weights far away. Ultralytics clips the total norm at 10, so a
    single one is survived; a series of them is not, whatever the loss shows afterwards.

How it decides:
    n = grad_norm / (batch_size * accumulate), because Ultralytics' loss is a sum over the batch: raw norms above 1000
    are normal. A step is a spike if n is at least ``spike_ratio`` (20) times the median of the 200 steps before, and at
    least 6 median absolute deviations of log10 n above it (that second bound never asks for more than a factor
    of 30). An explosion is 3 spikes within 50 optimizer steps, or 2 that lead straight into NaN, if the tail of this very
    series makes that unlikely (1e-6 per run; 0.05 if the loss jumps at two of the spikes); or 5 consecutive steps at 10
    times the median. What is over within 10 steps is one bad batch, not an explosion. The first 8 steps have no past and
    are not judged, but an explosion within 50 steps of a spike among them began there; nor are steps that the AMP scaler
    skipped. Critical if the loss rises to 5 times its own median in the
    same stretch; warning otherwise. Told with it, and no part of the decision: whether the weights had begun to move
    ``update_times`` (3) times as far as usual within ``update_steps`` (50) steps before.

What to do:
    Lower the learning rate, with an explicit optimizer (``optimizer=auto`` ignores ``lr0``), and warm up longer. Resume
    from a checkpoint of before the onset, not from last.pt.

Known false alarms:
    A data set whose images differ by orders of magnitude in objects can give spikes of 20 times the median. Healthy
    YOLO12n trainings recorded here stayed below 13 times.

References:
    Pascanu et al. 2013, On the difficulty of training recurrent neural networks. Ultralytics 8.4 utils/loss.py (sum
    over the batch), engine/trainer.py (clip at 10.0). Thresholds: this project, sample runs and log-normal traces.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from trainwatch.detectors._samples import samples_behind
from trainwatch.detectors._words import epoch_name
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity, Severity
from trainwatch.runs import Series
from trainwatch.signals.level import Ratios, burst, burst_into_nothing, coincidences, departure, is_blip, sustained
from trainwatch.signals.rate_jump import rate_jump
from trainwatch.signals.update import rise_before


@dataclass(frozen=True)
class GradientExplosion(Detector):
    """Spikes of the gradient norm per sample.

    Attributes:
        window_steps: Optimizer steps that make the level.
        min_past_steps: Steps before the first judgement.
        spike_ratio: Times the level.
        spike_mads: Median absolute deviations of log10 above the level.
        mads_cap_ratio: The bound from the deviations never asks for more than this ratio.
        spikes: Spikes that make an explosion ...
        within_steps: ... within so many optimizer steps.
        sustained_ratio: Times the level ...
        sustained_steps: ... for so many consecutive steps make one, too.
        loss_ratio: The loss at this many times its level confirms it.
        confirmed_chances: Clusters by chance that are allowed in a run where the loss jumps at two of the spikes.
        confirming_steps: Steps between a spike of the norm and the loss's jump at most.
        update_times: Times its level at which the update-to-weight ratio counts as an early sign ...
        update_steps: ... looked for in so many steps before the onset.
    """

    title: ClassVar[str] = "Gradients explode"
    requires: ClassVar[tuple[str, ...]] = ("steps.grad_norm",)
    optional: ClassVar[tuple[str, ...]] = (
        "steps.batch_size", "steps.accumulate", "steps.amp_skipped", "steps.loss", "steps.lr/*", "steps.update_ratio",
    )  # fmt: skip

    window_steps: int = 200
    min_past_steps: int = 8
    spike_ratio: float = 20.0
    spike_mads: float = 6.0
    mads_cap_ratio: float = 30.0
    spikes: int = 3
    within_steps: int = 50
    sustained_ratio: float = 10.0
    sustained_steps: int = 5
    loss_ratio: float = 5.0
    confirmed_chances: float = 0.05
    confirming_steps: int = 2
    update_times: float = 3.0
    update_steps: int = 50

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        norm = view.steps("grad_norm")
        if len(norm) <= self.min_past_steps:
            return []
        per_sample = norm.values / samples_behind(view, norm)
        skipped = view.steps("amp_skipped")
        at = skipped.step[skipped.values > 0]
        if len(at):
            per_sample = np.where(np.isin(norm.step, at), np.nan, per_sample)
        away = departure(per_sample, self.window_steps, self.min_past_steps)
        rows = away.rows_above(min(self.sustained_ratio, self.spike_ratio))
        rows = rows[self._beyond_noise(away.ratios[rows], away.mads_at(rows))]
        spike, high = np.zeros((2, len(norm)), bool)
        spike[rows] = away.ratios[rows] >= self.spike_ratio
        high[rows] = away.ratios[rows] >= self.sustained_ratio
        found = burst(away.ratios, spike, self.spikes, self.within_steps, rows=norm.rows)
        found = found or burst_into_nothing(per_sample, away.ratios, spike)
        found = found or self._confirmed(view, norm, away.ratios, spike)
        run_of = sustained(high, self.sustained_steps)
        if found is None and run_of is None:
            return []
        first = min(i for i in (found[0] if found else None, run_of) if i is not None)
        last = found[1] if found else first + self.sustained_steps - 1
        if is_blip(away.ratios, first, int(np.flatnonzero(spike | high)[-1])) and self._loss_unmoved(view, norm, first):
            return []  # one bad batch, told as such
        first = self._begun(per_sample, first)
        return [self._finding(view, norm, per_sample, away.ratio, away.level, first, last, int(spike.sum()))]

    def _begun(self, per_sample: npt.NDArray[np.float64], first: int) -> int:
        """Date an explosion back to a spike in the first steps: without a past they are not judged, but may belong to it."""
        for i in range(max(first - self.within_steps, 1), min(self.min_past_steps, first)):
            if per_sample[i] >= self.spike_ratio * np.median(per_sample[:i]) > 0:
                return i
        return first

    def _beyond_noise(self, ratio: npt.NDArray[np.float64], mads: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Whether values are so many deviations, or the largest ratio that those may ask for, above their level."""
        logs = np.log10(ratio)
        capped = np.minimum(self.spike_mads * logs / np.maximum(mads, 1e-9), np.log10(self.mads_cap_ratio))
        beyond: npt.NDArray[np.bool_] = logs >= capped
        return beyond

    def _finding(
        self,
        view: View,
        norm: Series,
        per_sample: npt.NDArray[np.float64],
        ratio: npt.NDArray[np.float64],
        level: npt.NDArray[np.float64],
        first: int,
        last: int,
        spikes: int,
    ) -> Finding:
        stretch = slice(first, last + 1)
        peak = first + int(np.nanargmax(np.nan_to_num(ratio[stretch], nan=0.0)))
        loss_times = self._loss_times(view, int(norm.step[first]))
        confirmed = loss_times >= self.loss_ratio
        severity: Severity = "critical" if confirmed else "warning"
        lr = view.names("steps.lr/*")
        lr_at, jump = None, None
        if lr:
            series = view.steps(lr[0])
            jump = rate_jump(series, int(norm.step[first]))
            lr_at = float(series.values[min(np.searchsorted(series.step, norm.step[first]), len(series) - 1)])
        where = epoch_name(view.run, int(norm.epoch[first]))
        followed = "The loss does not follow."
        if confirmed:
            rises = f"rises to {loss_times:.3g} times its level" if np.isfinite(loss_times) else "stops being a number"
            followed = f"The total loss {rises}."
        rise = rise_before(view.steps("update_ratio"), int(norm.step[first]), self.update_times, self.update_steps)
        return Finding(
            id=self.id,
            severity=severity,
            confidence=float(
                np.clip(0.6 + 0.1 * np.log10(max(ratio[peak], 1.0)) + (0.15 if confirmed else -0.1), 0.3, 0.98)
            ),
            title=f"Gradients explode from {where} on",
            summary=(
                f"From {where} (step {norm.step[first]}) on, the gradient norm per sample was at least "
                f"{self.spike_ratio:g} times the median of the steps before in {spikes} optimizer steps; the largest norm is "
                f"{per_sample[peak]:.4g}, {ratio[peak]:.3g} times {level[peak]:.3g}, at step {norm.step[peak]}. "
                f"{followed}"
                + (f" {jump.sentence()}" if jump is not None else "")
                + (f" {rise.sentence()}" if rise is not None else "")
            ),
            onset=norm.where(first),
            end=norm.where(last),
            series="grad_norm",
            measured=Quantity(float(ratio[peak]), "times the median"),
            threshold=Quantity(self.spike_ratio, "times the median"),
            detail={
                "times_baseline": float(ratio[peak]),
                "baseline_per_sample": float(level[peak]),
                "peak_per_sample": float(per_sample[peak]),
                "spikes": spikes,
                "lr": lr_at,
                **(jump.detail() if jump is not None else {}),
                "loss_times_baseline": float(loss_times),
                "update_precursor_steps": rise.steps if rise is not None else None,
            },
        )

    def _confirmed(
        self, view: View, norm: Series, ratio: Ratios, spike: npt.NDArray[np.bool_]
    ) -> tuple[int, int] | None:
        """Return a cluster that is less unlikely by itself, but with which the loss jumps as well, or None."""
        found = burst(ratio, spike, self.spikes, self.within_steps, self.confirmed_chances, rows=norm.rows)
        loss = view.steps("loss")
        if found is None or not len(loss):
            return None
        away = departure(loss.values, self.window_steps, self.min_past_steps)
        jumps = loss.step[away.above(self.loss_ratio, self.spike_mads)]
        steps = norm.step[found[0] : found[1] + 1][spike[found[0] : found[1] + 1]]
        return found if coincidences(steps, jumps, self.confirming_steps) >= 2 else None

    def _loss_unmoved(self, view: View, norm: Series, first: int) -> bool:
        """Whether the loss is at its old level again soon after a step, or is not recorded."""
        loss = view.steps("loss")
        if not len(loss):
            return True
        away = departure(loss.values, self.window_steps, self.min_past_steps)
        at = min(int(np.searchsorted(loss.step, norm.step[first])), len(loss) - 1)
        high = away.rows_above(self.loss_ratio)
        return is_blip(away.ratios, at, max(at, int(high[-1])) if len(high) else at)

    def _loss_times(self, view: View, step: int) -> float:
        """Return the loss's largest multiple of its own level from a step on; infinity if it stops being a number."""
        loss = view.steps("loss")
        if not len(loss):
            return 0.0
        later = loss.step >= step
        if later.any() and not np.isfinite(loss.values[later]).all():
            return float("inf")
        ratio = departure(loss.values, self.window_steps, self.min_past_steps).ratio[later]
        ratio = ratio[np.isfinite(ratio)]
        return float(ratio.max()) if len(ratio) else 0.0
