"""copy_paste is set, and does nothing.

What it does:
    Looks at whether ``copy_paste`` is above 0 in a detection training whose labels are boxes.

Why it matters:
    The transform needs the outlines of objects. On boxes it returns at once, without a word: who set it believes in an
    augmentation that never took place, and does not set one that would.

How it decides:
    ``copy_paste`` > 0, task ``detect`` (or ``obb``), and the data set's labels were seen to hold no polygon. Not judged
    where the labels were not looked at. Information: nothing is worse than without it.

What to do:
    ``mixup`` (or ``cutmix``), which work on boxes; or labels with polygons, all of them: in a mixed data set Ultralytics
    drops the polygons with a warning.

Known false alarms:
    None known; own transforms are not looked at.

References:
    Ultralytics 8.4 data/augment.py: CopyPaste returns without segments; data/dataset.py (mixed labels); issues 8167,
    18073, 15850.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity
from trainwatch.runs import Run


@dataclass(frozen=True)
class CopyPasteInert(Detector):
    """An augmentation without effect.

    Attributes:
        tasks: Tasks whose labels may be boxes.
    """

    title: ClassVar[str] = "copy_paste does nothing on box labels"

    tasks: tuple[str, ...] = ("detect", "obb")

    def missing(self, run: Run) -> str | None:
        """Ask for the arguments and for what the labels are."""
        if _has_polygons(run) is None:
            return "whether the labels hold polygons was not recorded"
        return None if "copy_paste" in run.args else "no argument copy_paste"

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        args = view.run.args
        value = args.get("copy_paste")
        if not isinstance(value, int | float) or isinstance(value, bool) or not value > 0:
            return []
        if _has_polygons(view.run) is not False or str(args.get("task", "detect")) not in self.tasks:
            return []
        images = (view.run.meta.get("dataset") or {}).get("train_images")
        among = f" of the {images} training images" if isinstance(images, int) else ""
        return [
            Finding(
                id=self.id,
                severity="info",
                confidence=0.95,
                title=f"copy_paste={value:g} does nothing: the labels are boxes",
                summary=f"copy_paste={value:g} was in force, but no label{among} holds a polygon, without which it does nothing.",
                measured=Quantity(float(value), "copy_paste"),
                threshold=Quantity(0.0, "labels with polygons"),
                detail={"copy_paste": float(value)},
            )
        ]


def _has_polygons(run: Run) -> bool | None:
    dataset = run.meta.get("dataset")
    value = dataset.get("has_polygons") if isinstance(dataset, dict) else None
    return value if isinstance(value, bool) else None
