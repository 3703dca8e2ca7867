"""Device memory in pieces: the allocator holds ever more than the tensors ever needed.

What it does:
    Follows, from epoch to epoch, how much of the caching allocator's reserve was never used by tensors at the same time,
    and the free pieces inside split blocks.

Why it matters:
    Memory that is reserved in pieces cannot hold one large tensor: "tried to allocate 500 MiB, 2 GiB reserved but
    unallocated". The training dies of a lack of memory that it has.

How it decides:
    Slack = reserved - the most that tensors held so far (``vram_peak_bytes``; where that is not recorded, what they hold
    between batches, with a higher bound, since activations come on top). Per epoch its median, the first
    ``skip_epochs`` (2) left out, at least ``min_epochs`` (8). Reported if in the last third the slack is at least
    ``max_share`` (0.25; 0.4 without peak) of the reserve and ``min_bytes`` (256 MiB), and it has *grown*: by at least
    ``min_growth_share`` (0.1 of the reserve) since the first third, with a Mann-Kendall p of at most ``max_p`` (0.01).
    The same growth of ``vram_inactive_split_bytes`` counts, too. A large reserve that does not grow is a cache, and
    quiet. Warning.

What to do:
    ``PYTORCH_ALLOC_CONF=expandable_segments:True`` in the environment, before Python starts; images of one size
    (``multi_scale=0``, ``rect=False``).

Known false alarms:
    A peak early in the run (a validation with a larger batch) makes slack later; it does not grow, and stays quiet.

References:
    https://pytorch.org/docs/stable/notes/cuda.html (memory management). torchtune issue 1185 (16.4 to 10.8 GB with
    expandable segments). Thresholds: rules of thumb of this project (0.4 of the reserve, growing).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trainwatch.detectors._words import epoch_name, size
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity
from trainwatch.signals.creep import Floats, last_process_step, per_epoch, start_of
from trainwatch.signals.trend import mann_kendall

MIB = 2.0**20


@dataclass(frozen=True)
class MemoryFragmentation(Detector):
    """A reserve that grows beyond what tensors need.

    Attributes:
        skip_epochs: First epochs left out.
        min_epochs: Epochs at least.
        max_share: Slack over reserve that is too much where the peak of the tensors is known.
        max_share_no_peak: The same where only what they hold between batches is known.
        min_bytes: Smallest slack, bytes.
        min_growth_share: Growth of the slack since the first third, as a share of the reserve.
        max_p: Largest p-value of the trend.
    """

    title: ClassVar[str] = "Device memory is fragmented"
    requires: ClassVar[tuple[str, ...]] = ("steps.vram_allocated_bytes", "steps.vram_reserved_bytes")
    optional: ClassVar[tuple[str, ...]] = ("steps.vram_peak_bytes", "steps.vram_inactive_split_bytes")

    skip_epochs: int = 2
    min_epochs: int = 8
    max_share: float = 0.25
    max_share_no_peak: float = 0.4
    min_bytes: float = 256 * MIB
    min_growth_share: float = 0.1
    max_p: float = 0.01

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        since = last_process_step(view.run.events)
        epoch, reserved = per_epoch(view.steps("vram_reserved_bytes"), "median", since)
        if len(epoch) < self.skip_epochs + self.min_epochs:
            return []
        peak = per_epoch(view.steps("vram_peak_bytes"), "median", since)
        known = len(peak[0]) == len(epoch)
        used_epoch, used = peak if known else per_epoch(view.steps("vram_allocated_bytes"), "median", since)
        if len(used_epoch) == len(epoch):
            found = self._judge_slack(
                view, epoch, reserved, np.maximum(reserved - used, 0.0), self.max_share if known else self.max_share_no_peak,
                "slack",
            )  # fmt: skip
            if found:
                return found
        split_epoch, split = per_epoch(view.steps("vram_inactive_split_bytes"), "median", since)
        if len(split_epoch) != len(epoch):
            return []
        return self._judge_slack(view, epoch, reserved, split, self.max_share, "inactive split blocks")

    def _judge_slack(
        self, view: View, epoch: Floats, reserved: Floats, slack: Floats, bound: float, kind: str
    ) -> list[Finding]:
        epoch, reserved, slack = (a[self.skip_epochs :] for a in (epoch, reserved, slack))
        third = max(len(epoch) // 3, 2)
        level, held = float(np.median(slack[-third:])), float(np.median(reserved[-third:]))
        before = float(np.median(slack[:third]))
        if held <= 0 or level < max(self.min_bytes, bound * held) or level - before < self.min_growth_share * held:
            return []
        trend = mann_kendall(slack)
        if trend.direction <= 0 or trend.p_value > self.max_p:
            return []
        share = level / held
        half = int(np.argmax(slack >= (level + before) / 2))
        onset = int(epoch[half])
        column = "vram_reserved_bytes" if kind == "slack" else "vram_inactive_split_bytes"
        what = "beyond what tensors ever used at a time" if kind == "slack" else "in free pieces inside split blocks"
        return [
            Finding(
                id=self.id,
                severity="warning",
                confidence=0.8,
                title=f"{100 * share:.0f} % of the reserved device memory is in pieces",
                summary=(
                    f"The allocator's reserve holds {size(level)} of {size(held)} ({100 * share:.0f} %) {what}; it was "
                    f"{size(before)} at {epoch_name(view.run, float(epoch[0]))} and grows (p = {trend.p_value:.1g})."
                ),
                onset=start_of(view.steps(column), onset),
                series=column,
                measured=Quantity(share, "of the reserve"),
                threshold=Quantity(bound, "of the reserve"),
                detail={"kind": kind, "slack_bytes": level, "reserved_bytes": held, "slack_before_bytes": before},
            )
        ]
