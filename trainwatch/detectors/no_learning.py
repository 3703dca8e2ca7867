"""The model learns nothing: its score never leaves zero, or its loss never moves.

What it does:
    Says for how many epochs nothing was learnt, and whether that is too early to judge.

Why it matters:
    Labels that are not found, shifted class numbers, a frozen model, a learning rate a thousand times too small: none
    of them gets better with more epochs. A week of training is easily lost to a typing error in a path.

How it decides:
    First by the weights, where it is recorded how far an optimizer step moves them (``update_ratio``): exactly
    nowhere in the last ``still_updates`` (5) measurements or more, while the learning rate is above 0. Then nothing
    else is asked. Then, where nothing is validated, by the training loss: the same number in all of ``min_steps``
    steps or more. Otherwise by the curves. The best level of the score over three epochs is not above 0.005 after at
    least ``min_epochs`` validated epochs. A run whose last score is its best and above ``starting_score`` has begun
    to learn: it is left alone in warm-up and until ``late_epochs``. A score is not judged where it was not measured
    (metrics-not-measured) or where the loss finds no labels (missing-labels). Without any metric: training and
    validation loss have both moved by less than ``still_share`` over at least ``late_epochs`` epochs and show no
    trend (``max_p``). A metric above zero (an accuracy at chance) counts as never moved if its level of the last
    third is no better than the best of the first ``start_epochs`` epochs by ``still_errors`` standard errors, and no
    level in between was; or if it gained less than ``still_gain_share`` of what it lacked and the validation loss
    never lay ``still_val_share`` below where it began (always guessing the most frequent class gains as much). In
    either case over ``still_epochs`` epochs at least, and no loss of either side, nor their sum, fell by
    ``still_train_share``: where one does, something is learnt. Information where a loss is no number from the first
    epoch to the last: that is told by nonfinite-loss, and nothing learnt is what follows from it. A whole plan of
    ``late_epochs`` epochs at least whose best score is below ``poor_score`` is a warning, rising or not.
    Information up to ``early_epochs`` epochs, three warm-ups or a tenth of the plan (``planned_share``; small models
    trained from scratch begin late), at most ``late_epochs``; critical from ``late_epochs`` epochs and ``late_share`` of
    the plan, or at its end if that is ``early_epochs`` epochs at least; warning between. Fewer than ``min_steps``
    recorded steps are too early, however many epochs they are.

What to do:
    Look at train_batch0.jpg: are the boxes where they should be? Train on ten images without augmentation; a sound
    set-up memorises them in a few hundred steps. Then check ``nc``, the class numbers, ``freeze`` and ``lr0``.

Known false alarms:
    Validation sets whose objects are all of classes or sizes that are learnt last. Metrics rounded to few digits.

References:
    Ultralytics PR 25486: the maintainers removed a "fitness collapse" rule because it ended healthy runs that were
    still at 0; issues 6427, 15748; yolov9 issue 252.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trainwatch.detectors._curves import (
    CURVES,
    NOTHING,
    after_warmup,
    has_score,
    losses,
    metrics,
    never_measured,
    read_score,
    total,
    without_objects,
)
from trainwatch.detectors._words import epoch_name
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity, Severity
from trainwatch.runs import Run, Series, how_it_ended
from trainwatch.signals.curves import MIN_SCORE, Score, best_level, level_error, noise, trailing_count
from trainwatch.signals.trend import mann_kendall


@dataclass(frozen=True)
class NoLearning(Detector):
    """A score that stays at zero.

    Attributes:
        min_epochs: Validated epochs at least.
        early_epochs: Up to so many epochs it is too early to judge.
        late_epochs: From so many epochs it is certain.
        late_share: The same as a share of the planned epochs, whichever is later.
        planned_share: Share of the planned epochs up to which it is too early to judge.
        starting_score: A last score that is the best and above this is a start.
        poor_score: Best score of a whole plan of ``late_epochs`` epochs below which hardly anything was learnt.
        still_share: Change of a loss, as a share, below which it has not moved.
        max_p: A loss with a trend of this p-value or less does move, however little.
        min_steps: Recorded steps below which it is too early to judge.
        start_epochs: Epochs of which the best is where a metric begins.
        still_epochs: Epochs at least before a metric above zero is judged.
        still_errors: Standard errors by which a metric must rise to have moved.
        still_train_share: Fall of a loss, as a share, that proves that something is learnt.
        still_val_share: Fall of the validation loss, as a share, below which it has not moved where the metric has.
        still_updates: Measured optimizer steps in a row, up to the end, that move no weight.
        still_gain_share: Gain of a metric, as a share of what it lacked from its full value, that a guess explains.
    """

    title: ClassVar[str] = "Nothing is learnt"
    optional: ClassVar[tuple[str, ...]] = (*CURVES, "steps.step", "steps.update_ratio")

    min_epochs: int = 5
    early_epochs: int = 10
    late_epochs: int = 30
    late_share: float = 0.15
    planned_share: float = 0.1
    starting_score: float = 0.001
    poor_score: float = 0.02
    still_share: float = 0.01
    max_p: float = 0.05
    min_steps: int = 500
    start_epochs: int = 3
    still_epochs: int = 20
    still_errors: float = 3.0
    still_train_share: float = 0.05
    still_gain_share: float = 0.1
    still_val_share: float = 0.02
    still_updates: int = 5

    def missing(self, run: Run) -> str | None:
        """Ask for a validation score or loss, or for how far the weights move, or a loss per step."""
        names = run.column_names()
        return None if has_score(run) or "steps.update_ratio" in names or "steps.loss" in names else NOTHING

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        return self._by_weights(view) or self._by_score(view)

    def _by_weights(self, view: View) -> list[Finding]:
        """Judge weights that no optimizer step moves."""
        ratio = view.steps("update_ratio")
        rates = [view.steps(n).at_steps(ratio) for n in view.names("steps.lr/*") if len(view.steps(n))]
        moving = (
            (np.stack(rates) > 0).any(axis=0) if rates else np.ones(len(ratio), bool)
        )  # a rate of 0 is told as such
        ratio = ratio.take(ratio.finite & moving)
        still = trailing_count(ratio.values == 0)
        if still < self.still_updates:
            return []
        first = len(ratio) - still
        since = (
            ratio.take(np.array([first])) if first else view.steps("step").take(np.array([0]))
        )  # nothing says that they moved before
        where = epoch_name(view.run, int(since.epoch[0]))
        return [
            Finding(
                id=self.id,
                severity="warning",
                confidence=0.9,
                title="No optimizer step moves a weight"
                if not first
                else f"No optimizer step moves a weight from {where} on",
                summary=(
                    f"In the last {still} of {len(ratio)} optimizer steps at which it was measured, from {where} (step "
                    f"{since.step[0]}) on, the weights that the optimizer holds did not move at all, at a learning rate above "
                    "0: they are not those of the model, they are frozen, or every step is skipped."
                ),
                onset=since.where(0),
                series=ratio.name,
                measured=Quantity(float(still), "measurements"),
                threshold=Quantity(float(self.still_updates), "measurements"),
                detail={"measurements": still, "too_early": False, "weights_still": True},
            )
        ]

    def _by_score(self, view: View) -> list[Finding]:
        """Judge what the validations show."""
        score = read_score(view)
        if score is None:
            return self._by_steps(view)
        if score.is_loss:
            return [] if metrics(view) else self._by_loss(view)
        if score.learnt and not score.at_ceiling:
            return self._hardly(view, score) or self._by_metric(view, score)
        if (
            len(score.series) < self.min_epochs
            or score.learnt
            or never_measured(view)
            or without_objects(view, "train")
        ):
            return []
        values = score.series.values
        done = int(score.series.epoch[-1]) + 1
        starting = values[-1] == values.max() > self.starting_score
        if starting and (done < self.late_epochs or done <= after_warmup(view)):
            return []
        severity = self._severity(view, done)
        lost = _numbers_lost(view)
        early = " It is too early to judge: such a run may still begin to learn." if severity == "info" else ""
        if early and view.run.planned_epochs is not None and done >= view.run.planned_epochs:
            early = " So short a training tells little: many begin to learn later."
        if lost:
            severity, early = "info", " A loss is no number from the start: nothing learnt is what follows from it."
        return [
            Finding(
                id=self.id,
                severity=severity,
                confidence={"info": 0.5, "warning": 0.75, "critical": 0.9}[severity],
                title=f"Nothing learnt in {done} epochs",
                summary=(
                    f"{score.series.name} has never been above {values.max():.2g} in the {len(values)} validated epochs up "
                    f"to {epoch_name(view.run, done - 1)}; {self._train_text(view)}.{early}"
                ),
                onset=score.series.where(0),
                series=score.series.name,
                measured=Quantity(float(values.max()), "score"),
                threshold=Quantity(MIN_SCORE, "score"),
                detail={
                    "epochs": done,
                    "best": float(values.max()),
                    "too_early": severity == "info",
                    "numbers_lost": lost,
                },
            )
        ]

    def _by_steps(self, view: View) -> list[Finding]:
        """Judge a training loss that is one number, where nothing else is recorded."""
        loss = view.steps("loss")
        if loss.rows < self.min_steps or not (np.isfinite(loss.values[0]) and (loss.values == loss.values[0]).all()):
            return []
        return [
            Finding(
                id=self.id,
                severity="warning",
                confidence=0.85,
                title="The training loss never moves",
                summary=(
                    f"The training loss is {loss.values[0]:.6g} in all {loss.rows} steps: no batch and no step changes it, so it "
                    "is not what is trained on, or not computed from the model."
                ),
                onset=loss.where(0),
                series=loss.name,
                measured=Quantity(0.0, "change"),
                threshold=Quantity(0.0, "change"),
                detail={"too_early": False},
            )
        ]

    def _hardly(self, view: View, score: Score) -> list[Finding]:
        """Judge a score that left zero, but so late or so little that a whole plan gave next to nothing."""
        done = int(score.series.epoch[-1]) + 1
        best = float(score.series.values[score.series.finite].max())
        if not _finished(view.run, done) or done < self.late_epochs or best >= self.poor_score:
            return []
        return [
            Finding(
                id=self.id,
                severity="warning",
                confidence=0.6,
                title=f"Hardly anything learnt in {done} epochs",
                summary=(
                    f"{score.series.name} is at {best:.2g} at best after all {done} planned epochs: {100 * best:.1f} % of what "
                    "is possible."
                ),
                onset=score.series.where(0),
                series=score.series.name,
                measured=Quantity(best, "score"),
                threshold=Quantity(self.poor_score, "score"),
                detail={"epochs": done, "best": best, "too_early": False},
            )
        ]

    def _severity(self, view: View, done: int) -> Severity:
        run = view.run
        planned = run.planned_epochs
        finished = _finished(run, done)
        steps = view.steps("step").rows
        if 0 < steps < self.min_steps:
            return "info"
        late = max(self.late_epochs, self.late_share * (planned or 0))
        if done >= (self.early_epochs if finished else late):
            return "critical"
        if finished:
            return "warning"
        early = max(self.early_epochs, 3 * self._asked_warmup(run), self.planned_share * (planned or 0))
        return "info" if done <= min(early, self.late_epochs) else "warning"

    def _asked_warmup(self, run: Run) -> float:
        asked = run.args.get("warmup_epochs")
        return float(asked) if isinstance(asked, int | float) and not isinstance(asked, bool) else 0.0

    def _train_text(self, view: View) -> str:
        loss = total(losses(view, "train"), "train/*")
        values = loss.values[loss.finite] if loss is not None else np.empty(0)
        if loss is None or len(values) < 2:
            return "the training loss is not a number" if loss is not None else "no training loss is logged"
        change = values[-1] / values[0] - 1 if values[0] else 0.0
        return f"the training loss went from {values[0]:.3g} to {values[-1]:.3g} ({100 * change:+.0f} %)"

    def _by_metric(self, view: View, score: Score) -> list[Finding]:
        """Judge a metric that is not zero, but stays where it began while no loss falls either."""
        up, train, val = score.up, *(total(losses(view, part), f"{part}/*") for part in ("train", "val"))
        if len(up) < self.still_epochs or train is None or not train.finite.all() or np.ptp(up) == 0:
            return []
        start, third = float(up[: self.start_epochs].max()), len(up) // 3
        spread = noise(up)
        bar = start + max(score.smallest_step(start), self.still_errors * level_error(spread, self.start_epochs))
        top = max(float(np.median(up[-third:])), best_level(up, max(third // 2, self.start_epochs)))
        guessed = (
            top - start < self.still_gain_share * (score.full - start)
            and val is not None
            and self._fall(val) < self.still_val_share
        )
        if top > bar and not guessed:
            return []
        every = [train, *losses(view, "train"), *losses(view, "val")]
        if (
            not np.median(train.values[: self.start_epochs]) > 0
            or max(map(self._fall, every)) >= self.still_train_share
        ):
            return []
        how = f"within its noise of {spread:.2g}" if top <= bar else "and the validation loss lies where it began"
        done = int(score.series.epoch[-1]) + 1
        return [
            Finding(
                id=self.id,
                severity="warning",
                confidence=0.7,
                title=f"Nothing learnt in {done} epochs",
                summary=(
                    f"{score.series.name} began at {start:.3g} and is at {np.median(up[-third:]):.3g} in the last {third} of "
                    f"{done} epochs, {how}; {self._train_text(view)}."
                ),
                onset=score.series.where(0),
                series=score.series.name,
                measured=Quantity(float(np.median(up[-third:])) - start, "score"),
                threshold=Quantity(bar - start, "score"),
                detail={"epochs": done, "best": float(up.max()), "too_early": False},
            )
        ]

    def _fall(self, loss: Series) -> float:
        """Return by what share of where it began a loss lay below that at its best; 0 where it cannot be told."""
        if len(loss) < self.start_epochs or not loss.finite.all():
            return 0.0
        level = float(np.median(loss.values[: self.start_epochs]))
        return (level + best_level(-loss.values, self.start_epochs)) / level if level > 0 else 0.0

    def _by_loss(self, view: View) -> list[Finding]:
        """Judge by losses that never move, where there is no metric."""
        train, val = (total(losses(view, part), f"{part}/*") for part in ("train", "val"))
        if train is None or val is None or not (self._still(train) and self._still(val)):
            return []
        done = int(val.epoch[-1]) + 1
        return [
            Finding(
                id=self.id,
                severity="warning",
                confidence=0.6,
                title=f"Nothing learnt in {done} epochs",
                summary=(
                    f"In {done} epochs neither the training loss ({np.median(train.values):.4g}) nor the validation loss "
                    f"({np.median(val.values):.4g}) has moved by more than {100 * self.still_share:.0f} %."
                ),
                onset=val.where(0),
                series=losses(view, "val")[0].name,
                measured=Quantity(_change(val), "share"),
                threshold=Quantity(self.still_share, "share"),
                detail={"epochs": done, "too_early": False},
            )
        ]

    def _still(self, loss: Series) -> bool:
        if len(loss) < self.late_epochs or not loss.finite.all() or np.ptp(loss.values) == 0:
            return False
        return _change(loss) < self.still_share and mann_kendall(loss.values).p_value > self.max_p


def _finished(run: Run, done: int) -> bool:
    """Whether the whole plan was trained, and nothing else ended it."""
    planned = run.planned_epochs
    return planned is not None and done >= planned and how_it_ended(run).kind == "completed"


def _numbers_lost(view: View) -> bool:
    """Whether a loss is no number from the first epoch to the last: nothing can be learnt, whatever the labels are."""
    every = [*losses(view, "train"), *losses(view, "val")]
    return any(len(s) > 0 and not s.finite.any() for s in every)


def _change(loss: Series) -> float:
    """Return the change from the first to the last quarter, and from the first value, whichever is larger."""
    quarter = max(len(loss) // 4, 1)
    start, end = float(np.median(loss.values[:quarter])), float(np.median(loss.values[-quarter:]))
    level = abs(start) or 1.0
    return max(abs(end - start), abs(float(loss.values[0]) - end)) / level
