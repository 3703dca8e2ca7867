"""Whether mosaic is on at all, given when it closes.

What it does:
    Compares ``close_mosaic`` with ``epochs``.

Why it matters:
    In the last ``close_mosaic`` epochs mosaic, mixup, cutmix and copy_paste are all switched off. If that is the whole
    training, none of them ever acts.

How it decides:
    Bad if ``close_mosaic`` is at least ``epochs`` while one of them is on; a warning above ``most`` (half) of the
    epochs. 0 keeps mosaic to the end.

What to do:
    10 epochs, or a tenth of a short training.

References:
    Ultralytics 8.4.190 engine/trainer.py (closed from epoch ``epochs - close_mosaic`` on), data/dataset.py,
    close_mosaic; issues 14886, 16713, 17649.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainwatch.doctor._situation import Situation
from trainwatch.doctor.base import Check, Line


@dataclass(frozen=True)
class MosaicClosing(Check):
    """``close_mosaic`` against ``epochs``.

    Attributes:
        most: Share of the epochs above which it is a warning.
        share: Share of the epochs that is suggested.
        usual: Epochs that are suggested at most: the trainer's default.
    """

    title: ClassVar[str] = "When mosaic closes"

    most: float = 0.5
    share: float = 0.1
    usual: int = 10

    def judge(self, situation: Situation) -> list[Line]:
        """Return one line if one of the augmentations is on."""
        on = [k for k in ("mosaic", "mixup", "cutmix", "copy_paste") if situation.number(k) > 0]
        closing, epochs = int(situation.number("close_mosaic")), situation.epochs
        if not on:
            return []
        fits = min(max(int(self.share * epochs), 1), self.usual) if epochs > 1 else 0
        found = f"close_mosaic={closing} of {epochs} epochs"
        if closing >= epochs:
            return self.bad(found, f"close_mosaic ends {', '.join(on)} before the first epoch.", {"close_mosaic": fits})
        if closing > self.most * epochs:
            return self.warn(found, f"{', '.join(on)} act in less than half of the training.", {"close_mosaic": fits})
        return self.ok(found if closing else f"{found}: mosaic stays on to the end")
