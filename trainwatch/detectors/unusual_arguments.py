"""A poor score, and arguments that lie outside of every range in which trainings are usually searched.

What it does:
    Compares rate, momentum and loss gains with the ranges that Ultralytics' own tuner searches, where the score is poor.

Why it matters:
    A rate for SGD that is given to Adam, gains copied from another trainer, a digit too many: nothing explodes and nothing
    stands still, the training is merely bad, and nobody looks at the arguments again.

How it decides:
    Of a training of Ultralytics with ``min_epochs`` validated epochs whose score stays below ``good_score`` of what is
    possible: ``momentum``, ``box``, ``cls`` or ``dfl`` outside of the tuner's range, or ``lr0`` more than ``most_lr`` times
    above or ``least_lr`` times below what the optimizer usually takes. With ``optimizer=auto`` rate and momentum are not
    judged, because it chooses them. Warning where the score stays below ``poor_score`` and an argument lies ``far`` times
    outside of its range (a momentum by 1 / (1 - momentum), the steps that it averages over); information otherwise.

What to do:
    The usual value, one training, and compare the score at the same epoch.

Known false alarms:
    A hard task, for which a score of a few hundredths is all there is.

References:
    Ultralytics 8.4 engine/tuner.py (ranges searched: lr0 from 1e-5 to 1e-2, "SGD=1E-2, Adam=1E-3"), cfg/default.yaml.
    Thresholds: this project, from short fine-tunings of YOLO12n.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainwatch.detectors._curves import CURVES, NOTHING, has_score, read_score
from trainwatch.detectors._record import chosen_by_auto
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity
from trainwatch.runs import Run
from trainwatch.signals.curves import best_level
from trainwatch.usual import RANGES, usual_lr

GAINS = ("box", "cls", "dfl")


@dataclass(frozen=True)
class UnusualArguments(Detector):
    """Arguments out of range beside a poor score.

    Attributes:
        min_epochs: Validated epochs at least.
        level_epochs: Epochs that a level of the score must hold.
        good_score: Share of what is possible from which the score is good enough.
        poor_score: Share of what is possible below which it is a warning.
        most_lr: Largest lr0 over the optimizer's usual one.
        least_lr: The optimizer's usual lr0 over the smallest one.
        far: Times outside of the range from which it is a warning.
    """

    title: ClassVar[str] = "Arguments outside of the usual range"
    optional: ClassVar[tuple[str, ...]] = CURVES

    min_epochs: int = 5
    level_epochs: int = 3
    good_score: float = 0.5
    poor_score: float = 0.1
    most_lr: float = 10.0
    least_lr: float = 1000.0
    far: float = 3.0

    def missing(self, run: Run) -> str | None:
        """Ask for a validation score and for arguments of Ultralytics."""
        if not has_score(run):
            return NOTHING
        # YOLOv5 and YOLOv7 have gains of the same names on another scale, but no dfl.
        return None if "dfl" in run.args else "no arguments of Ultralytics were recorded"

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        score = read_score(view)
        if score is None or score.is_loss or len(score.series) < self.min_epochs:
            return []
        level = best_level(score.up, self.level_epochs)
        odd = self._odd(view.run)
        if not odd or not level < self.good_score * score.full:
            return []
        name, (value, times) = max(odd.items(), key=lambda item: item[1][1])
        named = ", ".join(f"{n}={v:g}" for n, (v, _) in odd.items())
        far = f"furthest is {name}={value:g}, {times:.3g} times" if len(odd) > 1 else f"{times:.3g} times"
        return [
            Finding(
                id=self.id,
                severity="warning" if level < self.poor_score * score.full and times >= self.far else "info",
                confidence=0.7 if times >= self.far else 0.5,
                title=f"Outside of the usual range: {named}",
                summary=(
                    f"{score.series.name} is {score.series.values.max():.3g} at best. Outside of the range that trainings "
                    f"usually have: {named}; {far} beyond its end."
                ),
                series=score.series.name,
                measured=Quantity(times, "times beyond the range"),
                threshold=Quantity(1.0, "times beyond the range"),
                detail={"arguments": {n: v for n, (v, _) in odd.items()}, "score": level},
            )
        ]

    def _odd(self, run: Run) -> dict[str, tuple[float, float]]:
        """Return each argument out of range, its value and how many times it lies beyond the range's end."""
        args = {n: float(v) for n, v in run.args.items() if isinstance(v, int | float) and not isinstance(v, bool)}
        found: dict[str, tuple[float, float]] = {}
        if not chosen_by_auto(run):
            usual = usual_lr(str(run.args.get("optimizer")), momentum=args.get("momentum"))
            _note(found, args, "lr0", usual / self.least_lr, usual * self.most_lr)
            high = RANGES["momentum"][1]
            momentum = args.get("momentum", high)
            if high < momentum < 1:
                found["momentum"] = (momentum, (1 - high) / (1 - momentum))
        for name in GAINS if run.args.get("task", "detect") not in ("classify", "semantic") else ():
            _note(found, args, name, *RANGES[name])
        return found


def _note(found: dict[str, tuple[float, float]], args: dict[str, float], name: str, low: float, high: float) -> None:
    value = args.get(name)
    if value is None or not 0 < value < float("inf") or low <= value <= high:
        return
    found[name] = (value, value / high if value > high else low / value)
