"""What a run was made with: versions, hardware, limits, git, command line. Gathered once, at the start."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
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


def versions() -> dict[str, str]:
    """Return versions of Python and of the packages that matter, without importing them."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
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


def process() -> dict[str, Any]:
    """Return what identifies this process later: pid, host, start time, boot id."""
    import psutil

    return {
        "pid": os.getpid(),
        "host": platform.node(),
        "started_s": psutil.Process().create_time(),
        "boot_id": _first_line(Path("/proc/sys/kernel/random/boot_id")),
        "oom_kills": oom_kills(),
    }


def oom_kills() -> int | None:
    """Return the cgroup's count of processes killed for memory, None where the kernel does not tell."""
    for path in (Path("/sys/fs/cgroup/memory.events"), Path("/sys/fs/cgroup/memory/memory.oom_control")):
        try:
            for line in path.read_text().splitlines():
                name, _, value = line.partition(" ")
                if name == "oom_kill":
                    return int(value)
        except (OSError, ValueError):
            continue
    return None


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
    for path in (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")):
        text = _first_line(path)
        if (
            text and text.isdigit() and int(text) < 1 << 60
        ):  # "max", or a page-rounded 2**63 on version 1, mean no limit
            return int(text)
    return None


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
