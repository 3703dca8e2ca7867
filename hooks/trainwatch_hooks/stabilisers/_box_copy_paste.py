"""Copy-paste for labels that are boxes: whole boxes of another image are pasted into this one.

Ultralytics' ``CopyPaste`` cuts objects out along their polygons and does nothing where there are none. This transform
takes the rectangle instead: more background comes along, and the label is exact. It stands between mosaic and the
affine transform, where all images are at the scale of ``imgsz``, so that a pasted object has a size that objects of
this data set have.

A box is taken if it is whole (does not touch the border of its image) and does not share its rectangle with another
object. It is pasted where it lies inside the image, off the grey margin that mosaic leaves, where it and the boxes
pasted before it hide no more than ``overlap`` of any object, and where no more than that of it lies on another object.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Boxes = npt.NDArray[np.float32]

TRIES: Final = 8
"""Places that are tried for one object before it is given up."""
SCALE_JITTER: Final = 0.1
"""A pasted object is at most this much larger or smaller than it was."""
MIN_SIDE: Final = 4
"""Objects with a side below this (pixels) are not pasted: a crop of them shows nothing."""
MARGIN_GREY: Final = 114
"""Grey level of the margin that mosaic and letterbox leave (Ultralytics 8.4 data/augment.py: Mosaic)."""


@dataclass(slots=True)
class BoxCopyPaste:
    """A transform in the place of ``CopyPaste``.

    Attributes:
        dataset: The data set that gives other images.
        p: Probability, for each object of the image, that one is pasted: the share by which the objects grow.
        overlap: Largest share of an object that pasted boxes may hide, and of a pasted box that may lie on an object.
        max_objects: An image with this many objects gets no more.
        feather: Width in pixels of the edge that fades into the background; 0: none.
        jitter: Largest relative change of size.
    """

    dataset: Any
    p: float
    overlap: float = 0.3
    max_objects: int = 100
    feather: int = 2
    jitter: float = SCALE_JITTER

    def __call__(self, labels: dict[str, Any]) -> dict[str, Any]:
        """Paste into an image; boxes come back as absolute xyxy, as mosaic leaves them.

        Args:
            labels: Ultralytics' dictionary: ``img`` of shape (height, width, channels), ``cls`` of shape (n, 1),
                ``instances``. ``img`` is copied before it is painted on: it may be the data set's cached one.
        """
        instances = labels["instances"]
        if len(instances.segments) or instances.keypoints is not None or "texts" in labels:
            return labels
        wanted = sum(random.random() < self.p for _ in range(len(instances)))
        wanted = min(wanted, self.max_objects - len(instances))
        if wanted <= 0:
            return labels
        image = labels["img"]
        height, width = image.shape[:2]
        instances.convert_bbox(format="xyxy")
        instances.denormalize(width, height)
        source = self.dataset.get_image_and_label(self._other())
        if source["img"].shape[2:] != image.shape[2:]:
            return labels
        boxes = _absolute(source)
        usable = whole(boxes, source["img"].shape[1], source["img"].shape[0], self.overlap)
        taken = random.sample(usable, min(wanted, len(usable)))
        image = image.copy()
        pasted: list[Boxes] = []
        classes: list[Any] = []
        hidden = np.zeros(len(instances), np.float32)
        for i in taken:
            crop, box = cut(source["img"], boxes[i], self._factor())
            if min(box[2] - box[0], box[3] - box[1]) < MIN_SIDE:
                continue
            existing = np.concatenate([instances.bboxes, *(b[None] for b in pasted)])
            place = self._place(image, crop, box, existing, hidden)
            if place is None:
                continue
            x, y = place
            moved = (box + np.array([x, y, x, y])).astype(np.float32)
            hidden = np.append(hidden + covered(moved, existing), 0).astype(np.float32)
            blend(image, crop, x, y, self.feather)
            pasted.append(moved)
            classes.append(source["cls"][i])
        if pasted:
            labels["img"] = image
            _append(labels, np.stack(pasted), np.stack(classes))
        return labels

    def _other(self) -> int:
        """Choose an image as mosaic does: one of those in memory, if not all of them are."""
        buffer = getattr(self.dataset, "buffer", None)
        if buffer and getattr(self.dataset, "cache", None) != "ram":
            return int(random.choice(list(buffer)))
        return random.randrange(len(self.dataset))

    def _factor(self) -> float:
        return random.uniform(1 - self.jitter, 1 + self.jitter) if self.jitter else 1.0

    def _place(
        self, image: Any, crop: Any, box: Boxes, existing: Boxes, hidden: npt.NDArray[np.float32]
    ) -> tuple[int, int] | None:
        height, width = image.shape[:2]
        free_y, free_x = height - crop.shape[0], width - crop.shape[1]
        if free_x < 0 or free_y < 0:
            return None
        for _ in range(TRIES):
            x, y = random.randint(0, free_x), random.randint(0, free_y)
            moved = box + np.array([x, y, x, y], np.float32)
            hides = (hidden + covered(moved, existing)).max(initial=0.0)
            # A small rectangle in the middle of an object hides little of it, but punches a hole.
            lies_on = max((float(covered(other, moved[None])[0]) for other in existing), default=0.0)
            if max(hides, lies_on) <= self.overlap and not on_margin(image, crop, x, y):
                return x, y
        return None


def covered(box: Boxes, others: Boxes) -> npt.NDArray[np.float32]:
    """Return which share of each other box a box covers.

    Args:
        box: xyxy, shape (4,).
        others: xyxy, shape (n, 4).
    """
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    inside = (high - low).clip(0).prod(axis=1)
    area = (others[:, 2:] - others[:, :2]).prod(axis=1)
    share: npt.NDArray[np.float32] = inside / np.maximum(area, 1e-6)
    return share


def whole(boxes: Boxes, width: int, height: int, overlap: float) -> list[int]:
    """Return the boxes that lie off the border and share their rectangle with no other.

    Args:
        boxes: xyxy in pixels, shape (n, 4).
        width: Width of their image.
        height: Height of it.
        overlap: Largest share of one that may lie in the rectangle of another.
    """
    inside = (boxes[:, :2] >= 1).all(axis=1) & (boxes[:, 2:] <= [width - 1, height - 1]).all(axis=1)
    kept = []
    for i in np.flatnonzero(inside):
        others = np.delete(boxes, i, axis=0)
        shared = [*covered(boxes[i], others), *(covered(other, boxes[i : i + 1])[0] for other in others)]
        if max(shared, default=0.0) <= overlap:
            kept.append(int(i))
    return kept


def cut(image: Any, box: Boxes, factor: float) -> tuple[Any, Boxes]:
    """Cut the whole pixels that a box touches and resize them.

    Args:
        image: Shape (height, width, channels).
        box: xyxy in pixels, inside the image.
        factor: Change of size.

    Returns:
        The crop, and the box relative to its upper left corner.
    """
    import cv2

    left, top = int(np.floor(box[0])), int(np.floor(box[1]))
    right, bottom = int(np.ceil(box[2])), int(np.ceil(box[3]))
    crop = image[top:bottom, left:right]
    height, width = crop.shape[:2]
    new_width, new_height = max(round(width * factor), 1), max(round(height * factor), 1)
    if (new_width, new_height) != (width, height) and crop.size:
        crop = cv2.resize(crop, (new_width, new_height), interpolation=cv2.INTER_LINEAR)
        crop = crop[..., None] if crop.ndim == 2 else crop
    ratio = np.array([new_width / max(width, 1), new_height / max(height, 1)] * 2, np.float32)
    relative: Boxes = (box - np.array([left, top, left, top], np.float32)) * ratio
    return crop, relative


def on_margin(image: Any, crop: Any, x: int, y: int) -> bool:
    """Whether a corner or the middle of the place is the grey of a margin."""
    height, width = crop.shape[:2]
    ys, xs = (y, y + height // 2, y + height - 1), (x, x + width // 2, x + width - 1)
    points = [(ys[0], xs[0]), (ys[0], xs[2]), (ys[1], xs[1]), (ys[2], xs[0]), (ys[2], xs[2])]
    return any((image[point] == MARGIN_GREY).all() for point in points)


def blend(image: Any, crop: Any, x: int, y: int, feather: int) -> None:
    """Paint a crop into an image (in place); its outermost ``feather`` pixels fade in.

    Args:
        image: Shape (height, width, channels).
        crop: Shape (height, width, channels), inside the image.
        x: Left edge.
        y: Upper edge.
        feather: Pixels.
    """
    height, width = crop.shape[:2]
    target = image[y : y + height, x : x + width]
    if not feather:
        target[...] = crop
        return
    down, along = (np.minimum(np.arange(n), np.arange(n)[::-1]) + 1 for n in (height, width))
    share = (np.minimum.outer(down, along) / (feather + 1)).clip(max=1.0)[..., None]
    target[...] = (crop * share + target * (1 - share)).round().astype(image.dtype)


def insert(pipeline: Any, transform: BoxCopyPaste) -> bool:
    """Put the transform before the affine one, wherever in the compositions it stands; say whether it was found."""
    steps = getattr(pipeline, "transforms", None)
    if not isinstance(steps, list):
        return False
    for i, step in enumerate(steps):
        if any(c.__name__ == "RandomPerspective" for c in type(step).__mro__):
            steps.insert(i, transform)
            return True
        if insert(step, transform):
            return True
    return False


def _absolute(labels: dict[str, Any]) -> Boxes:
    instances = labels["instances"]
    instances.convert_bbox(format="xyxy")
    instances.denormalize(labels["img"].shape[1], labels["img"].shape[0])
    boxes: Boxes = instances.bboxes
    return boxes


def _append(labels: dict[str, Any], boxes: Boxes, classes: Sequence[Any] | Any) -> None:
    from ultralytics.utils.instance import Instances

    own = labels["instances"]
    none = np.zeros((0, *own.segments.shape[1:]), np.float32)
    new = Instances(boxes.astype(own.bboxes.dtype), none, bbox_format="xyxy", normalized=False)
    labels["instances"] = Instances.concatenate([own, new], axis=0)
    labels["cls"] = np.concatenate([labels["cls"], classes.astype(labels["cls"].dtype)], axis=0)  # type: ignore[union-attr]
