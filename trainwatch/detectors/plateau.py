"""A validation score that has stopped improving while the training goes on.

What it does:
    Finds the epoch after which the score (fitness, else mAP50-95, else the validation loss) no longer improves, and
    tells a stall from a training that has converged because its schedule is spent.

Why it matters:
    Every epoch after the plateau began costs the same and gives nothing. If the learning rate is still high, the
    training is not done: it is stuck, and something has to change.

How it decides:
    The score is smoothed by a running median (1/40 of the run, 5 epochs at least). An improvement is more than 0.002,
    1 % of the best (0.5 % for a loss) and 3 standard errors of the smoothed score, whichever is largest. The plateau
    begins where the smoothed score first comes within one improvement of the best level that it ever held over an
    eighth of the run, and must last at least 20 epochs and a quarter of the run. Its Theil-Sen slope, over its whole
    length, must stay below one improvement, the upper end of the slope's 95 % interval below three. Warning while the
    learning rate is above a tenth of its maximum and less than 90 % of the planned epochs are done when it begins;
    information otherwise (converged). Never critical. No plateau: scores that stay below 0.005 (nothing is learnt),
    that reached 0.97 (nothing left to gain), or that repeat exactly (frozen).

What to do:
    With training loss still falling, the model learns the training set by heart: more data or more augmentation
    (copy_paste where labels are polygons, mixup otherwise). With both flat: a warm restart of the learning rate, a
    larger model or larger images. Or stop, and keep best.pt.

Known false alarms:
    A slow cosine schedule improves mostly in its last third; a plateau in the middle of it may end. Tiny validation
    sets are noisy and look flat.

References:
    Sen 1968 (slope). Ultralytics' EarlyStopping compares single epochs without a minimum difference
    (utils/torch_utils.py). Thresholds: this project, from the sample runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from trainwatch.detectors._words import epoch_name
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity, Severity
from trainwatch.runs import Run, Series
from trainwatch.signals.trend import theil_sen


@dataclass(frozen=True)
class Plateau(Detector):
    """A flat validation score.

    Attributes:
        min_epochs: Shortest plateau, epochs.
        min_share: Shortest plateau as a share of the epochs done.
        min_delta: Smallest improvement of a score between 0 and 1.
        min_delta_share: Smallest improvement as a share of the best score.
        min_delta_loss_share: The same for a validation loss.
        smoothing_share: Window of the running median as a share of the epochs done.
        min_smoothing_epochs: Its smallest width.
        slope_deltas: What the slope may add over the plateau at most (upper end of its interval), in improvements.
        gain_deltas: The same for the slope itself.
        spent_lr_ratio: Learning rate over its maximum below which the schedule is spent.
        done_share: Share of the planned epochs after which standing still is expected.
        min_score: Best scores below are "learns nothing", not a plateau.
        max_score: Best scores above leave nothing to gain.
        max_frozen_share: Share of exactly repeated values from which the score is frozen, not flat (a dead model).
        noise_errors: An improvement is larger than this many standard errors of the smoothed score.
    """

    title: ClassVar[str] = "Validation score stands still"
    optional: ClassVar[tuple[str, ...]] = (
        "epochs.fitness",
        "epochs.metrics/*",
        "epochs.val/*",
        "epochs.lr/*",
        "epochs.train/*",
    )

    min_epochs: int = 20
    min_share: float = 0.25
    min_delta: float = 0.002
    min_delta_share: float = 0.01
    min_delta_loss_share: float = 0.005
    smoothing_share: float = 1 / 40
    min_smoothing_epochs: int = 5
    slope_deltas: float = 3.0
    gain_deltas: float = 1.0
    spent_lr_ratio: float = 0.1
    done_share: float = 0.9
    min_score: float = 0.005
    noise_errors: float = 3.0
    max_score: float = 0.97
    max_frozen_share: float = 0.9

    def missing(self, run: Run) -> str | None:
        """Ask for a validation score or loss."""
        if any(
            n == "epochs.fitness" or n.startswith(("epochs.metrics/mAP50-95", "epochs.val/"))
            for n in run.column_names()
        ):
            return None
        return "no validation score (fitness, metrics/mAP50-95) and no validation loss (val/*)"

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        score, sign = self._score(view)
        score = score.take(score.finite)
        if len(score) < self.min_epochs:
            return []
        if sign > 0 and not self.min_score < score.values.max() <= self.max_score:
            return []  # learns nothing, or there is nothing left to gain
        width = max(self.min_smoothing_epochs, int(len(score) * self.smoothing_share))
        import pandas as pd

        smooth = pd.Series(sign * score.values).rolling(width, min_periods=1).median().to_numpy()
        best = float(np.abs(smooth).max() if sign > 0 else np.abs(smooth).min())
        # The standard error of a running median of that width, so that chance records of a noisy score do not count.
        noise = 1.4826 * float(np.median(np.abs(sign * score.values - smooth))) * 1.25 / np.sqrt(width)
        smallest = max(self.min_delta, self.min_delta_share * best) if sign > 0 else self.min_delta_loss_share * best
        delta = max(smallest, self.noise_errors * noise)
        last = _reached(sign * score.values, smooth, delta)
        if last == len(score) - 1:
            return []
        start_epoch = int(score.epoch[last])
        flat = int(score.epoch[-1]) - start_epoch
        if flat < max(self.min_epochs, self.min_share * (int(score.epoch[-1]) + 1)):
            return []
        behind = slice(last + 1, None)
        if float(np.mean(np.diff(score.values[behind]) == 0)) >= self.max_frozen_share:
            return []
        slope = theil_sen(score.epoch[behind].astype(np.float64), sign * score.values[behind])
        if not (slope.high * flat <= self.slope_deltas * delta and slope.slope * flat <= self.gain_deltas * delta):
            return []
        return [self._finding(view, score, sign, last, flat, delta, (slope.slope, slope.low, slope.high))]

    def _score(self, view: View) -> tuple[Series, int]:
        """Return what is judged, and 1 if more is better, -1 if less is."""
        fitness = view.epochs("fitness")
        if len(fitness):
            return fitness, 1
        for name in view.names("epochs.metrics/*"):
            if "mAP50-95" in name:
                return view.epochs(name), 1
        parts = [view.epochs(n) for n in view.names("epochs.val/*")]
        parts = [p for p in parts if len(p)]
        if not parts:
            return fitness, 1
        longest = max(parts, key=len)
        same = [p.values for p in parts if len(p) == len(longest)]
        return Series("val loss", np.sum(same, axis=0), longest.step, longest.epoch, longest.attempt), -1

    def _finding(
        self,
        view: View,
        score: Series,
        sign: int,
        last: int,
        flat: int,
        delta: float,
        slope: tuple[float, float, float],
    ) -> Finding:
        run = view.run
        best_at = int(np.argmax(sign * score.values))
        lr_ratio = self._lr_ratio(view)
        planned = run.planned_epochs
        began_late = planned is not None and int(score.epoch[last]) + 1 >= self.done_share * planned
        spent = (lr_ratio is not None and lr_ratio <= self.spent_lr_ratio) or began_late
        severity: Severity = "info" if spent else "warning"
        falls = self._training_falls(view, int(score.epoch[last]))
        done = int(score.epoch[-1]) + 1
        where = epoch_name(run, int(score.epoch[last]))
        name = score.name
        parts = [
            f"{name} has not improved by more than {delta:.2g} since {where}, for {flat} of {done} epochs; the best is "
            f"{score.values[best_at]:.4g} at {epoch_name(run, int(score.epoch[best_at]))}, the slope since then "
            f"{sign * slope[0]:.2g} per epoch (95 %: {min(sign * slope[1], sign * slope[2]):.2g} to "
            f"{max(sign * slope[1], sign * slope[2]):.2g})."
        ]
        if spent:
            parts.append("The learning rate schedule is spent: the training has converged.")
        elif lr_ratio is not None:
            parts.append(f"The learning rate is still at {100 * lr_ratio:.0f} % of its maximum.")
        if falls is not None and not spent:
            parts.append(
                "The training loss goes on falling: the model learns the training set by heart."
                if falls
                else "The training loss stands still, too."
            )
        return Finding(
            id=self.id,
            severity=severity,
            confidence=float(
                np.clip(0.6 + 0.3 * min(1.0, flat / max(done, 1) / 0.6) + (0.05 if flat >= 60 else 0.0), 0.5, 0.95)
            ),
            title=f"{'Converged' if spent else 'No progress'} since {where}",
            summary=" ".join(parts),
            onset=score.where(last),
            series=name if name != "val loss" else "val/*",
            measured=Quantity(float(flat), "epochs"),
            threshold=Quantity(float(max(self.min_epochs, self.min_share * done)), "epochs"),
            detail={
                "flat_epochs": flat,
                "best": float(score.values[best_at]),
                "best_epoch": int(score.epoch[best_at]),
                "converged": spent,
                "lr_ratio": lr_ratio,
                "training_loss_falls": falls,
                "slope_per_epoch": sign * slope[0],
            },
        )

    def _lr_ratio(self, view: View) -> float | None:
        """Return the last learning rate over its maximum, of the group where that is largest; None if not recorded."""
        ratios = []
        for name in view.names("epochs.lr/*"):
            lr = view.epochs(name)
            values = lr.values[lr.finite]
            if len(values) and values.max() > 0:
                ratios.append(float(values[-1] / values.max()))
        return max(ratios) if ratios else None

    def _training_falls(self, view: View, since_epoch: int) -> bool | None:
        """Tell whether the sum of the training losses falls by more than 5 % over the plateau; None if not recorded."""
        parts = [view.epochs(n) for n in view.names("epochs.train/*")]
        parts = [p.take(p.finite & (p.epoch >= since_epoch)) for p in parts]
        parts = [p for p in parts if len(p) >= 8]
        if not parts:
            return None
        falls = [_fall(p.values) for p in parts]
        return float(np.median(falls)) > 0.05


def _fall(values: npt.NDArray[np.float64]) -> float:
    quarter = max(2, len(values) // 4)
    start, end = float(np.median(values[:quarter])), float(np.median(values[-quarter:]))
    return (start - end) / start if start > 0 else 0.0


def _reached(values: npt.NDArray[np.float64], smooth: npt.NDArray[np.float64], delta: float) -> int:
    """Return the index at which the smoothed score first came within ``delta`` of the best level that it ever held.

    A level is a median over an eighth of the series, so that a lucky epoch is none. Records are no good here: among
    noise there is always a later one.
    """
    wide = max(5, len(values) // 8)
    import pandas as pd

    level = float(np.nanmax(pd.Series(values).rolling(wide, min_periods=wide).median().to_numpy()))
    return int(np.flatnonzero(smooth >= level - delta)[0])
