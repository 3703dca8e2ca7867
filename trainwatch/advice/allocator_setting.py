"""An allocator that can join its pieces.

What it changes:
    The environment variable ``PYTORCH_ALLOC_CONF``; ``multi_scale=0`` and ``rect=False`` where they were on, because images
    of many sizes are what cuts memory into pieces.

Why it works:
    Expandable segments grow in place instead of leaving holes. Images of one size ask for the same blocks each time.

When it is given:
    The allocator's reserve grows beyond what tensors need.

What to expect:
    The share of unused reserve stays level after the first two epochs. If it grows all the same, the sizes vary elsewhere:
    the number of objects per image.

References:
    https://pytorch.org/docs/stable/notes/cuda.html (PYTORCH_ALLOC_CONF; before torch 2.9 PYTORCH_CUDA_ALLOC_CONF).
    torchtune issue 1185; Ultralytics issue 4057.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from trainwatch.advice._arguments import answered, number
from trainwatch.advice.base import Advice
from trainwatch.result import Change, Context, Finding, Recommendation


@dataclass(frozen=True)
class AllocatorSetting(Advice):
    """Expandable segments, images of one size."""

    title: ClassVar[str] = "Allocator with expandable segments"
    answers: ClassVar[tuple[str, ...]] = ("memory-fragmentation",)

    def advise(self, findings: Sequence[Finding], context: Context) -> Recommendation | None:
        """Return the setting."""
        found = answered(findings, self.answers)
        if not found:
            return None
        changes: list[Change] = []
        if context.trainer == "ultralytics":
            if (number(context.args, "multi_scale") or 0.0) > 0:
                changes.append(Change("multi_scale", context.args.get("multi_scale"), 0.0))
            if context.args.get("rect") is True:
                changes.append(Change("rect", True, False))
        names = ", ".join(f"{c.arg}={c.old}" for c in changes)
        sizes = f" {names} makes images of many sizes." if changes else ""
        return Recommendation(
            id=self.id,
            answers=tuple(f.id for f in found),
            changes=tuple(changes),
            why=f"{found[0].title}.{sizes}",
            expected=(
                "The unused share of the reserve stays level after the first two epochs. Wrong if it grows all the same "
                "within ten: then the number of objects per batch varies the sizes."
            ),
            confidence=0.7,
            sources=("PyTorch, CUDA semantics: memory management", "torchtune issue 1185", "Ultralytics issue 4057"),
            steps=(
                "Set PYTORCH_ALLOC_CONF=expandable_segments:True in the environment, before Python starts "
                "(PYTORCH_CUDA_ALLOC_CONF before torch 2.9).",
            ),
        )
