"""The device waits for data.

What it does:
    Adds up the wait before each step and the steps themselves, the first batch of each epoch left out, and reports a wait
    that is a large part of the time.

Why it matters:
    While the loader decodes and augments, the device is idle. A third of the time waiting is a third of the money.

How it decides:
    Share = data_s / (data_s + step_s). Reported if both the median share and the share of the summed time are at least
    ``max_share`` (0.3), over at least ``min_steps`` (200) steps, and in at least ``lasting`` (two thirds) of the blocks of
    ``block_steps`` (50). The first batch of an epoch is left out because it waits for the workers to start; if those waits
    alone are ``max_share`` of the time, that is reported as their cost. On a device the host's clock sees the wait only
    when the queue of work is empty, so a small share proves nothing; a large one is real. Warning.

What to do:
    Raise ``workers`` up to the number of cores per device, ``cache=disk`` or ``cache=ram`` where the images fit, store
    the images on a local disk, at the training size.

Known false alarms:
    Trainings on the CPU, where loader and model share the cores: more workers may gain nothing there.

References:
    Ultralytics 8.4 data/build.py (workers = min(cores / devices, workers)); PR 7659; issues 7134, 9862. Threshold: rule of
    thumb of this project (0.3 over 200 steps).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from trainwatch.detectors._words import epoch_name
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity
from trainwatch.runs import Series
from trainwatch.runs.clock import duration
from trainwatch.signals.blocks import block_medians


@dataclass(frozen=True)
class DataloaderBound(Detector):
    """Time lost to waiting for data.

    Attributes:
        max_share: Share of the time that is too much.
        min_steps: Steps at least.
        block_steps: Steps of one block.
        lasting: Share of the blocks in which it must hold.
    """

    title: ClassVar[str] = "Training waits for data"
    requires: ClassVar[tuple[str, ...]] = ("steps.data_s", "steps.step_s")
    optional: ClassVar[tuple[str, ...]] = ("steps.batch",)

    max_share: float = 0.3
    min_steps: int = 200
    block_steps: int = 50
    lasting: float = 2 / 3

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        wait, work = view.steps("data_s"), view.steps("step_s")
        if len(wait) != len(work) or len(wait) < self.min_steps:
            return []
        starts = np.concatenate([[True], (np.diff(wait.epoch) != 0) | (np.diff(wait.attempt) != 0)])
        sound = np.isfinite(wait.values) & np.isfinite(work.values) & (wait.values >= 0) & (work.values >= 0)
        weight = wait.weights
        total = float(((wait.values + work.values) * weight)[sound].sum())
        if total <= 0:
            return []
        inside = sound & ~starts
        if inside.sum() >= self.min_steps:
            waits, works = wait.values[inside], work.values[inside]
            waited = float((waits * weight[inside]).sum())
            summed = waited / max(float(((waits + works) * weight[inside]).sum()), 1e-12)
            if summed >= self.max_share and self._lasts(waits / np.maximum(waits + works, 1e-12)):
                return [self._finding(view, wait, summed, waited, "every batch")]
        first_waits = wait.values[sound & starts]
        # Medians, so that one pause of the machine is not taken for a habit.
        at_start = float(np.median(first_waits)) * len(first_waits) if len(first_waits) > 1 else 0.0
        if at_start / total >= self.max_share:
            return [self._finding(view, wait, at_start / total, at_start, "the start of each epoch")]
        return []

    def _lasts(self, share: npt.NDArray[np.float64]) -> bool:
        """Whether most steps wait that long, and in most parts of the record."""
        blocks = block_medians(share, self.block_steps)
        often = float((blocks >= self.max_share).mean()) >= self.lasting
        return often and float(np.median(share)) >= self.max_share

    def _finding(self, view: View, wait: Series, share: float, seconds: float, where: str) -> Finding:
        workers = view.run.args.get("workers")
        loader = f" with workers={workers}" if isinstance(workers, int) else ""
        return Finding(
            id=self.id,
            severity="warning",
            confidence=0.85,
            title=f"{100 * share:.0f} % of the time is waiting for data",
            summary=(
                f"{duration(seconds)} of the recorded time ({100 * share:.0f} %) is waiting for data at {where}{loader}, "
                f"from {epoch_name(view.run, int(wait.epoch[0]))} to {epoch_name(view.run, int(wait.epoch[-1]))}."
            ),
            onset=wait.where(0),
            series="data_s",
            measured=Quantity(share, "of the time"),
            threshold=Quantity(self.max_share, "of the time"),
            detail={"wait_s": seconds, "where": where, "workers": workers if isinstance(workers, int) else None},
        )
