"""cache: gives unused device memory back, regularly and when it lies in pieces, and asks for segments that can grow.

What it does:
    Runs Python's garbage collector and empties PyTorch's cache of device memory every 50 epochs, and whenever the
    share of reserved memory that holds no tensor stays above 40 % at the ends of two epochs in a row.
    ``trainwatch train`` sets ``PYTORCH_ALLOC_CONF=expandable_segments:True`` before PyTorch is imported.

Why it matters:
    Batches of changing shape (multi_scale, rect, many objects) split the allocator's blocks; what is free then lies in
    pieces that the next large tensor does not fit into. The source: with a clearing every 50 epochs the reserved memory
    moved by less than 0.5 GB over 600 epochs. On another model ``expandable_segments`` took 16.4 to 10.8 GB
    (torchtune issue 1185).

How it works:
    At the end of an epoch, after validation. Ultralytics itself empties the cache only above 50 % of the device's
    memory. Emptying cannot free live tensors, and costs the next steps their allocations anew: seldom is enough. Every
    clearing is an event with the bytes reserved before and after. The allocator reads its setting once, when PyTorch is
    imported: where that has happened already, an event says what to export.

Settings:
    every_epochs = 50       epochs between two clearings; 0: only on fragmentation
    max_unused_share = 0.4  (reserved - allocated) / reserved above which it is fragmented; 1: never
    least_gib = 0.5         less unused memory than this is no reason to clear

What it does not do:
    On a CPU it only collects garbage: there is no cache. It does not mend a leak (see memory-creep). Not measured on a
    device yet: the calls are tested with recorded values.

References:
    The seven techniques, 5.3 (``torch.cuda.graph_cache_clear``, which its snippet calls, does not exist). PyTorch, CUDA
    semantics: memory management. Threshold: ultralytics.md A-1 1.5.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from trainwatch_hooks.stabilisers.base import Control, Stabiliser, require

GIB: Final = 1 << 30
ALLOCATOR: Final = "expandable_segments:True"
VARIABLES: Final = ("PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF")
"""The name since PyTorch 2.9, and the one before, which is still read."""
LOOKS: Final = 2
"""Ends of epochs in a row at which the memory must lie in pieces: one may follow a single large batch."""


@dataclass(frozen=True, slots=True)
class Settings:
    """See the module's text."""

    every_epochs: int = 50
    max_unused_share: float = 0.4
    least_gib: float = 0.5

    def __post_init__(self) -> None:
        require(self.every_epochs >= 0, f"every_epochs is {self.every_epochs}; it cannot be negative")
        require(
            0 < self.max_unused_share <= 1,
            f"max_unused_share is {self.max_unused_share:g}; it must lie between 0 and 1",
        )
        require(self.least_gib >= 0, f"least_gib is {self.least_gib:g}; it cannot be negative")


class Memory(NamedTuple):
    """Bytes that the allocator holds, and that tensors use."""

    reserved: int
    allocated: int


def unused_share(memory: Memory) -> float:
    """Return the share of the reserved memory that holds no tensor."""
    return (memory.reserved - memory.allocated) / memory.reserved if memory.reserved else 0.0


def set_allocator(environ: MutableMapping[str, str], modules: Mapping[str, Any]) -> str | None:
    """Ask for expandable segments where that can still act.

    Args:
        environ: The environment; changed if PyTorch is not imported and nothing is set.
        modules: ``sys.modules``.

    Returns:
        None if it was set (or you had set it yourself), else what to type.
    """
    if any(name in environ for name in VARIABLES):
        return None
    if "torch" in modules:
        return f"export {VARIABLES[0]}={ALLOCATOR}"
    environ[VARIABLES[0]] = ALLOCATOR
    return None


class Cache(Stabiliser):
    """Clears; see the module's text."""

    settings_type = Settings

    def __init__(self, settings: Any, explicit: frozenset[str] = frozenset()) -> None:
        super().__init__(settings, explicit)
        self._fragmented = 0

    def setup(self, control: Control) -> None:
        """Say what to export where the allocator cannot be set any more."""
        advice = set_allocator(os.environ, sys.modules)
        if advice is not None and control.trainer.device.type == "cuda":
            control.note(
                "warning",
                f"cache: PyTorch was imported before the allocator could be set; before Python starts: {advice}",
            )

    def epoch_end(self, control: Control) -> None:
        """Clear if it is due, or the memory lies in pieces."""
        every, memory = self.settings.every_epochs, self.memory(control.trainer.device)
        unused = unused_share(memory)
        in_pieces = (
            unused > self.settings.max_unused_share
            and memory.reserved - memory.allocated >= self.settings.least_gib * GIB
        )
        self._fragmented = self._fragmented + 1 if in_pieces else 0
        due = bool(every) and (control.epoch + 1) % every == 0
        if not due and self._fragmented < LOOKS:
            return
        self._fragmented = 0
        self.clear(control.trainer.device)
        after = self.memory(control.trainer.device)
        if memory.reserved:
            why = (
                f"{100 * unused:.0f} % of {memory.reserved / GIB:.2f} GiB reserved held no tensor"
                if in_pieces
                else "regular"
            )
            control.note(
                "intervention",
                f"cache emptied ({why}): {memory.reserved / GIB:.2f} to {after.reserved / GIB:.2f} GiB reserved",
                reserved_before_bytes=memory.reserved,
                reserved_after_bytes=after.reserved,
                allocated_bytes=memory.allocated,
            )

    def memory(self, device: Any) -> Memory:
        """Read the allocator's counters (host side, no synchronisation); zeros where there is none."""
        if device.type != "cuda":
            return Memory(0, 0)
        import torch

        return Memory(torch.cuda.memory_reserved(device), torch.cuda.memory_allocated(device))

    def clear(self, device: Any) -> None:
        """Collect garbage, empty the cache."""
        gc.collect()
        if device.type == "cuda":
            import torch

            torch.cuda.empty_cache()
