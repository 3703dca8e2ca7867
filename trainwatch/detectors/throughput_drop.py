"""Steps that become slower and stay so.

What it does:
    Takes the time of a step (wait for data and work, per image, image area divided out) over blocks of steps and reports
    the longest stretch in which it lies far above what it was before.

Why it matters:
    A training that takes twice as long costs twice as much. The cause is outside the model: another job on the machine,
    a hot device, a disk that fills, a loader that swaps.

How it decides:
    Time per step = data_s + step_s, divided by batch_size and image_size squared where these vary. Levels are medians
    of ``block_steps`` (50) steps, so single slow steps (checkpoints, validation) do not count; a run too
    short for that is cut into ``short_blocks`` blocks of at least ``least_block_steps`` steps, whose noise asks for
    ``short_ratio`` (2) instead. The base of a block is the
    median of the 400 blocks before it, slow ones left out, at least ``min_base_blocks`` (5). A drop is a run of blocks at
    ``ratio`` (1.5) times the base or slower that is at least ``min_blocks`` (5) long and ``min_share`` (10 %) of the run.
    The onset is where, within a block of the first slow one, single steps change sides. Warning from ``warning_lost_s``
    (60 s) lost on, information below: an hour's cost is worth a look, a second's is not.

What to do:
    Compare ``data_s`` and ``step_s``: if the wait grew, look at the disk and the loader; if the work grew, at the
    device (clock, temperature, other processes) and at the number of objects per batch.

Known false alarms:
    A stage that trains more layers or other losses is slower by design. The first 250 steps have no base and are not
    judged (of a short run the first third), so a machine that is slow from the start is not noticed.

References:
    Ultralytics PR 25990 (the assigner's fallback took 195 s a batch). Thresholds: this project, on log-normal and
    heavy-tailed traces.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from trainwatch.detectors._words import epoch_name
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity
from trainwatch.runs import Series
from trainwatch.runs.clock import duration
from trainwatch.signals.blocks import Floats, block_medians, longest_run


@dataclass(frozen=True)
class ThroughputDrop(Detector):
    """A lasting slowdown.

    Attributes:
        block_steps: Steps that make one level.
        least_block_steps: The same at least, of a short run.
        short_blocks: Blocks into which a short run is cut.
        short_ratio: Level over base that is a slowdown in a short run.
        min_base_blocks: Blocks before the first judgement.
        base_blocks: Blocks at most that make the base, the newest ones.
        ratio: Level over base that is a slowdown.
        min_blocks: Consecutive slow blocks at least.
        min_share: Share of the run at least.
        warning_lost_s: Seconds lost from which it is a warning.
    """

    title: ClassVar[str] = "Steps become slower"
    requires: ClassVar[tuple[str, ...]] = ("steps.step_s",)
    optional: ClassVar[tuple[str, ...]] = ("steps.data_s", "steps.batch_size", "steps.image_size")

    block_steps: int = 50
    least_block_steps: int = 10
    short_blocks: int = 14
    short_ratio: float = 2.0
    min_base_blocks: int = 5
    base_blocks: int = 400
    ratio: float = 1.5
    min_blocks: int = 5
    min_share: float = 0.1
    warning_lost_s: float = 60.0

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        work = view.steps("step_s")
        wait = _aligned(view.steps("data_s"), work)
        seconds = work.values + wait
        if self.short_blocks and len(seconds) < (self.min_base_blocks + self.min_blocks) * self.block_steps:
            finer = max(len(seconds) // self.short_blocks, self.least_block_steps)
            return replace(self, block_steps=finer, ratio=self.short_ratio, short_blocks=0).judge(view)
        levels = block_medians(seconds / self._amount(view, work), self.block_steps)
        count = len(levels)
        if count < self.min_base_blocks + self.min_blocks:
            return []
        if self._slow(levels, levels[levels > 0].min(initial=np.inf)) is None:  # no base is smaller
            return []
        base = self._base(levels)
        slow = self._slow(levels, base)
        if slow is None:
            return []
        first, last = slow[0] * self.block_steps, (slow[1] + 1) * self.block_steps - 1
        first = self._refined(seconds / self._amount(view, work), first, float(base[slow[0]]))
        return [self._finding(view, work, wait, seconds, first, last, float(np.nanmedian(levels[slow[0] : slow[1] + 1])
                              / base[slow[0]]))]  # fmt: skip

    def _slow(self, levels: Floats, base: Floats | float) -> tuple[int, int] | None:
        """Return the longest stretch of slow blocks if it is long enough."""
        slow = longest_run(levels >= self.ratio * base)
        least = max(self.min_blocks, self.min_share * len(levels))
        return slow if slow is not None and slow[1] - slow[0] + 1 >= least else None

    def _refined(self, seconds: Floats, first: int, base: float) -> int:
        """Return the step near the first slow block that best divides fast steps from slow ones."""
        low = max(first - self.block_steps, 0)
        slow = seconds[low : first + self.block_steps] >= (1 + self.ratio) / 2 * base
        # Slow steps before the cut, and fast ones behind it, are on the wrong side.
        wrong = np.r_[0, np.cumsum(slow)] + np.r_[np.cumsum(~slow[::-1])[::-1], 0]
        return low + int(np.argmin(wrong))

    def _base(self, levels: Floats) -> Floats:
        """Median of all blocks before each, those left out that were slow themselves; NaN before the first judgement."""
        base = np.full(len(levels), np.nan)
        kept: deque[float] = deque(maxlen=self.base_blocks)
        ordered: list[float] = []  # the same values, sorted
        for i, level in enumerate(levels.tolist()):
            if len(kept) >= self.min_base_blocks:
                middle = len(ordered) // 2
                base[i] = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
            if np.isfinite(level) and level > 0 and not level >= self.ratio * base[i]:
                if len(kept) == kept.maxlen:
                    del ordered[bisect_left(ordered, kept[0])]
                kept.append(level)
                insort(ordered, level)
        return base

    def _amount(self, view: View, work: Series) -> Floats:
        """Images times pixels of each step, relative to the first; 1 where not recorded."""
        amount = np.ones(len(work))
        for name, power in (("batch_size", 1), ("image_size", 2)):
            column = view.steps(name)
            if len(column) == len(work) and len(column) and np.ptp(column.values) > 0 and column.values[0] > 0:
                amount = amount * np.maximum(column.values / column.values[0], 1e-3) ** power
        return amount

    def _finding(
        self, view: View, work: Series, wait: Floats, seconds: Floats, first: int, last: int, times: float
    ) -> Finding:
        during, before = slice(first, last + 1), slice(max(first - 20 * self.block_steps, 0), first)
        lost = float(np.nansum((seconds * work.weights)[during]) * (1 - 1 / times))
        more_wait = float(np.nanmedian(wait[during]) - np.nanmedian(wait[before]))
        more_work = float(np.nanmedian(work.values[during]) - np.nanmedian(work.values[before]))
        part = "data" if more_wait > more_work else "work"
        where = epoch_name(view.run, int(work.epoch[first]))
        to_end = last >= len(work) - 2 * self.block_steps
        what = "the wait for data grew" if part == "data" else "the work itself grew"
        return Finding(
            id=self.id,
            severity="warning" if lost >= self.warning_lost_s else "info",
            confidence=float(np.clip(0.7 + 0.1 * np.log2(times), 0.7, 0.95)),
            title=f"Steps take {times:.2g} times as long from {where} on",
            summary=(
                f"From {where} (step {work.step[first]}) {'to the end' if to_end else f'to step {work.step[last]}'} a step "
                f"takes {np.nanmedian(seconds[during]):.3g} s, {times:.3g} times as long as before; {what}. "
                f"It cost {duration(lost)}."
            ),
            onset=work.where(first),
            end=None if to_end else work.where(last),
            series="data_s" if part == "data" else "step_s",
            measured=Quantity(times, "times the time before"),
            threshold=Quantity(self.ratio, "times the time before"),
            detail={"part": part, "lost_s": lost, "more_wait_s": more_wait, "more_work_s": more_work},
        )


def _aligned(series: Series, other: Series) -> npt.NDArray[np.float64]:
    """Return the values of a series at the steps of another; 0 where it has none."""
    if len(series) == len(other):
        return series.values
    values = np.zeros(len(other))
    common, left, right = np.intersect1d(series.step, other.step, return_indices=True)
    values[right] = series.values[left] if len(common) else 0.0
    return values
