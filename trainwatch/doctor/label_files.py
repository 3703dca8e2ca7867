"""Whether the images are there, and their label files beside them.

What it does:
    Counts images, images without a label file, and empty label files.

Why it matters:
    An image without labels is trained as background. If all are, because the labels lie elsewhere, the score stays 0
    and nothing says why.

How it decides:
    Bad: a path of data.yaml that does not exist, no image at all, or no labelled object in any image read. A warning
    if more than ``backgrounds`` (30 %) have no object.

What to do:
    Labels belong in the folder ``labels`` where the images are in ``images``, with the same name and the ending .txt.

References:
    Ultralytics 8.4.190 data/utils.py, img2label_paths and check_det_dataset; yolov5 issues 3656, 8262.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainwatch.doctor._situation import DataSet, Situation, Split
from trainwatch.doctor.base import Check, Line


@dataclass(frozen=True)
class LabelFiles(Check):
    """Images and label files.

    Attributes:
        backgrounds: Share of images without an object above which it is a warning.
    """

    title: ClassVar[str] = "Images and their label files"

    backgrounds: float = 0.3

    def judge(self, situation: Situation) -> list[Line]:
        """Return one line for each split."""
        data = situation.data
        if data is None:
            return self.unknown(
                "no data set named",
                "Most trainings that fail early fail of their labels.",
                "trainwatch doctor data=data.yaml",
            )
        if data.not_read:
            return self.unknown(f"{data.path}: {data.not_read}")
        if data.val is None:
            return self.bad(
                f"{data.path} has no `val:`",
                "The trainer ends at once: it needs a validation set.",
                None,
                f"edit {data.path}",
            )
        return [line for split in data.splits() for line in self._split(data, split)]

    def _split(self, data: DataSet, split: Split) -> list[Line]:
        if split.absent and data.downloads and not split.images:
            return self.unknown(f"{split.name}: {split.absent[0]} does not exist; the trainer will download it")
        if split.absent:
            return self.bad(
                f"{split.name}: {', '.join(split.absent[:3])} does not exist",
                "The trainer ends at once.",
                None,
                f"edit {data.path}",
            )
        if not split.images:
            return self.bad(f"{split.name}: no image found", "The trainer ends at once.", None, f"edit {data.path}")
        without = split.missing + split.empty
        found = f"{split.missing} without a label file, {split.empty} with an empty one, {split.scope()}"
        if not split.objects and not split.faults:
            return self.bad(
                f"{split.name}: not one labelled object ({found})",
                "Every image is trained as background: labels belong into `labels` beside `images`, name.txt for name.jpg.",
            )
        if without > self.backgrounds * max(split.read, 1):
            return self.warn(
                found,
                f"More than {100 * self.backgrounds:.0f} % are trained as background; is a folder of labels missing?",
            )
        return self.ok(f"{split.objects} objects; {found}")
