"""Small data sets for the tasks beside detection, made from the same shapes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from shapes import CLASSES, make_dataset


def make_task_data(task: str, folder: Path) -> Path:
    """Write 16 training and 8 validation images of 64 pixels for ``segment``, ``pose``, ``obb`` or ``classify``.

    Returns:
        What ``data=`` takes: ``data.yaml``, for ``classify`` the folder.
    """
    if task == "classify":
        return _classes(folder)
    yaml = make_dataset(folder, train=16, val=8, size=64, polygons=True)
    if task == "segment":
        return yaml
    for file in (folder / "labels").rglob("*.txt"):
        lines = [_line(task, *line.split(maxsplit=1)) for line in file.read_text().splitlines()]
        file.write_text("".join(f"{line}\n" for line in lines))
    if task == "pose":
        yaml.write_text(yaml.read_text() + "kpt_shape: [2, 3]\n")
    return yaml


def _line(task: str, kind: str, outline: str) -> str:
    points = np.array(outline.split(), float).reshape(-1, 2)
    low, high = points.min(axis=0), points.max(axis=0)
    if task == "obb":
        corners = np.array([low, [high[0], low[1]], high, [low[0], high[1]]])
        return f"{kind} " + " ".join(f"{v:.5f}" for v in corners.reshape(-1))
    keypoints = [(*points[0], 2), (*((low + high) / 2), 2)]
    box = (*((low + high) / 2), *(high - low))
    return f"{kind} " + " ".join(f"{v:.5f}" for v in (*box, *(v for p in keypoints for v in p)))


def _classes(folder: Path) -> Path:
    import cv2

    rng = np.random.default_rng(0)
    for split, count in (("train", 8), ("val", 4)):
        for kind, name in enumerate(CLASSES):
            (folder / split / name).mkdir(parents=True, exist_ok=True)
            for i in range(count):
                image = rng.normal(60 * (kind + 1), 20, (64, 64, 3)).clip(0, 255).astype(np.uint8)
                cv2.imwrite(str(folder / split / name / f"{i}.png"), image)
    return folder
