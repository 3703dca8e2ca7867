"""cache: gives unused device memory back, every few epochs and when the allocator holds too much of it.

What it does:
    Runs Python's garbage collector and empties PyTorch's cache of device memory every 50 epochs, and when the cache
    has held 40 % more than was ever needed for 50 readings in a row. Says how to make the allocator's segments
    expandable if they are not. On a CPU only the garbage collector runs.

Why it matters:
    Images of varying size and numbers of objects leave pieces in the cache that fit nothing; in the end a request
    fails although enough is free. The source empties the cache every 50 epochs and reports that memory then fluctuated
    by less than 0.5 GB over 600 epochs. That figure is the source's, for its GPUs.

How it works:
    ``gc.collect()``, then ``torch.cuda.empty_cache()``: it returns what no tensor uses, and no more. Each clearing is
    an event with the bytes before and after. The counters are the allocator's own on the host (no synchronisation),
    read every 10 micro-batches.

    The share is (reserved - largest allocated so far) / reserved. With the memory allocated *now* in its place, as
    it is often written, a healthy training is above 0.4 between any two steps, since the activations have just been
    freed; the cache would be emptied, and filled again, for ever. After a clearing the next may come an epoch later.

    Ultralytics empties the cache itself at the end of an epoch if more than half of the device is in use; that stays.
    ``torch.cuda.graph_cache_clear``, which the source calls, does not exist.

    :func:`allocator_environment` gives the environment variable for a program that starts trainings; it works only
    before PyTorch is imported.

Settings:
    every = 50        epochs between two clearings; 0: never by the calendar
    threshold = 0.4   share of the reserved memory that was never needed; 1: never by the share
    readings = 50     readings in a row above the threshold, 10 micro-batches apart
    allocator = true  say what to export if the allocator's segments are not expandable

What it does not do:
    It cannot free tensors that are in use, and it cannot cure a leak. On a CPU it changes no memory worth mentioning and
    does not touch the C library's heap. No GPU has been measured.

References:
    The seven techniques, 5. PyTorch documentation, CUDA semantics, memory management (``PYTORCH_ALLOC_CONF``, before
    2.9 ``PYTORCH_CUDA_ALLOC_CONF``).
"""

from __future__ import annotations

import gc
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from trainwatch_hooks.stabilisers.base import Control, Stabiliser, require

EXPANDABLE: Final = "expandable_segments"
NAME, OLD_NAME = "PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF"
RENAMED_IN: Final = (2, 9)
"""PyTorch version from which the variable has its new name; the old one still works there."""
STEPS_PER_READING: Final = 10


@dataclass(frozen=True, slots=True)
class Settings:
    """See the module's text."""

    every: int = 50
    threshold: float = 0.4
    readings: int = 50
    allocator: bool = True

    def __post_init__(self) -> None:
        require(self.every >= 0, f"every is {self.every}; give a number of epochs, or 0 for never")
        require(0 < self.threshold <= 1, f"threshold is {self.threshold:g}; it must lie between 0 and 1")
        require(self.readings >= 1, f"readings is {self.readings}; it must be at least 1")


class Memory(NamedTuple):
    """Counters of the caching allocator in bytes.

    Attributes:
        reserved: Held by the allocator.
        allocated: Held by live tensors.
        peak: Largest allocated amount since the process began.
    """

    reserved: int
    allocated: int
    peak: int

    @property
    def unused(self) -> float:
        """Share of the reserved memory that was never needed at once."""
        return (self.reserved - self.peak) / self.reserved if self.reserved else 0.0


class Cuda:
    """The calls to the device, in one place.

    Args:
        device: A CUDA device.
    """

    def __init__(self, device: Any) -> None:
        self._device = device

    def read(self) -> Memory:
        """Return the counters; on the host, without synchronisation."""
        import torch

        stats = torch.cuda.memory_stats(self._device)
        keys = ("reserved_bytes.all.current", "allocated_bytes.all.current", "allocated_bytes.all.peak")
        return Memory(*(int(stats.get(key, 0)) for key in keys))

    def empty(self) -> None:
        """Give the device what no tensor uses."""
        import torch

        with torch.cuda.device(self._device):
            torch.cuda.empty_cache()


def device_memory(device: Any) -> Cuda | None:
    """Return the calls for a CUDA device, None for any other."""
    return Cuda(device) if getattr(device, "type", None) == "cuda" else None


def allocator_environment(
    environment: Mapping[str, str] | None = None, *, version: str | None = None, platform: str = sys.platform
) -> dict[str, str]:
    """Return the environment variables that make PyTorch's segments expandable; empty if there is nothing to set.

    A program that starts trainings puts them into ``os.environ`` before anything imports PyTorch.

    Args:
        environment: The environment as it is; None: this process'.
        version: PyTorch's version; None: the installed one, found without importing it.
        platform: As ``sys.platform``; only Linux has expandable segments.
    """
    environment = os.environ if environment is None else environment
    if platform != "linux":
        return {}
    if version is None:
        version = _torch_version()
    if not version:
        return {}
    new = tuple(map(int, re.findall(r"\d+", version)[:2])) >= RENAMED_IN
    given = {name: environment[name] for name in (NAME, OLD_NAME) if environment.get(name)}
    if any(EXPANDABLE in value or "cudaMallocAsync" in value for value in given.values()):
        return {}
    # A variable that the user has set is added to, under the name that they chose.
    name = next(iter(given), NAME if new else OLD_NAME)
    return {name: ",".join(filter(None, (given.get(name), f"{EXPANDABLE}:True")))}


def _torch_version() -> str:
    from importlib import metadata

    try:
        return metadata.version("torch")
    except metadata.PackageNotFoundError:
        return ""


class Cache(Stabiliser):
    """Empties the cache; see the module's text."""

    settings_type = Settings

    def __init__(self, settings: Settings, explicit: frozenset[str] = frozenset()) -> None:
        super().__init__(settings, explicit)
        self._device: Cuda | None = None
        self._steps = 0
        self._above = 0
        self._cleared_epoch = -1

    def setup(self, control: Control) -> None:
        """Find the device; say what to export."""
        self._device = device_memory(control.trainer.device)
        if self._device is None or not self.settings.allocator:
            return
        missing = allocator_environment()
        if missing:
            exports = " ".join(f"{k}={v}" for k, v in missing.items())
            control.note(
                "warning",
                f"cache: the allocator's segments are not expandable; export {exports} before starting Python",
                environment=missing,
            )

    def batch_end(self, control: Control) -> None:
        """Read the counters; clear when too much has been unused for long."""
        if self._device is None:
            return
        self._steps += 1
        if self._steps % STEPS_PER_READING:
            return
        memory = self._device.read()
        self._above = self._above + 1 if memory.unused > self.settings.threshold else 0
        if self._above >= self.settings.readings and control.epoch != self._cleared_epoch:
            self._clear(control, f"{memory.unused:.0%} of the reserved memory was never needed at once")

    def epoch_end(self, control: Control) -> None:
        """Clear by the calendar."""
        every = self.settings.every
        if every and (control.epoch + 1) % every == 0 and control.epoch + 1 < control.epochs:
            self._clear(control, f"every {every} epochs")

    def _clear(self, control: Control, why: str) -> None:
        self._above, self._cleared_epoch = 0, control.epoch
        before = None if self._device is None else self._device.read()
        objects = gc.collect()
        data: dict[str, Any] = {"why": why, "objects": objects}
        if self._device is None or before is None:
            control.note("intervention", f"garbage collected ({why}): {objects} objects", **data)
            return
        self._device.empty()
        after = self._device.read()
        control.note(
            "intervention",
            f"cache emptied ({why}): reserved {before.reserved / 2**20:.0f} MiB, now {after.reserved / 2**20:.0f} MiB",
            reserved_bytes_before=before.reserved,
            reserved_bytes_after=after.reserved,
            allocated_bytes_before=before.allocated,
            allocated_bytes_after=after.allocated,
            **data,
        )
