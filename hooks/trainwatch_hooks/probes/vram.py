"""Device memory of the caching allocator, and what is free on the device.

Columns: ``vram_allocated_bytes vram_reserved_bytes vram_peak_bytes vram_inactive_split_bytes vram_free_bytes``.
Cost: none without CUDA. With CUDA the allocator's counters are host-side (no synchronisation); reading them is
limited to every ``EVERY`` steps. Peak is the allocator's own since the process began: it is never reset, since other
readers share it. Not yet measured on a device.
"""

from __future__ import annotations

from typing import Any, Final

EVERY: Final = 10
"""Steps between two readings."""

_COUNTERS: Final = {
    "vram_allocated_bytes": "allocated_bytes.all.current",
    "vram_reserved_bytes": "reserved_bytes.all.current",
    "vram_peak_bytes": "allocated_bytes.all.peak",
    "vram_inactive_split_bytes": "inactive_split_bytes.all.current",
}


def columns(stats: dict[str, Any], free_bytes: int | None) -> dict[str, float]:
    """Pick the columns out of ``torch.cuda.memory_stats()``."""
    row = {name: float(stats[key]) for name, key in _COUNTERS.items() if key in stats}
    if free_bytes is not None:
        row["vram_free_bytes"] = float(free_bytes)
    return row


def read(device: Any) -> dict[str, float]:
    """Return the columns for a CUDA device, an empty dict for any other."""
    if getattr(device, "type", None) != "cuda":
        return {}
    import torch

    return columns(torch.cuda.memory_stats(device), torch.cuda.mem_get_info(device)[0])
