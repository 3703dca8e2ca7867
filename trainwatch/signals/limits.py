"""Memory limits: how much a process can have, of the device and of the host, as far as the record tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from trainwatch.runs.oom import place_of
from trainwatch.runs.run import Run, Series

NEAR_LIMIT = 0.85
"""Share of a limit from which a process may have hit it: loader workers and page tables take the rest."""


class HostLimit(NamedTuple):
    """A limit on the memory of a process: which one, how much it is, and how much was used of what it counts."""

    kind: str
    bytes: int
    used_bytes: int | None


def limit_hit(memory: object, asked_bytes: int = 0) -> HostLimit | None:
    """Return the limit that a failed allocation of the host hit, of those that were read when it failed.

    Args:
        memory: ``data["memory"]`` of the event, of any type (hooks: ``environment.memory_in_force``).
        asked_bytes: What was asked for.

    Returns:
        ``address_space`` (counts what is mapped), ``container`` or ``machine`` (count what is resident); None where none
        was recorded.
    """
    if not isinstance(memory, Mapping):
        return None

    def count(name: str) -> int | None:
        value: Any = memory.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None

    space, mapped, resident = (count(n) for n in ("address_space_limit_bytes", "address_space_bytes", "rss_bytes"))
    if space is not None and mapped is not None and mapped + asked_bytes >= NEAR_LIMIT * space:
        return HostLimit("address_space", space, mapped)
    others = [(n, kind) for n, kind in (("cgroup_limit_bytes", "container"), ("machine_bytes", "machine")) if count(n)]
    bounds = [HostLimit(kind, count(n) or 0, resident) for n, kind in others]
    return min(bounds, key=lambda b: b.bytes, default=None)


def drawn_host_limit(run: Run) -> float | None:
    """Return the limit to draw beside resident memory: none that was not in force where memory ran out.

    A process that ran out far below the limit of its start hit another one.
    """
    limit = host_limit_bytes(run.meta.get("hardware"))
    failed = next((e for e in reversed(run.events) if place_of(e) == "host"), None)
    if failed is None or limit is None:
        return None if limit is None else float(limit)
    data = failed.get("data")
    hit = limit_hit(data.get("memory")) if isinstance(data, Mapping) else None
    if hit is not None:
        return None if hit.kind == "address_space" else float(hit.bytes)
    held = run.step_series("rss_bytes").values
    held = held[np.isfinite(held)]
    return float(limit) if len(held) and held[-1] >= NEAR_LIMIT * limit else None


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
