"""Made-up situations for the checks before a training: machines that nobody here has."""

from __future__ import annotations

from typing import Any

from trainwatch.doctor._installed import FALLBACK
from trainwatch.doctor._situation import DataSet, Gpu, Machine, Model, Situation, Split
from trainwatch.doctor.base import Check, Line
from trainwatch.registry import member

GIB = 2**30

T4 = Gpu("Tesla T4", 15 * GIB, 15 * GIB, (7, 5))
A100 = Gpu("NVIDIA A100-SXM4-80GB", 80 * GIB, 80 * GIB, (8, 0))
H100 = Gpu("NVIDIA H100 80GB HBM3", 80 * GIB, 80 * GIB, (9, 0))
GTX1660 = Gpu("NVIDIA GeForce GTX 1660 Ti", 6 * GIB, 6 * GIB, (7, 5))
V100 = Gpu("Tesla V100-SXM2-16GB", 16 * GIB, 16 * GIB, (7, 0))

VERSIONS = {
    "python": "3.11.7", "ultralytics": "8.4.190", "torch": "2.14.1", "torchvision": "0.29.1", "cloudpickle": "3.1.2",
}  # fmt: skip


def machine(*gpus: Gpu, **changes: Any) -> Machine:
    """A roomy server with these GPUs, the current versions, and nothing wrong."""
    usual: dict[str, Any] = {
        "system": "Linux", "cpu_count": 64, "cpu_usable": 64.0, "memory_limit_bytes": 256 * GIB,
        "memory_available_bytes": 250 * GIB, "shm_total_bytes": 128 * GIB, "shm_free_bytes": 128 * GIB,
        "disk_free_bytes": 500 * GIB, "disk_path": "runs", "gpus": gpus, "gpu_note": "nvidia-smi",
        "versions": VERSIONS, "torch_cuda": "13.0",
    }  # fmt: skip
    return Machine(**{**usual, **changes})


def without(*packages: str, **changed: str) -> dict[str, str]:
    """Versions without some packages, or with others."""
    return {**{k: v for k, v in VERSIONS.items() if k not in packages}, **changed}


def split(name: str = "train", images: int = 5000, **changes: Any) -> Split:
    """A sound split with boxes, three classes and images of 640 by 480 pixels."""
    usual: dict[str, Any] = {
        "images": images, "read": images, "box_files": images, "objects": 6 * images,
        "instances": {0: 2 * images, 1: 2 * images, 2: 2 * images}, "most_objects": 12,
        "fullest": f"/d/images/{name}/7.jpg", "sizes": ((640, 480),) * 8,
    }  # fmt: skip
    return Split(name=name, **{**usual, **changes})


def data(train: Split | None = None, val: Split | None = None, **changes: Any) -> DataSet:
    """A sound data set of 5000 training and 500 validation images."""
    usual: dict[str, Any] = {"path": "d.yaml", "names": {0: "car", 1: "bus", 2: "dog"}}
    return DataSet(train=train or split(), val=val or split("val", 500), **{**usual, **changes})


def polygons(images: int = 5000) -> Split:
    """A training split of polygons."""
    return split(images=images, box_files=0, polygon_files=images)


GOOD: dict[str, Any] = {
    "epochs": 600, "batch": 16, "nbs": 64, "optimizer": "SGD", "lr0": 0.01, "warmup_epochs": 10, "device": 0,
}  # fmt: skip


def situation(
    *gpus: Gpu, on: Machine | None = None, of: Any = "good", model: Model | None = None, **args: Any
) -> Situation:
    """A sound training on an A100, or on these GPUs.

    Args:
        gpus: Devices; none given: one A100.
        on: The whole machine, instead.
        of: The data set; None: none was named.
        model: What is trained.
        args: Arguments asked for, over a sound 600-epoch recipe; the value ``...`` takes one away.
    """
    given = {k: v for k, v in {**GOOD, **args}.items() if v is not ...}
    return Situation(
        requested=given,
        defaults=FALLBACK,
        machine=on or machine(*(gpus or (A100,))),
        model=model or Model("yolo12n.yaml", True, "n", 2_602_288, "detect", "trainer"),
        data=data() if of == "good" else of,
    )


def judge(id: str, about: Situation) -> list[Line]:
    """What one check says."""
    return member("trainwatch.doctor", Check, id).judge(about)


def states(id: str, about: Situation) -> list[str]:
    """The states of what one check says."""
    return [line.state for line in judge(id, about)]
