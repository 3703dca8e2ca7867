"""Whether half precision is safe on this GPU.

What it does:
    Compares the GPU's name with the cards that return NaN from half-precision convolutions, ``amp=bf16`` with the
    GPU's generation, and says what is lost without the gradient scaler.

Why it matters:
    On the GTX 16 series and some Quadro and T cards every loss is NaN from the first step. And only ``amp=True`` has a
    scaler that skips a step with an infinite gradient: with ``amp=False`` or ``amp=bf16`` one NaN in a gradient turns
    the whole model into NaN in one step.

How it decides:
    The trainer's own list of names (``names``). bfloat16 needs compute capability ``bfloat16_needs`` (8.0).

What to do:
    A listed card: ``amp=False``, and count on twice the memory. Another card: ``amp=True``. With ``amp=False`` let
    something look at the gradients before each step.

References:
    Ultralytics 8.4.190 utils/checks.py, check_amp; issues 1655, 1148, 17812, 2731 (zero loss there even without AMP);
    torch/amp/grad_scaler.py. One NaN gradient was measured to spoil all weights: clip_grad_norm_ has
    error_if_nonfinite=False.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from trainwatch.doctor._situation import Situation
from trainwatch.doctor.base import Check, Line


@dataclass(frozen=True)
class HalfPrecision(Check):
    """AMP against the GPU.

    Attributes:
        names: Pattern of the cards on which half precision fails, from the trainer.
        bfloat16_needs: Least compute capability with bfloat16 in hardware.
    """

    title: ClassVar[str] = "Half precision on this GPU"

    names: str = r"(nvidia|geforce|quadro|tesla).*?(1660|1650|1630|t400|t550|t600|t1000|t1200|t2000|k40m)"
    bfloat16_needs: tuple[int, int] = (8, 0)

    def judge(self, situation: Situation) -> list[Line]:
        """Return one line where a GPU trains, or may train."""
        amp = str(situation.value("amp")).lower()
        gpus = situation.gpus
        if gpus is None:
            return self.unknown(f"could not tell whether half precision works here: {situation.machine.gpu_note}")
        if not gpus:
            return []
        listed = sorted({g.name for g in gpus if re.search(self.names, g.name, re.IGNORECASE)})
        if listed:
            if amp in ("false", "fp32"):
                return self.ok(
                    f"{', '.join(listed)}: half precision fails on it, and amp={situation.value('amp')} avoids it"
                )
            return self.bad(
                f"{', '.join(listed)} with amp={situation.value('amp')}",
                "Half-precision convolutions return NaN on this card; the trainer turns AMP off for it, which doubles the "
                "memory that was planned for.",
                {"amp": False},
            )
        if amp == "bf16":
            old = sorted({f"{g.name} ({g.sm})" for g in gpus if g.capability and g.capability < self.bfloat16_needs})
            if old:
                return self.bad(
                    f"amp=bf16 on {', '.join(old)}",
                    "bfloat16 is in hardware from sm_80 on; before that it is slow or fails.",
                    {"amp": True},
                )
            return self.ok("amp=bf16: no overflow, but also no scaler that would skip a step with a NaN gradient")
        if amp in ("false", "fp32"):
            return self.warn(
                f"amp={situation.value('amp')} on {gpus[0].name}",
                "Without the gradient scaler nothing skips a step with a NaN gradient, and one of them turns the whole "
                "model into NaN.",
                {"amp": True},
            )
        return self.ok(f"amp=True on {gpus[0].name}: the scaler skips steps with an infinite gradient")
