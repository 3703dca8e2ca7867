"""Whether the loader has as many workers as there are cores for them.

What it does:
    Compares the workers of all ranks with the cores that this process may use, which in a container can be fewer than
    the machine names.

Why it matters:
    Too few, and the GPU waits for images; more than cores, and the workers fight for them and for memory. On Windows
    every worker loads all CUDA libraries, until the page file is full (WinError 1455).

How it decides:
    Workers per rank as the trainer counts them: min(cores named // devices, ``workers``, batches). A warning if all
    together exceed the usable cores; if ``workers`` is 0 while a GPU trains; on Windows above ``windows`` (2) a rank.
    On the CPU the trainer uses none.

What to do:
    ``workers`` = usable cores divided by ranks.

References:
    Ultralytics 8.4.190 data/build.py, build_dataloader; engine/trainer.py (no workers on the CPU); issues 776, 16692
    (WinError 1455), 7659, 14150.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainwatch.doctor._situation import Situation
from trainwatch.doctor.base import Check, Line


@dataclass(frozen=True)
class LoaderWorkers(Check):
    """Workers against cores.

    Attributes:
        windows: Workers per rank that a usual page file bears on Windows.
    """

    title: ClassVar[str] = "Loader workers against cores"

    windows: int = 2

    def judge(self, situation: Situation) -> list[Line]:
        """Return one line where a device other than the CPU may train."""
        machine, ranks = situation.machine, situation.ranks
        if situation.gpus == ():
            return self.ok("on the CPU the trainer uses no loader workers")
        each = situation.workers_per_rank()
        found = f"{ranks * each} loader workers ({each} for each of {ranks} rank{'s' if ranks > 1 else ''})"
        if machine.system == "Windows" and each > self.windows:
            return self.warn(
                f"{found} on Windows",
                "Each maps all CUDA libraries; a page file that is too small ends the training with WinError 1455.",
                {"workers": self.windows},
            )
        if int(situation.number("workers")) <= 0:
            cores = int(machine.cpu_usable or 8)
            return self.warn(
                "workers=0: images are read in the training's own process",
                "The GPU waits while an image is read and augmented.",
                {"workers": min(max(cores // ranks, 1), 8)},
            )
        if machine.cpu_usable is None:
            return self.unknown(f"{found}; could not tell how many cores there are")
        found += f", {machine.cpu_usable:.3g} usable cores"
        if machine.cpu_count is not None and machine.cpu_usable < machine.cpu_count:
            found += f" of {machine.cpu_count}"
        if ranks * each > machine.cpu_usable:
            return self.warn(
                found,
                "Workers that share cores slow each other and the training, and each takes memory.",
                {"workers": max(int(machine.cpu_usable // ranks), 1)},
            )
        return self.ok(found)
