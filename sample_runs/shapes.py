"""A small detection data set: coloured shapes on noise, in YOLO's layout, the same for the same seed."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

CLASSES = ("disc", "square", "triangle")


def make_dataset(
    folder: Path, *, train: int = 64, val: int = 32, size: int = 96, polygons: bool = True, seed: int = 0
) -> Path:
    """Write images and labels and return the path of ``data.yaml``.

    Args:
        folder: Folder to fill.
        train: Training images.
        val: Validation images.
        size: Width and height in pixels.
        polygons: Labels are polygons (which copy_paste can use), otherwise boxes.
        seed: Seed of the whole set.
    """
    rng = np.random.default_rng(seed)
    for split, count in (("train", train), ("val", val)):
        images, labels = folder / "images" / split, folder / "labels" / split
        images.mkdir(parents=True, exist_ok=True)
        labels.mkdir(parents=True, exist_ok=True)
        for i in range(count):
            image, lines = _image(rng, size, polygons)
            cv2.imwrite(str(images / f"{i:04d}.png"), image)
            (labels / f"{i:04d}.txt").write_text("".join(f"{line}\n" for line in lines))
    names = "".join(f"  {i}: {name}\n" for i, name in enumerate(CLASSES))
    yaml = folder / "data.yaml"
    yaml.write_text(f"path: {folder.resolve()}\ntrain: images/train\nval: images/val\nnames:\n{names}")
    return yaml


def _image(rng: np.random.Generator, size: int, polygons: bool) -> tuple[npt.NDArray[np.uint8], list[str]]:
    image = rng.normal(90, 22, (size, size, 3)).clip(0, 255).astype(np.uint8)
    lines = []
    for _ in range(int(rng.integers(1, 5))):
        kind = int(rng.integers(len(CLASSES)))
        radius = rng.uniform(0.08, 0.2) * size
        centre = rng.uniform(radius, size - radius, 2)
        outline = _outline(kind, radius, float(rng.uniform(0, np.pi))) + centre
        colour = [int(c) for c in rng.integers(130, 256, 3)]
        cv2.fillPoly(image, [outline.round().astype(np.int32)], colour, lineType=cv2.LINE_AA)
        inside = (outline / size).clip(0, 1)
        if polygons:
            lines.append(f"{kind} " + " ".join(f"{v:.5f}" for v in inside.reshape(-1)))
        else:
            low, high = inside.min(axis=0), inside.max(axis=0)
            lines.append(f"{kind} " + " ".join(f"{v:.5f}" for v in (*(low + high) / 2, *(high - low))))
    return image, lines


def _outline(kind: int, radius: float, turn: float) -> npt.NDArray[np.float64]:
    corners = (16, 4, 3)[kind]
    angle = turn + np.arange(corners) * 2 * np.pi / corners
    return radius * np.column_stack([np.cos(angle), np.sin(angle)])
