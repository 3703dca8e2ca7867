"""Whether the fullest image holds more objects than the validation may find.

What it does:
    Compares the objects of the fullest image with ``max_det``, and with what the label assigner bears.

Why it matters:
    The validation keeps ``max_det`` detections per image; beyond that recall is capped. The memory of the assigner
    grows with the objects of the fullest image of a batch: dense images run out of memory long after the start.

How it decides:
    A warning if an image holds more than ``max_det``, unless the version raises it by itself (``raises_itself``,
    8.4.190, and only while ``max_det`` is not given). A warning above ``dense`` (1000) objects.

What to do:
    ``max_det`` at the count. For the memory: a smaller batch with ``nbs`` kept.

References:
    Ultralytics 8.4.190 models/yolo/detect/val.py, _check_max_det; issues 730 and 19917 (2093 objects: out of memory in
    epoch 46); pull requests 17515, 25990.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from trainwatch.doctor._situation import Situation
from trainwatch.doctor.base import Check, Line


@dataclass(frozen=True)
class ObjectCount(Check):
    """Objects per image.

    Attributes:
        dense: Objects in one image from which the assigner's memory is a danger.
        raises_itself: Version in which the trainer was seen to raise max_det by itself.
    """

    title: ClassVar[str] = "Objects in the fullest image"

    dense: int = 1000
    raises_itself: tuple[int, ...] = (8, 4, 190)

    def judge(self, situation: Situation) -> list[Line]:
        """Return one line if labels were read."""
        data = situation.data
        if data is None or not any(s.objects for s in data.splits()):
            return []
        fullest = max(data.splits(), key=lambda s: s.most_objects)
        most, limit = fullest.most_objects, int(situation.number("max_det"))
        found = f"up to {most} objects in one {fullest.name} image, max_det={limit}"
        changes: dict[str, Any] = {}
        itself = situation.trainer is not None and situation.trainer >= self.raises_itself
        if most > limit and (situation.asked("max_det") or not itself):
            changes["max_det"] = most
        if most > self.dense:
            batch = situation.batch
            if batch is not None and batch > situation.ranks:
                changes["batch"] = max(batch // 2 // situation.ranks, 1) * situation.ranks
                changes["nbs"] = max(int(situation.number("nbs")), batch)
            return self.warn(
                f"{found} ({fullest.fullest})",
                "The assigner's memory grows with the fullest image of a batch.",
                changes,
            )
        if changes:
            return self.warn(f"{found} ({fullest.fullest})", "Recall is capped at max_det detections.", changes)
        return self.ok(found)
