"""Environment variables that are set and do nothing.

What it does:
    Looks for ``FLASH_ATTENTION_V2`` and ``TORCH_CUDA_ARCH_LIST``, and for ``CUDA_LAUNCH_BLOCKING``, which does too much.

Why it matters:
    ``FLASH_ATTENTION_V2`` is read by no software. ``TORCH_CUDA_ARCH_LIST`` is read only when an extension is compiled;
    8.0 is wrong for a T4, which is 7.5. Who relies on them believes in a speed that is not there.
    ``CUDA_LAUNCH_BLOCKING=1`` waits after every kernel: it is for finding faults.

How it decides:
    The variable is set.

What to do:
    Unset it.

References:
    No mention of FLASH_ATTENTION_V2 in torch 2.14.1 and Ultralytics 8.4.190 (searched); torch/utils/cpp_extension.py
    (TORCH_CUDA_ARCH_LIST); https://pytorch.org/docs/stable/notes/cuda.html (asynchronous execution).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from trainwatch.doctor._situation import Situation
from trainwatch.doctor.base import Check, Line


def _reasons() -> dict[str, str]:
    return {
        "FLASH_ATTENTION_V2": "No software reads it: attention is what the model's code calls.",
        "TORCH_CUDA_ARCH_LIST": "It is read when an extension is compiled, never when a model is trained.",
        "CUDA_LAUNCH_BLOCKING": "It makes the CPU wait after every kernel; it is for finding faults.",
    }


@dataclass(frozen=True)
class DeadEnvironment(Check):
    """Variables without the effect that is hoped for.

    Attributes:
        reasons: Why, by variable.
    """

    title: ClassVar[str] = "Environment variables that do nothing"

    reasons: Mapping[str, str] = field(default_factory=_reasons)

    def judge(self, situation: Situation) -> list[Line]:
        """Return one line for each variable that is set."""
        lines: list[Line] = []
        for name, why in self.reasons.items():
            value = situation.machine.environment.get(name)
            if value and value != "0":
                lines += self.warn(f"{name}={value}", why, None, f"unset {name}")
        return lines or self.ok("no environment variable that does nothing")
