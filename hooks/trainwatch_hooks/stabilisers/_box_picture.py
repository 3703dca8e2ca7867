"""A picture of what box copy-paste does to the images of a data set, to look at before a long training."""

from __future__ import annotations

import random
import time
from copy import copy
from pathlib import Path
from typing import Any, Final

import numpy as np

from trainwatch_hooks.stabilisers._box_copy_paste import BoxCopyPaste

PICTURE_TILES: Final = 16
PICTURE_TILE: Final = 320
PICTURE_TRIES: Final = 96
PICTURE_SECONDS: Final = 5.0
OWN, PASTED = (90, 200, 90), (0, 140, 255)
"""Colours (BGR) of boxes that the image had, and of pasted ones."""


def before_affine(pipeline: Any) -> list[Any]:
    """Return the steps of the composition that holds a :class:`BoxCopyPaste`, up to it."""
    steps: Any = getattr(pipeline, "transforms", None)
    for i, step in enumerate(steps if isinstance(steps, list) else []):
        if isinstance(step, BoxCopyPaste):
            return list(steps[: i + 1])
        found = before_affine(step)
        if found:
            return found
    return []


def picture(dataset: Any, path: Path, seed: int = 0) -> int:
    """Write a grid of images as they are after mosaic and pasting, pasted boxes in orange, and say how many they are.

    The random state and the data set's buffer are left as they were.

    Args:
        dataset: The data set, the transform among its transforms.
        path: Where to write.
        seed: Seed of the choice.
    """
    import cv2

    steps = before_affine(dataset.transforms)
    if not steps or not len(dataset):
        return 0
    clone = _apart(dataset)
    steps = [_with(step, clone) for step in steps]
    state, state_numpy = random.getstate(), np.random.get_state()
    tiles: list[Any] = []
    shown = 0
    until = time.perf_counter() + PICTURE_SECONDS
    try:
        random.seed(seed)
        np.random.seed(seed)
        for i in random.sample(range(len(clone)), min(len(clone), PICTURE_TILES)):
            clone.load_image(i)  # mosaic and pasting choose among the images in memory
        for _ in range(PICTURE_TRIES):
            if len(tiles) == PICTURE_TILES or time.perf_counter() > until:
                break
            labels = clone.get_image_and_label(random.randrange(len(clone)))
            for step in steps[:-1]:
                labels = step(labels)
            own = len(labels["instances"])
            labels = steps[-1](labels)
            if len(labels["instances"]) > own and labels["img"].shape[2] == 3:
                tiles.append(_tile(labels, own))
                shown += len(labels["instances"]) - own
    finally:
        random.setstate(state)
        np.random.set_state(state_numpy)
    if not tiles:
        return 0
    columns = min(len(tiles), 4)
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)]
    path.parent.mkdir(parents=True, exist_ok=True)
    return shown if cv2.imwrite(str(path), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 85]) else 0


def _tile(labels: dict[str, Any], own: int) -> Any:
    import cv2

    image = labels["img"]
    factor = PICTURE_TILE / max(image.shape[:2])
    tile = np.full((PICTURE_TILE, PICTURE_TILE, 3), 255, np.uint8)
    small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA if factor < 1 else 0)
    small = np.ascontiguousarray(small)
    for i, box in enumerate(labels["instances"].bboxes * factor):
        colour = OWN if i < own else PASTED
        left, top, right, bottom = (round(float(v)) for v in box)
        cv2.rectangle(small, (left, top), (right, bottom), colour, 1 if i < own else 2)
        name = str(int(labels["cls"][i][0]))
        cv2.putText(small, name, (left + 2, top + 11), cv2.FONT_HERSHEY_SIMPLEX, 0.4, colour, 1, cv2.LINE_AA)
    height, width = min(small.shape[0], PICTURE_TILE), min(small.shape[1], PICTURE_TILE)
    tile[:height, :width] = small[:height, :width]
    tile[[0, -1]] = tile[:, [0, -1]] = 255
    return tile


def _apart(dataset: Any) -> Any:
    """Return the data set with a buffer and images of its own."""
    clone = copy(dataset)
    for name in ("buffer", "ims", "im_hw0", "im_hw"):
        if isinstance(getattr(clone, name, None), list):
            setattr(clone, name, list(getattr(clone, name)))
    return clone


def _with(step: Any, dataset: Any) -> Any:
    step = copy(step)
    step.dataset = dataset
    return step
