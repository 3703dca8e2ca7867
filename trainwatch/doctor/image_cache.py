"""Whether ``cache=ram`` fits into memory, once for every process that trains.

What it does:
    Estimates the decoded images from the size of a sample, times the number of ranks, and compares with the memory that
    this process may use.

Why it matters:
    Every rank of a multi-GPU training keeps its own copy of all images. When memory is full the kernel kills a process
    without a word.

How it decides:
    Each image is kept with its longer side at ``imgsz``, 3 bytes a pixel; training and validation images both. Bad
    above ``full`` (85 %) of the memory limit (a container's, if it has one); a warning if the trainer's own test
    (``safety`` 2 times one rank's need, against memory free now) would refuse to cache.

What to do:
    ``cache=disk`` or ``cache=False``.

References:
    Ultralytics 8.4.190 data/base.py, check_cache_ram; issues 22307, 22944 (each rank caches its own copy); yolov5 issue
    3818.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainwatch.detectors._words import size
from trainwatch.doctor._situation import Situation
from trainwatch.doctor.base import Check, Line


@dataclass(frozen=True)
class ImageCache(Check):
    """``cache=ram`` against memory.

    Attributes:
        full: Share of the memory limit above which it is bad.
        safety: Times the need that the trainer wants free before it caches.
    """

    title: ClassVar[str] = "Memory for the image cache"

    full: float = 0.85
    safety: float = 2.0

    def judge(self, situation: Situation) -> list[Line]:
        """Return one line if a cache in memory was asked for."""
        if str(situation.value("cache")).lower() not in ("ram", "true"):
            return []
        data, machine = situation.data, situation.machine
        if data is None or not data.train.sizes or machine.memory_limit_bytes is None:
            return self.unknown("cache=ram: could not tell how much memory the images take")
        one = sum(split.images * self.bytes_per_image(split.sizes, situation) for split in data.splits())
        need = one * situation.ranks
        free = machine.memory_available_bytes
        found = (
            f"cache=ram keeps {size(one)} of images per rank, {size(need)} for {situation.ranks} "
            f"rank{'s' if situation.ranks > 1 else ''}; the memory limit is {size(machine.memory_limit_bytes)}"
        )
        found += f", free now {size(free)}" if free is not None else ""
        if need > self.full * machine.memory_limit_bytes:
            return self.bad(found, "The kernel kills a process when memory is full.", {"cache": "disk"})
        if free is not None and self.safety * need > free:
            return self.warn(
                found,
                f"The trainer caches only if {self.safety:g} times the images are free; it may silently not cache.",
                {"cache": "disk"},
            )
        return self.ok(found)

    def bytes_per_image(self, sizes: tuple[tuple[int, int], ...], situation: Situation) -> float:
        """Return the mean bytes of a cached image: its longer side is ``imgsz``, 3 bytes a pixel."""
        if not sizes:
            return 0.0
        imgsz = situation.number("imgsz")
        return sum(3 * imgsz * imgsz * min(w, h) / max(w, h) for w, h in sizes if max(w, h)) / len(sizes)
