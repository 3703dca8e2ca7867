"""What was in the micro-batch: images, labelled objects, width.

Columns: ``batch_size``, ``instances``, ``image_size``. Cost: below 1 us; shapes only, no tensor is read.
"""

from __future__ import annotations

from typing import Any


def read(batch: Any, world_size: int = 1) -> dict[str, float]:
    """Return the columns for an Ultralytics batch.

    Args:
        batch: Dict with ``img`` of shape (b, c, h, w) and, for most tasks, ``bboxes`` and ``cls`` of length n.
        world_size: Ranks that take part, each with a batch like this.
    """
    row: dict[str, float] = {}
    images = batch.get("img")
    if images is not None:
        row["batch_size"] = float(images.shape[0] * max(world_size, 1))
        row["image_size"] = float(images.shape[-1])
    if "bboxes" in batch and "cls" in batch:
        row["instances"] = float(batch["cls"].shape[0])
    return row
