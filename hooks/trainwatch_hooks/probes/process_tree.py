"""Memory of the whole process tree, what is still to be had, and room where batches and files go.

Columns: ``tree_rss_bytes``, ``tree_pss_bytes`` (loader workers included; Linux only for the second), ``host_free_bytes`` (the
page cache counts as free), ``shm_free_bytes``, ``disk_free_bytes``. Cost: nothing on the training thread; some milliseconds
every 30 s on the heartbeat's, which is why most rows have no value.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from trainwatch_hooks import environment

COLUMNS: Final = ("tree_rss_bytes", "tree_pss_bytes", "host_free_bytes", "shm_free_bytes", "disk_free_bytes")

SHARED_MEMORY: Final = Path("/dev/shm")


class ProcessTree:
    """Reads the columns.

    Args:
        run_dir: Whose disk counts.
    """

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._group = environment.memory_cgroup()

    def __call__(self) -> dict[str, float]:
        """Return what could be read."""
        row = _tree()
        free = environment.free_memory(self._group)
        if free is not None:
            row["host_free_bytes"] = float(free)
        for name, folder in (("shm_free_bytes", SHARED_MEMORY), ("disk_free_bytes", self._run_dir)):
            room = _room(folder)
            if room is not None:
                row[name] = room
        return row


def _tree() -> dict[str, float]:
    import psutil

    own = psutil.Process()
    rss, pss, complete = 0, 0, True
    for process in [own, *own.children(recursive=True)]:
        try:
            rss += process.memory_info().rss
            share = _pss(process.pid)
        except psutil.Error:  # a worker that ended meanwhile
            continue
        complete = complete and share is not None
        pss += share or 0
    row = {"tree_rss_bytes": float(rss)}
    return row | {"tree_pss_bytes": float(pss)} if complete else row


def _pss(pid: int) -> int | None:
    """Return the proportional share of a process in bytes; the kernel sums it up in one file since Linux 4.14."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) << 10
    except (OSError, ValueError, IndexError):
        return None
    return None


def _room(folder: Path) -> float | None:
    if not hasattr(os, "statvfs"):  # Windows
        return None
    try:
        found = os.statvfs(folder)
    except OSError:
        return None
    return float(found.f_bavail * found.f_frsize)
