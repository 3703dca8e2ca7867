"""Whether /dev/shm holds the batches that the loader's workers hand over.

What it does:
    Compares the free space of /dev/shm with the bytes of the batches that workers prepare in advance.

Why it matters:
    Workers pass batches through shared memory. Docker gives 64 MiB of it; when it is full a worker dies with a bus
    error, often hours into the training.

How it decides:
    One batch: images of 3 x imgsz x imgsz bytes (with ``multi_scale`` still imgsz: the size changes later). In
    advance: ``prefetch`` (4) batches per worker, workers per rank, all ranks. Bad if /dev/shm has less free than that,
    a warning below ``margin`` (2) times, which leaves room for the validation's workers. Linux only.

What to do:
    In a container: ``docker run --shm-size=8g`` (or ``--ipc=host``). Elsewhere remount /dev/shm larger. Or fewer
    ``workers``.

References:
    Ultralytics 8.4.190 data/build.py (prefetch_factor 4, number of workers); pytorch issues 5040, 108861; yolov3 issue
    283.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from trainwatch.detectors._words import size
from trainwatch.doctor._situation import Situation
from trainwatch.doctor.base import Check, Line

GIB = 2**30


@dataclass(frozen=True)
class SharedMemory(Check):
    """/dev/shm against what the workers keep in it.

    Attributes:
        prefetch: Batches that a worker prepares in advance.
        margin: Times the need that should be free.
    """

    title: ClassVar[str] = "Shared memory for the loader's workers"

    prefetch: int = 4
    margin: float = 2.0

    def judge(self, situation: Situation) -> list[Line]:
        """Return one line on Linux with workers and a fixed batch."""
        machine, batch, ranks = situation.machine, situation.batch, situation.ranks
        workers = situation.workers_per_rank()
        if machine.system != "Linux" or batch is None or workers == 0 or situation.devices == ("cpu",):
            return []
        if machine.shm_free_bytes is None:
            return self.unknown(
                "could not tell how large /dev/shm is", "Workers that find it full die with a bus error."
            )
        per_worker = batch // ranks * 3 * int(situation.number("imgsz")) ** 2 * self.prefetch
        need = per_worker * workers * ranks
        found = (
            f"/dev/shm has {size(machine.shm_free_bytes)} free; {ranks * workers} workers keep up to {size(need)} of batches "
            "there"
        )
        if machine.shm_free_bytes >= self.margin * need:
            return self.ok(found)
        wanted = max(2 ** math.ceil(math.log2(self.margin * need / GIB)), 1)
        command = (
            f"docker run --shm-size={wanted}g ..."
            if machine.in_container
            else f"sudo mount -o remount,size={wanted}G /dev/shm"
        )
        fitting = int(machine.shm_free_bytes // (self.margin * per_worker * ranks))
        # Without any worker the GPU would wait for every image: that is no way out.
        fewer: dict[str, Any] = {"workers": fitting} if fitting else {}
        if machine.shm_free_bytes < need:
            return self.bad(found, "A worker that finds it full dies with a bus error.", fewer, command)
        return self.warn(found, "With the validation's workers it may run full, and a worker dies.", None, command)
