"""What a dead process leaves behind: its last signs of life, its fault log, and what the machine says now.

Facts only; ``trainwatch.runs.death`` judges them. A successor in the same folder takes them into its start event, since
its own signs will stand in the same files.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from trainwatch_hooks import environment

MAX_BYTES: Final = 1 << 20
FAULT_CHARACTERS: Final = 4000


def signs_of_predecessor(folder: Path, rank: int) -> dict[str, Any]:
    """Return ``{"predecessor": signs}`` if a process has recorded here before, else an empty dict."""
    signs = signs_of_life(folder, rank)
    return {"predecessor": {**signs, "now": machine_now(signs)}} if signs else {}


def signs_of_life(folder: Path, rank: int) -> dict[str, Any]:
    """Return the heartbeat of a rank with its fault log under ``fault``; an empty dict without a heartbeat.

    Args:
        folder: The record's folder.
        rank: Which rank.
    """
    beat = _read_json(folder / f"heartbeat-rank{rank}.json")
    if not beat:
        return {}
    head, _, fault = _read_text(folder / f"faulthandler-rank{rank}.log").partition("\n")
    if fault and head.startswith(f"# pid {beat.get('pid')},"):
        beat["fault"] = fault[:FAULT_CHARACTERS]
    return beat


def machine_now(signs: dict[str, Any]) -> dict[str, Any]:
    """Return what this machine says now that bears on the end of the process that left ``signs``.

    Returns:
        ``host``, ``boot_id``, ``booted_s`` (Unix), and the counters of processes killed for memory.
    """
    import platform

    group = signs.get("memory_cgroup")
    return {
        "host": platform.node(),
        "boot_id": environment.boot_id(),
        "booted_s": environment.booted_s(),
        "oom_kills": environment.oom_kills(Path(group)) if isinstance(group, str) else None,
        "machine_oom_kills": environment.machine_oom_kills(),
    }


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(_read_text(path) or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            return ""
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
