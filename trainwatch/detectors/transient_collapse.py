"""The score fell to a fraction for a few epochs and came back.

What it does:
    Names the epochs of the dip, how deep it was and when the score was back.

Why it matters:
    The training has survived it, but it was close: the same push a little stronger does not come back. It is a sign of
    a learning rate near its limit, or of a batch that the data loader should not have made.

How it decides:
    After warm-up the score lies ``min_depth`` of its level, and 4 standard deviations of its noise, below the median of
    the 7 epochs before, and is back at 90 % of that level within ``max_epochs`` epochs or ``max_share`` of the log.
    Levels below ``min_level`` are not judged: a score that starts is unsteady. Within two epochs of a change of regime
    nothing is judged. Three or more of them, the last in the second half, are called unstable-training instead.

What to do:
    Nothing now. For the next run: a lower learning rate, clipping, a look at the images of that epoch.

Known false alarms:
    Validation on a random subset.

References:
    Ultralytics issue 19357; thresholds of this project, from real logs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainwatch.detectors._curves import CURVES, collapses, read_score
from trainwatch.detectors._words import epoch_name
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity
from trainwatch.runs import Run
from trainwatch.signals.curves import DIP_DEPTH, unsettled


@dataclass(frozen=True)
class TransientCollapse(Detector):
    """A dip that passed.

    Attributes:
        min_depth: Share of the level that is lost.
        max_epochs: Longest dip.
        max_share: The same as a share of the log, whichever is longer.
        min_level: Levels below are not judged.
    """

    title: ClassVar[str] = "Score collapsed and came back"
    optional: ClassVar[tuple[str, ...]] = CURVES

    min_depth: float = DIP_DEPTH
    max_epochs: int = 10
    max_share: float = 0.1
    min_level: float = 0.05

    def missing(self, run: Run) -> str | None:
        """Ask for a score; a validation loss that leaps and returns is loss noise."""
        names = run.column_names()
        return (
            None
            if any(n == "epochs.fitness" or n.startswith("epochs.metrics/") for n in names)
            else "no validation score (fitness, metrics/*)"
        )

    def judge(self, view: View) -> list[Finding]:
        """Return one finding about the deepest dip, or none."""
        score = read_score(view)
        if score is None or score.is_loss:
            return []
        kept, found = collapses(view, score, self.min_depth, self.min_level, (self.max_epochs, self.max_share))
        if not found or unsettled(found, len(kept)):
            return []
        deepest = max(found, key=lambda d: d.depth)
        a, b = (epoch_name(view.run, int(kept.epoch[i])) for i in (deepest.first, deepest.last))
        span = f"at {a}" if deepest.first == deepest.last else f"from {a} to {b.removeprefix('epoch ')}"
        more = f" So it did at {len(found) - 1} other time{'s' * (len(found) > 2)}." if len(found) > 1 else ""
        return [
            Finding(
                id=self.id,
                severity="info",
                confidence=0.85,
                title=f"Score collapsed {span} and came back",
                summary=(
                    f"{kept.name} fell by {100 * deepest.depth:.0f} % of its level of {deepest.level:.3g} {span}, and was "
                    f"back within {_epochs(deepest.last - deepest.first + 1)}.{more}"
                ),
                onset=kept.where(deepest.first),
                end=kept.where(deepest.last),
                series=kept.name,
                measured=Quantity(deepest.depth, "share"),
                threshold=Quantity(self.min_depth, "share"),
                detail={"level": deepest.level, "epochs": deepest.last - deepest.first + 1, "dips": len(found)},
            )
        ]


def _epochs(count: int) -> str:
    return "one epoch" if count == 1 else f"{count} epochs"
