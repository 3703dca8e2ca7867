"""Memory limits: how much a process can have, of the device and of the host, as far as the record tells."""

from __future__ import annotations

import numpy as np

from trainwatch.runs.run import Series


def device_limit_bytes(hardware: object, free: Series, reserved: Series) -> int | None:
    """Return the device memory that this process can have: the device's, less what others hold.

    Args:
        hardware: ``run.meta["hardware"]``, of any type.
        free: ``vram_free_bytes``; free + reserved is what is left to this process.
        reserved: ``vram_reserved_bytes``.

    Returns:
        The smaller of the two bounds; None if neither is known.
    """
    gpus = hardware.get("gpus") if isinstance(hardware, dict) else None
    totals = [int(g["total_bytes"]) for g in gpus or [] if isinstance(g, dict) and g.get("total_bytes")]
    n = min(len(free), len(reserved))
    if n and np.array_equal(free.step[-n:], reserved.step[-n:]):
        both = free.values[-n:] + reserved.values[-n:]
        if np.isfinite(both).any():
            totals.append(int(np.nanmedian(both)))
    return min(totals) if totals else None


def host_limit_bytes(hardware: object) -> int | None:
    """Return the smallest limit on the process's memory (container, address space, machine); None if unknown.

    Args:
        hardware: ``run.meta["hardware"]``, of any type.
    """
    if not isinstance(hardware, dict):
        return None
    limit = hardware.get("memory_limit_bytes") or hardware.get("memory_total_bytes")
    return int(limit) if isinstance(limit, int | float) and limit > 0 else None
