"""Whether the validation set is large enough to steer by.

What it does:
    Counts validation images, and looks whether validation is on.

Why it matters:
    best.pt, patience and every judgement of the training follow the validation score. On 20 images it jumps by points
    from epoch to epoch, and the best epoch is the luckiest one.

How it decides:
    A warning below ``least`` (50) images, or with ``val=False``: without validation there is no score, and best.pt is
    not the best.

What to do:
    Move some 10 % of the images to the validation set.

References:
    Ultralytics issue 15748 (few images); 50 images is our own border.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainwatch.doctor._situation import Situation
from trainwatch.doctor.base import Check, Line


@dataclass(frozen=True)
class ValidationSize(Check):
    """Images that the score rests on.

    Attributes:
        least: Images below which the score is mostly chance.
    """

    title: ClassVar[str] = "Size of the validation set"

    least: int = 50

    def judge(self, situation: Situation) -> list[Line]:
        """Return one line."""
        if situation.value("val") is False:
            return self.warn(
                "val=False", "Without a score there is no best epoch, and no way to see overfitting.", {"val": True}
            )
        val = situation.data.val if situation.data else None
        if val is None or not val.images:
            return []
        if val.images < self.least:
            return self.warn(
                f"{val.images} validation images", "The score jumps by chance, and best.pt is the luckiest epoch."
            )
        return self.ok(f"{val.images} validation images")
