"""Validation loss rises while training loss falls, and no metric makes up for it.

What it does:
    Finds the loss component whose validation side turned upwards, the epoch of its minimum, and by how much it rose.

Why it matters:
    From the minimum on the model memorises its training images. Every further epoch costs and gives nothing, or
    makes the model worse on images that it has not seen.

How it decides:
    Of each loss component that training and validation share, over the longest stretch without a change of regime (close
    of mosaic, restart of the learning rate): the validation side, smoothed by a running median (``smoothing_share`` of
    the epochs), has its minimum at least ``min_epochs`` epochs and ``min_share`` of the stretch before the end; the level
    of the last quarter since then lies ``min_rise`` and ``noise_errors`` standard errors above the minimum; a one-sided
    Mann-Kendall test finds a rise (p at most ``max_p``); and the training side has fallen by ``min_fall`` since; by
    ``clear_fall`` where the rise is below ``large_rise``, for one of the two sides has to move clearly. A loss
    that never lay ``min_rise`` below its beginning, and whose total did not either, did so from the first epoch on.
    Otherwise it is dated where the total validation loss is lowest, if that has turned as well, or else the component:
    at the lowest value of all epochs at which the smoothed loss lies within half of ``min_rise`` of its minimum.
    Warm-up raises losses, too, so what happens in it is no rise.
    Or the training set is memorised: since the minimum the training side fell to ``heart_share`` of what it was then
    and lies below ``heart_ratio`` of the validation side, which no longer falls (by ``min_rise``); below
    ``heart_certain`` of it that is told whatever the score does.
    Or nothing carries over: since the first ``begin_epochs`` epochs after warm-up the training loss fell by ``min_fall``, with
    a trend, and at the end the validation loss has fallen by at most ``carried_share`` of that. That is dated to the
    beginning.
    It is no overfitting while the score makes up for it: it has risen since (the interval of its slope lies above 0) by
    more than ``makes_up_share`` of it, and ends at its best level. How sure right answers are and how many there are, are
    two things. For a validation loss that never fell only a gain of ``guess_share`` of what the score lacked at its beginning
    makes up: a model that learns nothing but which class is the most frequent gains as much.
    Nor is it where a score was measured that never left zero: a model that finds nothing has nothing to memorise, and
    what keeps it from learning is another fault. Nor where no label reaches the training loss (missing-labels).
    Warning if the score has fallen from its best level too, if the total validation loss has risen by ``large_rise``, or
    if there is no score; information otherwise.

What to do:
    Keep best.pt. Then more data or stronger augmentation (mixup, copy_paste where labels are polygons), a smaller
    model, ``freeze``, more weight decay, fewer epochs.

Known false alarms:
    A validation set of a few images. Losses that are annealed (a KL weight ramped up) rise by design.

References:
    Ultralytics yolov5 threads 10464, 5061, 6551; yolov3 thread 1084 (mAP may rise while the loss rises).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from trainwatch.detectors._curves import (
    CURVES,
    after_warmup,
    losses,
    never_measured,
    pairs,
    read_score,
    total,
    without_objects,
)
from trainwatch.detectors._words import epoch_name
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity, Severity
from trainwatch.runs import Run, Series
from trainwatch.signals.curves import Score, best_level, level_error, noise, running_median
from trainwatch.signals.regimes import longest_regime
from trainwatch.signals.trend import mann_kendall, theil_sen

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Rise:
    """A validation loss that turned: index of its minimum, share that it rose, and both sides' series.

    ``kind``: ``turned`` upwards, known by ``heart``, or nothing of the training ``carried`` over.
    """

    at: int
    share: float
    p_value: float
    fall: float
    val: Series
    certain: bool = False
    never_fell: bool = False
    kind: str = "turned"

    @property
    def from_start(self) -> bool:
        """Whether nothing that was learnt ever served the validation set."""
        return self.never_fell or self.kind == "carried"


@dataclass(frozen=True)
class _Change:
    """The score since then: end minus best level, the smallest difference that counts, whether it makes up for it."""

    below_best: float
    step: float
    makes_up: bool


@dataclass(frozen=True)
class Overfitting(Detector):
    """A rising validation loss under a falling training loss.

    Attributes:
        min_epochs: Epochs since the minimum at least.
        min_share: The same as a share of the epochs judged.
        smoothing_share: Width of the running median as a share of the epochs judged.
        min_smoothing_epochs: Its smallest width.
        min_rise: Smallest rise of the validation loss as a share of its minimum.
        large_rise: A clear rise: of the total validation loss it makes a warning whatever the score does.
        noise_errors: The rise is larger than this many standard errors.
        max_p: Largest one-sided p-value of the Mann-Kendall test.
        min_fall: Smallest fall of the training loss since the minimum, as a share ...
        clear_fall: ... and that from which a rise smaller than ``large_rise`` counts.
        heart_share: Training loss at the end over that at the minimum at which the set is memorised ...
        heart_ratio: ... and over the validation loss.
        heart_certain: Training loss over the validation loss below which it is told whatever the score does.
        begin_epochs: Epochs whose median counts where it is asked whether the loss ever lay below its first value.
        makes_up_share: Smallest gain of the score that makes up for a rise of the loss, as a share of its best level.
        carried_share: Share of the training loss's fall that the validation loss must follow for something to carry over.
        guess_share: Gain of the score, as a share of what it lacked, that a guess explains.
    """

    title: ClassVar[str] = "Overfitting"
    requires: ClassVar[tuple[str, ...]] = ("epochs.val/*",)
    optional: ClassVar[tuple[str, ...]] = CURVES

    min_epochs: int = 10
    min_share: float = 0.2
    smoothing_share: float = 0.05
    min_smoothing_epochs: int = 5
    min_rise: float = 0.03
    large_rise: float = 0.1
    noise_errors: float = 4.0
    max_p: float = 0.05
    min_fall: float = 0.03
    clear_fall: float = 0.15
    heart_share: float = 0.5
    heart_ratio: float = 0.25
    heart_certain: float = 0.05
    begin_epochs: int = 3
    makes_up_share: float = 0.02
    carried_share: float = 0.1
    guess_share: float = 0.1

    def missing(self, run: Run) -> str | None:
        """Ask for both losses; the training side may be logged per step."""
        trained = any(n == "steps.loss" or n.startswith(("epochs.train/", "steps.loss/")) for n in run.column_names())
        return super().missing(run) or (None if trained else "no training loss, neither per epoch nor per step")

    def judge(self, view: View) -> list[Finding]:
        """Return one finding about the component that rose most, or none."""
        if without_objects(view, "train") is not None:
            return []
        rises = [r for train, val in pairs(view) if (r := self._rise(view, train, val)) is not None]
        if not rises:
            return []
        score = read_score(view)
        if score is not None and not score.learnt and not never_measured(view):
            return []
        metric = score if score is not None and not score.is_loss and score.learnt else None
        judged = [(r, self._score_since(metric, r)) for r in rises]
        left = [(r, change) for r, change in judged if change is None or not change.makes_up or r.certain]
        if not left:
            return []
        worst, change = max(left, key=lambda pair: pair[0].share)
        return [self._finding(view, worst, change, [r for r, _ in left], self._onset(view, worst))]

    def _onset(self, view: View, worst: _Rise) -> int:
        """Return the epoch since when the model overfits: of the total, if that has turned, since that is the model's."""
        train, val = (total(losses(view, part), f"{part}/*") for part in ("train", "val"))
        whole = self._rise(view, train, val) if train is not None and val is not None else None
        dated = whole or worst
        return int(dated.val.epoch[0 if worst.from_start and dated.from_start else dated.at])

    def _part(self, view: View, series: Series) -> Series:
        kept = series.take(series.finite)
        return kept.take(longest_regime(view.run, kept.epoch))

    def _rise(self, view: View, train: Series, val: Series) -> _Rise | None:
        val, train = self._part(view, val), self._part(view, train)
        n = len(val)
        if n < 2 * self.min_epochs or not (val.values > 0).all():
            return None
        smooth = running_median(val.values, max(self.min_smoothing_epochs, int(n * self.smoothing_share)))
        turned, by_heart = self._turned(view, train, val, smooth), self._by_heart(view, train, val, smooth)
        if turned is not None and by_heart is not None:
            turned = replace(turned, certain=by_heart.certain)
        found = turned or by_heart or self._nothing_carried(view, train, val, smooth)
        if found is None:
            return None
        lowest = float(running_median(val.values, self.begin_epochs).min())
        never_fell = float(val.values[0]) - lowest < self.min_rise * lowest
        return replace(found, at=self._lowest(val, smooth, found), never_fell=never_fell)

    def _lowest(self, val: Series, smooth: Floats, found: _Rise) -> int:
        """Return the lowest single value near a minimum of the smoothed loss: smoothing dates a sharp turn wrongly.

        Near is where the smoothed loss lies, or, where it goes on at its minimum, which epochs.
        """
        near = smooth <= (1 + self.min_rise / 2) * float(smooth.min())
        if found.kind != "turned":
            near = np.abs(np.arange(len(val)) - found.at) <= self.min_smoothing_epochs // 2
        return int(np.argmin(np.where(near, val.values, np.inf)))

    def _nothing_carried(self, view: View, train: Series, val: Series, smooth: Floats) -> _Rise | None:
        """Judge a validation loss that ends no lower than it began while the training loss falls."""
        n = len(val)
        begin = int(np.searchsorted(val.epoch, after_warmup(view)))
        since = n - 1 - begin
        behind = train.take(train.epoch >= val.epoch[min(begin, n - 1)])
        if since < max(self.min_epochs, self.min_share * n) or len(behind) < 2 * self.min_epochs:
            return None
        first = float(np.median(val.values[begin : begin + self.begin_epochs]))
        level = float(np.median(val.values[-max(since // 4, 3) :]))
        start = float(np.median(behind.values[: self.begin_epochs]))
        fall = 1 - float(np.median(behind.values[-max(len(behind) // 4, 3) :])) / start if start > 0 else 0.0
        trend = mann_kendall(behind.values)
        if fall < self.min_fall or trend.direction >= 0 or trend.p_value / 2 > self.max_p:
            return None
        if 1 - level / first > self.carried_share * fall:
            return None
        return _Rise(begin, level / float(smooth.min()) - 1, trend.p_value / 2, fall, val, kind="carried")

    def _by_heart(self, view: View, train: Series, val: Series, smooth: Floats) -> _Rise | None:
        """Judge a validation loss that stands still while the training loss goes to nothing."""
        n, lowest = len(val), float(smooth.min())
        at = int(np.argmax(smooth <= (1 + self.min_rise / 2) * lowest))
        begin = max(at, int(np.searchsorted(val.epoch, after_warmup(view))))
        behind = train.take(train.epoch >= val.epoch[min(begin, n - 1)])
        if n - 1 - begin < max(self.min_epochs, self.min_share * n) or len(behind) < 6:
            return None
        part = max(len(behind) // 4, 3)
        start, end = float(np.median(behind.values[:3])), float(np.median(behind.values[-part:]))
        level = float(np.median(val.values[-part:]))
        if not (0 < end <= self.heart_share * start and end <= self.heart_ratio * level):
            return None
        return _Rise(
            at, max(level / lowest - 1, 0.0), 1.0, (start - end) / start, val, end <= self.heart_certain * level,
            kind="heart",
        )  # fmt: skip

    def _turned(self, view: View, train: Series, val: Series, smooth: Floats) -> _Rise | None:
        """Judge a validation loss that has a minimum and rises from there."""
        n = len(val)
        at = int(np.argmin(smooth))
        begin = max(at, int(np.searchsorted(val.epoch, after_warmup(view))))
        since = n - 1 - begin
        if since < max(self.min_epochs, self.min_share * n):
            return None
        quarter = max(since // 4, 3)
        lowest, level = float(smooth[at]), float(np.median(val.values[-quarter:]))
        rise = level - lowest
        if rise < self.min_rise * lowest or rise < self.noise_errors * level_error(noise(val.values[begin:]), quarter):
            return None
        trend = mann_kendall(val.values[begin:])
        if trend.direction < 1 or trend.p_value / 2 > self.max_p:
            return None
        behind = train.take(train.epoch >= val.epoch[begin])
        if len(behind) < 6:
            return None
        part = max(len(behind) // 4, 3)
        start, end = float(np.median(behind.values[:part])), float(np.median(behind.values[-part:]))
        fall = (start - end) / start if start > 0 else 0.0
        enough = self.min_fall if rise >= self.large_rise * lowest else self.clear_fall
        return _Rise(at, rise / lowest, trend.p_value / 2, fall, val) if fall >= enough else None

    def _score_since(self, score: Score | None, rise: _Rise) -> _Change | None:
        """Describe how the score moved since the minimum of a loss; None if that cannot be told."""
        if score is None:
            return None
        since, until = int(rise.val.epoch[rise.at]), int(rise.val.epoch[-1])
        kept = score.series.take(score.series.epoch <= until)
        behind = kept.epoch >= since
        if behind.sum() < 6:
            return None
        width = max(int(behind.sum()) // 4, 3)
        up = score.sign * kept.values
        best, end = best_level(up, width), float(np.median(up[-width:]))
        step = max(score.smallest_step(best), 2 * level_error(noise(up[behind]), width))
        line = theil_sen(kept.epoch[behind], up[behind])
        rises = line.low > 0 and line.slope * (until - since) > max(step, self.makes_up_share * best)
        start = float(up[: self.begin_epochs].max())
        guessed = end - start < self.guess_share * (score.full - start)
        if rise.kind == "carried":
            return _Change(end - best, step, not guessed)
        return _Change(end - best, step, rises and end > best - step and not (rise.never_fell and guessed))

    def _finding(self, view: View, rise: _Rise, change: _Change | None, rises: list[_Rise], since: int) -> Finding:
        where = epoch_name(view.run, int(rise.val.epoch[rise.at]))
        whole = self._whole(view, int(rise.val.epoch[rise.at]))
        worse = (
            change is None or change.below_best < -2 * change.step or (whole is not None and whole >= self.large_rise)
        )
        severity: Severity = "warning" if worse else "info"
        name = _component(rise.val)
        text = self._text(name, where, rise)
        if rise.never_fell and since == rise.val.epoch[0]:
            text += f" It never lay {100 * self.min_rise:.0f} % below where it began: nothing learnt served the validation set."
        others = [_component(r.val) for r in rises if r is not rise]
        if others:
            text += f" So has: {', '.join(others)}."
        if change is not None:
            fell = (
                f"it lies {-change.below_best:.2g} below its best level"
                if change.below_best < -change.step
                else "it stands still"
            )
            text += f" The score does not make up for it: {fell}."
        return Finding(
            id=self.id,
            severity=severity,
            confidence=float(np.clip(0.6 + rise.share + (0.1 if worse else 0.0), 0.5, 0.95)),
            title=f"Overfitting since {epoch_name(view.run, since)}",
            summary=text,
            onset=rise.val.where(int(np.searchsorted(rise.val.epoch, since))),
            series=rise.val.name,
            measured=Quantity(rise.share, "share"),
            threshold=Quantity(self.min_rise, "share"),
            detail={
                "minimum_epoch": int(rise.val.epoch[rise.at]), "training_fall_share": rise.fall, "p_value": rise.p_value,
                "total_rise_share": whole,
            },
        )  # fmt: skip

    def _whole(self, view: View, since: int) -> float | None:
        """Return by what share the total validation loss has risen since an epoch."""
        whole = total(losses(view, "val"), "val/*")
        whole = self._part(view, whole) if whole is not None else None
        behind = whole.take(whole.epoch >= since) if whole is not None else None
        if behind is None or len(behind) < 6:
            return None
        part = max(len(behind) // 4, 3)
        start, end = float(np.median(behind.values[:part])), float(np.median(behind.values[-part:]))
        return end / start - 1 if start > 0 else None

    def _text(self, name: str, where: str, rise: _Rise) -> str:
        if rise.kind == "heart":
            return (
                f"The validation loss {name} no longer falls since {where}, while the same training loss fell by "
                f"{100 * rise.fall:.0f} % to less than {self.heart_ratio:g} of it: the training set is memorised."
            )
        if rise.kind == "carried":
            return (
                f"The validation loss {name} ends where it began, while the same training loss fell by "
                f"{100 * rise.fall:.0f} %: what is learnt does not carry over."
            )
        return (
            f"The validation loss {name} has its minimum at {where} and has risen by {100 * rise.share:.0f} % since "
            f"({_by_chance(rise.p_value)}), while the same training loss fell by {100 * rise.fall:.0f} %."
        )


def _component(loss: Series) -> str:
    """Name a loss without its side; the sum of sides whose components have other names has none."""
    name = loss.name.split("/", 1)[-1]
    return "(total)" if name == "*" else name


def _by_chance(p: float) -> str:
    """Say in plain words how seldom a level curve would rise so."""
    return "by chance: less than 1 in a million" if p < 1e-6 else f"by chance: 1 in {float(f'{1 / p:.1g}'):.0f}"
