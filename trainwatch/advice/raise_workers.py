"""More hands to fetch the data.

What it changes:
    ``workers`` doubled, at most to the cores per rank; where they are used up, ``cache=disk`` instead.

Why it works:
    Each worker decodes and augments batches ahead of the device. Decoded images on disk save the decoding.

When it is given:
    A large part of the time is waiting for data, or steps became slower because the wait grew, or one rank's loader
    keeps the others waiting.

What to expect:
    The share of waiting falls below 30 % within the first epoch. If it does not, the disk or the network is the limit, and
    more workers only queue for it.

References:
    Ultralytics 8.4 data/build.py: workers are capped at cores / devices; data/base.py: cache. PR 7659, issues 7134, 9862.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from trainwatch.advice._arguments import HOST_MEMORY, answered, has, whole
from trainwatch.advice.base import Advice
from trainwatch.result import Change, Context, Finding, Recommendation


@dataclass(frozen=True)
class RaiseWorkers(Advice):
    """More loader workers, or a cache.

    Attributes:
        factor: New workers over old ones.
        least: Workers at least, where the cores allow it.
        most: Workers at most; beyond, start-up and memory outweigh the gain.
    """

    title: ClassVar[str] = "More loader workers or a cache"
    answers: ClassVar[tuple[str, ...]] = ("dataloader-bound", "throughput-drop", "rank-straggler")

    factor: int = 2
    least: int = 2
    most: int = 16

    def advise(self, findings: Sequence[Finding], context: Context) -> Recommendation | None:
        """Return workers or cache."""
        found = [f for f in answered(findings, self.answers) if f.detail.get("part", "data") == "data"]
        workers = whole(context, "workers")
        if not found or workers is None or context.trainer != "ultralytics":
            return None
        tight = has(findings, HOST_MEMORY) or any(
            f.id in ("out-of-memory", "near-memory-limit") and f.detail.get("place") == "host" for f in findings
        )
        cores = (context.cpu_count or 0) // max(context.world_size, 1)
        new = min(max(self.factor * workers, self.least), cores, self.most)
        change: Change | None = None
        if new > workers and not tight:
            change = Change("workers", workers, new)
            why = f"workers={workers} do not keep up; {cores} cores a rank are there."
        elif context.args.get("cache") in (False, None, "False", "false", ""):
            change = Change("cache", context.args.get("cache"), "disk")
            why = (
                f"workers={workers} do not keep up, and "
                + ("memory is short" if tight else "there are no more cores" if cores else "the cores are not known")
                + "; decoded images on disk cost no memory and save the decoding."
            )
        else:
            return None
        first = found[0]
        wait = f"{first.title}. " if first.title else ""
        return Recommendation(
            id=self.id,
            answers=tuple(f.id for f in found),
            changes=(change,),
            why=f"{wait}{why}",
            expected=(
                "The share of waiting falls below 30 % within the first epoch. Wrong if it does not: then the disk or "
                "the network is the limit; copy the data set to a local disk."
            ),
            confidence=0.7 if first.id == "dataloader-bound" else 0.45,
            sources=("Ultralytics 8.4 data/build.py, data/base.py", "Ultralytics PR 7659, issues 7134, 9862"),
        )
