"""Whether torch's memory allocator is set up for batches of changing size.

What it does:
    Looks for ``expandable_segments`` in ``PYTORCH_ALLOC_CONF`` (older name: ``PYTORCH_CUDA_ALLOC_CONF``).

Why it matters:
    With ``multi_scale`` or ``rect`` every batch has another shape. The allocator splits its segments until none fits,
    and runs out of memory that is there.

How it decides:
    A warning if shapes change (``multi_scale`` above 0, or ``rect`` on one device) and the setting is missing. With
    fixed shapes it is only said. Not on Windows, where torch does not support it.

What to do:
    Set it in the shell: it is read when torch is imported, and does nothing in a script after that.

References:
    https://pytorch.org/docs/stable/notes/cuda.html (memory management); torchtune issue 1185 (16.4 to 10.8 GB, another
    model).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainwatch.doctor._situation import Situation
from trainwatch.doctor.base import Check, Line


@dataclass(frozen=True)
class AllocatorSetting(Check):
    """``expandable_segments`` where shapes change.

    Attributes:
        renamed: torch version from which the variable is suggested under its new name.
    """

    title: ClassVar[str] = "Setting of torch's memory allocator"

    renamed: tuple[int, ...] = (2, 10)

    def judge(self, situation: Situation) -> list[Line]:
        """Return one line where a CUDA device may train."""
        machine = situation.machine
        if situation.gpus == () or machine.system == "Windows":
            return []
        for name in ("PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF"):
            setting = machine.environment.get(name, "")
            if "expandable_segments:true" in setting.lower().replace(" ", ""):
                return self.ok(f"{name}={setting}")
        varied = situation.number("multi_scale") > 0 or (situation.value("rect") is True and situation.ranks == 1)
        torch = machine.version("torch")
        name = "PYTORCH_ALLOC_CONF" if torch is not None and torch >= self.renamed else "PYTORCH_CUDA_ALLOC_CONF"
        if varied:
            return self.warn(
                f"batches change their shape (multi_scale={situation.value('multi_scale')}, rect={situation.value('rect')}) "
                "and expandable_segments is not set",
                "The allocator's segments are split until none fits: out of memory with memory left.",
                None,
                f"export {name}=expandable_segments:True",
            )
        return self.ok("batches keep their shape; the allocator needs no setting")
