"""One rank keeps all the others waiting.

What it does:
    Compares how long each rank of a distributed training waits for its data and works, step by step, and reports a rank
    that is slower than the others most of the time.

Why it matters:
    Ranks meet in every step. The slowest one sets the pace: eight devices then do the work of five.

How it decides:
    Steps are matched by their number; at least ``min_steps`` (200). For each rank the median of its time (data_s +
    step_s) and of its wait (data_s). Ranks meet inside the step, so a fast one waits there and its step looks as long:
    the wait for data, which comes before, tells a slow loader best. Reported: a rank whose time is ``ratio`` (1.3) times
    the median of the others, or whose wait exceeds theirs by ``wait_share`` (0.15) of a step; and which is the slowest
    in ``lasting`` (80 %) of the blocks of ``block_steps`` (50). Warning.

What to do:
    Compare that rank's disk, cores and device clock with the others'. A rank 0 that also writes and validates may need
    fewer ``workers``.

Known false alarms:
    Ranks on different hardware are unequal by design.

References:
    NVIDIA resiliency extension (relative score below 0.75); TraceML (10 % and 20 %). Threshold 1.3 between medians: rule
    of thumb of this project.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity
from trainwatch.runs import Run
from trainwatch.signals.blocks import Floats, block_medians

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class RankStraggler(Detector):
    """A rank slower than the others.

    Attributes:
        min_steps: Matched steps at least.
        ratio: Its time over the median of the others'.
        wait_share: Its wait beyond the median of the others', in steps' time.
        block_steps: Steps of one block.
        lasting: Share of the blocks in which it must be the slowest.
    """

    title: ClassVar[str] = "One rank keeps the others waiting"
    requires: ClassVar[tuple[str, ...]] = ("steps.rank", "steps.step_s")
    optional: ClassVar[tuple[str, ...]] = ("steps.data_s",)

    min_steps: int = 200
    ratio: float = 1.3
    wait_share: float = 0.15
    block_steps: int = 50
    lasting: float = 0.8

    def missing(self, run: Run) -> str | None:
        """Ask for several ranks."""
        return super().missing(run) or ("the record is of one rank" if len(run.ranks) < 2 else None)

    def judge(self, view: View) -> list[Finding]:
        """Return one finding about the slowest rank, or none."""
        ranks = view.run.ranks
        works = {r: view.steps("step_s", r) for r in ranks}
        steps = reduce(np.intersect1d, (w.step for w in works.values()))
        if len(steps) < self.min_steps:
            return []
        work = np.stack([w.values[np.searchsorted(w.step, steps)] for w in works.values()])
        wait = np.zeros_like(work)
        for i, rank in enumerate(ranks):
            series = view.steps("data_s", rank)
            _, left, right = np.intersect1d(series.step, steps, return_indices=True)
            wait[i, right] = series.values[left]
        total = work + wait
        finite = total[np.isfinite(total)]
        step_s = float(np.median(finite)) if len(finite) else 0.0
        if not step_s > 0:
            return []
        by_time = self._slowest(total)
        by_wait = self._slowest(wait)
        if by_time is not None and by_time[1] >= self.ratio * by_time[2]:
            slow, own, others = by_time
            return [self._finding(view, slow, own, others, "time per step", own / others, self.ratio, steps)]
        if by_wait is not None and by_wait[1] - by_wait[2] >= self.wait_share * step_s:
            slow, own, others = by_wait
            measured = 1 + (own - others) / step_s
            return [self._finding(view, slow, own, others, "wait for data", measured, 1 + self.wait_share, steps)]
        return []

    def _slowest(self, seconds: Floats) -> tuple[int, float, float] | None:
        """Return index, median and the others' median of the rank that is slowest in most blocks; None without one."""
        blocks = np.stack([block_medians(row, self.block_steps) for row in seconds])
        blocks = blocks[:, np.isfinite(blocks).all(axis=0)]
        if not blocks.shape[1]:
            return None
        slow = int(np.argmax(np.median(blocks, axis=1)))
        if float((np.argmax(blocks, axis=0) == slow).mean()) < self.lasting:
            return None
        others = np.delete(np.median(blocks, axis=1), slow)
        return slow, float(np.median(blocks[slow])), float(np.median(others))

    def _finding(
        self,
        view: View,
        slow: int,
        own: float,
        others: float,
        what: str,
        measured: float,
        threshold: float,
        steps: Ints,
    ) -> Finding:
        rank = view.run.ranks[slow]
        series = view.steps("step_s", rank)
        first = int(np.searchsorted(series.step, steps[0]))
        return Finding(
            id=self.id,
            severity="warning",
            confidence=0.8,
            title=f"Rank {rank} keeps the others waiting",
            summary=(
                f"The {what} of rank {rank} is {own:.3g} s in the median, that of the other {len(view.run.ranks) - 1} ranks "
                f"{others:.3g} s, over {len(steps)} steps; the slowest rank sets the pace for all."
            ),
            onset=series.where(first),
            series="data_s" if what == "wait for data" else "step_s",
            measured=Quantity(measured, "times the others' step"),
            threshold=Quantity(threshold, "times the others' step"),
            detail={
                "rank": rank,
                "part": "data" if what == "wait for data" else "work",
                "own_s": own,
                "others_s": others,
            },
        )
