"""A gradient scaler that halves again and again: half precision keeps overflowing.

What it does:
    Follows the factor of the AMP gradient scaler and the optimizer steps that it skipped, and reports the first
    stretch in which it skips far more often than a healthy training does.

Why it matters:
    Every skipped step is a batch that taught nothing. A factor that falls below 1 scales gradients down instead of up:
    small ones are lost, and the next stop is a loss that is no number.

How it decides:
    A skip is a step on which the scale falls (or that is recorded as skipped). The first ``probing_steps`` (100) recorded
    scales are not judged: the scaler starts at 65536 and looks for its level. After that: more than ``skip_share`` (5 %)
    of ``window_steps`` (200), or ``consecutive`` (6) halvings in a row. A healthy scaler skips about once in
    2000 steps, because it doubles after so many clean ones. At any time: a scale below ``min_scale`` (1) for
    ``low_steps`` (20) scales. Critical if it is still below at the end, or if at least ``lost_share`` (half) of the
    last 200 steps are skipped; warning otherwise.

What to do:
    ``amp=False``, or ``amp='bf16'`` where the device has it (compute capability 8.0). Look at the learning rate if the
    gradient norm rises at the same time.

Known false alarms:
    A scaler with another growth interval (100 instead of 2000) skips more often by design; below 5 % that stays quiet.

References:
    torch/amp/grad_scaler.py: 65536, times 0.5 on infinity, times 2 after 2000 clean steps. Thresholds: rules of thumb of
    this project (skip rate above 5 % of 200 steps, scale below 1, 6 halvings in a row).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from trainwatch.detectors._words import epoch_name
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity, Severity
from trainwatch.runs import Series
from trainwatch.signals.level import cluster, sustained


@dataclass(frozen=True)
class AmpScaleCollapse(Detector):
    """Persistent overflow of half precision.

    Attributes:
        probing_steps: Recorded scales at the start in which halvings are expected.
        window_steps: Recorded scales over which skips are counted.
        skip_share: Share of skipped steps that is too many.
        consecutive: Halvings in a row that are too many.
        min_scale: Scale below which small gradients are lost.
        low_steps: Recorded scales below ``min_scale`` that make a collapse.
        lost_share: Share of skipped steps at the end from which the training is lost.
    """

    title: ClassVar[str] = "Gradient scaler collapses"
    requires: ClassVar[tuple[str, ...]] = ("steps.amp_scale",)
    optional: ClassVar[tuple[str, ...]] = ("steps.amp_skipped", "steps.optimizer_stepped")

    probing_steps: int = 100
    window_steps: int = 200
    skip_share: float = 0.05
    consecutive: int = 6
    min_scale: float = 1.0
    low_steps: int = 20
    lost_share: float = 0.5

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        scale = self._at_optimizer_steps(view)
        if len(scale) < self.low_steps:
            return []
        skipped = self._skipped(view, scale)
        judged = skipped.copy()
        judged[: self.probing_steps] = False
        many = cluster(judged, int(self.skip_share * self.window_steps) + 1, self.window_steps)
        row = sustained(judged, self.consecutive)
        below = (scale.values < self.min_scale) & (scale.values >= 0)
        low = sustained(below, self.low_steps)
        starts = [i for i in (many[0] if many else None, row, low) if i is not None]
        if not starts:
            return []
        first = min(starts)
        tail = slice(-min(self.window_steps, len(scale)), None)
        still_low = bool(below[-self.low_steps :].all())
        lost = float(skipped[tail].mean()) >= self.lost_share
        severity: Severity = "critical" if still_low or lost else "warning"
        last = int(np.flatnonzero(skipped | below)[-1])
        return [self._finding(view, scale, skipped, first, last, severity)]

    def _at_optimizer_steps(self, view: View) -> Series:
        """Scales after optimizer steps only; between them, while gradients are gathered, it cannot change."""
        scale, stepped = view.steps("amp_scale"), view.steps("optimizer_stepped")
        done = stepped.values > 0
        if not done.any():
            return scale
        if (
            scale.step is stepped.step and (np.diff(scale.step) > 0).all()
        ):  # one row per step in both: nothing to look up
            return scale if done.all() else scale.take(done)
        return scale.take(np.isin(scale.step, stepped.step[done]))

    def _skipped(self, view: View, scale: Series) -> npt.NDArray[np.bool_]:
        recorded = view.steps("amp_skipped")
        fell = np.concatenate([[False], scale.values[1:] < scale.values[:-1]])
        fell &= scale.weights == 1  # between rows that are far apart it may have risen and fallen as it should
        at = recorded.step[recorded.values > 0]
        if len(at):
            fell |= np.isin(scale.step, at)
        return fell

    def _finding(
        self,
        view: View,
        scale: Series,
        skipped: npt.NDArray[np.bool_],
        first: int,
        last: int,
        severity: Severity,
    ) -> Finding:
        count, span = int(skipped[first : last + 1].sum()), last + 1 - first
        share = count / span
        before, lowest = float(scale.values[max(first - 1, 0)]), float(np.nanmin(scale.values[first : last + 1]))
        where = epoch_name(view.run, int(scale.epoch[first]))
        end = "It has not recovered at the end." if severity == "critical" else "It recovered afterwards."
        return Finding(
            id=self.id,
            severity=severity,
            confidence=0.95 if lowest < self.min_scale or share >= 2 * self.skip_share else 0.8,
            title=f"Gradient scaler collapses from {where} on",
            summary=(
                f"From {where} (step {scale.step[first]}) on, the scaler skipped {count} of {span} optimizer steps "
                f"({100 * share:.2g} %; healthy: one in 2000) and fell from {before:g} to {lowest:g}. {end}"
            ),
            onset=scale.where(first),
            end=scale.where(last),
            series="amp_scale",
            measured=Quantity(share, "of optimizer steps skipped"),
            threshold=Quantity(self.skip_share, "of optimizer steps skipped"),
            detail={"skipped_steps": count, "steps": span, "lowest_scale": lowest, "scale_before": before},
        )
