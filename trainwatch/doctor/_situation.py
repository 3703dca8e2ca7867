"""The facts that the checks judge: gathered once, frozen, and made up in tests.

::

    Situation
    ├── requested, defaults     what was asked for, and the trainer's own default for everything else
    ├── Machine                 hardware, limits, versions, environment
    │   └── Gpu
    ├── Model                   family, scale, size
    └── DataSet
        └── Split               what the label files of train and val hold
            └── Fault           why the trainer would throw an image away

None everywhere means "could not tell".
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Gpu:
    """One CUDA device: its name, memory in bytes, and compute capability, e.g. ``(7, 5)`` for sm_75."""

    name: str
    total_bytes: int
    free_bytes: int | None = None
    capability: tuple[int, int] | None = None

    @property
    def sm(self) -> str:
        """The capability as the compiler writes it, e.g. ``sm_75``."""
        return "sm_?" if self.capability is None else f"sm_{self.capability[0]}{self.capability[1]}"


@dataclass(frozen=True)
class Machine:
    """Where the training will run.

    Attributes:
        system: ``Linux``, ``Windows`` or ``Darwin``.
        cpu_count: Cores that the operating system names; the trainer divides these among its workers.
        cpu_usable: Cores that this process may use (affinity, container quota).
        memory_limit_bytes: Memory that this process may use: the machine's, or its container's.
        memory_available_bytes: Of that, free now.
        shm_total_bytes: Size of /dev/shm.
        shm_free_bytes: Of that, free now.
        disk_free_bytes: Free where the run folder will be.
        disk_path: The folder that was asked.
        data_disk_free_bytes: Free where the images are; None where that is not known.
        same_disk: Images and run folder share one file system.
        gpus: Visible CUDA devices; empty: there are none.
        gpu_note: How the devices were found, or why not.
        in_container: In Docker, Podman or Kubernetes.
        environment: The variables that a check reads, as set.
        versions: Version by distribution name, of what is installed.
        torch_cuda: CUDA version of the installed torch; empty: a build without CUDA.
    """

    system: str = "Linux"
    cpu_count: int | None = None
    cpu_usable: float | None = None
    memory_limit_bytes: int | None = None
    memory_available_bytes: int | None = None
    shm_total_bytes: int | None = None
    shm_free_bytes: int | None = None
    disk_free_bytes: int | None = None
    disk_path: str = "."
    data_disk_free_bytes: int | None = None
    same_disk: bool = True
    gpus: tuple[Gpu, ...] | None = None
    gpu_note: str = ""
    in_container: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    torch_cuda: str | None = None

    def version(self, package: str) -> tuple[int, ...] | None:
        """Return a version as numbers, e.g. ``(8, 4, 190)``; None if the package is not installed."""
        text = self.versions.get(package)
        return None if text is None else version_numbers(text)


@dataclass(frozen=True)
class Model:
    """What is trained.

    Attributes:
        name: As asked for, e.g. ``yolo12n.yaml``.
        yolo12: It is YOLO12 (attention in its backbone).
        scale: ``n s m l x``, None if the name tells none.
        parameters: Number of weights, from the trainer's own model file, or from the size of a checkpoint.
        task: ``detect segment pose obb classify`` ...
        source: Where it comes from: ``file`` (it is here), ``trainer`` (its own), ``download`` (weights that the trainer
            fetches), ``nowhere``, or None.
        near: Names that the trainer knows and that were probably meant, nearest first.
    """

    name: str = "yolo12n.yaml"
    yolo12: bool = True
    scale: str | None = "n"
    parameters: int | None = None
    task: str = "detect"
    source: str | None = None
    near: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fault:
    """Why the trainer would leave images out: the reason, how many, and one of them."""

    reason: str
    images: int
    example: str


@dataclass(frozen=True)
class Split:
    """What one split of the data set holds.

    Attributes:
        name: ``train`` or ``val``.
        absent: Paths that data.yaml names and that do not exist.
        images: Image files found.
        read: Images whose label files were looked at; fewer than ``images`` in a very large set.
        missing: Of those read: without a label file.
        empty: Of those read: with an empty one.
        faults: Of those read: what the trainer would leave out, and why.
        box_files: Label files that hold boxes (five numbers a line).
        polygon_files: Label files that hold polygons.
        objects: Labelled objects.
        instances: Objects by class id.
        repeated: Lines that stand twice in one file.
        most_objects: Objects in the fullest image.
        fullest: That image.
        sizes: Width and height in pixels of a sample of images.
        unreadable: Of that sample, images whose header cannot be read.
    """

    name: str
    absent: tuple[str, ...] = ()
    images: int = 0
    read: int = 0
    missing: int = 0
    empty: int = 0
    faults: tuple[Fault, ...] = ()
    box_files: int = 0
    polygon_files: int = 0
    objects: int = 0
    instances: Mapping[int, int] = field(default_factory=dict)
    repeated: int = 0
    most_objects: int = 0
    fullest: str = ""
    sizes: tuple[tuple[int, int], ...] = ()
    unreadable: int = 0

    def scope(self) -> str:
        """Say how much was looked at, e.g. ``of 32 train images``, or ``of 200000 looked at (of 400000 ...)``."""
        if self.read == self.images:
            return f"of {self.images} {self.name} images"
        return f"of {self.read} {self.name} images looked at ({self.images} in all)"


@dataclass(frozen=True)
class DataSet:
    """What data.yaml describes.

    Attributes:
        path: The file.
        names: Class names by id.
        train: Training images and labels.
        val: Those for validation; None if data.yaml names none.
        shared: Images with the same file name and size in both.
        shared_example: One of them.
        downloads: The trainer fetches the images if they are absent.
        not_read: Why labels were not looked at (a task without label files); empty otherwise.
    """

    path: str
    names: Mapping[int, str]
    train: Split
    val: Split | None = None
    shared: int = 0
    shared_example: str = ""
    downloads: bool = False
    not_read: str = ""

    @property
    def nc(self) -> int:
        """Number of classes."""
        return len(self.names)

    def splits(self) -> tuple[Split, ...]:
        """Return train, and val if there is one."""
        return (self.train,) if self.val is None else (self.train, self.val)


@dataclass(frozen=True)
class Situation:
    """Everything a check may look at.

    Attributes:
        requested: Arguments as the user gave them.
        defaults: The trainer's own defaults.
        machine: Where it will run.
        model: What is trained.
        data: On what; None if no data set was named.
    """

    requested: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    machine: Machine = field(default_factory=Machine)
    model: Model = field(default_factory=Model)
    data: DataSet | None = None

    def value(self, name: str) -> Any:
        """Return an argument in force: as asked for, else the default."""
        return self.requested.get(name, self.defaults.get(name))

    def number(self, name: str) -> float:
        """Return a numeric argument in force; the default where what was asked for is no number, 0 without one."""
        for source in (self.requested, self.defaults):
            value = source.get(name)
            if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
                return float(value)
        return 0.0

    def asked(self, name: str) -> bool:
        """Whether the user gave this argument."""
        return name in self.requested

    @property
    def trainer(self) -> tuple[int, ...] | None:
        """Version of Ultralytics; None if it is not installed."""
        return self.machine.version("ultralytics")

    @property
    def devices(self) -> tuple[str, ...]:
        """Devices asked for, one a rank, e.g. ``("0", "1")``; empty if the trainer chooses."""
        value = self.value("device")
        if value is None or value == "":
            return ()
        words = value if isinstance(value, list | tuple) else str(value).strip("[]() ").split(",")
        return tuple(str(w).strip().removeprefix("cuda:") for w in words if str(w).strip())

    @property
    def ranks(self) -> int:
        """Processes that train, one a device."""
        return max(len(self.devices), 1)

    @property
    def gpus(self) -> tuple[Gpu, ...] | None:
        """The CUDA devices that will train; empty: none; None: could not tell."""
        chosen = self.devices
        if chosen and not all(re.fullmatch(r"-?\d+", d) for d in chosen):
            return ()
        visible = self.machine.gpus
        if not visible:
            return visible
        named = tuple(visible[int(d)] for d in chosen if 0 <= int(d) < len(visible))
        return named or visible[:1]

    @property
    def batch(self) -> int | None:
        """Images per micro-batch over all ranks; None if the trainer finds it itself."""
        value = self.number("batch")
        return int(value) if value >= 1 else None

    @property
    def accumulate(self) -> int | None:
        """Micro-batches per optimizer step: ``max(round(nbs / batch), 1)``, as in Ultralytics' engine/trainer.py."""
        return None if self.batch is None else max(round(self.number("nbs") / self.batch), 1)

    @property
    def epochs(self) -> int:
        """Epochs planned."""
        return max(int(self.number("epochs")), 1)

    @property
    def train_images(self) -> int | None:
        """Images that are trained on, after ``fraction``; those whose labels are faulty are left out."""
        if self.data is None or not self.data.train.images:
            return None
        split = self.data.train
        faulty = sum(f.images for f in split.faults) / split.read if split.read else 0.0
        count = split.images * (1.0 - faulty)
        fraction = self.value("fraction")
        if isinstance(fraction, list | tuple) and fraction:
            fraction = fraction[0]
        if isinstance(fraction, int | float) and not isinstance(fraction, bool) and fraction > 0:
            # Above 1 it is a number of images.
            count = min(count, fraction) if fraction > 1 else count * fraction
        return max(round(count), 1)

    @property
    def batches_per_epoch(self) -> int | None:
        """Micro-batches per epoch."""
        if self.batch is None or self.train_images is None:
            return None
        return math.ceil(self.train_images / self.batch)

    def workers_per_rank(self) -> int:
        """Loader processes of one rank: the trainer's ``min(cpus // devices, workers, batches)`` (data/build.py)."""
        wanted = max(int(self.number("workers")), 0)
        if self.machine.cpu_count is not None:
            wanted = min(wanted, self.machine.cpu_count // max(len(self.machine.gpus or ()), 1))
        batches = self.batches_per_epoch
        return 0 if batches == 1 else wanted if batches is None else min(wanted, batches)


def version_numbers(text: str) -> tuple[int, ...]:
    """Return the leading numbers of a version: ``2.14.1+cu130`` is ``(2, 14, 1)``."""
    found = re.match(r"\d+(?:\.\d+)*", text)
    return tuple(int(n) for n in found.group().split(".")) if found else ()
