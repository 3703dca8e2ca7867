"""What a run was made with: versions, hardware, limits, git, command line. Gathered once, at the start."""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

PACKAGES: Final = (
    "trainwatch-toolkit",
    "torch",
    "torchvision",
    "ultralytics",
    "flash-attn",
    "lightning",
    "transformers",
    "numpy",
)
_GIT_TIMEOUT_S: Final = 3.0

CGROUPS: Final = Path("/sys/fs/cgroup")

EVENT_FILES: Final = ("memory.events", "memory.oom_control")
"""Where a control group counts its killed processes: version 2, version 1."""

NO_LIMIT: Final = 1 << 60
"""Limits from here on mean none: version 1 writes a page-rounded 2**63."""


def world_size(trainer: Any) -> int:
    """Return how many processes train together.

    Ultralytics' trainers know it themselves from 8.4 on (0 on a CPU); the variable ``WORLD_SIZE`` may be the launcher's
    of something else.
    """
    told = getattr(trainer, "world_size", None)
    if told is not None:
        return max(int(told), 1)
    torch = sys.modules.get("torch")
    if torch is not None and torch.distributed.is_available() and torch.distributed.is_initialized():
        return int(torch.distributed.get_world_size())
    return 1


def versions() -> dict[str, str]:
    """Return versions of Python and of the packages that matter, without importing them."""
    from importlib import metadata  # late: whoever reads a record needs the rest of this module only

    found = {"python": platform.python_version(), "platform": platform.platform()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def hardware() -> dict[str, Any]:
    """Return cores, memory in bytes, the smallest memory limit in force, and the CUDA devices if torch is loaded."""
    import psutil

    total = int(psutil.virtual_memory().total)
    limits = [n for n in (total, _cgroup_limit_bytes(), _address_space_limit_bytes()) if n is not None]
    return {
        "cpu": platform.processor() or platform.machine(),
        "cpu_count": os.cpu_count(),
        "memory_total_bytes": total,
        "memory_limit_bytes": min(limits),
        "address_space_limit_bytes": _address_space_limit_bytes(),
        "gpus": _gpus(),
    }


def memory_in_force() -> dict[str, int]:
    """Return what bounds this process's memory now, and what it uses, in bytes; what cannot be told is left out.

    Read where memory ran out: a limit may be set after the start (``ulimit``, ``resource.setrlimit``, a scheduler), and the
    address space counts what is mapped, not what is resident.
    """

    def machine() -> int:
        import psutil

        return int(psutil.virtual_memory().total)

    def used(name: str) -> int:
        import psutil

        return int(getattr(psutil.Process().memory_info(), name))

    asked: dict[str, Callable[[], int | None]] = {
        "address_space_limit_bytes": _address_space_limit_bytes,
        "cgroup_limit_bytes": _cgroup_limit_bytes,
        "machine_bytes": machine,
        "address_space_bytes": lambda: used("vms"),
        "rss_bytes": lambda: used("rss"),
    }
    found = {}
    for name, ask in asked.items():
        with contextlib.suppress(Exception):  # memory is short: each may fail by itself
            value = ask()
            if value is not None:
                found[name] = value
    return found


def process() -> dict[str, Any]:
    """Return what identifies this process later: pid, host, start time, boot id, and what its end is told by."""
    import psutil

    group = memory_cgroup()
    return {
        "pid": os.getpid(),
        "host": platform.node(),
        "started_s": psutil.Process().create_time(),
        "boot_id": boot_id(),
        "memory_cgroup": str(group) if group is not None else None,
        "oom_kills": oom_kills(group),
        "machine_oom_kills": machine_oom_kills(),
    }


def boot_id() -> str | None:
    """Return the kernel's name for the time since the last boot, None where there is none."""
    return _first_line(Path("/proc/sys/kernel/random/boot_id"))


def booted_s() -> float | None:
    """Return the Unix time of the last boot, None where the kernel does not tell."""
    found = _entry(Path("/proc/stat"), "btime")
    return None if found is None else float(found)


def memory_cgroup() -> Path | None:
    """Return the folder of the memory control group of this process, None where there is none.

    In a container that sees only its own group the path of /proc/self/cgroup does not exist; the root is it then.
    """
    for root, controller in ((CGROUPS / "memory", "memory"), (CGROUPS, "")):
        try:
            lines = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
        except OSError:
            return None
        for _, controllers, path in (x for x in lines if len(x) == 3):
            if controller in controllers.split(","):
                for folder in (root / path.lstrip("/"), root):
                    if any((folder / name).is_file() for name in EVENT_FILES):
                        return folder
    return None


def oom_kills(group: Path | None) -> int | None:
    """Return how many processes of a control group the kernel has killed for memory, None where it does not tell."""
    for name in EVENT_FILES if group is not None else ():
        count = _entry(Path(str(group)) / name, "oom_kill")
        if count is not None:
            return count
    return None


def machine_oom_kills() -> int | None:
    """Return how many processes of the whole machine the kernel has killed for memory since it booted."""
    return _entry(Path("/proc/vmstat"), "oom_kill")


def free_memory(group: Path | None) -> int | None:
    """Return the bytes that this process may still get: the machine's or its group's, whichever is less.

    The page cache counts as free, because the kernel gives it up first: MemAvailable of /proc/meminfo, and in a group
    the limit less what is used beyond inactive file pages.
    """
    kib = _entry(Path("/proc/meminfo"), "MemAvailable:")
    free = [kib << 10] if kib is not None else []
    if group is not None:
        limit, used = (
            next((n for n in (_number(group / name) for name in names) if n is not None), None)
            for names in (("memory.max", "memory.limit_in_bytes"), ("memory.current", "memory.usage_in_bytes"))
        )
        if limit is not None and used is not None and limit < NO_LIMIT:
            cache = _entry(group / "memory.stat", "inactive_file") or 0
            free.append(max(limit - used + cache, 0))
    return min(free) if free else None


def git(folder: Path) -> dict[str, Any]:
    """Return commit, branch and whether there are uncommitted changes; empty outside a checkout or without git."""

    def ask(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(folder), *words],
            capture_output=True,
            text=True,
            timeout=_GIT_TIMEOUT_S,
            check=True,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        ).stdout.strip()

    try:
        return {
            "commit": ask("rev-parse", "HEAD"),
            "branch": ask("rev-parse", "--abbrev-ref", "HEAD"),
            "dirty": bool(ask("status", "--porcelain", "--untracked-files=no")),
        }
    except (OSError, subprocess.SubprocessError):
        return {}


def command() -> list[str]:
    """Return the command line as the interpreter got it."""
    return [sys.executable or "python", *(sys.orig_argv[1:] if len(sys.orig_argv) > 1 else sys.argv)]


def _gpus() -> list[dict[str, Any]]:
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return []
    found = []
    for i in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(i)
        found.append(
            {
                "name": properties.name,
                "total_bytes": int(properties.total_memory),
                "capability": f"{properties.major}.{properties.minor}",
            }
        )
    return found


def _cgroup_limit_bytes() -> int | None:
    """Return the smallest limit from the process' own group up to the root: a parent's limit binds its children."""
    group = memory_cgroup()
    folders = [CGROUPS, CGROUPS / "memory"] + ([group, *group.parents] if group is not None else [])
    limits = [
        limit
        for folder in folders
        if folder.is_relative_to(CGROUPS)
        for name in ("memory.max", "memory.limit_in_bytes")
        if (limit := _number(folder / name)) is not None and limit < NO_LIMIT
    ]
    return min(limits, default=None)


def _address_space_limit_bytes() -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if soft == resource.RLIM_INFINITY else int(soft)


def _first_line(path: Path) -> str | None:
    try:
        return path.read_text().strip().splitlines()[0]
    except (OSError, IndexError, UnicodeDecodeError):
        return None


def _number(path: Path) -> int | None:
    text = _first_line(path)
    return int(text) if text is not None and text.isdigit() else None


def _entry(path: Path, wanted: str) -> int | None:
    """Return the number behind a name in a file of lines ``name number``."""
    try:
        for line in path.read_text().splitlines():
            words = line.split()
            if len(words) > 1 and words[0] == wanted:
                return int(words[1])
    except (OSError, ValueError):
        return None
    return None
