"""One loss component outweighs the others so far that they no longer count.

What it does:
    Takes each component's share of the total loss, as it is backpropagated (gains included), and reports one that is
    nearly all of it.

Why it matters:
    Ultralytics clips the gradient at 10, so the step's length is fixed and the components only share its direction: what
    has 2 % of the loss steers 2 % of the step. A detector trained like that localises and cannot classify, or the reverse.

How it decides:
    Share = median of a component over median of the sum, over the middle and over the last third of the run, at least
    ``min_epochs`` (10) epochs. It is reported if the same component holds at least ``max_share`` (0.93) in both, at
    least two components are not zero, and none has risen by ``risen_ratio`` (3 times) since the first third (that is an
    explosion). At the start it must hold ``start_share`` already: components that were learnt, and became small
    thereby, do not lack weight. In recorded trainings of others no component held more than 0.61 with the losses
    of Ultralytics 8; boxes held up to 0.90 with those of YOLOv7. Components that are zero by
    design (dfl of YOLO26, kobj) are no components here. Warning.

What to do:
    Put the gains (``box``, ``cls``, ``dfl``) back to their defaults 7.5, 0.5, 1.5 if they were changed; those of YOLOv5
    recipes are too small by 100. Otherwise halve the gain of the component that dominates.

Known false alarms:
    Losses that are meant to dominate (reconstruction against a small KL term). Tasks with one loss are not judged.

References:
    Ultralytics 8.4 utils/loss.py (gains), engine/trainer.py (clip at 10.0); issues 24615 and 21042 (gains of v5 in v8).
    Thresholds: this project, from real logs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity
from trainwatch.runs import Run, Series
from trainwatch.signals.blocks import block_medians


@dataclass(frozen=True)
class LossImbalance(Detector):
    """A component that is nearly the whole loss.

    Attributes:
        max_share: Share of the total that is too much.
        min_epochs: Epochs at least.
        min_values: Values at least, per third.
        risen_ratio: Rise of a component since the first third from which it is an explosion, not an imbalance.
        onset_blocks: Blocks of the first third among which the onset, and the start, are looked for.
        start_share: Share at the start below which the others were learnt, and did not lack weight.
    """

    title: ClassVar[str] = "One loss component outweighs the others"
    optional: ClassVar[tuple[str, ...]] = ("steps.loss/*", "epochs.train/*", "steps.gain/*", "epochs.gain/*")

    max_share: float = 0.93
    min_epochs: int = 10
    min_values: int = 4
    risen_ratio: float = 3.0
    onset_blocks: int = 20
    start_share: float = 0.75

    def missing(self, run: Run) -> str | None:
        """Ask for at least two components."""
        for prefix in ("steps.loss/", "epochs.train/"):
            if sum(n.startswith(prefix) for n in run.column_names()) > 1:
                return None
        return "fewer than two loss components (loss/* or train/*)"

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        steps, epochs = view.names("steps.loss/*"), view.names("epochs.train/*")
        parts = [view.steps(n) for n in steps] if len(steps) > 1 else [view.epochs(n) for n in epochs]
        parts = [p for p in parts if len(p) and not (p.values[0] == 0 and (p.values == 0).all())]
        if len(parts) < 2 or len({len(p) for p in parts}) > 1:
            return []
        first = parts[0]
        n = len(first)
        if n // 3 < self.min_values or int(first.epoch[-1]) - int(first.epoch[0]) + 1 < self.min_epochs:
            return []
        values = np.stack([p.values if p.finite.all() else np.where(p.finite, p.values, np.nan) for p in parts])
        if (values < 0).any():
            return []  # shares of a sum of both signs mean nothing
        end = self._levels(values[:, 2 * (n // 3) :])
        if end is None or not end.sum() > 0 or (end / end.sum()).max() < self.max_share:
            return []  # no need to look at the rest
        start, middle = (self._levels(values[:, a : a + n // 3]) for a in (0, n // 3))
        if start is None or middle is None:
            return []
        if not (middle.sum() > 0 and end.sum() > 0) or (end > self.risen_ratio * np.maximum(start, 1e-12)).any():
            return []
        shares = [middle / middle.sum(), end / end.sum()]
        top = int(np.argmax(shares[1]))
        share = float(min(s[top] for s in shares))
        if share < self.max_share or self._learnt_away(values, top):
            return []
        return [self._finding(view, parts, end, top, share)]

    def _levels(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64] | None:
        """Return the medians of the parts, of steps at which all are known; None if there are too few."""
        whole = np.isfinite(values).all(axis=0)
        if whole.sum() < self.min_values:
            return None
        levels: npt.NDArray[np.float64] = np.median(values if whole.all() else values[:, whole], axis=1)
        return levels

    def _finding(
        self, view: View, parts: list[Series], levels: npt.NDArray[np.float64], top: int, share: float
    ) -> Finding:
        names = [p.name.split("/", 1)[1] for p in parts]
        gains = {}
        for name in names:
            gain = view.steps(f"gain/{name}") if len(view.steps(f"gain/{name}")) else view.epochs(f"gain/{name}")
            if len(gain) and np.isfinite(gain.values[-1]):
                gains[name] = float(gain.values[-1])
        rest = ", ".join(f"{n} {v:.3g}" for i, (n, v) in enumerate(zip(names, levels, strict=True)) if i != top)
        return Finding(
            id=self.id,
            severity="warning",
            confidence=float(np.clip(0.6 + 2 * (share - self.max_share), 0.6, 0.9)),
            title=f"{names[top]} is {100 * share:.0f} % of the training loss",
            summary=(
                f"{names[top]} is {levels[top]:.3g} in the last third of the run, {100 * share:.0f} % of the sum of the "
                f"components (others: {rest}); above {100 * self.max_share:.0f} % they hardly steer the training."
            ),
            onset=parts[top].where(self._begin(parts, top)),
            series=parts[top].name,
            measured=Quantity(share, "of the total loss"),
            threshold=Quantity(self.max_share, "of the total loss"),
            detail={
                "component": names[top],
                "levels": {n: float(v) for n, v in zip(names, levels, strict=True)},
                "gains": gains,
            },
        )

    def _learnt_away(self, values: npt.NDArray[np.float64], top: int) -> bool:
        """Whether the others counted at the start, and became small because they were learnt."""
        count = max(values.shape[1] // (3 * self.onset_blocks), 3)
        start = values[:, :count][:, np.isfinite(values[:, :count]).all(axis=0)]
        if not start.shape[1]:
            return False
        levels = np.median(start, axis=1)
        return bool(levels.sum() > 0 and levels[top] / levels.sum() < self.start_share)

    def _begin(self, parts: list[Series], top: int) -> int:
        """Return the index from which on the component holds its share, looked for in blocks of the first third."""
        third = len(parts[top]) // 3
        size = max(third // self.onset_blocks, 1)
        levels = np.stack([block_medians(p.values[:third], size) for p in parts])
        small = np.flatnonzero(~(levels[top] / levels.sum(axis=0) >= self.max_share))
        return (int(small[-1]) + 1) * size if len(small) else 0
