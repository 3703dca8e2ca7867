"""Memory that is nearly used up: the next dense batch or the next worker may end the run.

What it does:
    Compares the most device memory that tensors held, the allocator's reserve, and the process's resident memory, each
    with the limit that holds for it.

Why it matters:
    Ultralytics retries an out-of-memory error in the first epoch and on one GPU only. Later it ends the run; on the host
    the kernel kills the process without a word.

How it decides:
    Device: warning if the tensors' peak reaches ``device_share`` (0.92) of the limit (the device's memory, less what
    other processes hold). Information if only the reserve does: the allocator gives cached blocks back before it fails,
    so a full reserve alone is no danger. Host: warning if resident memory reaches ``host_share`` (0.90) of the smallest
    limit in force (container, address space, machine). A run that died of it is judged as ``out-of-memory``, and
    one value is enough: a peak is a peak.

What to do:
    Device: a smaller ``batch`` with ``nbs`` kept. Host: fewer ``workers``, ``cache=False`` or ``cache=disk``.

Known false alarms:
    ``batch=0.9`` and the like ask for it. Pages of a memory-mapped data set count as resident and are given back.

References:
    Ultralytics 8.4 engine/trainer.py (three retries, first epoch); issues 730 and 19917 (memory follows the objects in a
    batch). TraceML warns at 92 %. Thresholds: this project.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trainwatch.detectors._words import epoch_name, size
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity, Severity
from trainwatch.runs import Run, Series, how_it_ended
from trainwatch.signals.limits import device_limit_bytes, host_limit_bytes


@dataclass(frozen=True)
class NearMemoryLimit(Detector):
    """Memory close to its limit.

    Attributes:
        device_share: Share of the device's memory.
        host_share: Share of the limit on the process's memory.
    """

    title: ClassVar[str] = "Memory is nearly used up"
    optional: ClassVar[tuple[str, ...]] = (
        "steps.vram_allocated_bytes", "steps.vram_peak_bytes", "steps.vram_reserved_bytes", "steps.vram_free_bytes",
        "steps.rss_bytes",
    )  # fmt: skip

    device_share: float = 0.92
    host_share: float = 0.90

    def missing(self, run: Run) -> str | None:
        """Ask for a memory column."""
        columns = ("steps.vram_reserved_bytes", "steps.rss_bytes")
        return None if any(c in run.column_names() for c in columns) else "no memory recorded (vram_*, rss_bytes)"

    def judge(self, view: View) -> list[Finding]:
        """Return at most one finding for the device and one for the host; none if the run died of it."""
        if how_it_ended(view.run).kind == "oom":
            return []
        return [f for f in (self._device(view), self._host(view)) if f is not None]

    def _device(self, view: View) -> Finding | None:
        hardware = view.run.meta.get("hardware")
        reserved = view.steps("vram_reserved_bytes")
        limit = device_limit_bytes(hardware, view.steps("vram_free_bytes"), reserved)
        if limit is None:
            return None
        tensors = view.steps("vram_peak_bytes")
        tensors = tensors if len(tensors) else view.steps("vram_allocated_bytes")
        found = self._over(view, tensors, limit, self.device_share, "warning", "tensors held")
        return found or self._over(view, reserved, limit, self.device_share, "info", "the allocator reserved")

    def _host(self, view: View) -> Finding | None:
        limit = host_limit_bytes(view.run.meta.get("hardware"))
        if limit is None:
            return None
        return self._over(view, view.steps("rss_bytes"), limit, self.host_share, "warning", "the process held")

    def _over(self, view: View, used: Series, limit: int, share: float, severity: Severity, who: str) -> Finding | None:
        over = np.flatnonzero(used.finite & (used.values >= share * limit))
        if not len(over):
            return None
        first, top = int(over[0]), float(used.values[over].max())
        where = epoch_name(view.run, int(used.epoch[first]))
        place = "host" if used.name == "rss_bytes" else "device"
        cached = " The allocator gives cached blocks back before it fails." if severity == "info" else ""
        return Finding(
            id=self.id,
            severity=severity,
            confidence=0.9 if severity == "warning" else 0.6,
            title=f"{place.capitalize()} memory is {100 * top / limit:.0f} % used",
            summary=(
                f"At most, {who} {size(top)} of {size(limit)} ({100 * top / limit:.0f} %); {100 * share:.0f} % was passed "
                f"at {where} (step {used.step[first]}).{cached}"
            ),
            onset=used.where(first),
            series=used.name,
            measured=Quantity(top / limit, "of the limit"),
            threshold=Quantity(share, "of the limit"),
            detail={"place": place, "used_bytes": top, "limit_bytes": limit, "left_bytes": limit - top},
        )
