"""The training is held back by brakes against overfitting, though nothing overfits.

What it does:
    Finds brakes that are pulled hard (most of the model frozen, augmentation or weight decay beyond the usual) and compares
    the training loss with the validation loss.

Why it matters:
    Frozen layers, strong augmentation and weight decay keep a model from memorising its images, at the price of a worse
    fit. Where nothing is memorised, the price is paid for nothing.

How it decides:
    A brake is: ``freeze`` is set, and at least ``frozen_share`` of the layers have had a gradient of exactly 0 in every step;
    an augmentation beyond the range that Ultralytics' own tuner searches (mixup and cutmix: in more than every second
    image), and beside it those at ``strong`` of theirs; ``weight_decay`` above ``most_decay``. With a brake, over the last
    third of at least ``min_epochs`` epochs, one change of regime left out: the validation loss (of the components that both
    sides log) is at most ``gap`` times the training loss, and the score stays below ``good_score`` of what is possible.
    Information: the curves show that nothing overfits; that the brake is what is missing, only a training without it can.

What to do:
    Take the brake off, one training, and compare the score at the same epoch.

Known false alarms:
    Objects that do occur in every orientation or colour (aerial images), a head that is meant to be trained alone, and
    training losses that are high for another reason.

References:
    Ultralytics 8.4 engine/tuner.py (ranges searched), cfg/default.yaml; fine-tuning guide (freeze=10 of 22 modules).
    Thresholds: this project, from short fine-tunings of YOLO12n.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trainwatch.detectors._curves import CURVES, NOTHING, after_warmup, has_score, pairs, read_score
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity
from trainwatch.runs import Run
from trainwatch.signals.curves import best_level
from trainwatch.signals.regimes import longest_regime
from trainwatch.usual import DEFAULTS, RANGES

AUGMENTATIONS = ("degrees", "translate", "scale", "shear", "perspective", "hsv_h", "hsv_s", "hsv_v")


@dataclass(frozen=True)
class OverRegularised(Detector):
    """Brakes without need.

    Attributes:
        strong: Share of an augmentation's range from which it is a brake beside one that lies beyond its own.
        most_mixed: Largest usual share of images that are mixed.
        most_decay: Largest usual weight decay.
        frozen_share: Share of the layers without any gradient.
        min_epochs: Epochs at least, after warm-up and in one regime.
        gap: Validation loss over training loss up to which nothing is memorised.
        good_score: Share of what is possible from which the score is good enough.
        level_epochs: Epochs that a level of the score must hold.
    """

    title: ClassVar[str] = "Held back, though nothing overfits"
    optional: ClassVar[tuple[str, ...]] = (*CURVES, "steps.grad_norm/*")

    strong: float = 0.75
    most_mixed: float = 0.5
    most_decay: float = 0.05
    frozen_share: float = 0.75
    min_epochs: int = 8
    gap: float = 1.1
    good_score: float = 0.5
    level_epochs: int = 3

    def missing(self, run: Run) -> str | None:
        """Ask for a validation score and for arguments."""
        if not has_score(run):
            return NOTHING
        return None if run.args else "no arguments were recorded"

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        brakes = self._brakes(view)
        score = read_score(view) if brakes else None
        if score is None or score.is_loss:
            return []
        ratio = self._ratio(view)
        level = best_level(score.up, self.level_epochs)
        if ratio is None or ratio > self.gap or level > self.good_score * score.full:
            return []
        named = ", ".join(f"{name}={value}" for name, value in brakes.items())
        return [
            Finding(
                id=self.id,
                severity="info",
                confidence=0.6,
                title=f"{named} holds the model back, though nothing overfits",
                summary=(
                    f"In the last third the validation loss is {ratio:.2f} times the training loss, so nothing is memorised, "
                    f"and {score.series.name} has reached {level:.3g} only; {named} is a brake against overfitting."
                ),
                onset=score.series.where(0),
                series=score.series.name,
                measured=Quantity(ratio, "validation loss over training loss"),
                threshold=Quantity(self.gap, "validation loss over training loss"),
                detail={"brakes": brakes, "score": level},
            )
        ]

    def _brakes(self, view: View) -> dict[str, float | str]:
        args = view.run.args
        most = {n: RANGES[n][1] for n in AUGMENTATIONS}
        most |= {"mixup": self.most_mixed, "cutmix": self.most_mixed, "weight_decay": self.most_decay}
        given = {n: float(v) for n in most if isinstance(v := args.get(n), int | float) and not isinstance(v, bool)}
        found: dict[str, float | str] = {n: v for n, v in given.items() if v > most[n]}
        if any(n in found for n in AUGMENTATIONS):
            # What is strong by itself is too much for images that are changed beyond the usual already.
            found |= {
                n: v for n, v in given.items() if n in AUGMENTATIONS and v > DEFAULTS[n] and v >= self.strong * most[n]
            }
        layers = [view.steps(n) for n in view.names("steps.grad_norm/*")]
        layers = [s for s in layers if len(s)]
        still = sum(not s.values.any() for s in layers)
        if args.get("freeze") and layers and self.frozen_share * len(layers) <= still < len(layers):
            found["freeze"] = str(args["freeze"])
        return found

    def _ratio(self, view: View) -> float | None:
        """Return the validation loss over the training loss in the last third; None if it cannot be told."""
        both = pairs(view)
        if not both or any(len(t) != len(v) or not t.finite.all() or not v.finite.all() for t, v in both):
            return None
        epoch = both[0][0].epoch
        if any(len(t) != len(epoch) for t, _ in both):
            return None
        train, val = (np.sum([pair[i].values for pair in both], axis=0) for i in (0, 1))
        kept = np.flatnonzero(longest_regime(view.run, epoch) & (epoch >= after_warmup(view)))
        if len(kept) < self.min_epochs:
            return None
        third = kept[-(len(kept) // 3) :]
        level = float(np.median(train[third]))
        return float(np.median(val[third])) / level if level > 0 else None
