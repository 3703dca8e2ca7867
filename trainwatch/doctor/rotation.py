"""Whether rotation costs more than it gives.

What it does:
    Looks at ``degrees``.

Why it matters:
    A rotated box is enclosed by a larger upright one: the label no longer fits its object. With polygons the box is
    drawn anew around the rotated polygon, and fits.

How it decides:
    A warning above ``most`` (5) degrees in task detect; with polygon labels it is only said. Other tasks rotate their
    labels.

What to do:
    ``degrees=0``.

References:
    Article on seven techniques: above 5 degrees mAP falls; 0 gave +2.3 mAP50 on VisDrone, an aerial set. Ultralytics
    8.4.190 data/augment.py, RandomPerspective (boxes from segments where there are any).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainwatch.doctor._situation import Situation
from trainwatch.doctor.base import Check, Line


@dataclass(frozen=True)
class Rotation(Check):
    """``degrees`` on upright boxes.

    Attributes:
        most: Degrees above which the article measured a loss.
    """

    title: ClassVar[str] = "Rotation of upright boxes"

    most: float = 5.0

    def judge(self, situation: Situation) -> list[Line]:
        """Return one line for task detect."""
        degrees = situation.number("degrees")
        if situation.model.task != "detect":
            return []
        polygons = (
            situation.data is not None and situation.data.train.polygon_files and not situation.data.train.box_files
        )
        if degrees > self.most and not polygons:
            return self.warn(
                f"degrees={degrees:g}",
                "A rotated box is enclosed by a larger one, and labels no longer fit; 0 gave +2.3 mAP50 on an aerial set.",
                {"degrees": 0.0},
            )
        return self.ok(f"degrees={degrees:g}" + (" on polygon labels" if polygons else ""))
