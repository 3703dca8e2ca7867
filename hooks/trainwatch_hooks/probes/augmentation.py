"""The augmentation in force, from the objects that do it.

Columns, per epoch: ``augment/<name>`` for mosaic, mixup, cutmix, copy_paste, box_copy_paste (ours), degrees,
translate, scale, shear, perspective, fliplr, flipud, hsv_h, hsv_s, hsv_v. They are read from the data set's transforms
and never from ``trainer.args``: the transforms are built from a copy of the arguments, and a change of the arguments
while the training runs changes nothing. After ``close_mosaic`` they are therefore 0, whatever the arguments say. A
``copy_paste`` above 0 is what the transform would do; on labels without polygons it does nothing.

Cost: about 0.1 ms an epoch; nothing is called, only attributes are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

ATTRIBUTES: Final[Mapping[str, Mapping[str, str]]] = {
    "Mosaic": {"mosaic": "p"},
    "MixUp": {"mixup": "p"},
    "CutMix": {"cutmix": "p"},
    "CopyPaste": {"copy_paste": "p"},
    "BoxCopyPaste": {"box_copy_paste": "p"},
    "RandomPerspective": {n: n for n in ("degrees", "translate", "scale", "shear", "perspective")},
    "RandomHSV": {"hsv_h": "hgain", "hsv_s": "sgain", "hsv_v": "vgain"},
}
"""Class of a transform -> column -> its attribute (Ultralytics 8.4 data/augment.py)."""

FLIPS: Final[Mapping[str, str]] = {"horizontal": "fliplr", "vertical": "flipud"}

MAX_DEPTH: Final = 8
"""Compositions of compositions are followed this deep."""


def read(dataset: Any) -> dict[str, float]:
    """Return the columns without their family, by name.

    Args:
        dataset: The training data set; one without such transforms (classification, a foreign one) gives nothing.
    """
    found: dict[str, float] = {}
    for step in _flat(getattr(dataset, "transforms", None)):
        kinds = [c.__name__ for c in type(step).__mro__]
        wanted = next((ATTRIBUTES[k] for k in kinds if k in ATTRIBUTES), {})
        if "RandomFlip" in kinds and (flip := FLIPS.get(str(getattr(step, "direction", "")))):
            wanted = {flip: "p"}
        for name, attribute in wanted.items():
            value = getattr(step, attribute, None)
            if isinstance(value, int | float):
                found[name] = float(value)
    if found:
        found.setdefault("box_copy_paste", 0.0)
    return found


def _flat(pipeline: Any, depth: int = 0) -> Iterator[Any]:
    """Yield the steps that an image passes; what is mixed into it has been through the same ones."""
    steps = getattr(pipeline, "transforms", None)
    if not isinstance(steps, list | tuple) or depth > MAX_DEPTH:
        return
    for step in steps:
        yield step
        yield from _flat(step, depth + 1)
