"""Which attention the GPU can run: flash-attn, or torch's own.

What it does:
    Compares the GPU's generation with what flash-attn 2 needs, and looks for a flash-attn that is known not to learn.
    Only for YOLO12, the family with attention in its backbone.

Why it matters:
    flash-attn 2 does not run on Turing (T4, RTX 20, GTX 16) or older. The third-party build for Turing knows head
    dimensions 64 and 128 only; in YOLO12 it is 32 at every scale. Ultralytics' YOLO12 calls neither flash-attn nor
    ``scaled_dot_product_attention``: its attention is a plain softmax, whatever is installed.

How it decides:
    Compute capability below ``needs`` (8.0): flash-attn cannot run; a warning if it is installed all the same.
    flash-attn 2.7.4 on Windows: bad, because a user's training with that wheel did not converge.

What to do:
    Below sm_80: remove flash-attn; the stabiliser ``attention`` uses PyTorch's SDPA, which gives the same numbers (to
    2e-7) with whatever kernel the GPU has. At 640 pixels an area of attention holds 400 positions, at 1280 pixels
    1600: the gain grows with the image.

References:
    Dao-AILab flash-attention issues 720, 542, 762 (Turing), pull request 2379 (head dimensions of the Turing build);
    YOLOv12 authors' repository, issue 78 (Windows wheel 2.7.4); Ultralytics 8.4.190 nn/modules/block.py, AAttn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainwatch.doctor._situation import Situation
from trainwatch.doctor.base import Check, Line


@dataclass(frozen=True)
class AttentionKernel(Check):
    """The GPU's generation against flash-attn.

    Attributes:
        needs: Least compute capability of flash-attn 2.
        head_dim: Head dimension of YOLO12, all scales.
        not_learning: flash-attn version that trained without converging on Windows.
    """

    title: ClassVar[str] = "Attention that the GPU can run"

    needs: tuple[int, int] = (8, 0)
    head_dim: int = 32
    not_learning: tuple[int, ...] = (2, 7, 4)

    def judge(self, situation: Situation) -> list[Line]:
        """Return one line for a YOLO12, none for other models."""
        if not situation.model.yolo12:
            return []
        machine, flash = situation.machine, situation.machine.version("flash-attn")
        if flash is not None and machine.system == "Windows" and flash[:3] == self.not_learning:
            return self.bad(
                f"flash-attn {machine.versions['flash-attn']} on Windows",
                "A training with this wheel ran without converging; without it the same training did.",
                None,
                "pip uninstall flash-attn",
            )
        gpus = situation.gpus
        if gpus is None or any(g.capability is None for g in gpus):
            reason = machine.gpu_note if gpus is None else "the driver does not tell the compute capability"
            return self.unknown(f"could not tell whether the GPU can run flash-attn: {reason}")
        if not gpus:
            return self.ok("no CUDA device trains; there is no attention kernel to choose")
        old = sorted({f"{g.name} ({g.sm})" for g in gpus if g.capability is not None and g.capability < self.needs})
        if not old:
            names = ", ".join(sorted({f"{g.name} ({g.sm})" for g in gpus}))
            has = "installed" if flash else "not installed; torch's scaled_dot_product_attention does the same"
            return self.ok(f"{names} can run flash-attn 2 ({has})")
        found = (
            f"{', '.join(old)} cannot run flash-attn 2, which needs sm_{self.needs[0]}{self.needs[1]}; builds for Turing "
            f"do not know YOLO12's head dimension {self.head_dim}"
        )
        if flash is None:
            return self.ok(f"{found}; torch's scaled_dot_product_attention runs there")
        return self.warn(
            f"{found}, but flash-attn {machine.versions['flash-attn']} is installed",
            "Code that prefers flash-attn fails at its first step; scaled_dot_product_attention gives the same numbers.",
            None,
            "pip uninstall flash-attn",
        )
