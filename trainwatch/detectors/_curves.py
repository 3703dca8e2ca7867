"""Reads the epoch curves that several detectors judge: the score, losses that belong together, learning rates.

Reading goes through the view, so a detector that uses these must declare :data:`CURVES`.
"""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from trainwatch.detectors.base import View
from trainwatch.runs import Run, Series
from trainwatch.signals.curves import DIP_BACK, DIP_NOISES, DIP_WINDOW, Dip, Score, noise, passed_dips, running_median
from trainwatch.signals.grouped import by_epoch
from trainwatch.signals.regimes import near_change, warmup_end

CURVES: Final = (
    "epochs.fitness", "epochs.metrics/*", "epochs.val/*", "epochs.train/*", "epochs.lr/*",
    "steps.loss", "steps.loss/*", "steps.lr/*",
)  # fmt: skip
"""What the functions here read. Step columns serve where the log has no epoch column of the kind (Trainer, own loops)."""

METRICS: Final = (
    "*map50-95*", "*map_0.5:0.95*", "*map", "*map_*", "*map50*", "*miou*", "*iou*", "*dice*", "*accuracy_top1*", "*accuracy*",
    "*acc", "*acc_*", "*top1*", "*auroc*", "*auc*", "*f1*",
)  # fmt: skip
"""Metrics of which more is better, most telling first; patterns of lower-case names."""

NOTHING: Final = "no validation score (fitness, a metric) and no validation loss (val/*)"


def has_score(run: Run) -> bool:
    """Whether a run has a column that :func:`read_score` can use."""
    names = [n.split(".", 1)[1] for n in run.column_names() if n.startswith("epochs.")]
    return "fitness" in names or bool(_metric(names)) or any(n.startswith("val/") for n in names)


def read_score(view: View) -> Score | None:
    """Return the fitness, else the most telling metric, else the total validation loss.

    A fitness that goes below zero is a loss with its sign turned (or an R squared): no bar for scores fits it, so that the
    validation loss goes first, and without one it counts as a loss.

    Args:
        view: A view whose detector declares :data:`CURVES`.

    Returns:
        None if none was ever measured.
    """
    fitness = view.epochs("fitness")
    metric = _metric(view.names("epochs.metrics/*"))
    parts = sum("map50-95" in n.lower() for n in view.names("epochs.metrics/*"))
    for series in (fitness, view.epochs(metric) if metric else fitness):
        kept = series.take(series.finite)
        if len(kept) and kept.values.min() >= 0:
            return Score(kept, 1, float(max(parts, 1)) if series is fitness else 1.0)
    turned = replace(fitness, values=-fitness.values)
    for loss in (total(losses(view, "val"), "val/*"), turned):
        if loss is not None and loss.finite.any():
            return Score(loss.take(loss.finite), -1, math.inf)
    return None


def metrics(view: View) -> list[Series]:
    """Return every metric that was measured at all."""
    return [s for n in view.names("epochs.metrics/*") if len(s := view.epochs(n))]


def losses(view: View, part: str) -> list[Series]:
    """Return the losses of ``train`` or ``val``: the total where one is logged, else the components.

    A column named plain ``loss`` is taken for the total, so that nothing is counted twice. Of training losses that are
    logged per step only, each epoch's median counts.
    """
    every = [s for n in view.names(f"epochs.{part}/*") if len(s := view.epochs(n))]
    if not every and part == "train":
        every = _train_by_steps(view)
    whole = [s for s in every if s.name.split("/", 1)[1] in ("loss", "total_loss", "eval_loss")]
    return whole if len(whole) == 1 else every


def total(series: Sequence[Series], name: str) -> Series | None:
    """Add up series that were measured in the same epochs; None without any. The most frequent set of epochs counts."""
    if not series:
        return None
    longest = max(series, key=len)
    same = [s.values for s in series if len(s) == len(longest)]
    return Series(name, np.sum(same, axis=0), longest.step, longest.epoch, longest.attempt)


def pairs(view: View) -> list[tuple[Series, Series]]:
    """Return (train, val) of every loss component that both sides log, and of their totals if no name fits."""
    val = {_key(s.name): s for s in losses(view, "val")}
    train = {_key(s.name): s for s in losses(view, "train")}
    common = [(train[k], val[k]) for k in train if k in val]
    if common:
        return common
    left, right = total(list(train.values()), "train/*"), total(list(val.values()), "val/*")
    return [(left, right)] if left is not None and right is not None else []


def rates(view: View) -> list[Series]:
    """Return the learning rates, one series per parameter group."""
    every = [s for n in view.names("epochs.lr/*") if len(s := view.epochs(n))]
    return every or [per_epoch(view.run, n, n, last=True) for n in view.names("steps.lr/*") if len(view.steps(n))]


def lr_ratio(view: View) -> float | None:
    """Return the last learning rate over its maximum, of the group where that is largest; None if not recorded."""
    ratios = []
    for lr in rates(view):
        values = lr.values[lr.finite]
        if len(values) and values.max() > 0:
            ratios.append(float(values[-1] / values.max()))
    return max(ratios) if ratios else None


def per_epoch(run: Run, column: str, name: str, *, last: bool = False) -> Series:
    """Reduce a step column to one value per epoch: its median, or its last value. Kept in the run's cache."""
    key = ("per epoch", column, name, last)
    if key not in run.cache:
        steps = run.step_series(column)
        epoch, values = by_epoch(steps.epoch, steps.values, "last" if last else "median")
        run.cache[key] = Series(name, values, np.full(len(epoch), -1), epoch, np.zeros_like(epoch))
    found: Series = run.cache[key]
    return found


def _train_by_steps(view: View) -> list[Series]:
    names = ["loss"] if len(view.steps("loss")) else view.names("steps.loss/*")
    return [per_epoch(view.run, n, f"train/{n.split('/', 1)[-1]}") for n in names if len(view.steps(n))]


def after_warmup(view: View) -> int:
    """Return the first epoch (0-based) after warm-up."""
    return warmup_end(view.run, rates(view))


def collapses(
    view: View, score: Score, depth: float, min_level: float, longest: tuple[int, float]
) -> tuple[Series, list[Dip]]:
    """Find the collapses of a score that passed, warm-up and changes of regime left out.

    Args:
        view: A view whose detector declares :data:`CURVES`.
        score: More is better.
        depth: Share of the level that is lost; more where the score is noisy (:data:`DIP_NOISES`).
        min_level: Levels below are not judged: a score that starts is unsteady.
        longest: Longest collapse in epochs, and as a share of the log; the larger counts.

    Returns:
        The score after warm-up, and the dips as indices of it.
    """
    kept = score.series.take(score.series.epoch >= after_warmup(view))
    quiet = near_change(view.run, kept)
    most = max(longest[0], int(longest[1] * len(kept)))
    level = np.maximum(running_median(kept.values, DIP_WINDOW), min_level)
    depth = max(depth, DIP_NOISES * noise(kept.values / level))
    found = passed_dips(kept.values, depth, DIP_WINDOW, DIP_BACK, most) if depth < 1 else []
    return kept, [d for d in found if d.level >= min_level and not quiet[d.first]]


def told_measured(run: Run) -> bool | None:
    """Return whether the trainer's arguments say that it validated; None if they do not say."""
    for name, positive in (("val", True), ("noval", False)):
        value = run.args.get(name)
        if isinstance(value, bool):
            return value is positive
    return None


def never_measured(view: View) -> bool:
    """Whether zeros stand for "not measured": all metrics and validation losses are exactly 0, the last row set aside.

    A validation that ran has a loss: even without any label the background's is not exactly 0. If the arguments say
    that it ran, they are believed.
    """
    if told_measured(view.run):
        return False
    every = [*metrics(view), *(s for n in view.names("epochs.val/*") if len(s := view.epochs(n)))]
    val = [s for s in every if s.name.startswith("val/")]
    return len(val) > 0 and all(len(s) >= 2 and not s.values[:-1].any() for s in every)


def without_objects(view: View, part: str) -> Series | None:
    """Return the box loss of ``train`` or ``val`` if it is 0 throughout while another component is not, else None.

    Then the loss was computed and found no object: the side has no labels. The other may reach 0 later, when the model has
    learnt that there is nothing; in its first epoch it may not.
    """
    every = [s for n in view.names(f"epochs.{part}/*") if len(s := view.epochs(n))]
    box = [s for s in every if is_box(s.name)]
    others = [s for s in every if not is_box(s.name)]
    if not box or any(s.values.any() for s in box):
        return None
    return box[0] if any(s.finite.all() and len(s) > 0 and bool(s.values[0] != 0) for s in others) else None


def is_box(name: str) -> bool:
    """Whether a loss component is a box loss, which cannot be 0 where there are objects."""
    return any(word in name.lower() for word in ("box", "giou"))


def _metric(names: Sequence[str]) -> str | None:
    short = {n.split("/", 1)[1].lower(): n for n in names if n.startswith("metrics/")}
    for pattern in METRICS:
        for name in sorted(short):
            if fnmatch.fnmatchcase(name, pattern):
                return short[name]
    return None


def _key(name: str) -> str:
    key = name.split("/", 1)[1]
    for word in ("eval_", "train_", "val_"):
        key = key.removeprefix(word)
    return key
