"""Less memory by other means than the batch, and an end to what grows.

What it changes:
    Host: ``cache=False`` and fewer ``workers`` where they hold something. Device: ``multi_scale`` off, and, as steps, the
    allocator setting and AMP. For a leak: what to look for in the code, because no argument mends one.

Why it works:
    Images larger than planned (multi_scale) and each loader worker's buffers are memory that the batch does not show.

When it is given:
    Memory ran out, or grows and is forecast to, or is nearly used up.

What to expect:
    Flat memory per epoch. If it still grows at the same rate, the leak is elsewhere.

References:
    Ultralytics 8.4 data/base.py (buffers per worker, cache=ram per rank). Ultralytics PR 24051 (multi_scale). PyTorch FAQ:
    do not accumulate history across the training loop. torchtune issue 1185 (expandable segments).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from trainwatch.advice._arguments import answered, number
from trainwatch.advice.base import Advice
from trainwatch.result import Change, Context, Finding, Recommendation

_LEAK = (
    "Look for values kept per step or epoch in your callbacks: `losses.append(trainer.loss)` keeps the whole graph of the "
    "step; write `float(trainer.loss)` or `trainer.loss.detach()`.",
    "If the code cannot be changed now, resume from last.pt before the forecast epoch: a new process starts empty.",
)
_LEAK_IN_A_LOOP = (
    "Look for values kept per step or epoch in your loop: `losses.append(loss)` keeps the whole graph of the step; write "
    "`loss.item()` or `loss.detach()`.",
    "If the code cannot be changed now, go on from a checkpoint before the forecast epoch: a new process starts empty.",
)
FLAT = "The memory per epoch stays flat after the first three epochs. Wrong if it grows at the same rate."
LOWER = "The memory peak is lower, and it passes the step at which it ended. Wrong if it ends there again."
_ALLOCATOR = "Set PYTORCH_ALLOC_CONF=expandable_segments:True in the environment, before Python starts."


@dataclass(frozen=True)
class ReduceMemory(Advice):
    """Stop what grows, drop what is not needed.

    Attributes:
        workers: Loader workers at most under host memory pressure.
    """

    title: ClassVar[str] = "Less memory by other means than the batch"
    answers: ClassVar[tuple[str, ...]] = ("out-of-memory", "memory-creep", "host-memory-creep", "near-memory-limit")

    workers: int = 2

    def advise(self, findings: Sequence[Finding], context: Context) -> Recommendation | None:
        """Return arguments that hold memory, and what to look for."""
        found = answered(findings, self.answers)
        if not found:
            return None
        first = found[0]
        host = any(f.id == "host-memory-creep" or f.detail.get("place") == "host" for f in found)
        leak = any(f.id.endswith("memory-creep") and f.detail.get("kind", "leak") == "leak" for f in found)
        changes: list[Change] = []
        if context.trainer == "ultralytics":
            if host and context.args.get("cache") in (True, "ram"):
                changes.append(Change("cache", context.args.get("cache"), False))
            workers = number(context.args, "workers")
            if host and workers is not None and workers > self.workers:
                changes.append(Change("workers", int(workers), self.workers))
            if not leak and (number(context.args, "multi_scale") or 0.0) > 0:
                changes.append(Change("multi_scale", context.args.get("multi_scale"), 0.0))
        leaks = _LEAK if context.trainer == "ultralytics" else _LEAK_IN_A_LOOP
        steps = (*(leaks if leak else ()), *(() if host else (_ALLOCATOR,)))
        if not changes and not steps:
            return None
        return Recommendation(
            id=self.id,
            answers=tuple(f.id for f in found),
            changes=tuple(changes),
            why=self._why(first, changes, leak),
            expected=FLAT if first.id != "out-of-memory" else LOWER,
            confidence=0.75 if leak else 0.6,
            sources=(
                "PyTorch FAQ: accumulating history",
                "Ultralytics 8.4 data/base.py",
                "Ultralytics PR 24051 (multi_scale draws images of up to imgsz * (1 + m))",
            ),
            steps=steps,
        )

    def _why(self, first: Finding, changes: Sequence[Change], leak: bool) -> str:
        if leak:
            return f"{first.title}: something is kept from epoch to epoch. No argument mends a leak in code; these find it."
        names = ", ".join(f"{c.arg}={c.old}" for c in changes)
        return f"These take memory beside the batch: {names or 'fragments of the allocator'}."
