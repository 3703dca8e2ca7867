"""Loss components and the gains in force on them, for any Ultralytics task.

Columns: ``loss``, ``loss/<component>``, ``gain/<component>``. Cost: about 2 us a step; no synchronisation (tensors
are handed on).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

GAIN_ARGUMENT: Final[Mapping[str, str]] = {
    "box_loss": "box",
    "seg_loss": "box",
    "sem_loss": "box",
    "cls_loss": "cls",
    "dfl_loss": "dfl",
    "l1_loss": "dfl",
    "pose_loss": "pose",
    "kobj_loss": "kobj",
    "rle_loss": "rle",
    "angle_loss": "angle",
}
"""Which trainer argument multiplies a component (Ultralytics 8.4 utils/loss.py: v8*Loss classes)."""

RTDETR_COMPONENT: Final = "giou_loss"
"""Only RT-DETR has it; its loss has weights of its own and reads no gain (models/utils/loss.py: DETRLoss.loss_gain)."""

UNGAINED_TASKS: Final = frozenset({"classify", "semantic", "depth"})
"""Tasks whose components have no runtime gain."""


def components(items: Any, names: tuple[str, ...] | list[str]) -> dict[str, Any]:
    """Return component name to 0-d tensor.

    Args:
        items: ``trainer.loss_items``: a dict since Ultralytics 8.4.104, before it a 1-D tensor.
        names: ``trainer.loss_names``, the order of such a tensor.
    """
    if items is None:
        return {}
    if isinstance(items, Mapping):
        return dict(items)
    flat = items.reshape(-1)
    return {name: flat[i] for i, name in enumerate(names) if i < flat.shape[0]}


def gains(names: list[str], args: Any, task: str | None) -> dict[str, float]:
    """Return the gain in force per component; components without a runtime gain are left out."""
    if task in UNGAINED_TASKS or RTDETR_COMPONENT in names:
        return {}
    found = {}
    for name in names:
        value = getattr(args, GAIN_ARGUMENT.get(name, ""), None)
        if isinstance(value, int | float):
            found[name] = float(value)
    return found
