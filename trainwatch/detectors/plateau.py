"""A validation score that has stopped improving while the training goes on.

What it does:
    Finds the epoch after which the score (fitness, else mAP50-95, else the validation loss) no longer improves, and
    tells a stall from a training that has converged because its schedule is spent.

Why it matters:
    Every epoch after the plateau began costs the same and gives nothing. If the learning rate is still high, the
    training is not done: it is stuck, and something has to change.

How it decides:
    Was the last fifth worth its price? It was not if the best of the smoothed score (running median of 1/20 of the log, 5
    epochs at least) grew in it by no more than ``late_gain_share`` of the level, or its standard error; or by no more than
    ``dip_share``, which the end of a dip gives, while the best single epoch gained no more than ``no_gain_share``. A
    slope since then whose interval lies above 0 and that gives more than ``climb_share`` in a fifth of the log is
    progress all the same: an early peak hides it.
    The plateau begins where the score, smoothed over 1/40 of the log, first comes within one improvement of the best level
    that it ever held over an eighth of the log. An improvement is more than 0.002, 1 % of the best (0.5 % for a loss) and
    ``noise_errors`` standard errors of the smoothed score, whichever is largest; the noise is that of the second half, for
    a training swings at first. It must last at least ``min_epochs`` epochs and ``min_share`` of the log; below
    ``brief_epochs`` only where single epochs show it, their noise being no more than ``late_gain_share``.
    Warning while the learning rate is above a tenth of its maximum and less than 90 % of the planned epochs are done when
    it begins, it lasts ``warning_share`` of the log, and the standstill is certain: the upper end of the slope's interval
    over all of it is not above 0, or over its second half gives no more than ``slow_gain_share`` of the level there.
    Where the noise would hide such a gain, nothing shows that the epochs are wasted. Information otherwise (converged, or
    too early to worry), if patience ended the training (nothing more was lost), or if neither the learning rate nor a
    plan that was cut short is in the log. Never critical.
    Information, too, at ``near_ceiling`` (0.95) of a score that is at most 1 by its name (an accuracy, a mAP, an F1), and
    at 0.97 of what is possible: nothing is left to gain, and the epochs since could have been saved.
    No plateau: scores that stay below 0.005 (nothing is learnt), that repeat exactly while no validation loss moves
    (frozen), that the close of mosaic lifted, or that fall from the first epoch on; and losses that never fell.

What to do:
    With training loss still falling, the model memorises the training set: more data or more augmentation
    (copy_paste where labels are polygons, mixup otherwise). With both flat: a warm restart of the learning rate, a
    larger model or larger images. Or stop, and keep best.pt.

Known false alarms:
    A slow cosine schedule improves mostly in its last third; a plateau in the middle of it may end. Tiny validation
    sets are noisy and look flat.

References:
    Sen 1968 (slope). Ultralytics' EarlyStopping compares single epochs without a minimum difference
    (utils/torch_utils.py). Thresholds: this project, from about 100 real logs that two raters labelled by "would the last
    fifth have been worth paying for?" (tests/bench/detection).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from trainwatch.detectors._curves import CURVES, NOTHING, has_score, losses, lr_ratio, read_score
from trainwatch.detectors._words import epoch_name
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity, Severity
from trainwatch.runs import Run, Series, how_it_ended
from trainwatch.signals.curves import Score, best_level, level_error, noise, running_median, trailing_count
from trainwatch.signals.regimes import closing_epoch
from trainwatch.signals.trend import theil_sen

UP_TO_ONE = re.compile(
    r"(?:^|[/_-])(acc|accuracy|top1|top5|auc|auroc|f1|dice|iou|miou|precision|recall|map)(?![a-z])", re.IGNORECASE
)
"""Names of scores that are at most 1: whole words, so that neither an error (mape) nor an acceleration is one."""


@dataclass(frozen=True)
class Plateau(Detector):
    """A flat validation score.

    Attributes:
        min_epochs: Shortest plateau, epochs.
        min_share: Shortest plateau as a share of the epochs done.
        warning_share: Shortest plateau that is a warning, as a share of the epochs done.
        smoothing_share: Window of the running median as a share of the epochs done.
        min_smoothing_epochs: Its smallest width.
        late_share: What counts as the end of the log, as a share of it.
        late_smoothing_share: Window of the running median by which the gain at the end is judged, as a share of the log.
        late_gain_share: Gain of the best smoothed score at the end up to which the end brought nothing, as a share of the level.
        late_noise_errors: Standard errors of the smoothed score that such a gain may be in any case: chance gives that.
        no_gain_share: Gain of the best single epoch at the end that is none, as a share of the level ...
        dip_share: ... and that of the smoothed score, beside it, which the end of a dip explains.
        brief_epochs: Length from which a plateau may be noisy, epochs.
        climb_share: A rise over the plateau that is certain and gives more than this share of the level in such an end is
            progress.
        slow_gain_share: Progress over the plateau that cannot be excluded and is larger than this share of the level: no
            warning.
        spent_lr_ratio: Learning rate over its maximum below which the schedule is spent.
        done_share: Share of the planned epochs after which standing still is expected.
        max_frozen_share: Share of exactly repeated values from which the score is frozen, not flat (a dead model).
        frozen_end_share: The same for an unbroken stretch of repeats at the end, as a share of the plateau.
        near_ceiling: Score of at most 1, by its name, from which standing still is no stall.
        noise_errors: An improvement is larger than this many standard errors of the smoothed score.
    """

    title: ClassVar[str] = "Validation score stands still"
    optional: ClassVar[tuple[str, ...]] = CURVES

    min_epochs: int = 10
    min_share: float = 0.15
    warning_share: float = 0.25
    smoothing_share: float = 1 / 40
    min_smoothing_epochs: int = 5
    late_share: float = 0.2
    late_smoothing_share: float = 0.05
    late_gain_share: float = 0.01
    late_noise_errors: float = 1.0
    no_gain_share: float = 0.005
    dip_share: float = 0.04
    brief_epochs: int = 15
    climb_share: float = 0.05
    slow_gain_share: float = 0.025
    spent_lr_ratio: float = 0.1
    done_share: float = 0.9
    near_ceiling: float = 0.95
    noise_errors: float = 3.0
    max_frozen_share: float = 0.9
    frozen_end_share: float = 0.2

    def missing(self, run: Run) -> str | None:
        """Ask for a validation score or loss."""
        return None if has_score(run) else NOTHING

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        score = read_score(view)
        if score is None or len(score.series) < self.min_epochs or not score.learnt:
            return []
        series, up = score.series, score.up
        width = max(self.min_smoothing_epochs, int(len(up) * self.smoothing_share))
        smooth = running_median(up, width)
        level = best_level(up, max(self.min_smoothing_epochs, len(up) // 8))
        step = score.smallest_step(level)
        # Of the second half: a training swings at first, and that would make everything later look flat.
        error = level_error(noise(up[len(up) // 2 :]), width)
        delta = max(step, self.noise_errors * error)
        last = int(np.flatnonzero(smooth >= level - delta)[0])
        flat = int(series.epoch[-1] - series.epoch[last])
        if flat < max(self.min_epochs, self.min_share * (int(series.epoch[-1]) + 1)):
            return []
        behind = slice(last + 1, None)
        if self._frozen(view, score, last) or self._ended(view, score, last, delta):
            return []
        if flat < self.brief_epochs and noise(up) > self.late_gain_share * abs(level):
            return []  # too few epochs to see a standstill in such noise
        if self._goes_on(up, abs(level), error):
            return []
        slope = theil_sen(series.epoch[behind].astype(np.float64), up[behind])
        if slope.low > 0 and slope.slope * self.late_share * len(up) > self.climb_share * abs(level):
            return []  # it surely rises: an early peak hides that from the best values
        if last == 0 and score.is_loss:
            return []  # a loss that never fell is no-learning's, or a fine-tune's
        if last == 0 and slope.high < 0 and slope.slope * flat < -self.slow_gain_share * abs(level):
            return []  # it never rose, and falls from the start: that is no plateau
        return [
            self._finding(
                view, series, score.sign, last, flat, delta, (slope.slope, slope.low, slope.high), score.at_ceiling
            )
        ]

    def _goes_on(self, up: npt.NDArray[np.float64], level: float, error: float) -> bool:
        """Whether the last part of the log still brought something: to the smoothed score, or to the best single epoch."""
        late = max(2, int(len(up) * self.late_share))
        smooth = running_median(up, max(self.min_smoothing_epochs, int(len(up) * self.late_smoothing_share)))
        gain, best_gain = (float(s.max() - s[:-late].max()) for s in (smooth, up))
        if gain <= max(self.late_gain_share * level, self.late_noise_errors * error):
            return False
        return best_gain > self.no_gain_share * level or gain > self.dip_share * level

    def _frozen(self, view: View, score: Score, since: int) -> bool:
        """Whether the score repeats exactly, mostly or for the last part of the plateau: then nothing is measured.

        A validation loss that goes on moving proves that it is measured: a coarse score of weights that hardly move.
        """
        up, epoch = score.up[since + 1 :], int(score.series.epoch[since])
        val = [s.take(s.epoch > epoch) for s in losses(view, "val")]
        if any(
            len(s) > 1 and s.finite.all() and float((np.diff(s.values) == 0).mean()) < self.max_frozen_share
            for s in val
        ):
            return False
        same = np.diff(up) == 0
        last = trailing_count(same)
        return bool(same.mean() >= self.max_frozen_share) or last >= max(3, self.frozen_end_share * len(up))

    def _ended(self, view: View, score: Score, last: int, delta: float) -> bool:
        """Whether the close of mosaic within the plateau lifted the score above it."""
        close = closing_epoch(view.run)
        if close is None:
            return False
        epoch = score.series.epoch
        before, after = score.up[(epoch >= epoch[last]) & (epoch < close)], score.up[epoch >= close + 1]
        return len(before) >= 3 and len(after) >= 3 and float(np.median(after) - np.median(before)) > delta

    def _finding(
        self,
        view: View,
        score: Series,
        sign: int,
        last: int,
        flat: int,
        delta: float,
        slope: tuple[float, float, float],
        at_ceiling: bool,
    ) -> Finding:
        run = view.run
        best_at = int(np.argmax(sign * score.values))
        left = lr_ratio(view)
        planned = run.planned_epochs
        began_late = planned is not None and int(score.epoch[last]) + 1 >= self.done_share * planned
        ending = how_it_ended(run).kind
        unknown = left is None and ending in ("completed", "stopped", "unknown")
        spent = (left is not None and left <= self.spent_lr_ratio) or began_late
        brief = flat < self.warning_share * (int(score.epoch[-1]) + 1)
        hidden = slope[2] > 0 and self._hidden(score, sign, last)
        severity: Severity = "info" if spent or unknown or brief or hidden or ending == "early-stop" else "warning"
        falls = self._training_falls(view, int(score.epoch[last]))
        done = int(score.epoch[-1]) + 1
        where = epoch_name(run, int(score.epoch[last]))
        name = score.name
        best = float(score.values[best_at])
        # At most 1 and nearly there: a standstill, but no stall.
        near = severity == "warning" and bool(UP_TO_ONE.search(name)) and self.near_ceiling <= best
        satisfied = (near or at_ceiling) and best <= 1
        parts = [
            f"{name} has not improved by more than {delta:.2g} since {where}, for {flat} of {done} epochs; the best is "
            f"{score.values[best_at]:.4g} at {epoch_name(run, int(score.epoch[best_at]))}, the slope since then "
            f"{sign * slope[0]:.2g} per epoch (95 %: {min(sign * slope[1], sign * slope[2]):.2g} to "
            f"{max(sign * slope[1], sign * slope[2]):.2g})."
        ]
        if spent:
            parts.append("The learning rate schedule is spent: the training has converged.")
        elif left is not None:
            parts.append(f"The learning rate is still at {100 * left:.0f} % of its maximum.")
            if hidden:
                parts.append("The noise of the validation would hide slow progress.")
        if satisfied:
            parts.append(f"At {best:.4g} of at most 1 there is hardly anything left to gain.")
        elif falls is not None and not spent:
            parts.append(
                "The training loss goes on falling: the model memorises the training set."
                if falls
                else "The training loss stands still, too."
            )
        return Finding(
            id=self.id,
            severity="info" if satisfied or at_ceiling else severity,
            confidence=float(
                np.clip(0.6 + 0.3 * min(1.0, flat / max(done, 1) / 0.6) + (0.05 if flat >= 60 else 0.0), 0.5, 0.95)
            ),
            title=(
                f"At its best since {where}, {best:.3g} of at most 1"
                if satisfied
                else f"{'Converged' if spent else 'No progress' if severity == 'warning' else 'Flat'} since {where}"
            ),
            summary=" ".join(parts),
            onset=score.where(last),
            series=name if name != "val loss" else "val/*",
            measured=Quantity(float(flat), "epochs"),
            threshold=Quantity(float(max(self.min_epochs, self.min_share * done)), "epochs"),
            detail={
                "flat_epochs": flat,
                "best": best,
                "best_epoch": int(score.epoch[best_at]),
                "converged": spent,
                "lr_ratio": left,
                "training_loss_falls": falls,
                "slope_per_epoch": sign * slope[0],
            },
        )

    def _hidden(self, score: Series, sign: int, last: int) -> bool:
        """Whether the noise leaves room for progress worth having in the second half of the plateau (its start still rises)."""
        half = slice((last + 1 + len(score)) // 2, None)
        epoch, up = score.epoch[half].astype(np.float64), sign * score.values[half]
        if len(up) < 2:
            return True
        return bool(
            theil_sen(epoch, up).high * (epoch[-1] - epoch[0]) > self.slow_gain_share * abs(float(np.median(up)))
        )

    def _training_falls(self, view: View, since_epoch: int) -> bool | None:
        """Tell whether the sum of the training losses falls by more than 5 % over the plateau; None if not recorded."""
        parts = [p.take(p.finite & (p.epoch >= since_epoch)) for p in losses(view, "train")]
        parts = [p for p in parts if len(p) >= 8]
        if not parts:
            return None
        falls = [_fall(p.values) for p in parts]
        return float(np.median(falls)) > 0.05


def _fall(values: npt.NDArray[np.float64]) -> float:
    quarter = max(2, len(values) // 4)
    start, end = float(np.median(values[:quarter])), float(np.median(values[-quarter:]))
    return (start - end) / start if start > 0 else 0.0
