"""Trainers that record themselves: for several GPUs with an Ultralytics before 8.4.140.

    from trainwatch_hooks.trainers.ultralytics_ddp import DetectionTrainer
    YOLO("yolo12n.yaml").train(trainer=DetectionTrainer, data="data.yaml", device=[0, 1])

Those versions start the ranks from the name of the trainer's class and forget all callbacks, ``watch()``'s, too (newer ones
hand them on). Each class here is Ultralytics' own of that name, recorded as soon as it is made.
"""

from __future__ import annotations

import importlib
from typing import Any, Final

from trainwatch_hooks.trainers.ultralytics import is_recorded, record

TRAINERS: Final = {
    "DetectionTrainer": "ultralytics.models.yolo.detect",
    "SegmentationTrainer": "ultralytics.models.yolo.segment",
    "PoseTrainer": "ultralytics.models.yolo.pose",
    "OBBTrainer": "ultralytics.models.yolo.obb",
    "ClassificationTrainer": "ultralytics.models.yolo.classify",
    "RTDETRTrainer": "ultralytics.models.rtdetr",
}
"""Name of the class and where Ultralytics keeps it."""


def __getattr__(name: str) -> Any:
    """Make a class the first time it is asked for."""
    if name not in TRAINERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(TRAINERS)}")
    base = getattr(importlib.import_module(TRAINERS[name]), name)

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        base.__init__(self, *args, **kwargs)
        if not is_recorded(self):  # newer versions hand the callbacks on, and the first has been called by now
            record(self)

    made = type(name, (base,), {"__init__": __init__, "__module__": __name__, "__doc__": base.__doc__})
    globals()[name] = made  # the ranks import it by this name
    return made
