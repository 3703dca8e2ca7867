"""Whether the image is too large for box arithmetic in half precision.

What it does:
    Compares ``imgsz`` with the largest image whose boxes half precision can still place, and with the model's stride.

Why it matters:
    Under AMP, Ultralytics decodes boxes in half precision. Its steps are 0.125 between 128 and 256 grid units, so above
    1024 pixels a box edge on the stride-8 grid moves in steps of a pixel, and from 2048 pixels on an area may overflow.

How it decides:
    ``imgsz`` above ``exact`` (1024) with AMP on a GPU: a warning. The data types were read from the source and torch's
    list of autocast operations, not measured on a GPU. ``imgsz`` that is no multiple of ``stride`` (32) is rounded up
    by the trainer: a warning.

What to do:
    ``imgsz=1024``, or compute the loss in float32. ``amp=bf16`` is no way out: it is coarser still.

References:
    Ultralytics 8.4.190 utils/loss.py (bbox_decode) and utils/tal.py (make_anchors); IEEE 754 binary16; issue 18466
    (NaN at imgsz 1024).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from trainwatch.doctor._situation import Situation
from trainwatch.doctor.base import Check, Line


@dataclass(frozen=True)
class ImageSize(Check):
    """The image against half precision and the stride.

    Attributes:
        exact: Largest image in pixels whose boxes half precision places to half a pixel.
        stride: Largest stride of the model in pixels.
    """

    title: ClassVar[str] = "Image size against half precision"

    exact: int = 1024
    stride: int = 32

    def judge(self, situation: Situation) -> list[Line]:
        """Return one line."""
        size = int(situation.number("imgsz"))
        amp = str(situation.value("amp")).lower() not in ("false", "fp32")
        if size > self.exact and amp and situation.gpus != ():
            return self.warn(
                f"imgsz={size} with amp={situation.value('amp')}",
                f"Above {self.exact} pixels half precision moves box edges in steps of a pixel.",
                {"imgsz": self.exact},
            )
        if size % self.stride:
            rounded = math.ceil(size / self.stride) * self.stride
            return self.warn(
                f"imgsz={size} is no multiple of the stride {self.stride}",
                f"The trainer rounds it up to {rounded}, and memory with it.",
                {"imgsz": rounded},
            )
        return self.ok(f"imgsz={size}")
