"""Whether validation images are trained on.

What it does:
    Looks for validation images that the training set holds too: same file name and same size in bytes.

Why it matters:
    The score then measures memory: it rises while the model overfits, and early stopping never comes.

How it decides:
    Bad if more than ``share`` (1 %) of the validation images are shared, a warning if fewer are. Copies under another
    name are not found, and near-duplicates (frames of one video) neither.

What to do:
    Take them out of one of the two, and split videos by recording, not by frame.

References:
    File name and size, as a copy tool compares them; contents are not read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainwatch.doctor._situation import Situation
from trainwatch.doctor.base import Check, Line


@dataclass(frozen=True)
class SplitOverlap(Check):
    """Images in both splits.

    Attributes:
        share: Share of the validation images above which it is bad.
    """

    title: ClassVar[str] = "Validation images among the training images"

    share: float = 0.01

    def judge(self, situation: Situation) -> list[Line]:
        """Return one line if both splits hold images."""
        data = situation.data
        if data is None or data.val is None or not data.val.images or not data.train.images:
            return []
        if not data.shared:
            return self.ok(f"none of {data.val.images} validation images is in the training set")
        found = f"{data.shared} of {data.val.images} validation images are also trained on, e.g. {data.shared_example}"
        why = "The score measures memory: it rises while the model overfits."
        return self.bad(found, why) if data.shared > self.share * data.val.images else self.warn(found, why)
