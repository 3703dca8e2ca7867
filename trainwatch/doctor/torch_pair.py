"""Whether torch and torchvision belong together.

What it does:
    Compares the two versions.

Why it matters:
    torchvision is built against one version of torch. With another, its operators (``nms`` among them) are missing, and
    the training ends in its first validation.

How it decides:
    torch 2.x belongs to torchvision 0.(x + ``offset``), with an offset of 15 since 2.0. Bad otherwise. "Could not tell"
    if one is missing, or torch is not 2.x.

What to do:
    Install both in one command.

References:
    Table of versions in the README of pytorch/vision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainwatch.doctor._situation import Situation
from trainwatch.doctor.base import Check, Line


@dataclass(frozen=True)
class TorchPair(Check):
    """torchvision against torch.

    Attributes:
        offset: Minor version of torchvision less that of torch 2.
    """

    title: ClassVar[str] = "torch and torchvision belong together"

    offset: int = 15

    def judge(self, situation: Situation) -> list[Line]:
        """Return one line."""
        machine = situation.machine
        torch, vision = machine.version("torch"), machine.version("torchvision")
        if torch is None or vision is None:
            missing = " and ".join(n for n, v in (("torch", torch), ("torchvision", vision)) if v is None)
            return self.unknown(
                f"{missing} not installed here", "Training needs both.", 'pip install "trainwatch-toolkit[train]"'
            )
        found = f"torch {machine.versions['torch']}, torchvision {machine.versions['torchvision']}"
        if torch[0] != 2 or len(torch) < 2 or len(vision) < 2:
            return self.unknown(f"{found}: could not tell whether they belong together")
        fits = torch[1] + self.offset
        if vision[:2] != (0, fits):
            return self.bad(
                found,
                f"torch 2.{torch[1]} belongs to torchvision 0.{fits}; operators are missing otherwise.",
                None,
                f'pip install "torch==2.{torch[1]}.*" "torchvision==0.{fits}.*"',
            )
        return self.ok(found)
