"""Whether the disk holds the checkpoints of the whole training.

What it does:
    Estimates all checkpoints from the model's number of weights, adds the image cache if it is on disk, and compares
    with the free space. Says so if nothing is saved at all.

Why it matters:
    A full disk ends the training with an exception in the epoch in which it fills up, and the checkpoint being written
    then is damaged.

How it decides:
    While it trains, a checkpoint of Ultralytics holds the averaged weights in half precision and the optimizer's state:
    4 bytes per weight with SGD (one momentum), 6 with MuSGD (two), 10 with the Adam family (two moments, kept in single
    precision; ``auto`` counts as such). There are
    last.pt, best.pt, and one for every ``save_period`` epochs. trainwatch's own, if it keeps them, hold 4 copies in
    single precision (16 bytes per weight), in ``own_files`` (3) files: latest, best, and one being written. ``cache=disk``
    adds every image as it is on disk, decoded. Bad if the sum does not fit; a warning if less than ``reserve`` (1 GiB)
    plus three checkpoints would be left.

What to do:
    Free space, a larger ``save_period`` (or -1: none), ``cache=False``, another ``project``.

References:
    Ultralytics 8.4.190 engine/trainer.py, save_model; utils/torch_utils.py, convert_optimizer_state_dict_to_fp16; data/
    base.py, check_cache_disk; issue 8422. The three sizes
    were measured on checkpoints of yolo12n.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from trainwatch.detectors._words import size
from trainwatch.doctor._situation import Situation
from trainwatch.doctor.base import Check, Line

GIB = 2**30


@dataclass(frozen=True)
class CheckpointDisk(Check):
    """Free space against everything that will be written.

    Attributes:
        sgd_bytes: Bytes per weight of a checkpoint with SGD.
        musgd_bytes: The same with MuSGD.
        adam_bytes: The same with the Adam family.
        own_bytes: Bytes per weight of trainwatch's full-state checkpoint.
        own_files: How many of those there are at most.
        reserve: Bytes that should stay free, beside three checkpoints.
    """

    title: ClassVar[str] = "Disk space for checkpoints"

    sgd_bytes: int = 4
    musgd_bytes: int = 6
    adam_bytes: int = 10
    own_bytes: int = 16
    own_files: int = 3
    reserve: int = GIB

    def judge(self, situation: Situation) -> list[Line]:
        """Return one line, or two where the image cache goes to another disk."""
        machine, weights = situation.machine, situation.model.parameters
        if situation.value("save") is False:
            return self.bad("save=False", "No checkpoint is written: a crash loses everything.", {"save": True})
        cache = self.cache_bytes(situation)
        lines: list[Line] = []
        if cache and not machine.same_disk and machine.data_disk_free_bytes is not None:
            if cache > machine.data_disk_free_bytes:
                lines = self.warn(
                    f"cache=disk needs {size(cache)} beside the images, {size(machine.data_disk_free_bytes)} are free",
                    "The trainer then caches nothing, and reads every image anew.",
                    {"cache": False},
                )
            cache = 0
        if machine.disk_free_bytes is None:
            return [*lines, *self.unknown(f"could not tell the free space of {machine.disk_path}")]
        if weights is None:
            return [
                *lines,
                *self.unknown(
                    f"{size(machine.disk_free_bytes)} free in {machine.disk_path}; could not tell the size of "
                    f"{situation.model.name}"
                ),
            ]
        one = weights * self.bytes_per_weight(str(situation.value("optimizer")))
        period = int(situation.number("save_period"))
        copies = situation.epochs // period if period > 0 else 0
        need = one * (2 + copies) + weights * self.own_bytes * self.own_files + cache
        parts = (
            f"{2 + copies} checkpoints of {size(one)}, {self.own_files} full states of {size(weights * self.own_bytes)}"
        )
        parts += f", image cache {size(cache)}" if cache else ""
        found = f"{size(machine.disk_free_bytes)} free in {machine.disk_path}; needed {size(need)} ({parts})"
        less: dict[str, Any] = {"cache": False} if cache else {}
        if copies > 10:
            less["save_period"] = max(situation.epochs // 10, 1)
        left = machine.disk_free_bytes - need
        if left < 0:
            return [*lines, *self.bad(found, "The training ends when the disk is full.", less, "df -h .")]
        if left < 3 * one + self.reserve:
            return [*lines, *self.warn(found, "Plots, logs and one more run may fill it.", less, "df -h .")]
        return [*lines, *self.ok(found)]

    def bytes_per_weight(self, optimizer: str) -> int:
        """Return the bytes that a checkpoint holds for each weight, with this optimizer."""
        name = optimizer.lower()
        return {"sgd": self.sgd_bytes, "rmsprop": self.sgd_bytes, "musgd": self.musgd_bytes}.get(name, self.adam_bytes)

    def cache_bytes(self, situation: Situation) -> int:
        """Return the bytes of ``cache=disk``: every image decoded, at its own size."""
        data = situation.data
        if data is None or str(situation.value("cache")).lower() != "disk":
            return 0
        total = 0.0
        for split in data.splits():
            if split.sizes:
                total += split.images * sum(3 * w * h for w, h in split.sizes) / len(split.sizes)
        return int(total)
