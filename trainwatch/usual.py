"""Usual values of Ultralytics' training arguments: what its own tuner searches, its defaults, rates that optimizers take.

Sources: Ultralytics 8.4 engine/tuner.py (ranges), cfg/default.yaml (defaults). Rates: SGD 0.01 * batch / 64 is the conservative
rule of the article behind "seven techniques" (32 gives 0.005); Adam-like 0.001: comment in cfg/default.yaml, Ultralytics
fine-tuning guide, PR 24164; PyTorch's RMSprop adds up steps as long as Adam's undamped, so that each becomes
1 / (1 - momentum) times as long.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

RANGES: Final[Mapping[str, tuple[float, float]]] = MappingProxyType({
    "momentum": (0.7, 0.98), "box": (1.0, 20.0), "cls": (0.1, 4.0), "dfl": (0.4, 12.0), "hsv_h": (0.0, 0.1),
    "hsv_s": (0.0, 0.9), "hsv_v": (0.0, 0.9), "degrees": (0.0, 45.0), "translate": (0.0, 0.9), "scale": (0.0, 0.95),
    "shear": (0.0, 10.0), "perspective": (0.0, 0.001),
})  # fmt: skip
"""Argument and the range that Ultralytics' tuner searches."""

DEFAULTS: Final[Mapping[str, Any]] = MappingProxyType({
    "momentum": 0.937, "weight_decay": 0.0005, "box": 7.5, "cls": 0.5, "dfl": 1.5, "hsv_h": 0.015, "hsv_s": 0.7, "hsv_v": 0.4,
    "degrees": 0.0, "translate": 0.1, "scale": 0.5, "shear": 0.0, "perspective": 0.0, "mixup": 0.0, "cutmix": 0.0,
    "freeze": None,
})  # fmt: skip
"""Argument and Ultralytics' default."""

SGD_LR_AT_64: Final = 0.01
"""Usual largest lr0 of SGD and MuSGD with 64 images per optimizer step."""
ADAM_LR: Final = 0.001
"""Usual largest lr0 of Adam, AdamW, NAdam, RAdam and Adamax."""


def usual_lr(optimizer: str, *, momentum: float | None = None, images: int | None = None) -> float:
    """Return the usual largest ``lr0`` of an optimizer.

    Args:
        optimizer: As Ultralytics spells it, in any case.
        momentum: In force; None: the default.
        images: Images per optimizer step; None, or more than 64: 64.
    """
    name = optimizer.lower()
    if name == "rmsprop":
        return ADAM_LR * (1 - (DEFAULTS["momentum"] if momentum is None or not 0 <= momentum < 1 else momentum))
    if "adam" in name:
        return ADAM_LR
    return SGD_LR_AT_64 * min(1.0, images / 64) if images else SGD_LR_AT_64
