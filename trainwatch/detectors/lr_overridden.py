"""The learning rate in force is not the one that was asked for.

What it does:
    Compares ``lr0`` and ``momentum`` as requested with what the trainer put in force, or, where the log has only the
    requested ones, with the learning rates that it recorded.

Why it matters:
    ``optimizer=auto``, the default, ignores ``lr0`` and ``momentum`` and chooses its own. A search over ``lr0`` then
    compares nothing but noise. A resumed run takes both from the checkpoint.

How it decides:
    Judged only if ``lr0`` was asked for and is not Ultralytics' default 0.01 (logs of epochs do not say what was typed).
    Arguments in force are compared where both are recorded. In logs of epochs with ``optimizer=auto``, the largest rate
    after the warm-up of the slowest group stands for it. Told from ``min_ratio`` (1.05 times) on. With ``optimizer=auto``
    it is information: the trainer does what it says, and the rate that it chose is one that suits its optimizer; rates of
    two optimizers have no common scale, so their ratio measures no harm. Where the optimizer was named, too, and the
    rates differ by ``warning_ratio`` (1.5 times) or more, it is a warning: the same optimizer runs at a rate that nobody
    chose. A schedule that has not reached its top yet is not judged (``min_epochs`` (5) beyond the warm-up).

What to do:
    Name the optimizer: ``optimizer=SGD`` (or AdamW, MuSGD) with ``lr0``.

Known false alarms:
    An lr0 that is set to follow the batch by own code.

References:
    Ultralytics 8.4 engine/trainer.py: build_optimizer ("optimizer=auto found, ignoring lr0"); issues 8400, 22782, 17444
    (a search over lr0 without effect).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from trainwatch.detectors._record import chosen_by_auto
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity, Severity
from trainwatch.runs import Run


@dataclass(frozen=True)
class LrOverridden(Detector):
    """Requested and effective learning rate differ.

    Attributes:
        default_lr0: Ultralytics' default, which nobody asked for.
        min_ratio: Ratio of the two rates from which it is told.
        warning_ratio: Ratio from which it is a warning with an optimizer by name.
        default_warmup_epochs: Warm-up where the arguments do not tell.
        min_epochs: Epochs beyond the warm-up before recorded rates are compared.
    """

    title: ClassVar[str] = "Learning rate asked for is not in force"
    optional: ClassVar[tuple[str, ...]] = ("epochs.lr/*", "steps.lr/*")

    default_lr0: float = 0.01
    min_ratio: float = 1.05
    warning_ratio: float = 1.5
    default_warmup_epochs: float = 3.0
    min_epochs: int = 5

    def missing(self, run: Run) -> str | None:
        """Ask for the arguments of an Ultralytics training."""
        if _number(run.requested.get("lr0")) is not None or _number(run.args.get("lr0")) is not None:
            return None
        return "no lr0 among the arguments"

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        run = view.run
        recorded = run.source == "trainwatch"
        asked = _number((run.requested if recorded else run.args).get("lr0"))
        if asked is None or asked <= 0 or asked == self.default_lr0:
            return []
        auto = chosen_by_auto(run)
        actual = _number(run.args.get("lr0")) if recorded else self._from_log(view) if auto else None
        if actual is None or actual <= 0:
            return []
        ratio = max(asked / actual, actual / asked)
        if ratio < self.min_ratio:
            return []
        severity: Severity = "warning" if not auto and ratio >= self.warning_ratio else "info"
        in_force = str(run.args.get("optimizer") or "auto")
        why = (
            "optimizer=auto ignores lr0 and chose its own."
            if auto
            else "a resumed run takes its arguments from the checkpoint."
        )
        return [
            Finding(
                id=self.id,
                severity=severity,
                confidence=0.95 if recorded else 0.85,
                title=f"lr0={asked:g} was asked for, {actual:.3g} is in force",
                summary=f"lr0={asked:g} was asked for, but the training ran with {actual:.3g}: {why}",
                series=next(iter([*view.names("steps.lr/*"), *view.names("epochs.lr/*")]), None),
                measured=Quantity(actual, "lr"),
                threshold=Quantity(asked, "lr"),
                detail={
                    "requested_lr0": asked,
                    "lr0": actual,
                    "optimizer": None if in_force.lower() == "auto" else in_force,
                    "auto": auto,
                },
            )
        ]

    def _from_log(self, view: View) -> float | None:
        """Return the largest rate after the warm-up of the slowest group; None if it may not have been reached."""
        warmup = _number(view.run.args.get("warmup_epochs"))
        warm = self.default_warmup_epochs if warmup is None else warmup
        tops = []
        for name in view.names("epochs.lr/*"):
            rate = view.epochs(name)
            after = rate.values[(rate.epoch >= warm) & rate.finite]
            if len(after) < self.min_epochs:
                return None
            tops.append(float(np.max(after)))
        return min(tops, default=None)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value == value else None
