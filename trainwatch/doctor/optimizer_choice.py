"""What ``optimizer=auto`` will choose, and what it will ignore.

What it does:
    Computes the optimizer and learning rate that ``auto`` takes, by the rule of the installed version, from the number
    of training images, classes, epochs, ``batch`` and ``nbs``.

Why it matters:
    With ``auto``, the trainer ignores ``lr0`` and ``momentum`` and sets ``warmup_bias_lr`` to 0. Near the border of its
    rule a few images more, or some epochs less, give another optimizer with another learning rate.

How it decides:
    iterations = ceil(images / max(batch, nbs)) * epochs. Above ``border`` (10000): MuSGD with lr 0.01 (SGD before 8.4);
    otherwise AdamW with lr = round(0.002 * 5 / (4 + nc), 6). Bad if ``lr0`` or ``momentum`` was asked for together with
    ``auto``; a warning within ``near`` (10 %) of the border; versions 8.4.0 to 8.4.29 had a rule in between.

What to do:
    Name the optimizer, e.g. ``optimizer=SGD lr0=0.01``.

References:
    Ultralytics 8.4.190 engine/trainer.py, build_optimizer and _build_train_pipeline; issues 8400, 22782, 17444.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from trainwatch.doctor._situation import Situation
from trainwatch.doctor.base import Check, Line


@dataclass(frozen=True)
class OptimizerChoice(Check):
    """The rule of ``auto``.

    Attributes:
        border: Optimizer steps above which ``auto`` takes the optimizer for long trainings.
        near: Distance from the border, as a share of it, at which the choice is fragile.
    """

    title: ClassVar[str] = "What optimizer=auto chooses and ignores"

    border: int = 10_000
    near: float = 0.1

    def judge(self, situation: Situation) -> list[Line]:
        """Return one line."""
        name = str(situation.value("optimizer"))
        if name.lower() != "auto":
            return self.ok(f"optimizer={name}, lr0={situation.number('lr0'):g}: used as given")
        chosen, steps = self.choice(situation)
        ignored = [f"{k}={situation.value(k)}" for k in ("lr0", "momentum") if situation.asked(k)]
        if ignored:
            explicit: dict[str, Any] = {"optimizer": chosen[0] if chosen else "SGD"}
            takes = f"; it will take {chosen[0]} with lr {chosen[1]:g}" if chosen else ""
            return self.bad(
                f"optimizer=auto ignores {' and '.join(ignored)}{takes}",
                "What you asked for is dropped; only one line of the log says so.",
                explicit,
            )
        if chosen is None or steps is None:
            return self.unknown(
                "could not tell what optimizer=auto will choose: "
                + ("this version's rule is not known" if steps is not None else "it depends on the number of images"),
                "It decides on the learning rate.",
                *(() if situation.data else ("trainwatch doctor data=data.yaml",)),
            )
        found = f"optimizer=auto will take {chosen[0]} with lr {chosen[1]:g} ({steps} steps, border {self.border})"
        if abs(steps - self.border) <= self.near * self.border:
            return self.warn(
                found,
                "A few images or epochs more or less give another optimizer and another learning rate.",
                {"optimizer": chosen[0], "lr0": chosen[1]},
            )
        return self.ok(found)

    def choice(self, situation: Situation) -> tuple[tuple[str, float] | None, int | None]:
        """Return optimizer and learning rate, and the number of steps that decides; None for what is not known."""
        images, version = situation.train_images, situation.trainer
        if images is None or situation.data is None or not situation.data.nc:
            return None, None
        # A batch that the trainer finds itself counts as at most nbs.
        larger = max(situation.batch or 0, int(situation.number("nbs")), 1)
        steps = math.ceil(images / larger) * situation.epochs
        if version is not None and (8, 4) <= version < (8, 4, 30):
            return None, steps
        if steps > self.border:
            return ("SGD" if version is not None and version < (8, 4) else "MuSGD", 0.01), steps
        return ("AdamW", round(0.002 * 5 / (4 + situation.data.nc), 6)), steps
