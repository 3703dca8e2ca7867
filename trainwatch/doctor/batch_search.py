"""Whether the trainer may look for the batch size itself.

What it does:
    Looks at ``batch=-1`` and ``batch`` below 1 (a share of the GPU's memory).

Why it matters:
    With several devices the trainer refuses it. With one, the batch, and with it the accumulation and the steps per
    epoch, depend on what else the GPU held in that minute: the training cannot be repeated. The search does not see
    validation, nor the fullest mosaic.

How it decides:
    Bad with more than one device, or on the CPU, where nothing is searched. A warning otherwise.

What to do:
    Run the search once, then type the number that it found.

References:
    Ultralytics 8.4.190 engine/trainer.py, train; issue 4679 and pull requests 17514, 24051 (what the search counts).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainwatch.doctor._situation import Situation
from trainwatch.doctor.base import Check, Line


@dataclass(frozen=True)
class BatchSearch(Check):
    """A batch that is not fixed.

    Attributes:
        per_device: Images per device that are suggested.
        largest_share: Share of the GPU's memory from which the search leaves too little for validation.
    """

    title: ClassVar[str] = "A batch size that the trainer looks for"

    per_device: int = 16
    largest_share: float = 0.8

    def judge(self, situation: Situation) -> list[Line]:
        """Return one line if the batch is not fixed."""
        if situation.batch is not None:
            return []
        value = situation.value("batch")
        fixed = {"batch": self.per_device * situation.ranks}
        if situation.ranks > 1:
            return self.bad(
                f"batch={value} on {situation.ranks} devices",
                "The trainer refuses to look for a batch size with several devices.",
                fixed,
            )
        if situation.gpus == ():
            return self.warn(f"batch={value} without a GPU", "Nothing is searched on the CPU: it takes 16.", fixed)
        share = situation.number("batch") if situation.number("batch") > 0 else 0.6
        more = (
            f", and {100 * share:.0f} % of the memory leave little for validation and full mosaics"
            if share > self.largest_share
            else ""
        )
        return self.warn(
            f"batch={value}: the trainer fills {100 * share:.0f} % of the GPU's memory",
            f"Batch and accumulation then depend on what else the GPU holds at the start{more}.",
            fixed,
        )
