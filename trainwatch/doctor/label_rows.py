"""What the label files hold: lines that the trainer would refuse.

What it does:
    Reads every label file as the trainer does and counts those it would leave out, by reason.

Why it matters:
    One bad line, and the trainer leaves out the whole image, with a line in the log among thousands. A class id beyond
    the names of data.yaml means that the ids are shifted, or data.yaml belongs to another data set.

How it decides:
    The trainer's own rules: numbers only, 5 a line (or a polygon, not both in one file), coordinates within 0 to 1 (with
    0.01 of tolerance), whole class ids below the number of names. Bad above ``share`` (1 %) of the images read, or for
    any class id beyond the names, or for boxes where task=segment or obb needs polygons; a warning below. Lines that
    stand twice are dropped by the trainer: a warning.

What to do:
    Correct the files named (each line gives one example), then delete the trainer's cache of them (``labels/train.cache``).

References:
    Ultralytics 8.4.190 data/utils.py, verify_image_label, data/dataset.py (segment needs segments); yolov5 issue 3656
    (1408 of 4300 images left out).
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from typing import ClassVar

from trainwatch.doctor._labels import label_path
from trainwatch.doctor._situation import Situation, Split
from trainwatch.doctor.base import Check, Line


@dataclass(frozen=True)
class LabelRows(Check):
    """Lines of the label files.

    Attributes:
        share: Share of images left out above which it is bad.
    """

    title: ClassVar[str] = "Lines of the label files"

    share: float = 0.01

    def judge(self, situation: Situation) -> list[Line]:
        """Return one line for each reason and split."""
        data = situation.data
        if data is None or data.not_read:
            return []
        lines: list[Line] = []
        for split in data.splits():
            lines += self._split(split)
            if situation.model.task in ("segment", "obb") and split.box_files:
                lines += self.bad(
                    f"task={situation.model.task}, but {split.box_files} label files of {split.name} hold boxes",
                    "The trainer ends at once: this task needs polygons.",
                    {"task": "detect"},
                )
        read = sum(s.read for s in data.splits())
        return lines or (self.ok(f"{read} label files hold what the trainer expects") if read else [])

    def _split(self, split: Split) -> list[Line]:
        lines: list[Line] = []
        for fault in split.faults:
            line = self.bad
            if fault.images <= self.share * split.read and not fault.reason.startswith("class ids beyond"):
                line = self.warn
            lines += line(
                f"{fault.images} {split.scope()}: {fault.reason}, e.g. {fault.example}",
                "The trainer leaves the whole image out.",
                None,
                f"rm {shlex.quote(cache_file(fault.example))}  # after correcting them",
            )
        if split.repeated:
            lines += self.warn(
                f"{split.repeated} lines of {split.name} stand twice in their file",
                "The trainer drops the second; an export that writes them twice may have other faults.",
            )
        if split.unreadable:
            lines += self.bad(
                f"{split.unreadable} of {split.unreadable + len(split.sizes)} {split.name} images sampled cannot be read",
                "The trainer leaves them out.",
            )
        return lines


def cache_file(image: str) -> str:
    """Return where the trainer keeps what it read from the labels of this image's folder."""
    return f"{os.path.dirname(label_path(image))}.cache"
