"""A loss of nothing while nothing is learnt: the model's outputs have died.

What it does:
    Compares the training loss of the last steps with that of the first ones where the score is still zero; and looks for
    validations in which every loss is exactly zero or no number.

Why it matters:
    It looks like a success. But a model that answers nothing everywhere, with infinite confidence, has a small loss and no
    gradient: it does not come back. A learning rate that is far too high does that within a few dozen steps.

How it decides:
    The score was validated in at least ``min_epochs`` epochs and never left zero (no-learning's bar), labels are there, and
    the median training loss of the last ``tail_share`` of the steps (epochs, where no steps are recorded) is at most
    ``ratio`` of the median of the first ``head_values``. A loss that small without any score cannot be learning. The
    onset is where the loss falls below that bar for good.
    Or, with the same bar of the score: in at least ``dead_share`` of the validated epochs, and ``min_dead`` of them, all
    validation losses, two at least, are exactly 0 or no number, or together ``thrown_ratio`` (a million) times the
    training loss, which is neither 0 nor no number: weights thrown so far that no answer is left. A finite model has a loss
    even where there is no object. Not judged where no validation ever had a loss and the training loss falls,
    where zeros stand for "not measured" (metrics-not-measured), or where no label is found
    (missing-labels). Critical.

What to do:
    Lower the learning rate tenfold, name the optimizer, warm up longer, and start anew: no checkpoint since is of use.

Known false alarms:
    A score that is measured on other data, or of another task, than is trained.

References:
    Ultralytics 8.4 utils/loss.py: all losses are weighted by the assigned scores, so they vanish with the outputs. Thresholds:
    this project, from trainings with lr0=1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trainwatch.detectors._curves import (
    CURVES,
    NOTHING,
    has_score,
    losses,
    never_measured,
    read_score,
    total,
    without_objects,
)
from trainwatch.detectors._words import epoch_name
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity
from trainwatch.runs import Run, Series
from trainwatch.signals.curves import Score


@dataclass(frozen=True)
class DeadOutput(Detector):
    """A loss of nearly nothing without a score.

    Attributes:
        min_epochs: Validated epochs at least.
        head_values: First values whose median is the level.
        tail_share: Share of the values that makes the end.
        ratio: End over level at most.
        dead_share: Share of the validated epochs whose losses are nothing.
        min_dead: The same as a number.
        thrown_ratio: Validation loss over training loss from which the outputs have left all bounds.
    """

    title: ClassVar[str] = "Model output has died"
    optional: ClassVar[tuple[str, ...]] = CURVES

    min_epochs: int = 5
    head_values: int = 3
    tail_share: float = 0.2
    ratio: float = 1e-3
    dead_share: float = 0.5
    min_dead: int = 3
    thrown_ratio: float = 1e6

    def missing(self, run: Run) -> str | None:
        """Ask for a validation score."""
        return None if has_score(run) else NOTHING

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        score = read_score(view)
        if score is None or score.is_loss or score.learnt or len(score.series) < self.min_epochs:
            return []
        return self._by_training(view, score) or self._by_validation(view, score)

    def _by_validation(self, view: View, score: Score) -> list[Finding]:
        """Judge validations without any loss."""
        parts, train = losses(view, "val"), total(losses(view, "train"), "train/*")
        parts = [p for p in parts if len(p) == len(parts[0])]
        if len(parts) < 2 or train is None or never_measured(view):
            return []
        if any(without_objects(view, part) is not None for part in ("train", "val")):
            return []  # a model without labels may well end without a loss
        values = np.stack([p.values for p in parts])
        learning = train.values[train.finite]
        if (values == 0).all() and len(learning) and np.median(learning[-3:]) < np.median(learning[:3]):
            return []  # a fork that computes no validation loss writes this beside a training that learns
        dead = (~np.isfinite(values) | (values == 0)).all(axis=0)
        level = np.interp(parts[0].epoch, train.epoch, train.values)
        dead |= values.sum(axis=0) >= self.thrown_ratio * level
        at = np.flatnonzero(dead)
        trained = train.values[np.isin(train.epoch, parts[0].epoch[at])]
        lively = len(trained) > 0 and bool((np.isfinite(trained) & (trained > 0)).all())
        if len(at) < max(self.min_dead, self.dead_share * len(dead)) or not lively:
            return []
        summary = (
            f"In {len(at)} of {len(dead)} validated epochs every validation loss is exactly 0, no number or beyond all bounds, "
            f"and the best {score.series.name} of all is {score.series.values.max():.2g}: it answers nothing."
        )
        shares = (len(at) / len(dead), self.dead_share, "of the validations")
        return [self._finding(view, parts[0], int(at[0]), summary, shares, {"dead_validations": len(at)})]

    def _by_training(self, view: View, score: Score) -> list[Finding]:
        """Judge a training loss of nearly nothing."""
        loss = view.steps("loss")
        if not len(loss):
            summed = total(losses(view, "train"), "train/*")
            if summed is None:
                return []
            loss = summed
        tail = max(int(self.tail_share * len(loss)), self.head_values)
        if len(loss) < 2 * tail or not loss.finite.all() or without_objects(view, "train") is not None:
            return []
        level = float(np.median(loss.values[: self.head_values]))
        end = float(np.median(loss.values[-tail:]))
        if not 0 <= end <= self.ratio * level or level <= 0:
            return []
        high = np.flatnonzero(loss.values > self.ratio * level)
        # A single batch may rise again: what counts is where the last stretch of them ends.
        settled = high[high < len(loss) - tail]
        first = int(settled[-1]) + 1 if len(settled) else 0
        summary = (
            f"The training loss fell from {level:.3g} to {end:.2g} although {score.series.name} was at best "
            f"{score.series.values.max():.2g}: the model answers nothing everywhere, and has no gradient left."
        )
        shares = (end / level, self.ratio, "of the first loss")
        return [self._finding(view, loss, first, summary, shares, {"level": level, "end": end})]

    def _finding(
        self,
        view: View,
        series: Series,
        first: int,
        summary: str,
        shares: tuple[float, float, str],
        detail: dict[str, float],
    ) -> Finding:
        """Tell of outputs that died; ``shares``: what was measured, the threshold, and of what."""
        measured, threshold, unit = shares
        return Finding(
            id=self.id,
            severity="critical",
            confidence=0.9,
            title=f"The model's output has died by {epoch_name(view.run, int(series.epoch[first]))}",
            summary=summary,
            onset=series.where(first),
            series=series.name,
            measured=Quantity(measured, unit),
            threshold=Quantity(threshold, unit),
            detail=detail,
        )
