"""Whether a resumed training will take the arguments given with it.

What it does:
    With ``resume``, lists the arguments that the trainer ignores.

Why it matters:
    A resume takes its arguments from the checkpoint. A lower learning rate, another optimizer, AMP off: what one
    changes after a crash is what is ignored.

How it decides:
    Bad if an argument was given that is not in ``taken``, the trainer's own list.

What to do:
    Resume without them; or start anew from the weights with ``resume=False model=last.pt``.

References:
    Ultralytics 8.4.190 engine/trainer.py, check_resume; issues 19467, 15812, 18154. Versions before 8.4.175 take imgsz,
    batch, device and close_mosaic only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainwatch.doctor._situation import Situation
from trainwatch.doctor.base import Check, Line


@dataclass(frozen=True)
class ResumeArguments(Check):
    """Arguments beside ``resume``.

    Attributes:
        taken: Arguments that a resume takes.
        taken_before: Those that versions before ``longer_list`` take.
        longer_list: Version in which the longer list was seen.
        silent: Arguments that belong to the resume itself.
    """

    title: ClassVar[str] = "Arguments of a resumed training"

    taken: frozenset[str] = frozenset(
        {"imgsz", "batch", "device", "close_mosaic", "augmentations", "save_period", "workers", "cache", "patience",
         "time", "freeze", "val", "plots", "channels_last", "distill_model", "save_dir"}
    )  # fmt: skip
    taken_before: frozenset[str] = frozenset({"imgsz", "batch", "device", "close_mosaic"})
    longer_list: tuple[int, ...] = (8, 4, 175)
    silent: frozenset[str] = frozenset(
        {"resume", "model", "data", "task", "mode", "pretrained", "project", "name", "exist_ok"}
    )

    def judge(self, situation: Situation) -> list[Line]:
        """Return one line with ``resume``."""
        if not situation.value("resume"):
            return []
        old = situation.trainer is not None and situation.trainer < self.longer_list
        taken = self.taken_before if old else self.taken
        ignored = sorted(set(situation.requested) - taken - self.silent)
        if ignored:
            return self.bad(
                f"resume ignores {', '.join(f'{k}={situation.requested[k]}' for k in ignored)}",
                "A resume takes these from the checkpoint; to change them, start anew from its weights.",
                {"resume": False},
            )
        return self.ok("resume with arguments that it takes")
