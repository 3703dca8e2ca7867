"""Whether the devices asked for exist, and torch can use them.

What it does:
    Compares ``device`` with the GPUs that the driver shows, and the installed torch's build with them.

Why it matters:
    A torch built without CUDA trains on the CPU beside an idle GPU, tens of times slower. A device that does not exist
    ends the training at once; a GPU that another process fills ends it later.

How it decides:
    Bad: an index beyond the visible GPUs; GPUs present and a torch without CUDA. A warning: no GPU at all; a GPU with
    more than ``busy`` (10 %) of its memory taken already.

What to do:
    Install the torch build for CUDA (the selector on pytorch.org names the index), or name another ``device``.

References:
    https://pytorch.org/get-started/locally/ ; torch/version.py of the installed build; Ultralytics 8.4.190
    utils/torch_utils.py, select_device.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainwatch.detectors._words import size
from trainwatch.doctor._situation import Situation
from trainwatch.doctor.base import Check, Line


@dataclass(frozen=True)
class DeviceChoice(Check):
    """Devices asked for against devices there.

    Attributes:
        busy: Share of a GPU's memory that may be taken before the training starts.
    """

    title: ClassVar[str] = "Devices that will train"

    busy: float = 0.1

    def judge(self, situation: Situation) -> list[Line]:
        """Return one line, or one for each GPU that is in use."""
        machine, asked = situation.machine, situation.devices
        visible = machine.gpus
        if visible is None:
            return self.unknown(f"could not tell which GPUs there are: {machine.gpu_note}")
        beyond = [d for d in asked if d.isdigit() and int(d) >= len(visible)]
        if beyond:
            there = f"the driver shows {len(visible)}, numbered from 0" if visible else "there is none"
            named = {"device": ",".join(str(i) for i in range(len(visible))) if visible else "cpu"}
            return self.bad(f"device={','.join(asked)}, but {there}", "The training ends at once.", named)
        if not visible and machine.system == "Darwin":
            return self.ok("no CUDA device; device=mps trains on Apple's GPU")
        if not visible:
            return self.warn(f"no GPU ({machine.gpu_note})", "On the CPU a training takes tens of times longer.")
        names = ", ".join(f"{g.name} ({g.sm}, {size(g.total_bytes)})" for g in situation.gpus or visible)
        if machine.torch_cuda == "":
            return self.bad(
                f"{names}, but torch {machine.versions.get('torch', '')} was built without CUDA",
                "It trains on the CPU, tens of times slower.",
                None,
                "pip install --force-reinstall torch torchvision",
            )
        lines: list[Line] = []
        for gpu in situation.gpus or ():
            taken = gpu.total_bytes - gpu.free_bytes if gpu.free_bytes is not None else 0
            if taken > self.busy * gpu.total_bytes:
                lines += self.warn(
                    f"{gpu.name}: {size(taken)} of {size(gpu.total_bytes)} are taken already",
                    "What another process holds is missing in the fullest batch.",
                    None,
                    "nvidia-smi",
                )
        return lines or self.ok(names if situation.gpus else f"device={','.join(asked)}")
