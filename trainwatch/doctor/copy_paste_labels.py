"""Whether ``copy_paste`` can act on these labels, and how much of it.

What it does:
    Counts label files with boxes and with polygons, and compares ``copy_paste`` with the YOLOv12 authors' value for the
    model's scale and with the cap of the article on seven techniques.

Why it matters:
    copy_paste cuts objects out along their polygon. On box labels it does nothing and says nothing. Where some files
    hold boxes and others polygons, the trainer drops all polygons, and it does nothing either.

How it decides:
    ``copy_paste`` above 0: bad with box labels or mixed ones; a warning above both the authors' value and the cap.
    ``copy_paste=0`` with polygons on a YOLO12: a warning, because its authors train with it. The suggestion is the
    smaller of the two values.

What to do:
    Boxes: ``mixup``, which needs no polygons. Polygons: the suggested value.

References:
    Authors (README of YOLOv12, 600-epoch recipe): n 0.1, s 0.15, m 0.4, l 0.5, x 0.6. Article on seven techniques: 0.1
    for n, 0.15 for dense small objects, above 0.2 artefacts. Ultralytics 8.4.190 data/augment.py (CopyPaste returns
    without segments), data/dataset.py (mixed labels); issues 8167, 18073, 15850.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from trainwatch.advice.set_copy_paste import SetCopyPaste
from trainwatch.doctor._situation import Situation
from trainwatch.doctor.base import Check, Line


@dataclass(frozen=True)
class CopyPasteLabels(Check):
    """copy_paste against the labels.

    Attributes:
        by_scale: The authors' copy_paste for each scale; the same table that the advice after a run uses.
        cap: What the article allows at most.
        mixup: What boxes get instead.
    """

    title: ClassVar[str] = "copy_paste on these labels"

    by_scale: Mapping[str, float] = field(default_factory=lambda: SetCopyPaste().by_scale)
    cap: float = SetCopyPaste.article_cap
    mixup: float = SetCopyPaste.mixup

    def judge(self, situation: Situation) -> list[Line]:
        """Return one line."""
        value, scale = situation.number("copy_paste"), situation.model.scale
        authors = self.by_scale.get(scale or "")
        said = f"the YOLOv12 authors train scale {scale} with {authors:g}" if authors is not None else "scale unknown"
        said += f", the article on seven techniques caps it at {self.cap:g}"
        data = situation.data
        if data is None or data.not_read or not (data.train.box_files or data.train.polygon_files):
            if value <= 0:
                return []
            return self.unknown(
                f"copy_paste={value:g}: could not tell whether the labels are polygons",
                "On box labels it does nothing.",
                *(() if data else ("trainwatch doctor data=data.yaml",)),
            )
        boxes, polygons = data.train.box_files, data.train.polygon_files
        if value > 0 and not polygons:
            return self.bad(
                f"copy_paste={value:g}, but all {boxes} label files hold boxes",
                "On boxes copy_paste does nothing: it needs polygons.",
                {"copy_paste": 0.0, "mixup": max(self.mixup, situation.number("mixup"))},
            )
        if boxes and polygons:
            line = self.bad if value > 0 else self.warn
            return line(
                f"{polygons} label files hold polygons and {boxes} hold boxes (copy_paste={value:g})",
                "With mixed labels the trainer drops every polygon, and copy_paste does nothing.",
                {"copy_paste": 0.0, "mixup": max(self.mixup, situation.number("mixup"))} if value > 0 else None,
            )
        if not polygons:
            return self.ok(f"copy_paste=0; the labels are boxes, on which it would do nothing ({said})")
        advised = min(self.cap, authors if authors is not None else self.cap)
        if value > max(self.cap, authors or 0.0):
            return self.warn(
                f"copy_paste={value:g}; {said}", "Above that, pasted objects hide real ones.", {"copy_paste": advised}
            )
        if value == 0 and situation.model.yolo12 and authors is not None:
            return self.warn(
                f"copy_paste=0, though all {polygons} label files hold polygons; {said}",
                "The article calls it the core lever: 0.15 cut the scatter of the validation loss by 63 % over 600 epochs.",
                {"copy_paste": advised},
            )
        return self.ok(f"copy_paste={value:g} on polygon labels; {said}")
