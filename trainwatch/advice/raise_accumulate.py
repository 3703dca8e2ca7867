"""Smaller micro-batches, gathered to the same effective batch.

What it changes:
    ``batch`` down, ``nbs`` = old batch * old accumulate, so that the optimizer sees as many images per step as before.
    Ultralytics has no argument ``accumulate``: it derives it as round(nbs / batch).

Why it works:
    Activations, which dominate training memory, grow with the micro-batch; the gradient of a summed loss does not care
    how the sum is cut. BatchNorm does see the smaller batch.

When it is given:
    The training ran out of memory, or device memory grows and the forecast hits the limit before the end, or the tensors
    hold nearly all of it.

What to expect:
    Peak memory falls nearly in proportion to batch; the loss curve stays; an epoch takes somewhat longer. If memory
    does not fall, it was not the batch that filled it.

References:
    Ultralytics 8.4 engine/trainer.py: _build_train_pipeline. Ultralytics PR 23590 (halves the batch itself, first
    epoch and one GPU only).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from trainwatch.advice._arguments import answered, effective_batch
from trainwatch.advice.base import Advice
from trainwatch.result import Change, Context, Finding, Recommendation


@dataclass(frozen=True)
class RaiseAccumulate(Advice):
    """Halve the micro-batch and keep the effective batch.

    Attributes:
        divisor: By how much the micro-batch is divided.
    """

    title: ClassVar[str] = "Smaller micro-batches, same effective batch"
    answers: ClassVar[tuple[str, ...]] = ("out-of-memory", "memory-creep", "near-memory-limit")

    divisor: int = 2

    def advise(self, findings: Sequence[Finding], context: Context) -> Recommendation | None:
        """Return the new batch and nbs."""
        found = [f for f in answered(findings, self.answers) if not _of_the_host(f)]
        in_force = effective_batch(context)
        if not found or in_force is None or context.trainer != "ultralytics":
            return None
        batch, accumulate = in_force
        smaller = max(batch // self.divisor, 1)
        if smaller == batch:
            return None
        effective = batch * accumulate
        leak = found[0].id == "memory-creep" and found[0].detail.get("kind") == "leak"
        near = all(f.id == "near-memory-limit" for f in found)
        changes = [Change("batch", batch, smaller)]
        if context.args.get("nbs") != effective:
            changes.append(Change("nbs", context.args.get("nbs"), effective))
        return Recommendation(
            id=self.id,
            answers=tuple(f.id for f in found),
            changes=tuple(changes),
            why=(
                f"batch={batch} with {accumulate} accumulated {'hardly fits' if near else 'did not fit'}. batch={smaller} "
                f"with nbs={effective} gathers {max(round(effective / smaller), 1)} micro-batches per step: the same "
                f"{effective} images per step, about {100 * smaller // batch} % of the activations."
            ),
            expected=(
                "Peak memory falls nearly in proportion to batch; loss and lr stay as they are. Wrong if the peak "
                "does not fall within the first epoch: then something else fills the memory."
            ),
            confidence=0.35 if leak else 0.6 if near else 0.85,
            sources=("Ultralytics 8.4 engine/trainer.py: _build_train_pipeline", "Ultralytics PR 23590"),
        )


def _of_the_host(finding: Finding) -> bool:
    return finding.id == "near-memory-limit" and finding.detail.get("place") == "host"
