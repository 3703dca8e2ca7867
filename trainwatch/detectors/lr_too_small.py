"""A learning rate so small that the training cannot move.

What it does:
    Looks for four things: a rate that is practically switched off long before the plan ends, a rate that is cut to a
    small part of itself at once with much of the plan left, a rate that is tiny from the start while the training loss
    does not fall, and a warm-up that takes most of the plan.

Why it matters:
    The weights stay where they are. Every epoch costs as much as a useful one.

How it decides:
    The rate of a step is the largest over the parameter groups. *Off*: it is at most ``off_ratio`` (0.0001) of the
    largest rate so far, to the end of the record, for at least ``off_steps`` (50) steps or ``off_epochs`` (5) epochs,
    which are at least ``off_share`` (10 %) of the plan or, without one, of the record. Cosine and linear schedules, also
    those that end at zero, spend less than 2 % of a plan there. *Cut*: after the warm-up the smallest rate of the groups
    falls from one step (in logs of epochs: epoch) to the next to at most ``cut_ratio`` (1/100) of what it was and stays
    there to the end, for at least ``cut_share`` (30 %) of the plan, long enough as above: schedules in steps fall
    tenfold, smooth ones are never so low for so long. *Tiny*: after the warm-up the rate never exceeds ``tiny_sgd``
    (1e-5), or ``tiny_adam`` (1e-6) for Adam-like optimizers and RMSProp, and over at least ``min_epochs`` (5) epochs the
    median training loss of the last third is not ``min_fall`` (5 %) below that of the first. *Warm-up*: it ends behind
    ``warm_share`` (half) of the planned epochs, told by ``warmup_epochs`` or by the smallest number of steps of older
    Ultralytics (``warmup_steps``, 100; 8.4.190 has none, and ends a warm-up an epoch before the plan), at least that
    share of the plan is done, and the smallest rate of the groups (the biases' begins high) never reached
    ``warm_reached`` (a tenth) of the ``lr0`` asked for: a warm-up over the whole plan that reaches a quarter does no harm
    (measured). Warning. Learning rates are exact numbers, so noise cannot set any of them off.

What to do:
    Raise ``lr0`` tenfold at a time, end the schedule at ``lrf=0.01``, or shorten the warm-up. With ``optimizer=auto``
    name the optimizer, because ``auto`` ignores ``lr0``.

Known false alarms:
    Frozen stages of a schedule by hand. A training whose weights are meant to stay (calibration of batch statistics).

References:
    Smith 2017, Cyclical learning rates (range test). Ultralytics 8.4 engine/trainer.py: optimizer_step clips at 10, so
    that an update of SGD is at most 10 * lr long. Thresholds: this project.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from trainwatch.detectors._record import count
from trainwatch.detectors._words import epoch_name
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity
from trainwatch.runs import Run, Series

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LrTooSmall(Detector):
    """Rates without effect.

    Attributes:
        off_ratio: Rate over its largest so far at which it is switched off.
        off_steps: Steps that it must be off, in a record of steps.
        off_epochs: Epochs that it must be off, in a record of epochs.
        off_share: Share of the plan that it must be off.
        cut_ratio: Rate over the one just before at which it is cut.
        cut_share: Share of the plan that it must stay cut.
        tiny_sgd: Largest rate that is tiny for SGD-like optimizers.
        tiny_adam: The same for Adam-like ones.
        min_epochs: Epochs after the warm-up before a tiny rate is judged.
        min_fall: Share by which the loss must fall to prove that it learns.
        warm_share: Share of the plan behind which a warm-up ends too late.
        warm_reached: Share of the rate asked for that must be reached.
        warmup_steps: Steps that a warm-up takes at least, whatever its epochs (older Ultralytics).
        default_warmup_epochs: Warm-up where the arguments do not tell (Ultralytics' default).
    """

    title: ClassVar[str] = "Learning rate too small to learn"
    optional: ClassVar[tuple[str, ...]] = ("steps.lr/*", "epochs.lr/*", "steps.loss", "epochs.train/*")

    off_ratio: float = 1e-4
    off_steps: int = 50
    off_epochs: int = 5
    off_share: float = 0.1
    cut_ratio: float = 0.01
    cut_share: float = 0.3
    tiny_sgd: float = 1e-5
    tiny_adam: float = 1e-6
    min_epochs: int = 5
    min_fall: float = 0.05
    warm_share: float = 0.5
    warm_reached: float = 0.1
    warmup_steps: int = 100
    default_warmup_epochs: float = 3.0

    def missing(self, run: Run) -> str | None:
        """Ask for the learning rate per step or per epoch."""
        if any(n.startswith(("steps.lr/", "epochs.lr/")) for n in run.column_names()):
            return None
        return "no learning rate, neither per step nor per epoch (lr/*)"

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        per_step = bool(view.names("steps.lr/*"))
        groups = (
            [view.steps(n) for n in view.names("steps.lr/*")]
            if per_step
            else [view.epochs(n) for n in view.names("epochs.lr/*")]
        )
        rate = _over_groups(groups, np.max)
        if rate is None or not (rate.values > 0).any():
            return []  # rates of zero throughout were not recorded, or the log is broken
        return (
            self._off(view, rate, per_step)
            or self._cut(view, groups, per_step)
            or self._warming(view, groups)
            or self._tiny(view, rate)
        )

    def _off(self, view: View, rate: Series, per_step: bool) -> list[Finding]:
        if rate.values[-1] > self.off_ratio * rate.values.max():
            return []  # it is on at the end
        top = np.maximum.accumulate(rate.values)
        on = np.flatnonzero(rate.values > self.off_ratio * top)
        first = int(on[-1]) + 1 if len(on) else 0
        off = int(rate.weights[first:].sum())
        if off < max(self.off_steps if per_step else self.off_epochs, self.off_share * _plan(view.run, rate)):
            return []
        where = epoch_name(view.run, int(rate.epoch[first]))
        step = f" (step {rate.step[first]})" if per_step else ""
        unit = "steps" if per_step else "epochs"
        now, largest = float(rate.values[-1]), float(top[-1])
        return [
            Finding(
                id=self.id,
                severity="warning",
                confidence=0.95,
                title=f"Learning rate is practically zero from {where} on",
                summary=(
                    f"From {where}{step} on, for {off} of {rate.rows} {unit}, the largest learning rate is {now:.3g}, "
                    f"{now / largest:.2g} times what it was at its highest ({largest:.3g}): the weights cannot move."
                ),
                onset=rate.where(first),
                series=rate.name,
                measured=Quantity(now / largest, "of the largest rate"),
                threshold=Quantity(self.off_ratio, "of the largest rate"),
                detail={"kind": "off", "lr": now, "largest_lr": largest, unit: off},
            )
        ]

    def _cut(self, view: View, groups: list[Series], per_step: bool) -> list[Finding]:
        """Judge a rate that falls to almost nothing at once while much of the plan is left."""
        rate = _over_groups(groups, np.min)
        if rate is None or len(rate) < 2 or rate.values[-1] > self.cut_ratio * rate.values.max():
            return []
        highest_since = np.maximum.accumulate(rate.values[::-1])[::-1]
        warm = _number(view.run.args.get("warmup_epochs"))
        before = rate.values[:-1]
        cuts = (
            np.flatnonzero((before > 0) & (highest_since[1:] <= self.cut_ratio * before) & (rate.epoch[1:] >= warm)) + 1
        )
        if not len(cuts):
            return []
        first = int(cuts[0])
        left = int(rate.weights[first:].sum())
        if left < max(self.off_steps if per_step else self.off_epochs, self.cut_share * _plan(view.run, rate)):
            return []
        where = epoch_name(view.run, int(rate.epoch[first]))
        step = f" (step {rate.step[first]})" if per_step else ""
        unit = "steps" if per_step else "epochs"
        old, now = float(rate.values[first - 1]), float(highest_since[first])
        return [
            Finding(
                id=self.id,
                severity="warning",
                confidence=0.9,
                title=f"Learning rate is cut to {now / old:.2g} of itself at {where}",
                summary=(
                    f"At {where}{step} the learning rate falls from {old:.3g} to {float(rate.values[first]):.3g} at once, and "
                    f"never exceeds {now:.3g} again, for {left} of {rate.rows} {unit}: from there on the weights hardly move."
                ),
                onset=rate.where(first),
                series=rate.name,
                measured=Quantity(now / old, "of the rate before"),
                threshold=Quantity(self.cut_ratio, "of the rate before"),
                detail={"kind": "off", "lr": now, "lr_before": old, unit: left},
            )
        ]

    def _warming(self, view: View, groups: list[Series]) -> list[Finding]:
        """Judge a warm-up that leaves less than half of the plan, or nothing, to the rate that was asked for."""
        run = view.run
        asked, warmup = (_number(run.args.get(name)) for name in ("lr0", "warmup_epochs"))
        planned = run.planned_epochs
        ignored = str(run.requested.get("optimizer", run.args.get("optimizer"))).lower() == "auto"
        if not planned or ignored or not (asked > 0 and warmup > 0):
            return []
        rate = _over_groups(groups, np.min)
        if rate is None:
            return []
        per_epoch = count(run, "loop", "steps_per_epoch")
        least = self.warmup_steps / per_epoch if per_epoch else 0.0
        end, done = max(warmup, least), int(rate.epoch[-1]) + 1
        largest = float(np.nanmax(rate.values))
        if end <= self.warm_share * planned or done < self.warm_share * planned:
            return []
        if not largest < self.warm_reached * asked:
            return []
        return [
            Finding(
                id=self.id,
                severity="warning",
                confidence=0.9,
                title="Warm-up takes most of the training",
                summary=(
                    f"The warm-up takes {end:.3g} epochs, the plan has {planned}: in {done} epochs the learning rate never "
                    f"exceeded {largest:.2g}, {largest / asked:.2g} times the lr0={asked:g} that was asked for."
                ),
                onset=rate.where(0),
                series=rate.name,
                measured=Quantity(largest / asked, "of lr0"),
                threshold=Quantity(self.warm_reached, "of lr0"),
                detail={"kind": "warm-up", "lr": largest, "warmup_epochs": end, "least_epochs": least},
            )
        ]

    def _tiny(self, view: View, rate: Series) -> list[Finding]:
        run = view.run
        warmup = run.args.get("warmup_epochs")
        warm = float(warmup) if isinstance(warmup, int | float) else self.default_warmup_epochs
        after = rate.take(rate.epoch >= warm)
        if not len(after) or int(after.epoch[-1]) - int(after.epoch[0]) + 1 < self.min_epochs:
            return []
        adam = any(name in str(run.args.get("optimizer") or "").lower() for name in ("adam", "rmsprop"))
        bound = self.tiny_adam if adam else self.tiny_sgd
        largest = float(np.nanmax(after.values))
        fall = _fall(view, int(after.epoch[0]))
        if not 0 < largest <= bound or fall is None or fall >= self.min_fall:
            return []
        return [
            Finding(
                id=self.id,
                severity="warning",
                confidence=0.85,
                title=f"Learning rate of {largest:.2g} is too small to learn",
                summary=(
                    f"After the warm-up the learning rate never exceeds {largest:.3g} (too small for "
                    f"{run.args.get('optimizer') if adam else 'SGD'}: {bound:g} or less), and the training loss fell by "
                    f"{100 * fall:.1f} % only."
                ),
                onset=after.where(0),
                series=rate.name,
                measured=Quantity(largest, "lr"),
                threshold=Quantity(bound, "lr"),
                detail={"kind": "tiny", "lr": largest, "loss_fall_share": fall},
            )
        ]


def _plan(run: Run, rate: Series) -> float:
    """Return the length of the plan in rows of a rate; of the record where no plan is known or it is over."""
    done = int(rate.epoch[-1]) + 1
    return rate.rows * max(run.planned_epochs or 0, done) / done


def _over_groups(groups: list[Series], reduce: Callable[..., Floats]) -> Series | None:
    """Return the largest or smallest rate over the groups; groups of another length (added later) are left out."""
    groups = [g for g in groups if len(g)]
    if not groups:
        return None
    first = groups[0]
    same = [g.values for g in groups if len(g) == len(first)]
    known = [v if np.isfinite(v).all() else np.nan_to_num(v, nan=0.0) for v in same]
    return replace(first, values=reduce(np.stack(known), axis=0))


def _fall(view: View, since_epoch: int) -> float | None:
    """Return by which share the training loss fell from the first to the last third; None if it is not recorded."""
    total = view.steps("loss")
    values: Floats = total.values[total.epoch >= since_epoch]
    if not len(values):
        parts = [view.epochs(n) for n in view.names("epochs.train/*")]
        parts = [p for p in parts if len(p) and len(p) == len(parts[0])]
        if not parts:
            return None
        values = np.sum([p.values for p in parts], axis=0)[parts[0].epoch >= since_epoch]
    values = values[np.isfinite(values)]
    if len(values) < 5:
        return None
    third = max(len(values) // 3, 1)
    start, end = float(np.median(values[:third])), float(np.median(values[-third:]))
    return (start - end) / abs(start) if start else None


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0
